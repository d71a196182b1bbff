"""How far two dictionaries hold the same features, in the same order.

    stability    mean cosine of features matched one to one, the matching with the largest sum (Hungarian)
    orderedness  Spearman's rho of the indices of matched features
    best         of each feature, its highest cosine with any feature of the other dictionary; no matching

Random directions of the same number and dimension give what luck gives; in few dimensions that is not small.

Read `matched`, then `random_best`.

Source: stability and orderedness as arXiv:2512.02194 defines them; best cosines as in arXiv:2505.16077.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr

Directions = Float[np.ndarray, "_ d_model"]
"""Rows of unit length; those of two dictionaries may differ in number."""


class Matched(NamedTuple):
    """Features of two dictionaries, one to one; n is the smaller number."""

    first: Int[np.ndarray, " n"]
    second: Int[np.ndarray, " n"]
    cosine: Float[np.ndarray, " n"]

    @property
    def stability(self) -> float:
        """Mean cosine, -1 to 1."""
        return float(self.cosine.mean())

    @property
    def orderedness(self) -> float:
        """Spearman's rho of the indices, -1 to 1; NaN of fewer than two pairs."""
        return float(spearmanr(self.first, self.second).statistic) if len(self.first) > 1 else float("nan")


def matched(first: Directions, second: Directions) -> Matched:
    """The one-to-one matching whose cosines add up to most."""
    cosine = first @ second.T
    rows, columns = linear_sum_assignment(-cosine)
    return Matched(rows, columns, cosine[rows, columns])


def best(first: Directions, second: Directions) -> tuple[Int[np.ndarray, " n_first"], Float[np.ndarray, " n_first"]]:
    """Of each row of `first` the row of `second` that is most alike, and their cosine."""
    places, cosines = [], []
    for start in range(0, len(first), 1024):
        cosine = first[start : start + 1024] @ second.T
        places.append(cosine.argmax(axis=1))
        cosines.append(cosine.max(axis=1))
    return np.concatenate(places), np.concatenate(cosines)


def random_directions(n: int, d_model: int, seed: int) -> Directions:
    """Rows drawn evenly from the unit sphere (Haar)."""
    drawn = np.random.default_rng(seed).standard_normal((n, d_model)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def random_best(first: Directions, n: int, seed: int) -> Float[np.ndarray, " n_first"]:
    """Of each row the highest cosine with any of n random directions: what `best` gives by luck."""
    return best(first, random_directions(n, first.shape[1], seed))[1]
