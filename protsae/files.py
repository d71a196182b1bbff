"""Files on disk: written whole or not at all, hashed as a stream, read without surprises, locked for one process.

Read `whole` first: everything that this project writes goes through it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from protsae.errors import BundleError, InputError

PARTIAL = ".partial"
"""Suffix of a file that is being written."""


@contextmanager
def whole(path: Path, *, writer: str = "") -> Iterator[Path]:
    """A path to write to, which becomes `path` in one step when the block ends, and vanishes where it fails.

    Args:
        path: where the file shall stand; its folder must exist.
        writer: part of the temporary name where several processes may write the same file, e.g. a process number.
    """
    temporary = path.with_name(path.name + (f".{writer}" if writer else "") + PARTIAL)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file that appears whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object that appears whole or not at all."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file, None where there is none or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a bundle.

    Raises:
        BundleError: the file is missing, is no UTF-8 text, no JSON, or holds something else than an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"{path} is missing: this folder is no bundle, or an incomplete one.") from error
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise BundleError(f"{path} cannot be read as JSON ({reason}): copy or build the bundle again.") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path} must hold a JSON object, but holds a {type(content).__name__}.")
    return content


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal; the file is streamed."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def json_sha256(content: object) -> str:
    """SHA-256 of a value as JSON with sorted keys, in hexadecimal; what JSON does not know counts as its text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; the lock goes with the process, however it ends.

    Raises:
        InputError: another process holds it.
    """
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout as error:
        raise InputError(f"another run is at work in {folder}; wait for it or choose another --out") from error


def inside(folder: Path, *names: str) -> Path:
    """A path below `folder`, of names that were read from a file and may have been made up to lead elsewhere.

    Raises:
        BundleError: a name is absolute, climbs with `..`, or passes through a symbolic link.
    """
    path = folder
    for part in "/".join(names).split("/"):
        path = path / part
        if part in {"", ".", ".."} or Path(part).is_absolute() or "\\" in part or ":" in part or "\0" in part:
            raise BundleError(
                f"the path {'/'.join(names)!r} leads out of {folder}; get the bundle from a source you trust"
            )
        if path.is_symlink():
            raise BundleError(f"{path} is a symbolic link, which a bundle may not hold; put the file itself there")
    return path
