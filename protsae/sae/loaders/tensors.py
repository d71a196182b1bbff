"""Tensors of other programs, read without running anything that lies in their files, and put into our form.

A `.pt` file is a pickle, which may call anything when it is read; only tensors and plain values are let through
(torch's `weights_only`), and a file that holds more is refused. Read `read_tensors`, then `assembled`.
"""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from protsae.errors import ArtifactError, ConfigError
from protsae.sae.imported import ImportedSAE, ImportedSAEConfig


def read_tensors(path: Path) -> dict[str, Tensor]:
    """A safetensors file, or the state dict of a torch file.

    Raises:
        ArtifactError: it is missing, damaged, or holds something else than tensors by name.
    """
    if path.suffix == ".safetensors":
        return _safetensors(path)
    content = read_torch(path)
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ArtifactError(
            f"{path} holds {', '.join(map(str, list(content)[:4])) or 'nothing'} but no tensors by name"
        )
    return tensors


def read_torch(path: Path) -> dict[str, Any]:
    """What a torch file holds, by name: tensors and plain values.

    Raises:
        ArtifactError: it is missing, damaged, holds Python objects beside tensors, or no mapping.
    """
    _there(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ArtifactError(
            f"{path} is no torch file of tensors: it is damaged, or holds Python objects that would run when they are "
            "read; save the state dict alone, by torch.save(model.state_dict(), FILE)"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{path} is damaged or no torch file ({_line(error)}); copy it again") from error
    if not isinstance(content, Mapping):
        raise ArtifactError(f"{path} holds a {type(content).__name__}, not tensors by name; save the state dict")
    return {str(name): value for name, value in content.items()}


def take(path: Path, tensors: Mapping[str, Tensor], *names: str) -> tuple[Tensor, ...]:
    """Tensors by name, as float32.

    Raises:
        ArtifactError: one is missing, or holds what are not finite numbers.
    """
    for name in names:
        if name not in tensors:
            raise ArtifactError(f"{path} lacks the tensor {name!r}; it holds {', '.join(sorted(tensors)[:12])}")
        if not tensors[name].is_floating_point() or not tensors[name].isfinite().all():
            raise ArtifactError(f"{path} holds values in {name} that are not finite numbers; copy it again")
    return tuple(tensors[name].float() for name in names)


def assembled(
    path: Path,
    *,
    W_enc: Tensor,  # noqa: N803 - the field's names
    W_dec: Tensor,  # noqa: N803
    b_dec: Tensor,
    b_enc: Tensor | None = None,
    subtracts_b_dec: bool = True,
    scale: float = 1.0,
    extra: Mapping[str, Tensor] | None = None,
    **form: Any,
) -> ImportedSAE:
    """An SAE in our form.

    Args:
        path: of the checkpoint, for errors.
        W_enc: [d_model, d_sae].
        W_dec: [d_sae, d_model].
        b_dec: [d_model].
        b_enc: [d_sae]; None for none.
        subtracts_b_dec: whether the source takes b_dec from its input before it encodes.
        scale: what the source multiplies residues by, and divides reconstructions by.
        extra: `threshold` [d_sae] or 0-dim, or `b_gate`, `r_mag`, `b_mag` [d_sae].
        form: of `ImportedSAEConfig`: activation, k, input_norm, source.

    Raises:
        ArtifactError: shapes contradict each other, or a value lies outside its range.
    """
    if W_enc.ndim != 2 or W_dec.ndim != 2:
        raise ArtifactError(f"{path} holds an encoder of shape {tuple(W_enc.shape)}, not a matrix; copy it again")
    d_model, d_sae = W_enc.shape
    found = {"W_enc": W_enc, "W_dec": W_dec, "b_dec": b_dec, **(extra or {})}
    found["b_enc"] = W_enc.new_zeros(d_sae) if b_enc is None else b_enc
    if "threshold" in found and found["threshold"].numel() == 1:
        found["threshold"] = found["threshold"].reshape(()).expand(d_sae)
    try:
        sae = ImportedSAE(ImportedSAEConfig(d_model=d_model, d_sae=d_sae, **form))
    except ConfigError as error:
        raise ArtifactError(f"{path} is not usable: {error}") from error
    shapes = {name: tuple(value.shape) for name, value in sae.named_parameters()}
    for name, value in found.items():
        if tuple(value.shape) != shapes[name]:
            raise ArtifactError(f"{path} holds {name} of shape {tuple(value.shape)} where {shapes[name]} is needed")
    if not subtracts_b_dec:
        found["b_enc"] = found["b_enc"] + b_dec @ W_enc
    found |= {"W_enc": W_enc * scale, "W_dec": W_dec / scale, "b_dec": b_dec / scale}
    sae.load_state_dict({**sae.state_dict(), **{name: value.contiguous() for name, value in found.items()}})
    return sae


def chosen_by_decoder_norm(W_enc: Tensor, b_enc: Tensor, W_dec: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: N803
    """Weights of an SAE that multiplies pre-activations by the norm of their decoder row and divides by it at decode.

    Returns:
        W_enc, b_enc and W_dec that need no such factor: equal activations, choices and reconstructions.
    """
    norm = torch.linalg.vector_norm(W_dec, dim=1)
    return W_enc * norm, b_enc * norm, W_dec / norm[:, None].clamp_min(1e-12)


def _safetensors(path: Path) -> dict[str, Tensor]:
    _there(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtifactError(f"{path} is damaged or no safetensors file ({_line(error)}); copy it again") from error


def _there(path: Path) -> None:
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist or is no file; give the checkpoint's weights or their folder")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
