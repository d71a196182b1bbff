"""dictionary_learning 0.1: `trainer_i/ae.pt` (a state dict) and `config.json` beside it.

The file is taken as it is: `AutoEncoder.from_pretrained` would bring decoder columns to unit length first, which
changes activations but no reconstruction. Final weights hold the factor of the input in their biases already; a backup
from the middle of a training does not, and is refused.

Read `load`.

Source: dictionary_learning 0.1, `dictionary.py` and `trainers/*` (format only).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from protsae.errors import ArtifactError
from protsae.files import read_json
from protsae.sae.loaders import tensors
from protsae.sae.loaders.facts import Foreign, Stated, Told, ask, needed_k
from protsae.sae.loaders.linear import linear_form

WEIGHTS = "ae.pt"
_KINDS = {
    "AutoEncoder": "relu",
    "AutoEncoderNew": "relu_apart",
    "AutoEncoderTopK": "topk",
    "BatchTopKSAE": "batchtopk",
    "JumpReluAutoEncoder": "jumprelu",
    "MatryoshkaBatchTopKSAE": "batchtopk",
    "GatedAutoEncoder": "gated",
}


def recognises(path: Path) -> bool:
    """Whether a config.json names one of its classes, or the weights are called as its own."""
    folder = path if path.is_dir() else path.parent
    trainer = (read_json(folder / "config.json") or {}).get("trainer")
    named = isinstance(trainer, Mapping) and {"dict_class", "trainer_class", "activation_dim"} & trainer.keys()
    return bool(named) or (path / WEIGHTS).is_file() or path.name == WEIGHTS


def load(path: Path, told: Told) -> Foreign:
    """Read the folder, or its `ae.pt`.

    Raises:
        ArtifactError: a file is missing or damaged, a backup from the middle of a training, or not of a class that is
            read.
        ConfigError: the files do not say whether TopK or BatchTopK made it, or k.
    """
    file = path / WEIGHTS if path.is_dir() else path
    content = tensors.read_torch(file)
    if "ae" in content and "optimizer" in content:
        raise ArtifactError(
            f"{file} is a backup from the middle of a training, whose biases lack the input's factor; "
            "give the ae.pt that its end has written"
        )
    trainer = (read_json(file.parent / "config.json") or {}).get("trainer")
    trainer = trainer if isinstance(trainer, Mapping) else {}
    found = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    kind = _kind(file, found, trainer.get("dict_class"), told)
    form = linear_form(file, found, kind, k=_k(file, found, trainer, kind, told))
    sae = tensors.assembled(file, **form, source=f"dictionary_learning {trainer.get('dict_class') or kind}")
    layer = trainer.get("layer")
    stated = layer if isinstance(layer, int) else None
    model = str(trainer.get("lm_name") or "")
    return Foreign(sae, Stated(told.layer if told.layer is not None else stated, told.site, told.plm or model))


def _kind(file: Path, found: Mapping[str, Tensor], named: object, told: Told) -> str:
    if named is not None:
        if named not in _KINDS:
            raise ArtifactError(
                f"{file} is a dictionary_learning checkpoint ({named}), which is not read here; those that are: "
                f"{', '.join(_KINDS)}"
            )
        return _KINDS[str(named)]
    if "threshold" in found and "k" in found:
        if "group_sizes" in found:
            return "batchtopk"
        if told.kind is None:
            raise ask(file, "whether TopK or BatchTopK made it (config.json is missing)", "kind=topk or kind=batchtopk")
        return told.kind
    if "gate_bias" in found:
        return "gated"
    if "threshold" in found:
        return "jumprelu"
    return "relu" if "bias" in found else "relu_apart"


def _k(file: Path, found: Mapping[str, Tensor], trainer: Mapping[str, Any], kind: str, told: Told) -> int:
    if kind != "topk":
        return 0
    stored = int(found["k"]) if "k" in found and found["k"].numel() == 1 else None
    return needed_k(file, stored, trainer.get("k"), told=told)
