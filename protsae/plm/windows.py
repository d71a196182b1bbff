"""Overlapping windows over a sequence that is longer than the language model reads at once.

Every residue takes its state from the window in which it lies farthest from a cut: the joins are the middles of the
overlaps. The ends of the protein itself are no cuts.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

WINDOW_OVERLAP = 256
"""Residues that neighbouring windows share at least, so that every state has 128 residues of context on each side."""


class Window(NamedTuple):
    """Residues that go through the model together, and those of them whose states are kept (0-based, end excluded)."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    def inside(self, positions: Sequence[int]) -> list[int]:
        """Positions of the sequence (0-based) that lie in the window, counted from its start."""
        return [position - self.start for position in positions if self.start <= position < self.stop]


def windows(n_residues: int, size: int, overlap: int = WINDOW_OVERLAP) -> list[Window]:
    """Evenly spaced windows that cover a sequence; the kept parts cover each residue once.

    Args:
        n_residues: length of the sequence.
        size: residues in a window; a shorter sequence is one window.
        overlap: residues that neighbours share at least; no more than half of `size` is taken.
    """
    if n_residues <= size:
        return [Window(0, n_residues, 0, n_residues)]
    overlap = min(overlap, size // 2)
    count = -(-(n_residues - overlap) // (size - overlap))
    starts = [round(i * (n_residues - size) / (count - 1)) for i in range(count)]
    joins = [(left + right + size + 1) // 2 for left, right in pairwise(starts)]
    kept = [0, *joins, n_residues]
    return [Window(s, s + size, kept[i], kept[i + 1]) for i, s in enumerate(starts)]


def batches(pieces: Sequence[tuple[int, Window]], token_budget: int) -> Iterator[list[tuple[int, Window]]]:
    """Consecutive (sequence, window) pieces that hold at most `token_budget` tokens, two special ones each included.

    A piece that alone exceeds the budget is a batch of its own.
    """
    batch: list[tuple[int, Window]] = []
    used = 0
    for index, window in pieces:
        tokens = window.stop - window.start + 2
        if batch and used + tokens > token_budget:
            yield batch
            batch, used = [], 0
        batch.append((index, window))
        used += tokens
    if batch:
        yield batch
