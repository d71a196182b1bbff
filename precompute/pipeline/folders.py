"""A folder of a run's work, and its copy at the location where machines meet that share no path (`--shards-at`).

    without a location                  everybody reads and writes in the work folder
    with one, workers on this machine   the same; what they finish is put there, too
    with one, workers elsewhere (Ray)   they fetch what they read into a cache of their machine, and put what they write

The caller brings into the work folder what it lacks. The copy lies under a hash of the plan, so that what other
settings have left is never taken. PROTSAE_CACHE names the folder of the cache (without it one in the system's folder
for temporary files), PROTSAE_CACHE_GB how much it may hold (50).

Read `Folder`, then `folder_of`.
"""

import getpass
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from precompute.config import RunConfig
from precompute.location import Location
from protsae.errors import ConfigError
from protsae.files import PARTIAL, json_sha256

CACHE, CACHE_GB = "PROTSAE_CACHE", "PROTSAE_CACHE_GB"
DEFAULT_GB = 50
IN_USE_S = 60
BROUGHT_AT_ONCE = 4

Arrays = dict[str, np.ndarray]


class Folder(NamedTuple):
    """Items of a stage: each a few files in `here`, and under its name in the copy."""

    here: Path
    """In the work folder."""

    copy: Location | None = None
    is_far: bool = False
    """Workers do not see `here`."""

    def local(self) -> Path:
        """Where a worker reads and writes."""
        if not self.is_far or self.copy is None:
            return self.here
        folder = cache() / hashlib.sha256(self.copy.url.encode()).hexdigest()[:32]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def fetch(self, name: str) -> Path:
        """The worker's folder, with an item in it.

        Raises:
            ArtifactError: the copy lacks the item, or has it damaged.
        """
        folder = self.local()
        if self.is_far and self.copy is not None:
            self.copy.fetch(name, folder)
            trim_cache()
        return folder

    def keep(self, name: str, files: Sequence[str]) -> None:
        """Put an item that a worker has finished into the copy.

        Args:
            name: of the item.
            files: names in the worker's folder.
        """
        if self.copy is not None:
            self.copy.put(name, [self.local() / file for file in files])
            if self.is_far:
                trim_cache()

    def bring(self, name: str) -> None:
        """Get into `here` what it lacks of an item.

        Raises:
            ArtifactError: the copy lacks the item, or has it damaged.
        """
        if self.copy is not None:
            self.copy.fetch(name, self.here)


class Finished:
    """Which items of a folder need not be computed; what lies in `here` only is put into the copy on the way."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    @cached_property
    def _there(self) -> frozenset[str]:
        return self.folder.copy.names() if self.folder.copy is not None else frozenset()

    def __call__(self, name: str, files: Sequence[str], *, is_here: bool) -> bool:
        """Whether an item is finished.

        Args:
            name: of the item.
            files: their names.
            is_here: it lies whole in the work folder.
        """
        if self.folder.copy is None or name in self._there:
            return is_here or name in self._there
        if is_here:
            self.folder.copy.put(name, [self.folder.here / file for file in files])
        return is_here


@contextmanager
def bringing() -> Iterator[Callable[[Folder, str], None]]:
    """Gives a function that gets an item into `here` beside what the caller does; at the end all are there.

    Raises:
        ArtifactError: a copy lacks an item, or has it damaged; what was not begun then is left.
    """
    pool = ThreadPoolExecutor(BROUGHT_AT_ONCE)
    asked: list[Future[None]] = []
    try:
        yield lambda folder, name: asked.append(pool.submit(folder.bring, name))
        for each in asked:
            each.result()
    finally:
        pool.shutdown(cancel_futures=True)


def are_far(config: RunConfig) -> bool:
    """Whether workers need not see the work folder."""
    return config.engine == "ray" and config.shards_at != ""


def folder_of(config: RunConfig, here: Path, plan: dict[str, Any], *names: str) -> Folder:
    """A folder of the work folder, with its copy where the settings name a location.

    Args:
        config: of the run.
        here: in the work folder.
        plan: everything that decides what lies in it, as JSON.
        names: of the folder at the location.
    """
    if not config.shards_at:
        return Folder(here)
    copy = Location.at(config.shards_at).below(*names, json_sha256(plan)[:16])
    return Folder(here, copy, is_far=are_far(config))


def arrays_kept(copy: Location | None, name: str, compute: Callable[[], Arrays]) -> Arrays:
    """Arrays of an item: from the copy where it is whole there, else computed and put there; without one computed."""
    if copy is None:
        return compute()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.npz"
        if copy.has(name):
            copy.fetch(name, path.parent)
            with np.load(path, allow_pickle=False) as file:
                return dict(file)
        arrays = compute()
        np.savez(path, allow_pickle=False, **arrays)
        copy.put(name, [path])
        return arrays


def cache() -> Path:
    """Folder of what this machine has fetched, this user's alone."""
    named = os.environ.get(CACHE)
    folder = Path(named) if named else Path(tempfile.gettempdir()) / f"protsae-{getpass.getuser()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def trim_cache() -> None:
    """Remove what was asked for longest ago until the cache is as small as it must be.

    What was asked for in the last minute stays, for a worker may be about to open it.
    """
    files = []
    for path in cache().glob("*/*"):
        with suppress(OSError):  # another process has just removed it
            found = path.stat()
            files.append((found.st_mtime, found.st_size, path))
    left = _cache_bytes()
    for asked, size, path in sorted(files, reverse=True):
        left -= size
        if left < 0 and time.time() - asked > IN_USE_S and path.suffix != PARTIAL:
            path.unlink(missing_ok=True)


def _cache_bytes() -> float:
    value = os.environ.get(CACHE_GB, str(DEFAULT_GB))
    try:
        return float(value) * 1e9
    except ValueError as error:
        raise ConfigError(f"{CACHE_GB} must be a number of gigabytes, got {value!r}") from error
