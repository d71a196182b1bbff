"""SAELens 6: a folder of `cfg.json` and `sae_weights.safetensors` for each SAE; a ProtSAE as architecture `protsae`.

SAELens reads topk, jumprelu and gated by itself; `protsae` once `protsae.interop.saelens.register()` was called. With
`jumprelu` every SAE is written as one, which SAELens needs nothing for. States go in as the language model has them.

Read `folder_of`.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from protsae.errors import ConfigError
from protsae.files import whole, write_json
from protsae.sae.base import SAE
from protsae.sae.convert import plain
from protsae.sae.gated import GatedSAE
from protsae.sae.imported import Activation, ImportedSAE
from protsae.sae.protsae import ProtSAE
from protsae.sae.topk import TopKSAE

VERSION = "6.54.0"
"""Of SAELens, whose files these are."""

_NORMS = {"none": "none", "sqrt_d": "constant_norm_rescale", "z_score": "layer_norm"}
_KINDS: Mapping[Activation, str] = {"relu": "standard", "topk": "topk", "threshold": "jumprelu", "gated": "gated"}


def folder_of(folder: Path, sae: SAE, metadata: Mapping[str, Any]) -> None:
    """Write one SAE.

    Args:
        folder: made if it does not exist.
        sae: a ProtSAE, TopK, Gated or imported SAE; bring others to JumpReLU first.
        metadata: model_name, hook_name and what else shall stand in the file.

    Raises:
        ConfigError: SAELens has no such architecture or norm.
    """
    weights = plain(sae)
    if weights.input_norm not in _NORMS:
        raise ConfigError(
            f"SAELens has no norm {weights.input_norm!r} of the input, so this SAE cannot be exported to it"
        )
    kind, extra, settings = _form(sae)
    tensors = {"W_enc": weights.W_enc, "W_dec": weights.W_dec, "b_dec": weights.b_dec, **extra}
    if kind != "gated":
        tensors["b_enc"] = weights.b_enc
    cfg = {
        "architecture": kind,
        "d_in": sae.d_model,
        "d_sae": sae.d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": _NORMS[weights.input_norm],
        "reshape_activations": "none",
        **settings,
        "metadata": {"sae_lens_version": VERSION, "sae_lens_training_version": None, **metadata},
    }
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / "sae_weights.safetensors") as partial:
        save_file({name: value.detach().cpu().float().contiguous() for name, value in tensors.items()}, partial)
    write_json(folder / "cfg.json", cfg)


@torch.no_grad()
def _form(sae: SAE) -> tuple[str, dict[str, Tensor], dict[str, Any]]:
    """Architecture, further tensors and further settings."""
    if isinstance(sae, ProtSAE):
        gain = torch.ones_like(sae.scale) if sae.cfg.normalise == "token" else sae.scale
        extra = {"W_pred": (sae.W_pred * gain).T, "b_pred": sae.b_pred}
        return "protsae", extra, {"protsae": json.dumps(dataclasses.asdict(sae.cfg))}
    if isinstance(sae, TopKSAE):
        return "topk", {}, {"k": sae.cfg.k, "rescale_acts_by_decoder_norm": False}
    if isinstance(sae, GatedSAE):
        return "gated", {name: sae.get_parameter(name) for name in ("b_gate", "r_mag", "b_mag")}, {}
    if not isinstance(sae, ImportedSAE):
        raise ConfigError(f"SAELens has no architecture {sae.architecture!r}; export it with --to jumprelu")
    kind = _KINDS[sae.cfg.activation]
    names = {"jumprelu": ("threshold",), "gated": ("b_gate", "r_mag", "b_mag")}.get(kind, ())
    settings = {"k": sae.cfg.k, "rescale_acts_by_decoder_norm": False} if kind == "topk" else {}
    return kind, {name: sae.get_parameter(name) for name in names}, settings
