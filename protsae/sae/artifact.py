"""The files of a saved SAE: `cfg.json` (architecture and config) and `sae.safetensors` (parameters by name).

Matrices are stored as float32 or float16, vectors and the scale always as float32; they come back as float32. A file
that is missing, damaged, foreign or of another shape is refused with one sentence.

Configs are dataclasses and parameters tensors here; what they make together is in `base.py`. Read `read_config`.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from protsae.errors import ArtifactError, ConfigError
from protsae.files import whole, write_json

CONFIG_NAME = "cfg.json"
WEIGHTS_NAME = "sae.safetensors"

Dtype = Literal["float32", "float16"]


class Config(NamedTuple):
    """What cfg.json holds."""

    architecture: str
    cfg: Any
    """Of the architecture's config class."""


def write(folder: Path, architecture: str, cfg: Any, tensors: Mapping[str, Tensor], dtype: Dtype) -> None:
    """Write both files; each appears whole or not at all, the weights first.

    Args:
        folder: made if it does not exist.
        architecture: name of the SAE's class.
        cfg: the config, a dataclass.
        tensors: parameters and buffers by name.
        dtype: of the matrices.
    """
    folder.mkdir(parents=True, exist_ok=True)
    narrow = {"float32": torch.float32, "float16": torch.float16}[dtype]
    stored = {
        name: value.detach().to("cpu", narrow if value.ndim > 1 else torch.float32).contiguous()
        for name, value in tensors.items()
    }
    with whole(folder / WEIGHTS_NAME) as partial:
        save_file(stored, partial, metadata={"architecture": architecture})
    write_json(folder / CONFIG_NAME, {"architecture": architecture, **dataclasses.asdict(cfg)})


def read_config(folder: Path, config_classes: Mapping[str, type]) -> Config:
    """Read cfg.json.

    Args:
        folder: of a saved SAE.
        config_classes: config class of each known architecture.

    Raises:
        ArtifactError: the file is missing, damaged, of an unknown architecture, or holds other settings than it should.
    """
    path = _existing(Path(folder) / CONFIG_NAME)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{path} is damaged or no JSON file ({_one_line(error)}); restore it or train the SAE again"
        ) from error
    if not isinstance(content, dict) or content.get("architecture") not in config_classes:
        found = content.get("architecture") if isinstance(content, dict) else None
        raise ArtifactError(f"{path} names the architecture {found!r}; known are {', '.join(sorted(config_classes))}")
    architecture = content.pop("architecture")
    config_class = config_classes[architecture]
    hints = get_type_hints(config_class)
    fields = {field.name: field for field in dataclasses.fields(config_class)}
    unknown = sorted(set(content) - set(fields))
    if unknown:
        raise ArtifactError(
            f"{path} has the unknown setting {unknown[0]!r}; it was written by another version of this program"
        )
    missing = [name for name, field in fields.items() if _is_required(field) and name not in content]
    if missing:
        raise ArtifactError(f"{path} lacks the setting {missing[0]!r}; restore the file or train the SAE again")
    for name, value in content.items():
        if not _fits(value, hints[name]):
            raise ArtifactError(f"{path} sets {name} to {value!r}, which is not of the right type; restore the file")
        if isinstance(value, list):
            content[name] = tuple(value)
    try:
        return Config(architecture, config_class(**content))
    except ConfigError as error:
        raise ArtifactError(f"{path} is not usable: {error}") from error


def read_tensors(folder: Path, architecture: str, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Read sae.safetensors, as float32.

    Args:
        folder: of a saved SAE.
        architecture: that cfg.json names.
        expected: tensors of the names and shapes that cfg.json asks for.

    Raises:
        ArtifactError: the file is missing or damaged, or holds other tensors than expected.
    """
    path = _existing(Path(folder) / WEIGHTS_NAME)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtifactError(
            f"{path} is damaged or no safetensors file ({_one_line(error)}); restore it or train the SAE again"
        ) from error
    for name in sorted(set(expected) ^ set(tensors)):
        what = f"lacks the tensor {name!r}" if name in expected else f"has the foreign tensor {name!r}"
        raise ArtifactError(f"{path} {what} of a {architecture} SAE; it does not belong to the {CONFIG_NAME} beside it")
    for name, value in tensors.items():
        shape, wanted = tuple(value.shape), tuple(expected[name].shape)
        if shape != wanted:
            raise ArtifactError(
                f"{path} holds {name} of shape {shape} where {CONFIG_NAME} asks for {wanted}; "
                "the two files do not belong together"
            )
        if not value.is_floating_point() or not value.isfinite().all():
            raise ArtifactError(
                f"{path} holds values in {name} that are not finite numbers; restore it or train the SAE again"
            )
    return {name: value.float() for name, value in tensors.items()}


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; give the folder of a saved SAE ({CONFIG_NAME} and {WEIGHTS_NAME})")
    return path


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value can stand for a config field of this type; choices are checked by the config itself."""
    if get_origin(hint) is tuple:
        return isinstance(value, list) and all(_fits(item, get_args(hint)[0]) for item in value)
    if get_origin(hint) in {Union, UnionType}:
        return any(_fits(value, option) for option in get_args(hint))
    if hint is NoneType:
        return value is None
    if hint in {bool, int}:
        return type(value) is hint
    if hint is float:
        return type(value) in {int, float}
    return isinstance(value, str)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
