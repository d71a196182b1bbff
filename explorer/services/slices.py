"""Many runs, a few at a time: a page shows what is known, and is free for its reader before the next slice.

A fragment that Streamlit calls every `EVERY_SECONDS` asks for what is known after one more slice; while it computes no
other part of the page can, so a slice is short. Read `Slices`.
"""

import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
SLICE_SECONDS = 0.6
"""After so long a slice begins no further run."""
EVERY_SECONDS = 0.3
"""How often a page asks for the next slice."""


class Known(NamedTuple, Generic[Item]):
    """What has been computed so far of many runs, in their order."""

    items: list[Item]
    total: int

    @property
    def is_whole(self) -> bool:
        """Nothing is left to compute."""
        return len(self.items) == self.total


class Slices(Generic[Item]):
    """Runs that all readers share; two who ask at once may compute the same one twice, to the same effect."""

    def __init__(self, total: int, compute: Callable[[int], Item]) -> None:
        """Compute nothing yet.

        Args:
            total: of the runs.
            compute: one of them, by its place from 0.
        """
        self._total, self._compute = total, compute
        self._kept: dict[int, Item] = {}

    def known(self, seconds: float = 0) -> Known[Item]:
        """What is known after computing for so long, one run at least; 0 for computing nothing."""
        end = time.monotonic() + seconds
        for place in range(self._total if seconds > 0 else 0):
            if place not in self._kept:
                self._kept[place] = self._compute(place)
                if time.monotonic() >= end:
                    break
        return Known([item for _, item in sorted(self._kept.items())], self._total)
