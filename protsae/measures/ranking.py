"""Ranks, AUROC and average precision, with ties held exactly: the only ones of this project.

    U     = R - n1 (n1 + 1) / 2          R: sum of the positives' ranks, from 1; equal scores share their mean rank
    AUROC = U / (n1 n0)                  chance that a positive outranks a negative, ties counting half
    AP    = sum over distinct scores of precision * recall gained there

U (Mann and Whitney) is the number of pairs that the positives win. The functions differ in what the scores are: each
column with its own labels (`aurocs`), one of each (`auroc`), all columns of a sparse matrix with all labels
(`sparse_aurocs`, `sparse_average_precisions`), counts of items that share a score (`aurocs_of_counts`), bootstrap
resamples of the items (`resampled_aurocs`), or ranks that stand already (`wins`).

Read `wins` and `share_of_pairs`, then `aurocs`.

Source: Mann and Whitney 1947 (doi:10.1214/aoms/1177730491); average precision as scikit-learn defines it, without
interpolation.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.sparse import csc_array, csr_array
from scipy.stats import rankdata

from protsae.measures import kernels

Counts = Num[np.ndarray, "..."]

_RESAMPLES_AT_A_TIME = 128
"""So that their weights stay in the processor's cache."""


class SparseRanks(NamedTuple):
    """Ranks within the columns of a sparse matrix, from 1, ascending; equal scores share their mean rank."""

    above_zero: csc_array
    """[n, m] rank less that of the column's zeros; only where the score is above zero."""

    zero: Float[np.ndarray, " m"]
    """The rank that a column's zeros share, were there any."""


