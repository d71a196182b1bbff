"""Whether a space keeps features of one group together: how many of a feature's nearest are of its group.

Counted among features that have a group which another one shares; the others say nothing. Beside it stand what the
groups' sizes allow, and the same with the groups shuffled over the features. Read `separation`.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from precompute.features.likeness import alike

K = 10
"""Nearest features that are looked at."""

N_SHUFFLES = 20


class Separated(NamedTuple):
    """Means over features, each from 0 to `k`."""

    k: int
    same: float
    """Of the k nearest, those of the same group."""
    possible: float
    """The most that any space could reach: a feature whose group has three members finds two of them at best."""
    by_chance: float
    """`same` with the groups shuffled, mean of the shuffles."""
    by_chance_high: float
    """The largest of them."""


def shared(groups: np.ndarray) -> np.ndarray:
    """Places of those whose group is not '' and has another member."""
    values, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return np.flatnonzero((counts[inverse] > 1) & (values[inverse] != ""))


def separation(nearest: np.ndarray, groups: np.ndarray, *, seed: int) -> Separated:
    """How well groups are kept together.

    Args:
        nearest: [n, k] places of the nearest others of each, from `nearest_on_map` or `nearest_in_full`.
        groups: [n] of each; every group has two members at least.
        seed: of the shuffles.
    """
    if len(groups) == 0:
        return Separated(0, 0.0, 0.0, 0.0, 0.0)
    k = nearest.shape[1]
    codes, counts = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    rng = np.random.default_rng(seed)
    shuffled = [_same(nearest, rng.permutation(codes)) for _ in range(N_SHUFFLES)]
    possible = float(np.minimum(counts[codes] - 1, k).mean())
    return Separated(k, _same(nearest, codes), possible, float(np.mean(shuffled)), max(shuffled))


def nearest_on_map(places: np.ndarray) -> np.ndarray:
    """[n, k] places of the nearest others of points [n, 2] of a map."""
    k = min(K, len(places) - 1)
    if k < 1:
        return np.zeros((len(places), 0), dtype=np.int64)
    found = np.asarray(cKDTree(places).query(places, k=k + 1)[1])
    own = found == np.arange(len(places))[:, None]
    own[~own.any(axis=1), -1] = True  # points that lie on one another may push out the point itself
    return found[~own].reshape(len(places), k)


def nearest_in_full(points: np.ndarray) -> np.ndarray:
    """[n, k] the same by the cosine of points [n, d] of unit length."""
    return alike(points, points, K, within=True)[0]


def _same(nearest: np.ndarray, codes: np.ndarray) -> float:
    return float((codes[nearest] == codes[:, None]).sum(axis=1).mean())
