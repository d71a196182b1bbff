"""Conservative and radical substitutions, by BLOSUM62: a score of 0 or above is conservative, below it is radical.

Read `substitutions`.

Source: Henikoff and Henikoff 1992 (doi:10.1073/pnas.89.22.10915), as Biopython ships it.
"""

from functools import cache
from typing import Any, Literal, NamedTuple

from Bio.Align import substitution_matrices

Kind = Literal["conservative", "radical"]


class Substitution(NamedTuple):
    """One residue that became another."""

    position: int
    """From 0."""
    old: str
    new: str
    score: int
    """BLOSUM62, half-bits."""

    @property
    def kind(self) -> Kind:
        """Whether evolution accepts it more often than chance would have it."""
        return "conservative" if self.score >= 0 else "radical"

    @property
    def name(self) -> str:
        """As biologists write it, e.g. K27R; counted from 1."""
        return f"{self.old}{self.position + 1}{self.new}"


def substitutions(original: str, steered: str) -> list[Substitution]:
    """Where two sequences of equal length differ, ascending.

    Args:
        original: upper-case letters of BLOSUM62's alphabet, or any that do not change.
        steered: as long.
    """
    table = _blosum62()
    return [
        Substitution(place, old, new, table[old, new])
        for place, (old, new) in enumerate(zip(original, steered, strict=True))
        if old != new
    ]


@cache
def _blosum62() -> dict[tuple[str, str], int]:
    matrix: Any = substitution_matrices.load("BLOSUM62")
    letters = str(matrix.alphabet)
    return {(a, b): int(matrix[a, b]) for a in letters for b in letters}
