"""Finding the bundle that the explorer shows; its format and its checks are those of `protsae/bundle/`.

A folder with a suite (`protsae/bundle/suite.py`) holds several; which of them is shown is the reader's choice.

Read `find_bundle`.
"""

import argparse
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from protsae.bundle.layout import MANIFEST, PLM, STORE
from protsae.bundle.opening import Bundle, open_bundle
from protsae.bundle.suite import FILE, Registry, read_registry

__all__ = ["DEFAULT", "Bundle", "find_bundle", "open_bundle", "registry_in", "stamp"]

DEFAULT = Path(__file__).resolve().parents[2] / "assets" / "demo"


def find_bundle(arguments: Sequence[str], environment: Mapping[str, str]) -> Path:
    """Folder to open: `--bundle DIR`, else PROTSAE_BUNDLE, else the embedded one.

    Args:
        arguments: what stands behind `--` on Streamlit's command line; unknown arguments are left alone.
        environment: the process's environment variables.
    """
    chosen = _given(tuple(arguments)) or environment.get("PROTSAE_BUNDLE")
    return Path(chosen).expanduser() if chosen else DEFAULT


@functools.lru_cache(maxsize=8)
def _given(arguments: tuple[str, ...]) -> str | None:
    """What `--bundle` says; every look-up asks for the bundle, and reading the command line takes a while."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--bundle")
    try:
        return parser.parse_known_args(list(arguments))[0].bundle
    except argparse.ArgumentError:
        return None


def registry_in(folder: Path) -> Registry | None:
    """The registry of a folder that holds a suite, None for a bundle alone; read anew where the file was replaced.

    Raises:
        BundleError: it is damaged.
    """
    changed = _changed(os.path.join(folder, FILE))  # noqa: PTH118 - asked often
    return _registry(folder, changed) if changed else None


@functools.lru_cache(maxsize=4)
def _registry(folder: Path, _changed: int) -> Registry:
    return read_registry(folder)


def stamp(folder: Path) -> tuple[int, ...]:
    """Changes when the bundle was replaced on disk, so that an open one is not kept for ever."""
    return tuple(map(_changed, _stamped(folder)))


@functools.lru_cache(maxsize=64)
def _stamped(folder: Path) -> tuple[str, ...]:
    return tuple(str(folder / name) for name in (STORE, PLM, MANIFEST))


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0
