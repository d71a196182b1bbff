"""Checkpoints of other programs: known by their files, so that they can be named, but not read.

Read `kind_of`. `KINDS` has one entry a program; several of them write a cfg.json, so each is known by keys of its own.

Source: the files that sparsify 1 and Gemma Scope write.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from protsae.files import read_json

_WEIGHTS = {".pt", ".pth", ".ckpt", ".bin", ".npz", ".safetensors"}


class _Files(NamedTuple):
    """What lies at a path, as far as formats show in it."""

    names: frozenset[str]
    cfg: Mapping[str, Any]
    """cfg.json, empty where there is none."""

    config: Mapping[str, Any]
    """config.json, empty where there is none."""


def kind_of(path: Path) -> str | None:
    """What the checkpoint is, with an article, e.g. "a sparsify checkpoint"; None where nothing shows."""
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        return None
    names = {item.name for item in folder.iterdir()} if path.is_dir() else {path.name}
    files = _Files(frozenset(names), read_json(folder / "cfg.json") or {}, read_json(folder / "config.json") or {})
    for kind in KINDS:
        found = kind(files)
        if found is not None:
            return found
    return f"a {path.suffix} file of an unknown program" if path.is_file() and path.suffix in _WEIGHTS else None


def _sparsify(files: _Files) -> str | None:
    is_one = "num_latents" in files.cfg or {"expansion_factor", "k"} <= files.cfg.keys()
    return "a sparsify checkpoint" if is_one else None


def _gemma_scope(files: _Files) -> str | None:
    return "a Gemma Scope checkpoint" if "params.npz" in files.names else None


KINDS: tuple[Callable[[_Files], str | None], ...] = (_sparsify, _gemma_scope)
"""One function a program: what it is, None where it is not."""
