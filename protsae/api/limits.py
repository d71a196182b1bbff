"""What a server over a bundle lets through: sizes, counts, and how much it does at a time. Read `Limits`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

from protsae.errors import ConfigError, ProtSAEError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one request, and of all that are served at a time."""

    residues: int = 1022
    """Longest sequence."""

    rows: int = 200
    """Most rows of an answer."""

    features: int = 20
    """Most features that one request raises."""

    body_bytes: int = 65_536
    """Largest body of a request."""

    concurrent: int = 2
    """Requests that run a model at a time; further ones are told to come back."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 1:
                raise ConfigError(f"{field.name} must be at least 1, got {value}")


class BusyError(ProtSAEError):
    """The server does as much as it may at a time."""


class Turnstile:
    """Lets so many in at a time and refuses the rest, so that nobody waits in a queue without an end."""

    def __init__(self, n: int) -> None:
        """Args: n: at a time."""
        self._n, self._free = n, threading.BoundedSemaphore(n)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """One turn.

        Raises:
            BusyError: all are taken.
        """
        if not self._free.acquire(blocking=False):
            raise BusyError(f"The server runs {self._n} models at a time and all are busy; ask again in a few seconds.")
        try:
            yield
        finally:
            self._free.release()
