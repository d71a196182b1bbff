"""Checkpoints of a training: one file, replaced in one step, read without executing anything from it.

Read `State`. Source of the format: torch.save of tensors and plain values, read with weights_only=True.
"""

import hashlib
import json
import os
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from protsae.errors import ArtifactError
from protsae.files import whole

CHECKPOINT_NAME = "checkpoint.pt"
LOG_NAME = "log.jsonl"


class Best(NamedTuple):
    """The best epoch so far."""

    epoch: int
    """From 1."""
    rank: tuple[float, ...]
    """Lower is better, compared from the first number on."""
    weights: dict[str, Tensor]


class State(NamedTuple):
    """All that a training needs to go on as if nothing had happened."""

    model: dict[str, Any]
    geometry: dict[str, Any] | None
    optimizer: dict[str, Any]
    epoch: int
    """Epochs that are done."""
    batch: int
    """Batches of the next epoch that are done."""
    step: int
    last_fired: Tensor
    """[d_sae] step at which each feature last fired."""
    best: Best | None
    history: list[dict[str, Any]]
    seconds: float
    log_bytes: int
    """Length of the log when the checkpoint was written."""


def write(folder: Path, state: State, identity: str) -> None:
    """Replace the checkpoint of `folder`; the old one stays until the new one is whole."""
    content = {**state._asdict(), "best": None if state.best is None else tuple(state.best), "identity": identity}
    with whole(folder / CHECKPOINT_NAME) as partial, partial.open("wb") as handle:
        torch.save(content, handle)
        handle.flush()
        os.fsync(handle.fileno())


def read(folder: Path, identity: str) -> State | None:
    """The checkpoint of `folder`, None where there is none.

    Raises:
        ArtifactError: it is damaged, or was made with other data or settings.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = content.pop("identity")
        best = content.pop("best")
        state = State(**content, best=None if best is None else Best(*best))
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
        msg = f"{path} is damaged or no checkpoint; delete it to start this training from the beginning"
        raise ArtifactError(msg) from e
    if found != identity:
        msg = f"{path} belongs to a training with other data or settings; delete it or choose another folder"
        raise ArtifactError(msg)
    return state


def cut_log(folder: Path, n_bytes: int) -> None:
    """Remove what was logged after the checkpoint was written; a log that is shorter stays as it is."""
    with (folder / LOG_NAME).open("ab") as handle:
        handle.truncate(min(n_bytes, handle.tell()))


def identity(about: Sequence[Any], arrays: Iterable[np.ndarray]) -> str:
    """Hash of JSON values and arrays."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
