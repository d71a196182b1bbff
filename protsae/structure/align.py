"""Which residue of a sequence each modelled residue of a structure is.

An alignment by dynamic programming that knows where the chain is broken. Walking along the modelled residues,

    M[i, j] = S[i, j] + max(0, P[i-1, j-1], max_{j' < j-1} P[i-1, j'] - gap_i, max_{j'} P[i-1, j'] - copy_i)
    I[i, j] = max(M[i-1, j] - open, I[i-1, j] - extend)          P = max(M, I)

M: residue i lies at j. I: residue i is not in the sequence (tag, fusion), and the last that was lies at j. `gap` skips
a stretch of any length (0.02 a residue, so that the nearest of equals wins): it is cheap where the chain is broken,
since loops are unresolved there, and dear elsewhere; so a gap never drifts to where the letters would allow it too.
`copy` starts the sequence again: some files hold several copies of a protein under one chain name. A general aligner
(Biopython's) has neither of the two.

Read `align_residues`.

Source: local alignment with affine gaps (Gotoh 1982), scores BLOSUM62 (Henikoff and Henikoff 1992), its statistics
with gaps from Altschul and Gish (1996).
"""

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from Bio.Align import substitution_matrices

GAP_AT_BREAK, GAP_IN_CHAIN, GAP_PER_RESIDUE = 12.0, 40.0, 0.02
COPY_AT_BREAK, COPY_IN_CHAIN = 60.0, 120.0
OPEN_INSERTION, EXTEND_INSERTION = 10.0, 0.5
LAMBDA, K = 0.267, 0.041


class ResidueMap(NamedTuple):
    """Where the modelled residues lie in the sequence."""

    positions: np.ndarray
    """[n_modelled] position in the sequence from 0; -1 = not in the sequence. Several copies repeat positions."""

    identity: float
    """Share of equal letters among the aligned residues, 0 to 1."""

    coverage: float
    """Share of the sequence that is modelled, 0 to 1."""

    chance: float
    """Equally good alignments to expect between unrelated sequences of these lengths (E-value)."""

    @property
    def n_aligned(self) -> int:
        """Positions of the sequence that are modelled."""
        return len(np.unique(self.positions[self.positions >= 0]))


def align_residues(modelled: str, sequence: str, is_broken: np.ndarray) -> ResidueMap:
    """Place every modelled residue in the sequence.

    Args:
        modelled: one-letter codes of the modelled residues, X for any other.
        sequence: one-letter code.
        is_broken: [n_modelled - 1] whether the chain is interrupted behind the 1st, 2nd, ... modelled residue.
    """
    assert len(is_broken) == max(0, len(modelled) - 1), "one flag between two residues each"
    positions, score = _best_path(modelled, sequence, is_broken)
    placed = np.flatnonzero(positions >= 0)
    equal = sum(modelled[i] == sequence[positions[i]] for i in placed)
    coverage = len(np.unique(positions[placed])) / len(sequence)
    chance = K * len(modelled) * len(sequence) * math.exp(-LAMBDA * score)
    return ResidueMap(positions, equal / max(1, len(placed)), coverage, chance)


def _best_path(modelled: str, sequence: str, is_broken: np.ndarray) -> tuple[np.ndarray, float]:
    """Position of each modelled residue, -1 where it has none, and the score."""
    n, m = len(modelled), len(sequence)
    scores, columns = np.array(_blosum(), dtype=np.float32), _codes(sequence)
    came_from = np.full((n, m), -1, dtype=np.int32)
    """Position before M[i, j]; -1 = the path starts here."""
    is_inserted = np.zeros((n, m), dtype=bool)
    """I[i, j] > M[i, j]"""
    was_inserted = np.zeros((n, m), dtype=bool)
    """I[i, j] goes on from I[i-1, j], not from M[i-1, j]."""
    here = np.arange(m, dtype=np.int32)
    best, best_at = 0.0, None
    placed = inserted = np.full(m, -np.inf, dtype=np.float32)
    for i, row in enumerate(_codes(modelled)):
        best_before = np.maximum(placed, inserted)
        start = np.zeros(m, dtype=np.float32)
        if i:
            gap, copy = (GAP_AT_BREAK, COPY_AT_BREAK) if is_broken[i - 1] else (GAP_IN_CHAIN, COPY_IN_CHAIN)
            _take(start, came_from[i], 1, best_before[:-1], here[:-1])
            levelled = best_before + GAP_PER_RESIDUE * here
            highest = np.maximum.accumulate(levelled)
            leader = np.maximum.accumulate(np.where(levelled == highest, here, 0))
            _take(start, came_from[i], 2, highest[:-2] - GAP_PER_RESIDUE * here[1:-1] - gap, leader[:-2])
            at = int(best_before.argmax())
            _take(start, came_from[i], 0, best_before[at : at + 1] - copy, here[at : at + 1])
            opened, extended = placed - OPEN_INSERTION, inserted - EXTEND_INSERTION
            was_inserted[i] = extended > opened
            inserted = np.maximum(opened, extended)
        placed = start + scores[row, columns]
        is_inserted[i] = inserted > placed
        if placed.max() > best:
            best, best_at = float(placed.max()), (i, int(placed.argmax()))
    return _trace(n, best_at, came_from, is_inserted, was_inserted), best


def _take(start: np.ndarray, came_from: np.ndarray, shift: int, score: np.ndarray, origin: np.ndarray) -> None:
    """Prefer a predecessor wherever it scores higher; `score[k]` leads to column `shift + k`, a single one to all."""
    if len(score) == 0:
        return
    better = score > start[shift:]
    start[shift:][better] = np.broadcast_to(score, better.shape)[better]
    came_from[shift:][better] = np.broadcast_to(origin, better.shape)[better]


def _trace(
    n: int,
    end: tuple[int, int] | None,
    came_from: np.ndarray,
    is_inserted: np.ndarray,
    was_inserted: np.ndarray,
) -> np.ndarray:
    positions = np.full(n, -1, dtype=np.int64)
    if end is None:
        return positions
    (i, j), inserted = end, False
    while i >= 0:
        if inserted:
            inserted = bool(was_inserted[i, j])
        else:
            positions[i] = j
            j = int(came_from[i, j])
            if j < 0:
                break
            inserted = bool(is_inserted[i - 1, j])
        i -= 1
    return positions


def _codes(sequence: str) -> np.ndarray:
    alphabet: str = _blosum().alphabet
    place = {letter: number for number, letter in enumerate(alphabet)}
    return np.array([place.get(letter, place["X"]) for letter in sequence], dtype=np.intp)


@cache
def _blosum() -> Any:
    return substitution_matrices.load("BLOSUM62")
