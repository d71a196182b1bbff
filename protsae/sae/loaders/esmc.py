"""Biohub's SAEs of ESMC: a folder with `config.json` (model_type esmc_sae) and `layer_<i>.safetensors`.

    z = (x - mean) / (std + 1e-5);  acts = TopK(relu((z - b_dec) @ W_enc));  z_hat = acts @ W_dec + b_dec

Their reconstruction stays in z; ours is brought back by the residue's own mean and deviation. `idf` and `max` scale
features for display only and are left out. Layer i counts hidden states with embeddings as 0, so it is block i.

Read `load`.

Source: the package esm 3.4, `esm/models/esmc/sae.py` (format only).
"""

import re
from pathlib import Path

from protsae.errors import ArtifactError
from protsae.files import read_json
from protsae.sae.loaders import tensors
from protsae.sae.loaders.facts import Foreign, Stated, Told, ask, needed_k

_FILE = re.compile(r"layer_(\d+)\.safetensors")


def recognises(path: Path) -> bool:
    """Whether config.json says so."""
    folder = path if path.is_dir() else path.parent
    return (read_json(folder / "config.json") or {}).get("model_type") == "esmc_sae"


def load(path: Path, told: Told) -> Foreign:
    """Read one layer.

    Raises:
        ArtifactError: a file is missing, damaged, or reads what is no site here.
        ConfigError: the folder holds several layers and none was told, or it does not say what it reads.
    """
    file = _file(path, told)
    cfg = read_json(file.parent / "config.json") or {}
    key = "use_residual_update_instead_of_states"
    if cfg.get(key):
        raise ArtifactError(
            f"{file.parent} reads what a block adds ({key}), not the residual stream, so it has no place"
        )
    if key not in cfg and not told.site:
        raise ask(file.parent, "whether it reads the residual stream or what a block adds", "site=resid_post")
    found = tensors.read_tensors(file)
    W_enc, W_dec, b_dec = tensors.take(file, found, "W_enc", "W_dec", "b_dec")  # noqa: N806
    k = needed_k(file, cfg.get("k"), told=told)
    form = {"activation": "topk", "k": k, "input_norm": "z_score", "source": "ESMC topk"}
    sae = tensors.assembled(file, W_enc=W_enc, W_dec=W_dec, b_dec=b_dec, **form)
    named = _FILE.fullmatch(file.name)
    layer = int(named[1]) if named else told.layer
    return Foreign(sae, Stated(layer, told.site or "resid_post", told.plm, is_normed_at_the_end=True))


def _file(path: Path, told: Told) -> Path:
    if not path.is_dir():
        return path
    layers = sorted(int(found[1]) for file in path.iterdir() if (found := _FILE.fullmatch(file.name)))
    if not layers:
        raise ArtifactError(f"{path} holds no layer_<i>.safetensors; copy it again")
    if told.layer is not None or len(layers) == 1:
        layer = layers[0] if told.layer is None else told.layer
        if layer not in layers:
            raise ArtifactError(
                f"{path} holds the layers {', '.join(map(str, layers))}, not {layer}; give one of these"
            )
        return path / f"layer_{layer}.safetensors"
    raise ask(path, f"which of its layers {', '.join(map(str, layers))} is meant", f"layer={layers[0]}")
