"""BioNeMo's TopK SAEs: `checkpoint_final.pt` with model_state_dict and model_config.

    acts = TopK(relu((x' - pre_bias) @ encoder.weight.T + latent_bias));  x_hat' = acts @ decoder.weight.T + pre_bias

where x' is x, or with `normalize_input` (x - mean) / (std + 1e-8) of each residue, which is undone at the end.

Read `load`.

Source: BioNeMo, `sae/architectures/topk.py` and `training.py` (format only).
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from protsae.errors import ArtifactError
from protsae.sae.loaders import tensors
from protsae.sae.loaders.facts import Foreign, Stated, Told, ask, needed_k

WEIGHTS = "checkpoint_final.pt"


def recognises(path: Path) -> bool:
    """Whether the file is called as BioNeMo's are."""
    return (path / WEIGHTS).is_file() or (
        path.is_file() and path.name.startswith("checkpoint_") and path.suffix == ".pt"
    )


def load(path: Path, told: Told) -> Foreign:
    """Read the file, or the final one of a folder.

    Raises:
        ArtifactError: it is missing, damaged, something else, or holds Python objects beside tensors.
        ConfigError: it does not say k, or whether residues are normed.
    """
    file = path / WEIGHTS if path.is_dir() else path
    content = tensors.read_torch(file)
    state, cfg = content.get("model_state_dict"), content.get("model_config")
    if not isinstance(state, Mapping):
        raise ArtifactError(f"{file} lacks model_state_dict; it holds {', '.join(sorted(content)[:12])}")
    cfg = cfg if isinstance(cfg, Mapping) else {}
    if "normalize_input" not in cfg:
        raise ask(
            file, "whether residues are normed (model_config.normalize_input)", "a checkpoint with its model_config"
        )
    found = {str(name).removeprefix("module."): value for name, value in state.items() if isinstance(value, Tensor)}
    names = ("encoder.weight", "decoder.weight", "latent_bias", "pre_bias")
    encoder, decoder, b_enc, b_dec = tensors.take(file, found, *names)
    norm = "mean_std" if cfg["normalize_input"] else "none"
    k = needed_k(file, cfg.get("top_k"), told=told)
    form = {"activation": "topk", "k": k, "input_norm": norm, "source": "BioNeMo topk"}
    sae = tensors.assembled(file, W_enc=encoder.T, W_dec=decoder.T, b_enc=b_enc, b_dec=b_dec, **form)
    return Foreign(sae, Stated(told.layer, told.site, told.plm))
