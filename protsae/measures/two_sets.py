"""Which columns of a sparse matrix of scores tell two sets of rows apart: Mann and Whitney's test for columns of zeros.

    T     = sum of the ranks of set A          ranks over all n rows, ties share their mean rank
    AUROC = (T - n1 (n1 + 1) / 2) / (n1 n0)    the chance that a row of A scores above one of B, ties counting half
    p     = P(|T - E T| >= |t - E T|)          over all ways to deal the rows to sets of these sizes

Most scores are zero, and a feature that fires in five of six hundred rows has nothing of a normal distribution: there
the usual approximation is wrong by orders of magnitude. So the number x of rows of A in which it fires is dealt
exactly, and only the order among the firing rows is approximated:

    x     ~ hypergeometric(n, k, n1)                                      k: rows that fire
    T | x ~ normal(E T + (x - n1 k / n) n / 2, x (k - x) S^2 / k)         S^2: sample variance of the firing rows' ranks

which is exact where all firing rows score alike and the usual test where all rows fire. The interval of AUROC is
Newcombe's score interval, which stays honest at 0 and 1. Rows count as independent: give one of each family.

Read `compare`, then `found_by_chance`.

Source: Mann and Whitney 1947 (doi:10.1214/aoms/1177730491); Newcombe 2006 (doi:10.1002/sim.2324), method 5; Benjamini
and Hochberg 1995 (doi:10.1111/j.2517-6161.1995.tb02031.x).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array, csr_array
from scipy.special import ndtr
from scipy.stats import false_discovery_control, hypergeom

from protsae.measures.ranking import SparseRanks, share_of_pairs, sparse_ranks, wins

_Z = 1.959963984540054
"""Of a two-sided 95 % interval."""
_BISECTIONS = 40
_TERMS_AT_A_TIME = 2_000_000


class Compared(NamedTuple):
    """How every column differs between the two sets; all [n_columns]."""

    auroc: Float[np.ndarray, " m"]
    """Above 0.5: higher in A."""
    low: Float[np.ndarray, " m"]
    """95 % interval of AUROC."""
    high: Float[np.ndarray, " m"]
    p: Float[np.ndarray, " m"]
    """Two-sided; 1 for a column without an entry."""
    q: Float[np.ndarray, " m"]
    """False discovery rate over the columns that have an entry; 1 for the others."""
    n_firing_a: Int[np.ndarray, " m"]
    """Rows of A with an entry above zero."""
    n_firing_b: Int[np.ndarray, " m"]


class _Firing(NamedTuple):
    """What the distribution of T depends on; all [n_columns]."""

    n_firing: Int[np.ndarray, " m"]
    spread: Float[np.ndarray, " m"]
    """Sample variance of the firing rows' ranks among themselves; 0 for fewer than two."""


def compare(scores: csr_array | csc_array, is_a: Bool[np.ndarray, " n"]) -> Compared:
    """Test every column.

    Args:
        scores: [n, m], no entry negative.
        is_a: which rows are set A; the others are B.

    Raises:
        ValueError: a score is negative, or a set has no rows.
    """
    return _compare(sparse_ranks(scores), is_a)


def found_by_chance(
    scores: csr_array | csc_array, is_a: Bool[np.ndarray, " n"], level: float, *, n_shuffles: int, seed: int
) -> Int[np.ndarray, " n_shuffles"]:
    """How many columns have a false discovery rate of at most `level` where the rows are dealt at random.

    Args:
        scores: [n, m], no entry negative.
        is_a: as in `compare`; its size stays.
        level: 0 to 1.
        n_shuffles: dealings.
        seed: of these.
    """
    ranks, rng = sparse_ranks(scores), np.random.default_rng(seed)
    return np.array([int((_compare(ranks, rng.permutation(is_a)).q <= level).sum()) for _ in range(n_shuffles)])