def midranks(scores: Num[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
    """Ranks within each column, from 1, ascending; equal scores share their mean rank."""
    return rankdata(scores, axis=0)


def wins(rank_sum: Counts | float, n_positive: Counts | float) -> Float[np.ndarray, "..."]:
    """Pairs (positive, negative) that the positive wins, a tie counting half: Mann and Whitney's U.

    Args:
        rank_sum: of the positives, among positives and negatives.
        n_positive: how many they are.
    """
    n_positive = np.asarray(n_positive, np.float64)
    return np.asarray(rank_sum - n_positive * (n_positive + 1) / 2)


def share_of_pairs(
    won: Counts | float, n_positive: Counts | float, n_negative: Counts | float
) -> Float[np.ndarray, "..."]:
    """AUROC from the pairs won; NaN where there is no positive or no negative."""
    pairs = np.asarray(n_positive, np.float64) * n_negative
    won, pairs = np.broadcast_arrays(np.asarray(won, np.float64), pairs)
    return np.divide(won, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)


def auroc(scores: Num[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]) -> float:
    """AUROC of one set of scores; 0 to 1, NaN without positives or negatives.

    Raises:
        ValueError: a score is NaN.
    """
    return float(aurocs(np.asarray(scores)[:, None], np.asarray(labels, bool)[:, None])[0])


def aurocs(scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """AUROC of every column of scores against its own column of labels.

    Only the positives are ranked, by their places in the sorted column: several times as fast as ranking all where
    positives are few.

    Returns:
        NaN where a column has no positive or no negative.

    Raises:
        ValueError: a score is NaN.
    """
    refuse_nan(scores)
    n, m = scores.shape
    rank_sum, n_positive = np.zeros(m), np.count_nonzero(labels, axis=0)
    for column, (ascending, is_positive) in enumerate(zip(np.sort(scores.T, axis=1), labels.T, strict=True)):
        if 0 < n_positive[column] < n:
            positives = scores[is_positive, column]
            lower, upper = (np.searchsorted(ascending, positives, side) for side in ("left", "right"))
            rank_sum[column] = (lower + upper + 1).sum() / 2
    return share_of_pairs(wins(rank_sum, n_positive), n_positive, n - n_positive)


def average_precisions(scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """Average precision of every column of scores against its own column of labels.

    Returns:
        NaN where a column has no positive or no negative.

    Raises:
        ValueError: a score is NaN.
    """
    refuse_nan(scores)
    n, m = scores.shape
    if n == 0 or m == 0:
        return np.full(m, np.nan)
    order = np.argsort(scores, axis=0, kind="stable").T
    positive = np.take_along_axis(labels.T, order, axis=1)
    runs = _runs(np.take_along_axis(scores.T, order, axis=1))
    hits = positive[:, ::-1].cumsum(axis=1)[:, ::-1].ravel()[runs.start]
    precision = hits / (n - runs.start % n)
    gained = np.add.reduceat(positive.ravel().astype(np.int64), runs.start) * precision
    n_positive = positive.sum(axis=1)
    found = np.bincount(runs.column, weights=gained, minlength=m)
    is_defined = (n_positive > 0) & (n_positive < n)
    return np.divide(found, n_positive, out=np.full(m, np.nan), where=is_defined)


def aurocs_of_counts(
    scores: Num[np.ndarray, "n_levels m"],
    n_positive: Num[np.ndarray, "n_levels m"],
    n_negative: Num[np.ndarray, "n_levels m"],
) -> Float[np.ndarray, " m"]:
    """AUROC of every column where items come in levels: all items of a level share its score.

    Args:
        scores: of the levels, in any order; levels of one score count as one.
        n_positive: items of each level.
        n_negative: items of each level.

    Returns:
        NaN where a column has no positive or no negative.

    Raises:
        ValueError: a score is NaN.
    """
    refuse_nan(scores)
    n_levels, m = scores.shape
    if n_levels == 0 or m == 0:
        return np.full(m, np.nan)
    order = np.argsort(scores, axis=0, kind="stable").T
    runs = _runs(np.take_along_axis(scores.T, order, axis=1))
    positive, negative = (
        np.add.reduceat(np.take_along_axis(counts.T, order, axis=1).ravel().astype(np.float64), runs.start)
        for counts in (n_positive, n_negative)
    )
    total = np.asarray(n_negative.sum(axis=0), np.float64)
    before = np.cumsum(total) - total  # the cumulative sum runs over all columns, one after the other
    below = np.cumsum(negative) - negative - before[runs.column]
    won = np.bincount(runs.column, weights=positive * (below + negative / 2), minlength=m)
    return share_of_pairs(won, n_positive.sum(axis=0), total)


def resampled_aurocs(
    scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"], weights: Float[np.ndarray, "n_resamples n"]
) -> Float[np.ndarray, "n_resamples m"]:
    """AUROC of every column of scores against its own column of labels, in every resample of the rows.

    Args:
        scores: of the items.
        labels: a column per column of scores.
        weights: whole numbers, how often each item was drawn; below 2^24 in all.

    Returns:
        NaN where a resample has no positive or no negative of a column.

    Raises:
        ValueError: a score is NaN.
    """
    refuse_nan(scores)
    n_resamples, n, m = len(weights), *scores.shape
    order = np.argsort(-scores.T, axis=1, kind="stable")
    descending, truth = np.take_along_axis(scores.T, order, axis=1), np.ascontiguousarray(labels.T)
    n_positive = weights @ labels.astype(weights.dtype)
    n_negative = weights.sum(axis=1, keepdims=True) - n_positive
    lowest = weights @ (labels & (scores == scores.min(axis=0, initial=np.inf))).astype(weights.dtype)
    won = np.empty((n_resamples, m))
    for first in range(0, n_resamples if n else 0, _RESAMPLES_AT_A_TIME):
        block = slice(first, first + _RESAMPLES_AT_A_TIME)
        drawn = np.ascontiguousarray(weights[block].T, dtype=np.float32)
        counts = np.zeros((m, 2, drawn.shape[1]), dtype=np.float32)
        kernels.resampled_losses(descending, order, truth, drawn, counts)
        lost, above = counts.astype(np.float64).transpose(1, 2, 0)
        lost += lowest[block] * (above + n_negative[block]) / 2
        won[block] = n_positive[block].astype(np.float64) * n_negative[block] - lost
    return share_of_pairs(won, n_positive, n_negative)


def sparse_aurocs(
    scores: csr_array | csc_array, labels: Bool[np.ndarray, "n n_labels"]
) -> Float[np.ndarray, "n_columns n_labels"]:
    """AUROC of every column of a sparse matrix [n, n_columns] against every label.

    Only entries above zero are sorted. The zeros of a column are one tie of known size, so its rank is known; the sums
    of ranks over the positives are then one sparse product.

    Args:
        scores: no entry negative.
        labels: a column per label.

    Returns:
        NaN where a label has no positive or no negative.

    Raises:
        ValueError: a score is negative.
    """
    ranks, n = sparse_ranks(scores), scores.shape[0]
    truth = np.asarray(labels, np.float64)
    n_positive = truth.sum(axis=0)
    rank_sum = np.asarray(ranks.above_zero.T @ truth) + ranks.zero[:, None] * n_positive
    return share_of_pairs(wins(rank_sum, n_positive), n_positive, n - n_positive)


def sparse_ranks(scores: csr_array | csc_array) -> SparseRanks:
    """Ranks within every column of a sparse matrix, as `midranks` has them, without the zeros' being written down.

    Args:
        scores: no entry negative.

    Raises:
        ValueError: a score is negative.
    """
    columns, order, owner = _descending(scores)
    n, filled = columns.shape[0], np.diff(columns.indptr)
    group, first = _ties(columns.data[order], owner)
    size = np.diff(np.append(first, len(order)))
    behind = columns.indptr[owner[first] + 1] - first  # the column's own entries from this tie on
    within = behind - (size - 1) / 2  # rank among them, the lowest first
    zero_rank = (n - filled + 1) / 2
    ranks = np.empty(len(order))
    ranks[order] = within[group]
    columns.data = ranks + (n - filled)[owner] - zero_rank[owner]
    return SparseRanks(columns, zero_rank)


def sparse_average_precisions(
    scores: csr_array | csc_array, labels: Bool[np.ndarray, "n n_labels"]
) -> Float[np.ndarray, "n_columns n_labels"]:
    """Average precision of every column of a sparse matrix [n, n_columns] against every label.

    The zeros of a column are one tie, the last: what is left of the positives is found at the precision of calling
    everything.

    Args:
        scores: no entry negative.
        labels: a column per label.

    Returns:
        NaN where a label has no positive or no negative.

    Raises:
        ValueError: a score is negative.
    """
    columns, order, owner = _descending(scores)
    n, m = columns.shape
    group, first = _ties(columns.data[order], owner)
    last = np.append(first[1:], len(order)) - 1
    called = last - columns.indptr[owner[last]] + 1
    rows = columns.indices[order]
    found = np.full((m, labels.shape[1]), np.nan)
    for number, positive in enumerate(np.asarray(labels, bool).T):
        n_positive = int(positive.sum())
        if not 0 < n_positive < n:
            continue
        gained = np.bincount(group, weights=positive[rows], minlength=len(first))
        before = np.concatenate([[0.0], np.cumsum(gained)])  # runs over all columns, one after the other
        own = owner[first]
        start = np.searchsorted(own, np.arange(m))
        hits = before[1:] - before[start[own]]
        total = np.bincount(own, weights=gained * hits / called, minlength=m)
        missed = n_positive - np.bincount(own, weights=gained, minlength=m)
        found[:, number] = (total + missed * n_positive / n) / n_positive
    return found


def refuse_nan(scores: Num[np.ndarray, "..."]) -> None:
    """Refuse scores that have no place in any order.

    Raises:
        ValueError: a score is NaN.
    """
    n_missing = int(np.isnan(scores).sum())
    if n_missing:
        raise ValueError(f"scores must be numbers, got nan for {n_missing} of {scores.size}")


def _descending(scores: csr_array | csc_array) -> tuple[csc_array, np.ndarray, np.ndarray]:
    """The entries above zero by column, the places of their order from the highest down, and the column of each."""
    columns = csc_array(scores, dtype=np.float64, copy=True)
    columns.sum_duplicates()
    columns.eliminate_zeros()
    if columns.nnz and columns.data.min() < 0:
        raise ValueError(f"scores must not be negative, got {columns.data.min()}")
    owner = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
    return columns, np.lexsort((-columns.data, owner)), owner


def _ties(values: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tie that each entry belongs to, and the first place of each tie, in sorted entries of sorted columns."""
    is_new = np.ones(len(values), dtype=bool)
    is_new[1:] = (values[1:] != values[:-1]) | (owner[1:] != owner[:-1])
    return np.cumsum(is_new) - 1, np.flatnonzero(is_new)


class _Runs(NamedTuple):
    """Stretches of equal scores in rows of ascending scores."""

    start: Int[np.ndarray, " n_runs"]
    """Places in the flattened rows."""

    column: Int[np.ndarray, " n_runs"]
    """Row, and so column of the caller's scores, that the stretch lies in."""


def _runs(ascending: Num[np.ndarray, "m n"]) -> _Runs:
    is_new = np.ones(ascending.shape, dtype=bool)
    is_new[:, 1:] = ascending[:, 1:] != ascending[:, :-1]
    start = np.flatnonzero(is_new)
    return _Runs(start, start // ascending.shape[1])
