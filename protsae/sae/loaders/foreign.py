"""Checkpoints of other programs: known by their files, so that they can be named, but not read.

Read `kind_of`. `KINDS` has one entry a program; several of them write a cfg.json, so each is known by keys of its own.

Source: the files that SAELens 3 to 6, dictionary_learning 0.1, sparsify 1 and Gemma Scope write.
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
    """What the checkpoint is, with an article, e.g. "an SAELens checkpoint (topk)"; None where nothing shows."""
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


def _saelens(files: _Files) -> str | None:
    keys = {"d_in", "hook_name", "hook_point", "sae_lens_version", "apply_b_dec_to_input"}
    if not keys & files.cfg.keys() and "sae_weights.safetensors" not in files.names:
        return None
    architecture = files.cfg.get("architecture")
    return f"an SAELens checkpoint ({architecture})" if isinstance(architecture, str) else "an SAELens checkpoint"


def _dictionary_learning(files: _Files) -> str | None:
    trainer = files.config.get("trainer")
    if isinstance(trainer, Mapping) and {"dict_class", "trainer_class", "activation_dim"} & trainer.keys():
        kind = trainer.get("dict_class")
        return f"a dictionary_learning checkpoint ({kind})" if kind else "a dictionary_learning checkpoint"
    return "a dictionary_learning checkpoint" if {"ae.pt", "ae_normalized.pt"} & files.names else None


def _sparsify(files: _Files) -> str | None:
    is_one = "num_latents" in files.cfg or {"expansion_factor", "k"} <= files.cfg.keys()
    return "a sparsify checkpoint" if is_one else None


def _gemma_scope(files: _Files) -> str | None:
    return "a Gemma Scope checkpoint" if "params.npz" in files.names else None


KINDS: tuple[Callable[[_Files], str | None], ...] = (_saelens, _dictionary_learning, _sparsify, _gemma_scope)
"""One function a program: what it is, None where it is not."""
