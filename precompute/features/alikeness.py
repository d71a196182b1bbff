"""How alike the proteins are on which a feature fires, by their own letters.

    score = (|sum a_n e_n|^2 - sum a_n^2) / ((sum a_n)^2 - sum a_n^2)         e_n: unit vector of protein n

which is the sum over all pairs without any pair being formed. Dealing the activations to other proteins leaves the
denominator as it is, so the mean over all deals is the mean similarity of all pairs, exactly; the spread comes from
`N_DEALS` of them.

Read `profiles`, then `scores`.

Source: Pach et al. 2025 (arXiv:2504.02821) for the score. The eight classes are those of the amino acids' side chains;
triplets of a reduced alphabet are as in Shen et al. 2007 (doi:10.1073/pnas.0607879104), who take seven.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from precompute.corpus.proteins import amino_acid_codes
from protsae.alphabet import AMINO_ACIDS

CLASSES = ("AG", "ILMV", "FWY", "ST", "NQH", "DE", "KR", "CP")
N_DEALS = 50
LEAST = 3
"""Firing proteins below which a feature has no score."""

_CLASS_OF = np.full(len(AMINO_ACIDS) + 1, -1)
for _number, _letters in enumerate(CLASSES):
    _CLASS_OF[[AMINO_ACIDS.index(letter) for letter in _letters]] = _number


class Scores(NamedTuple):
    """Of every feature; NaN where it fires in fewer than `LEAST` proteins."""

    n_firing: Int[np.ndarray, " d"]
    score: Float[np.ndarray, " d"]
    by_chance: Float[np.ndarray, " d"]
    z: Float[np.ndarray, " d"]
    null_z: Float[np.ndarray, " d"]
    """z of one further deal."""


def profiles(sequences: Sequence[str], more: Sequence[str] = ()) -> Float[np.ndarray, "n 512"]:
    """Unit vectors of how often each triplet of classes occurs, beside its mean and spread over these sequences.

    Args:
        sequences: whose mean and spread is taken.
        more: sequences whose vectors follow, by the same mean and spread.
    """
    shares = np.concatenate([_shares(sequences), _shares(more)])
    own = shares[: len(sequences)]
    spread = own.std(axis=0)
    centred = (shares - own.mean(axis=0)) / np.where(spread > 0, spread, 1)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 0).astype(np.float32)


def _shares(sequences: Sequence[str]) -> Float[np.ndarray, "n 512"]:
    n = len(CLASSES)
    counts = np.zeros((len(sequences), n**3))
    for row, sequence in enumerate(sequences):
        own = _CLASS_OF[amino_acid_codes(sequence)]
        first, second, third = own[:-2], own[1:-1], own[2:]
        inside = (first >= 0) & (second >= 0) & (third >= 0)
        counts[row] = np.bincount((first * n * n + second * n + third)[inside], minlength=n**3)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def scaled(peak: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Activations from 0 to 1 within each feature; silent proteins stay at 0."""
    return peak / np.maximum(peak.max(axis=0, keepdims=True, initial=0), 1e-12)


def scores(acts: Float[np.ndarray, "n d"], vectors: Float[np.ndarray, "n k"], rng: np.random.Generator) -> Scores:
    """How alike the proteins of every feature are, beside random deals.

    Args:
        acts: of `scaled`.
        vectors: of `profiles`, or any unit vectors.
        rng: of the deals.
    """
    acts = np.ascontiguousarray(acts, dtype=np.float32)
    n_firing = (acts > 0).sum(axis=0)
    squares = (acts.astype(np.float64) ** 2).sum(axis=0)
    pairs = acts.sum(axis=0, dtype=np.float64) ** 2 - squares
    lengths = (vectors.astype(np.float64) ** 2).sum(axis=1)
    enough = (n_firing >= LEAST) & (pairs > 1e-12)

    def of(order: np.ndarray) -> np.ndarray:
        total = vectors[order].T @ acts
        own = (acts**2).T @ lengths[order]
        summed = (total.astype(np.float64) ** 2).sum(axis=0) - own
        return np.divide(summed, pairs, out=np.full(len(pairs), np.nan), where=enough)

    score = of(np.arange(len(acts)))
    dealt = np.stack([of(rng.permutation(len(acts))) for _ in range(N_DEALS)])
    n = len(acts)
    everything = (float((vectors.sum(axis=0, dtype=np.float64) ** 2).sum()) - lengths.sum()) / max(1, n * (n - 1))
    by_chance = np.where(enough, everything, np.nan)
    spread = np.sqrt(((dealt - everything) ** 2).mean(axis=0))
    able = enough & (spread > 0)

    def beyond(values: np.ndarray) -> np.ndarray:
        return np.divide(values - everything, spread, out=np.full(len(values), np.nan), where=able)

    return Scores(n_firing, score, by_chance, beyond(score), beyond(of(rng.permutation(len(acts)))))