def _compare(ranks: SparseRanks, is_a: Bool[np.ndarray, " n"]) -> Compared:
    n, n_a = len(is_a), int(is_a.sum())
    if not 0 < n_a < n:
        raise ValueError(f"each set needs a row, got {n_a} and {n - n_a}")
    n_firing = np.diff(ranks.above_zero.indptr)
    in_a = np.asarray(is_a, np.float64)
    n_firing_a = np.bincount(
        np.repeat(np.arange(len(n_firing)), n_firing), weights=in_a[ranks.above_zero.indices], minlength=len(n_firing)
    )
    total = n_a * ranks.zero + np.asarray(
        ranks.above_zero.T @ in_a
    )  # entries hold how far they lie above a zero's rank
    auroc = share_of_pairs(wins(total, float(n_a)), float(n_a), float(n - n_a))
    p = _p_values(total - n_a * (n + 1) / 2, _Firing(n_firing, _spread(ranks.above_zero, n_firing)), n, n_a)
    q = np.ones(len(p))
    tested = n_firing > 0
    if tested.any():
        q[tested] = false_discovery_control(p[tested])
    low, high = newcombe(auroc, n_a, n - n_a)
    in_set_a = n_firing_a.astype(np.int64)
    return Compared(auroc, low, high, p, q, in_set_a, n_firing - in_set_a)


def newcombe(
    auroc: Float[np.ndarray, " m"], n_a: int, n_b: int
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """95 % interval of AUROCs of sets of these sizes: where |theta - AUROC| = z sqrt(V(theta)).

    Source:
        Newcombe 2006 (doi:10.1002/sim.2324), method 5: Hanley and McNeil's variance at the interval's own end.
    """
    half = (n_a + n_b) / 2 - 1

    def reaches(theta: np.ndarray) -> np.ndarray:
        inner = 1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return np.abs(theta - auroc) <= _Z * np.sqrt(np.maximum(theta * (1 - theta) * inner, 0) / (n_a * n_b))

    ends = []
    for far in (np.zeros_like(auroc), np.ones_like(auroc)):
        inside, outside = auroc.astype(np.float64), far
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2
            is_in = reaches(middle)
            inside, outside = np.where(is_in, middle, inside), np.where(is_in, outside, middle)
        ends.append((inside + outside) / 2)
    return ends[0], ends[1]


def _spread(above_zero: csc_array, n_firing: np.ndarray) -> np.ndarray:
    """[m] sample variance of each column's entries; that of their ranks, which differ from them by a constant."""
    owner = np.repeat(np.arange(len(n_firing)), n_firing)
    mean = np.bincount(owner, weights=above_zero.data, minlength=len(n_firing)) / np.maximum(n_firing, 1)
    squares = np.bincount(owner, weights=(above_zero.data - mean[owner]) ** 2, minlength=len(n_firing))
    return squares / np.maximum(n_firing - 1, 1)


def _p_values(deviation: np.ndarray, firing: _Firing, n: int, n_a: int) -> np.ndarray:
    """[m] chance that T lies at least so far from its mean.

    With x firing rows in A, T - E T has the mean (x - n_a k / n) n / 2, for a firing row ranks n / 2 above a silent
    one on average.
    """
    p = np.ones(len(deviation))
    counts, count_of = np.unique(firing.n_firing, return_inverse=True)
    width = min(n_a, int(counts.max(initial=0))) + 1
    x = np.arange(width)
    weights = np.asarray(hypergeom.pmf(x, n, counts[:, None], n_a))
    at_a_time = max(1, _TERMS_AT_A_TIME // width)
    for first in range(0, len(p), at_a_time):
        block = slice(first, first + at_a_time)
        k, spread = firing.n_firing[block, None], firing.spread[block, None]
        far = np.maximum(np.abs(deviation[block, None]) - 1e-9 * n, 0)  # equal ones are equal to the last digit
        middle = (x - n_a * k / n) * n / 2
        deviates = np.sqrt(np.maximum(x * (k - x), 0) * spread / np.maximum(k, 1))
        safe = np.where(deviates > 0, deviates, 1)
        above, below = ndtr((middle - far + 0.5) / safe), ndtr((-far + 0.5 - middle) / safe)
        tail = np.where(deviates > 0, np.minimum(above + below, 1), np.abs(middle) >= far)
        p[block] = np.where(k[:, 0] > 0, np.minimum((weights[count_of[block]] * tail).sum(axis=1), 1), 1)
    return p
