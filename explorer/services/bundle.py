"""Finding the bundle that the explorer shows; its format and its checks are those of `protsae/bundle/`.

Read `find_bundle`.
"""

import argparse
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from protsae.bundle.layout import MANIFEST, PLM, STORE
from protsae.bundle.opening import Bundle, open_bundle

__all__ = ["DEFAULT", "Bundle", "find_bundle", "open_bundle", "stamp"]

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


def stamp(folder: Path) -> tuple[int, ...]:
    """Changes when the bundle was replaced on disk, so that an open one is not kept for ever."""
    paths = [folder / name for name in (STORE, PLM, MANIFEST)]
    return tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in paths)
