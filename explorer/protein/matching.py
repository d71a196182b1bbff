"""Which stored protein is a pasted sequence, or nearly so?

The same sequence is found by look-up. Otherwise proteins that share most five-letter words are aligned from end to
end (overhangs free), and the alignment carries positions of the stored protein, and so of its structure, over to the
reader's own numbering.

Read `SequenceIndex.find`, then `Match.carry_over`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from Bio import Align
from Bio.Align import substitution_matrices
from jaxtyping import Int

NEARLY = 0.9
"""Identity from which on a stored structure is shown as the reader's own."""

TELLING = 30
"""Aligned residues from which on a match says whose the sequence is; a tag or a peptide stands in many proteins."""

WORD = 5
MOST_ALIGNED = 6
_MIN_SHARED, _SHARE_OF_BEST = 3, 0.25
_MIN_COVERAGE = 0.3
_LETTERS = "ACDEFGHIKLMNPQRSTVWYBXZUO"
_UNSCORED = str.maketrans("UO", "XX")
"""BLOSUM62 has no scores for selenocysteine and pyrrolysine."""


class Match(NamedTuple):
    """A stored protein and where the reader's residues lie in it."""

    accession: str
    identity: float
    """Equal residues over aligned ones, 0 to 1."""
    coverage: float
    """Share of the reader's residues that are aligned, 0 to 1."""
    has_structure: bool
    query_positions: Int[np.ndarray, " n_stored"]
    """Position in the reader's sequence of each stored residue, 1-based; 0 = none."""

    @property
    def is_same(self) -> bool:
        """Residue for residue the stored protein."""
        n = len(self.query_positions)
        return self.identity == 1 and self.coverage == 1 and self.query_positions.tolist() == list(range(1, n + 1))

    @property
    def n_aligned(self) -> int:
        """Of the reader's residues."""
        return int(np.count_nonzero(self.query_positions))

    @property
    def is_telling(self) -> bool:
        """Long enough to say whose the sequence is, or the whole stored protein."""
        return self.n_aligned >= TELLING or self.is_same

    @property
    def is_near(self) -> bool:
        """Close enough to stand in: at least 90 % identical over at least half of the reader's sequence."""
        return self.is_telling and self.identity >= NEARLY and self.coverage >= 0.5

    def carry_over(self, positions: Iterable[int]) -> list[int]:
        """Stored 1-based positions (0 = none) in the reader's numbering."""
        return [int(self.query_positions[p - 1]) if p > 0 else 0 for p in positions]


class SequenceIndex:
    """All stored sequences, ready to be searched."""

    def __init__(self, accessions: Sequence[str], sequences: Sequence[str], has_structure: Sequence[bool]) -> None:
        """Index the words of every sequence; about 0.1 s for a million residues."""
        self._accessions = list(accessions)
        self._sequences = list(sequences)
        self._has_structure = [bool(flag) for flag in has_structure]
        self._by_sequence: dict[str, int] = {}
        for i, sequence in enumerate(self._sequences):
            known = self._by_sequence.setdefault(sequence, i)
            if self._has_structure[i] and not self._has_structure[known]:
                self._by_sequence[sequence] = i
        words = [_words(sequence) for sequence in self._sequences]
        owners = np.repeat(np.arange(len(words), dtype=np.int32), [len(w) for w in words])
        flat = np.concatenate(words) if words else np.zeros(0, np.int32)
        order = np.argsort(flat, kind="stable")
        self._words, self._owners = flat[order], owners[order]

    def find(self, sequence: str, *, limit: int = 3) -> list[Match]:
        """Stored proteins most like `sequence`, best first; empty where none shares a stretch with it.

        Args:
            sequence: upper-case one-letter code.
            limit: at most so many.
        """
        same = self._by_sequence.get(sequence)
        if same is not None:
            positions = np.arange(1, len(sequence) + 1)
            return [Match(self._accessions[same], 1.0, 1.0, self._has_structure[same], positions)]
        matches = [self._align(sequence, i) for i in self._candidates(sequence)]
        matches = [match for match in matches if match.coverage >= _MIN_COVERAGE]
        matches.sort(key=lambda m: (-m.identity * m.coverage, not m.has_structure))
        return matches[:limit]

    def _candidates(self, sequence: str) -> list[int]:
        words = _words(sequence)
        first = np.searchsorted(self._words, words, side="left")
        last = np.searchsorted(self._words, words, side="right")
        hits = [self._owners[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True) if b > a]
        if not hits:
            return []
        shared = np.bincount(np.concatenate(hits), minlength=len(self._sequences))
        best = np.argsort(-shared, kind="stable")[:MOST_ALIGNED]
        needed = max(min(_MIN_SHARED, len(words) // 2), 1, shared[best[0]] * _SHARE_OF_BEST)
        return [int(i) for i in best if shared[i] >= needed]

    def _align(self, sequence: str, stored: int) -> Match:
        return aligned(
            sequence, self._sequences[stored], self._accessions[stored], has_structure=self._has_structure[stored]
        )


def aligned(sequence: str, other: str, name: str = "", *, has_structure: bool = False) -> Match:
    """Another sequence aligned with the reader's, from end to end.

    Args:
        sequence: the reader's, upper-case one-letter code.
        other: likewise.
        name: of the other one.
        has_structure: of the other one.
    """
    blocks = _aligner().align(other.translate(_UNSCORED), sequence.translate(_UNSCORED))[0].aligned
    positions = np.zeros(len(other), dtype=np.int32)
    equal = n_aligned = 0
    for (a, b), (c, d) in zip(*blocks, strict=True):
        positions[a:b] = np.arange(c + 1, d + 1)
        n_aligned += int(b - a)
        equal += sum(x == y for x, y in zip(other[a:b], sequence[c:d], strict=True))
    return Match(name, equal / max(n_aligned, 1), n_aligned / len(sequence), has_structure, positions)


def best_structure(matches: Sequence[Match]) -> Match | None:
    """The closest match that is near enough and has a structure."""
    return next((match for match in matches if match.is_near and match.has_structure), None)


def _words(sequence: str) -> Int[np.ndarray, " n_words"]:
    """Each distinct word of the sequence as a number."""
    codes = _CODES[np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)]
    if len(codes) < WORD:
        return np.zeros(0, dtype=np.int32)
    windows = np.lib.stride_tricks.sliding_window_view(codes, WORD)
    return np.unique(windows @ (len(_LETTERS) ** np.arange(WORD, dtype=np.int32)))


def _letter_codes() -> Int[np.ndarray, "256"]:
    codes = np.full(256, _LETTERS.index("X"), dtype=np.int32)
    for code, letter in enumerate(_LETTERS):
        codes[ord(letter)] = code
    return codes


_CODES = _letter_codes()


def _aligner() -> Align.PairwiseAligner:
    """BLOSUM62, affine gaps, overhangs free at both ends of both sequences."""
    aligner = Align.PairwiseAligner(mode="global")
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")
    aligner.open_gap_score, aligner.extend_gap_score = -11, -1
    aligner.end_gap_score = 0
    return aligner
