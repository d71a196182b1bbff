"""A saved SAE on disk: `cfg.json` (architecture and config) and `sae.safetensors` (parameters by name).

Matrices are stored as float32 or float16, vectors and the scale always as float32; they come back as float32. A file
that is missing, damaged, foreign or of another shape is refused with one sentence.

Read `load`.
"""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from protsae.errors import ArtifactError, ConfigError
from protsae.files import whole, write_json

if TYPE_CHECKING:
    from protsae.sae.base import SAE, Dtype

CONFIG_NAME = "cfg.json"
WEIGHTS_NAME = "sae.safetensors"

ARCHITECTURES: dict[str, "type[SAE]"] = {}
"""Architecture name -> class; every subclass of `SAE` enters itself."""


def save(sae: "SAE", folder: Path, dtype: "Dtype") -> None:
    """Write both files; each appears whole or not at all, the weights first."""
    folder.mkdir(parents=True, exist_ok=True)
    narrow = {"float32": torch.float32, "float16": torch.float16}[dtype]
    tensors = {
        name: value.detach().to("cpu", narrow if value.ndim > 1 else torch.float32).contiguous()
        for name, value in sae.state_dict().items()
    }
    with whole(folder / WEIGHTS_NAME) as partial:
        save_file(tensors, partial, metadata={"architecture": sae.architecture})
    write_json(folder / CONFIG_NAME, {"architecture": sae.architecture, **dataclasses.asdict(sae.cfg)})


def load(folder: Path) -> "SAE":
    """Read both files.

    Raises:
        ArtifactError: a file is missing, damaged, of an unknown architecture, or does not fit its config.
    """
    sae = _read_config(Path(folder) / CONFIG_NAME)
    path = Path(folder) / WEIGHTS_NAME
    if not path.is_file():
        msg = f"{path} does not exist; give the folder of a saved SAE ({CONFIG_NAME} and {WEIGHTS_NAME})"
        raise ArtifactError(msg)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        msg = f"{path} is damaged or no safetensors file ({_one_line(error)}); restore it or train the SAE again"
        raise ArtifactError(msg) from error
    _check_tensors(path, tensors, sae)
    sae.load_state_dict({name: value.float() for name, value in tensors.items()})
    return sae


def _read_config(path: Path) -> "SAE":
    """A fresh SAE of the architecture and shape that cfg.json names."""
    if not path.is_file():
        msg = f"{path} does not exist; give the folder of a saved SAE ({CONFIG_NAME} and {WEIGHTS_NAME})"
        raise ArtifactError(msg)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{path} is damaged or no JSON file ({_one_line(error)}); restore it or train the SAE again"
        raise ArtifactError(msg) from error
    if not isinstance(content, dict) or content.get("architecture") not in ARCHITECTURES:
        found = content.get("architecture") if isinstance(content, dict) else None
        msg = f"{path} names the architecture {found!r}; known are {', '.join(sorted(ARCHITECTURES))}"
        raise ArtifactError(msg)
    sae_class = ARCHITECTURES[content.pop("architecture")]
    hints = get_type_hints(sae_class.config_class)
    fields = {field.name: field for field in dataclasses.fields(sae_class.config_class)}
    unknown = sorted(set(content) - set(fields))
    if unknown:
        msg = f"{path} has the unknown setting {unknown[0]!r}; it was written by another version of this program"
        raise ArtifactError(msg)
    missing = [n for n, f in fields.items() if f.default is dataclasses.MISSING and n not in content]
    if missing:
        msg = f"{path} lacks the setting {missing[0]!r}; restore the file or train the SAE again"
        raise ArtifactError(msg)
    for name, value in content.items():
        if not _fits(value, hints[name]):
            msg = f"{path} sets {name} to {value!r}, which is not of the right type; restore the file"
            raise ArtifactError(msg)
        if isinstance(value, list):
            content[name] = tuple(value)
    try:
        return sae_class(sae_class.config_class(**content))  # pyright: ignore[reportCallIssue]
    except ConfigError as error:
        msg = f"{path} is not usable: {error}"
        raise ArtifactError(msg) from error


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value can stand for a config field of this type; choices are checked by the config itself."""
    if get_origin(hint) is tuple:
        return isinstance(value, list) and all(_fits(item, get_args(hint)[0]) for item in value)
    if get_origin(hint) is Union:
        return any(_fits(value, option) for option in get_args(hint))
    if hint in {bool, int}:
        return type(value) is hint
    if hint is float:
        return type(value) in {int, float}
    return isinstance(value, str)


def _check_tensors(path: Path, tensors: dict[str, torch.Tensor], sae: "SAE") -> None:
    expected = {name: tuple(value.shape) for name, value in sae.state_dict().items()}
    for name in sorted(set(expected) ^ set(tensors)):
        what = f"lacks the tensor {name!r}" if name in expected else f"has the foreign tensor {name!r}"
        msg = f"{path} {what} of a {sae.architecture} SAE; it does not belong to the {CONFIG_NAME} beside it"
        raise ArtifactError(msg)
    for name, value in tensors.items():
        if tuple(value.shape) != expected[name]:
            msg = (
                f"{path} holds {name} of shape {tuple(value.shape)} where {CONFIG_NAME} asks for {expected[name]}; "
                "the two files do not belong together"
            )
            raise ArtifactError(msg)
        if not value.is_floating_point() or not value.isfinite().all():
            msg = f"{path} holds values in {name} that are not finite numbers; restore it or train the SAE again"
            raise ArtifactError(msg)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
