"""A large file over HTTP: goes on where it broke off, is as long as the server said, and appears whole or not at all.

    NAME.partial        what has come so far; the next attempt asks for the rest (Range)
    NAME.partial.tag    the server's ETag or date for it: where the file has changed since, it starts anew (If-Range)

Attempts are repeated as long as each brings something. The checksum is that of the caller, where one is known: fair-esm
publishes none itself (`weights.py` has those that others do), a bundle's plm.json holds the one of the weights it was
made with. pooch and torch.hub check a hash, too, but start a broken download of gigabytes again.

Read `download`.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import requests
from filelock import FileLock
from requests import codes

from protsae.errors import ArtifactError, InputError
from protsae.files import PARTIAL
from protsae.files import sha256 as sha256_of

Progress = Callable[[int, int], None]
"""Takes bytes done and bytes in all (0 where the server does not say); first before anything is written."""

ATTEMPTS = 3
"""In a row that bring nothing, until it is given up."""

WAIT_S = 1.0
"""Before the second of them; twice as long before each further one."""

_TIMEOUT_S = 60
_CHUNK = 1 << 14
"""Bytes; what came of a chunk is lost where the connection breaks within it."""


class _Partial(NamedTuple):
    """What has come of a file so far."""

    path: Path
    tag: Path

    @property
    def size(self) -> int:
        """Bytes that a server can be asked to go on from; 0 where it is not known what they are part of."""
        return self.path.stat().st_size if self.path.is_file() and self.tag.is_file() else 0

    def drop(self) -> None:
        """Forget what has come."""
        self.path.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)


def download(
    url: str,
    path: Path,
    *,
    sha256: str = "",
    md5: str = "",
    check: Callable[[Path], None] | None = None,
    progress: Progress | None = None,
) -> None:
    """Download a file unless it is there; a second process that wants the same waits for the first.

    Args:
        url: of the file.
        path: where it shall stand.
        sha256: what it must have, in hexadecimal; '' where it is not known.
        md5: the same, against damage only.
        check: looks at the whole file before it takes its name, and raises where it is not as it should be.
        progress: called with every piece.

    Raises:
        InputError: the server has no such file or cannot be reached; what has come is kept.
        ArtifactError: the file has another checksum, or `check` says so; nothing is kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    so_far = _Partial(partial, partial.with_name(partial.name + ".tag"))
    with FileLock(path.with_name(path.name + ".lock")):
        if path.is_file():
            return
        _fetch(url, so_far, progress or (lambda _done, _total: None))
        try:
            _check_digest(url, "SHA-256", sha256_of(so_far.path) if sha256 else "", sha256)
            _check_digest(url, "MD5", _md5_of(so_far.path) if md5 else "", md5)
            if check is not None:
                check(so_far.path)
        except ArtifactError:
            so_far.drop()
            raise
        so_far.path.replace(path)
        so_far.drop()


def _fetch(url: str, so_far: _Partial, progress: Progress) -> None:
    """Repeat attempts until the file is whole."""
    failed = 0
    while True:
        before = so_far.size
        try:
            _attempt(url, so_far, progress)
        except OSError as error:
            failed = 1 if so_far.size > before else failed + 1
            if failed == ATTEMPTS or _is_final(error):
                raise InputError(
                    f"{url} could not be downloaded ({' '.join(str(error).split()) or type(error).__name__}): connect "
                    "to the internet and ask again, what has come so far is kept."
                ) from error
            time.sleep(WAIT_S * 2 ** (failed - 1))
        else:
            return


def _attempt(url: str, so_far: _Partial, progress: Progress) -> None:
    """Ask once for all that is missing.

    Raises:
        OSError: the server cannot be reached, refuses, or broke off.
    """
    start = so_far.size
    headers = {"User-Agent": "protsae", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": so_far.tag.read_text(encoding="utf-8")}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        rest = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if response.status_code == codes.requested_range_not_satisfiable:
            if response.headers.get("Content-Range") == f"bytes */{start}":
                return
            so_far.drop()
        response.raise_for_status()
        if response.status_code == codes.partial_content and rest is not None and int(rest[1]) == start:
            total = int(rest[2])
        else:
            so_far.drop()
            start, total = 0, int(response.headers.get("Content-Length", 0))
            _remember(so_far.tag, response.headers)
        progress(start, total)
        with so_far.path.open("ab") as handle:
            for piece in response.iter_content(_CHUNK):
                handle.write(piece)
                start += len(piece)
                progress(start, total)
    if total and start != total:
        raise ConnectionError(f"the connection broke after {start:,} of {total:,} bytes")


def _remember(tag: Path, headers: Mapping[str, str]) -> None:
    """Keep what tells this version of the file from another; a weak ETag does not."""
    etag = headers.get("ETag", "")
    version = headers.get("Last-Modified", "") if not etag or etag.startswith("W/") else etag
    if version:
        tag.write_text(version, encoding="utf-8")


def _is_final(error: OSError) -> bool:
    """Whether asking again cannot help: the server is there and says no."""
    if not isinstance(error, requests.HTTPError) or error.response is None:
        return False
    status = error.response.status_code
    return status < 500 and status != codes.requested_range_not_satisfiable


def _md5_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _check_digest(url: str, kind: str, found: str, expected: str) -> None:
    if found != expected.lower():
        raise ArtifactError(
            f"What {url} sent has the {kind} {found} instead of {expected}, so it was not kept: ask again, or give "
            "the path of a file that has the right one."
        )
