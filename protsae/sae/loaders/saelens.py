"""SAELens 3 to 6: a folder with `cfg.json` and `sae_weights.safetensors`.

standard, topk, jumprelu (BatchTopK and Matryoshka are saved as one) and gated are read; what its runtime does to the
input (`normalize_activations`) and to choices (`rescale_acts_by_decoder_norm`) comes with them. Layers in its names are
those of the program that ran the model, so they are not taken for ours.

Read `load`.

Source: sae_lens 6.54, `saes/*_sae.py` and `loading/pretrained_sae_loaders.py` (format only).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from protsae.errors import ArtifactError
from protsae.files import read_json
from protsae.sae.imported import InputNorm
from protsae.sae.loaders import tensors
from protsae.sae.loaders.facts import Foreign, Stated, Told, ask, needed_k

WEIGHTS = "sae_weights.safetensors"
_KEYS = {"d_sae", "hook_name", "hook_point", "sae_lens_version", "apply_b_dec_to_input"}
_NORMS: dict[str, InputNorm] = {
    "none": "none",
    "expected_average_only_in": "none",
    "constant_norm_rescale": "sqrt_d",
    "layer_norm": "z_score",
}
_READ = ("standard", "topk", "jumprelu", "gated")


def recognises(path: Path) -> bool:
    """Whether its files are SAELens's: by keys of cfg.json, or by the name of the weights."""
    folder = _folder(path)
    cfg = read_json(folder / "cfg.json") or {}
    return ("d_in" in cfg and bool(_KEYS & cfg.keys())) or (folder / WEIGHTS).is_file()


def load(path: Path, told: Told) -> Foreign:
    """Read the folder, or the folder of its weights.

    Raises:
        ArtifactError: a file is missing or damaged, or it is of a kind that is not read.
        ConfigError: k or the input's factor is not stated and was not told.
    """
    folder = _folder(path)
    cfg = read_json(folder / "cfg.json")
    if cfg is None:
        raise ArtifactError(f"{folder / 'cfg.json'} is missing or damaged, and nothing else says what the SAE is")
    kind = _kind(cfg)
    if kind not in _READ:
        raise ArtifactError(
            f"{folder} is an SAELens checkpoint ({kind}), which is not read here; those that are: {', '.join(_READ)}"
        )
    file = folder / WEIGHTS
    found = tensors.read_tensors(file)
    norm, scale = _input(folder, cfg, told)
    W_enc, W_dec, b_dec = tensors.take(file, found, "W_enc", "W_dec", "b_dec")  # noqa: N806
    W_dec = _finetuned(file, cfg, found, W_dec)  # noqa: N806
    form: dict[str, Any] = {"input_norm": norm, "source": f"SAELens {kind}", "scale": scale}
    if kind == "gated":
        b_gate, r_mag, b_mag = tensors.take(file, found, "b_gate", "r_mag", "b_mag")
        form |= {"activation": "gated", "extra": {"b_gate": b_gate, "r_mag": r_mag, "b_mag": b_mag}}
    else:
        (form["b_enc"],) = tensors.take(file, found, "b_enc")
    if kind == "standard":
        form["activation"] = "relu"
    if kind == "jumprelu":
        form |= {"activation": "threshold", "extra": {"threshold": tensors.take(file, found, "threshold")[0]}}
    if kind == "topk":
        kwargs = cfg.get("activation_fn_kwargs")
        form |= {"activation": "topk", "k": needed_k(folder, cfg.get("k"), _of(kwargs, "k"), told=told)}
        if cfg.get("rescale_acts_by_decoder_norm"):
            W_enc, form["b_enc"], W_dec = tensors.chosen_by_decoder_norm(W_enc, form["b_enc"], W_dec)  # noqa: N806
    subtracts = bool(cfg.get("apply_b_dec_to_input", True))
    sae = tensors.assembled(file, W_enc=W_enc, W_dec=W_dec, b_dec=b_dec, subtracts_b_dec=subtracts, **form)
    model = _of(cfg.get("metadata"), "model_name") or cfg.get("model_name") or ""
    return Foreign(sae, Stated(told.layer, told.site, told.plm or str(model)))


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent if path.name in {WEIGHTS, "cfg.json"} else path


def _kind(cfg: Mapping[str, Any]) -> str:
    """The architecture; before version 6 `activation_fn_str` tells TopK from ReLU."""
    kind = str(cfg.get("architecture", "standard"))
    rule = cfg.get("activation_fn_str", cfg.get("activation_fn", "relu"))
    return "topk" if kind == "standard" and rule == "topk" else kind


def _input(folder: Path, cfg: Mapping[str, Any], told: Told) -> tuple[InputNorm, float]:
    """How residues are normed, and the factor before that is not in the weights."""
    if cfg.get("reshape_activations", "none") not in {"none", None}:
        raise ArtifactError(f"{folder} reads attention heads ({cfg['reshape_activations']!r}), not the residual stream")
    name = cfg.get("normalize_activations", "none")
    name = "none" if name in {None, False} else str(name)
    if name not in _NORMS:
        raise ArtifactError(
            f"{folder} norms its input by {name!r}, which is not read here; those that are: {', '.join(_NORMS)}"
        )
    if name == "expected_average_only_in" and told.scale is None:
        raise ask(folder, "the factor of its input (norm_scaling_factor)", "scale=0.31, or scale=1 where it is folded")
    return _NORMS[name], 1.0 if told.scale is None else told.scale


def _finetuned(file: Path, cfg: Mapping[str, Any], found: Mapping[str, Tensor], w_dec: Tensor) -> Tensor:
    """Older versions may multiply activations by a factor each at decode."""
    if not cfg.get("finetuning_scaling_factor"):
        return w_dec
    (factor,) = tensors.take(file, found, "finetuning_scaling_factor")
    return torch.mul(w_dec, factor.reshape(-1, 1))


def _of(mapping: Any, name: str) -> Any:
    return mapping.get(name) if isinstance(mapping, Mapping) else None
