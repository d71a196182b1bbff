"""Where a run's shards lie for machines that share no path: a folder of any store that fsspec opens.

    shard-00003.npy.<hash>   a file of an item, its name and the first of its SHA-256; never written over
    shard-00003.json         the item's marker: bytes and SHA-256 of each of its files; written last

An item with a marker is whole, whoever was killed. Two writers of the same item write what their own marker names, and
the last marker stands. What a store asks for (credentials, an endpoint) is told to its package in its own way, e.g. by
AWS_PROFILE to s3fs.

Read `Location.put`, then `Location.fetch`.

Source: https://filesystem-spec.readthedocs.io
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Self

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

from protsae.errors import ArtifactError, ConfigError, InputError
from protsae.files import sha256, whole

_MARKER = ".json"
_OF_BUCKETS = {"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "oss"}
_HASHED = 16
"""Hexadecimal digits of the SHA-256 in a name."""


class Mark(NamedTuple):
    """What a file must be."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Location:
    """A folder there; it need not exist."""

    url: str

    @classmethod
    def at(cls, url: str) -> Self:
        """The location that a user's text names, in full; asks nobody."""
        files, root = fsspec.url_to_fs(url)
        return cls(files.unstrip_protocol(root))

    def below(self, *names: str) -> "Location":
        """A folder inside it."""
        return Location("/".join((self.url.rstrip("/"), *names)))

    def names(self) -> frozenset[str]:
        """Items that are whole, asked from the store anew."""
        with self._asked() as (files, root):
            files.invalidate_cache()
            try:
                found = files.ls(root, detail=False)
            except FileNotFoundError:
                return frozenset()
        return frozenset(PurePosixPath(path).stem for path in found if path.endswith(_MARKER))

    def has(self, name: str) -> bool:
        """Whether an item is whole."""
        with self._asked() as (files, root):
            files.invalidate_cache()
            return files.exists(f"{root}/{name}{_MARKER}")

    def put(self, name: str, paths: Sequence[Path]) -> None:
        """Put an item there, its marker last.

        Args:
            name: of the item.
            paths: its files, of different names; they are fetched in this order.

        Raises:
            InputError: the store does not take it.
        """
        marks = {path.name: Mark(path.stat().st_size, sha256(path)) for path in paths}
        with self._asked() as (files, root):
            _make_folder(files, root)
            for path in paths:
                files.put_file(str(path), f"{root}/{_stored(path.name, marks[path.name])}")
            content = json.dumps({file: mark._asdict() for file, mark in marks.items()}, indent=1).encode()
            with files.transaction:  # a file system of this machine would show a file that is still empty
                files.pipe_file(f"{root}/{name}{_MARKER}", content)

    def fetch(self, name: str, folder: Path) -> None:
        """Get what a folder lacks of an item; what comes is checked by size and hash, what is there by its size.

        Args:
            name: of the item.
            folder: exists; a file appears in it whole or not at all.

        Raises:
            ArtifactError: the item is missing or damaged; the sentence names it.
            InputError: the store does not answer.
        """
        marks = self._marks(name)
        for file, mark in marks.items():
            path = folder / file
            if path.is_file() and path.stat().st_size == mark.size:
                os.utime(path)
                continue
            with whole(path, writer=str(os.getpid())) as partial:
                with self._asked() as (files, root):
                    try:
                        files.get_file(f"{root}/{_stored(file, mark)}", str(partial))
                    except FileNotFoundError as error:
                        raise self._damaged(name, f"its {file} is missing") from error
                found = Mark(partial.stat().st_size, sha256(partial))
                if found != mark:
                    raise self._damaged(
                        name, f"{file} has {found.size:,} bytes and the SHA-256 {found.sha256}, not {mark}"
                    )

    def _marks(self, name: str) -> dict[str, Mark]:
        with self._asked() as (files, root):
            files.invalidate_cache()
            try:
                content = files.cat_file(f"{root}/{name}{_MARKER}")
            except FileNotFoundError:
                raise ArtifactError(
                    f"{name} is missing at {self.url}: run the same command again, which computes it anew"
                ) from None
        try:
            marks = {file: Mark(int(mark["size"]), str(mark["sha256"])) for file, mark in json.loads(content).items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._damaged(name, "its marker cannot be read") from error
        if not marks or any(PurePosixPath(file).name != file or "\\" in file for file in marks):
            raise self._damaged(name, "its marker names no file, or one outside its folder")
        return marks

    def _damaged(self, name: str, what: str) -> ArtifactError:
        return ArtifactError(
            f"{name} is damaged at {self.url} ({what}): remove {name}{_MARKER} there and run the same command again, "
            "which computes it anew"
        )

    @contextmanager
    def _asked(self) -> Iterator[tuple[Any, str]]:
        """The file system and the folder's path in it; whatever its package raises ends as one sentence."""
        try:
            files, root = fsspec.url_to_fs(self.url)
            yield files, root.rstrip("/")
        except ArtifactError:
            raise
        except Exception as error:  # every store's package has errors of its own
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise InputError(
                f"the shards at {self.url} cannot be reached ({reason}): see to the store and run the same command "
                "again, what is finished is kept"
            ) from error


def check_location(url: str) -> None:
    """Check that shards can be kept there, and that others see them.

    Raises:
        ConfigError: fsspec knows no such protocol, its package is not installed, no other process would see it, or
            nothing can be written there.
    """
    try:
        files, root = fsspec.url_to_fs(url)
    except ImportError as error:
        raise ConfigError(f"--shards-at {url} needs a package that is not installed: {error}") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"--shards-at {url} cannot be opened ({error}); give a folder or a URL such as s3://bucket/run"
        ) from error
    if isinstance(files, MemoryFileSystem) or "::" in url:
        raise ConfigError(
            f"--shards-at {url} is no place that other processes see; give a folder or a URL such as s3://bucket/run"
        )
    probe = f"{root.rstrip('/')}/writable-{os.getpid()}"
    try:
        _make_folder(files, root)
        files.pipe_file(probe, b"1")
        files.rm_file(probe)
    except Exception as error:  # every store's package has errors of its own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ConfigError(
            f"--shards-at {url} cannot be written ({reason}); give a place that this user may write to"
        ) from error


def _make_folder(files: Any, root: str) -> None:
    """Make the folder where a store has folders; a bucket is its owner's to make."""
    protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
    if not protocols & _OF_BUCKETS:
        files.makedirs(root, exist_ok=True)


def _stored(file: str, mark: Mark) -> str:
    return f"{file}.{mark.sha256[:_HASHED]}"
