"""Answers on disk, by content: equal content lies there once, and what is damaged is as good as absent.

    FOLDER/asked/<SHA-256 of the question>.json     url, headers, date, and the SHA-256 of the content
    FOLDER/content/<SHA-256 of the content>

Many processes may use one folder: every file appears whole or not at all, and nothing is changed in place.

Read `Cache`.
"""

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path

from protsae.files import read_json, whole
from protsae.sources.answers import Answer

VARIABLE = "PROTSAE_CACHE"
"""Of the environment: the folder of `default_cache`."""

DEFAULT_LIMIT_BYTES = 500_000_000
DAY_S = 86_400.0


class Cache:
    """Answers that need not be asked for again."""

    def __init__(self, folder: Path, *, limit_bytes: int = 0) -> None:
        """Nothing is written before the first `keep`.

        Args:
            folder: of the files.
            limit_bytes: of all contents; the oldest go where they are more. 0 sets none.
        """
        self.folder, self.limit_bytes = folder, limit_bytes

    def find(self, question: str, max_age_s: float) -> Answer | None:
        """The answer to a question, None where there is none that is whole and no older than `max_age_s` seconds."""
        found = read_json(self._asked(question))
        if found is None:
            return None
        try:
            path, age = self._content(str(found["sha256"])), time.time() - float(found["time"])
            content = path.read_bytes()
            answer = Answer(str(found["url"]), dict(found["headers"]), content, str(found["date"]), was_kept=True)
        except (KeyError, TypeError, ValueError, OSError):
            return None
        is_whole = hashlib.sha256(content).hexdigest() == found["sha256"]
        return answer if is_whole and age <= max_age_s else None

    def keep(self, question: str, answer: Answer) -> None:
        """Keep an answer.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        digest = hashlib.sha256(answer.content).hexdigest()
        about = {"url": answer.url, "headers": dict(answer.headers), "date": answer.date, "time": time.time()}
        for path, content in (
            (self._content(digest), answer.content),
            (self._asked(question), json.dumps({**about, "sha256": digest}).encode()),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole(path, writer=f"{os.getpid()}-{time.monotonic_ns()}") as temporary:
                temporary.write_bytes(content)
        if self.limit_bytes:
            self._drop_oldest(digest)

    def place(self, content: bytes, path: Path) -> None:
        """Put content that is kept at `path`, too, without a second copy where the file system can; else write it.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        with whole(path) as temporary:
            temporary.unlink(missing_ok=True)
            try:
                os.link(self._content(hashlib.sha256(content).hexdigest()), temporary)
            except OSError:
                temporary.write_bytes(content)

    def _drop_oldest(self, kept: str) -> None:
        """Contents that were written first go, until the rest fits; the one just kept stays."""
        with contextlib.suppress(OSError):  # another process drops, too
            files = sorted(
                (path.stat().st_mtime, path.stat().st_size, path) for path in self._content(kept).parent.iterdir()
            )
            total = sum(size for _, size, _ in files)
            for _, size, path in files:
                if total <= self.limit_bytes:
                    break
                if path.name != kept:
                    path.unlink(missing_ok=True)
                    total -= size

    def _asked(self, question: str) -> Path:
        return self.folder / "asked" / f"{hashlib.sha256(question.encode()).hexdigest()}.json"

    def _content(self, digest: str) -> Path:
        return self.folder / "content" / digest


def default_cache() -> Cache:
    """The user's: the folder that the environment names, else one in the home folder; at most half a gigabyte."""
    named = os.environ.get(VARIABLE)
    return Cache(Path(named) if named else Path.home() / ".cache" / "protsae", limit_bytes=DEFAULT_LIMIT_BYTES)
