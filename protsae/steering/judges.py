"""Judges of a steered sequence that steering did not touch, beside the probe: similarity of its 3-mers to carriers'.

    similarity = mean over proteins that carry a term of cosine(own 3-mers, theirs)
               - the same over proteins that do not

3-mers are counted as there or not. By linearity it is one product with the difference of two mean profiles. It knows
no language model and no SAE.

Read `KmerJudge`.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float, Int

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError

K = 3
N_KMERS = len(AMINO_ACIDS) ** K


class KmerJudge(NamedTuple):
    """What 3-mers tell of a term."""

    direction: Float[np.ndarray, " n_kmers"]
    """Mean unit profile of carriers, minus that of others."""

    @classmethod
    def of(cls, carriers: Sequence[str], others: Sequence[str]) -> Self:
        """Learn the term from sequences.

        Raises:
            InputError: there is no carrier, or no other protein, to compare with.
        """
        if not carriers or not others:
            raise InputError(
                f"3-mers need proteins with the term and without it, got {len(carriers)} and {len(others)}."
            )
        return cls(_mean_profile(carriers) - _mean_profile(others))

    def similarity(self, sequence: str) -> float:
        """How much nearer a sequence's 3-mers are to carriers' than to others', -1 to 1."""
        found = kmers(sequence)
        return float(self.direction[found].sum() / np.sqrt(len(found))) if len(found) else 0.0


def kmers(sequence: str) -> Int[np.ndarray, " n_found"]:
    """Which 3-mers of standard amino acids a sequence holds, as places among the 8,000, ascending, each once."""
    letters = _places()[np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)]
    if len(letters) < K:
        return np.zeros(0, dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(letters, K)
    whole = windows[(windows >= 0).all(axis=1)]
    return np.unique(whole @ len(AMINO_ACIDS) ** np.arange(K - 1, -1, -1))


def _mean_profile(sequences: Sequence[str]) -> Float[np.ndarray, " n_kmers"]:
    total = np.zeros(N_KMERS)
    for sequence in sequences:
        found = kmers(sequence)
        if len(found):
            total[found] += 1 / np.sqrt(len(found))
    return total / len(sequences)


@cache
def _places() -> Int[np.ndarray, " 256"]:
    """Byte -> place in AMINO_ACIDS, -1 for any other letter."""
    table = np.full(256, -1, dtype=np.int64)
    table[np.frombuffer(AMINO_ACIDS.encode("ascii"), dtype=np.uint8)] = np.arange(len(AMINO_ACIDS))
    return table
