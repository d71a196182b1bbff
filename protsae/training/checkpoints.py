"""Checkpoints of a training: one file, replaced in one step, read without executing anything from it.

A checkpoint carries the identity of its training, and no other training goes on from it. Both training loops, the one
of the SAEs and the one of an embedded PLM, use this file; what a checkpoint holds is theirs.

Read `Identity`, then `read`. Source of the format: torch.save of tensors and plain values, read with weights_only=True.
"""

import hashlib
import json
import os
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from protsae.errors import ArtifactError
from protsae.files import whole

CHECKPOINT_NAME = "checkpoint.pt"

State = TypeVar("State")


class Identity(NamedTuple):
    """All that the result of a training depends on."""

    settings: dict[str, Any]
    """Name -> a value that JSON knows; timing and logging do not belong here."""
    data: str
    """`data_hash` of what it is trained on."""

    def differences(self, other: "Identity") -> list[str]:
        """Names of the settings that differ, and 'data' where the data do."""
        names = [*self.settings, *(name for name in other.settings if name not in self.settings)]
        own, others = ({name: _text(i.settings.get(name)) for name in names} for i in (self, other))
        return [name for name in names if own[name] != others[name]] + ["data"] * (self.data != other.data)


def data_hash(arrays: Iterable[np.ndarray]) -> str:
    """Hash of arrays, their types and shapes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def write(folder: Path, content: Mapping[str, Any], identity: Identity) -> None:
    """Replace the checkpoint of `folder`; the old one stays until the new one is whole."""
    with whole(folder / CHECKPOINT_NAME) as partial, partial.open("wb") as handle:
        torch.save({**content, "identity": tuple(identity)}, handle)
        handle.flush()
        os.fsync(handle.fileno())


def read(folder: Path, identity: Identity, build: Callable[[dict[str, Any]], State]) -> State | None:
    """The checkpoint of `folder`, None where there is none.

    Args:
        folder: of the training.
        identity: of the training that wants to go on.
        build: makes the state from the content as it was given to `write`.

    Raises:
        ArtifactError: it is damaged, or was made with other data or settings.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = Identity(*content.pop("identity"))
        state, differences = build(content), found.differences(identity)
    except (
        OSError,
        RuntimeError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        pickle.UnpicklingError,
    ) as e:
        raise ArtifactError(
            f"{path} is damaged or no checkpoint; delete it to start this training from the beginning"
        ) from e
    if differences:
        raise ArtifactError(
            f"{path} belongs to a training with other data or settings ({', '.join(differences)}); delete it or choose "
            "another folder"
        )
    return state


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
