"""The precision-recall curve of one score, its area over resamples, and over shuffled labels.

    called(t) = items that score at least t        hits(t) = positives among them
    precision = hits / called, recall = hits / positives
    AP        = sum over distinct scores of precision * recall gained there

Items of one score are called together, so the curve has a point a distinct score and no order among ties counts. A
point is kept as two counts: exact, and small on disk. Read `staircase`, then `thinned`, then
`resampled_average_precisions`.

Source: average precision as scikit-learn defines it, without interpolation; percentile bootstrap, Efron 1979.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from protsae.measures.ranking import refuse_nan


class Staircase(NamedTuple):
    """A precision-recall curve from the highest score down; one point a distinct score, or some of them."""

    called: Int[np.ndarray, " n_points"]
    """Items at or above the score."""
    hits: Int[np.ndarray, " n_points"]
    """Positives among them."""


def staircase(scores: Num[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]) -> Staircase:
    """Every point of the curve; empty where there are no items.

    Raises:
        ValueError: a score is NaN.
    """
    refuse_nan(scores)
    order = np.argsort(-scores, kind="stable")
    last = _last_of_ties(scores[order])
    return Staircase(last + 1, np.cumsum(labels[order], dtype=np.int64)[last])


def average_precision(curve: Staircase) -> float:
    """Area under a whole curve, 0 to 1; NaN without positives or negatives."""
    if not len(curve.called) or curve.hits[-1] in (0, curve.called[-1]):
        return float("nan")
    gained = np.diff(curve.hits, prepend=0)
    return float((gained * curve.hits / curve.called).sum() / curve.hits[-1])


def thinned(curve: Staircase, most: int, keep: int) -> Staircase:
    """At most `most` points, every one of them a point of the curve.

    Kept are the first and the last, the one with `keep` items called, and of those at which a positive is found as many
    as there is room for, spread evenly over recall.

    Args:
        curve: the whole of it.
        most: points, at least 3.
        keep: items called at the threshold; a number that no point has is passed over.
    """
    n = len(curve.called)
    if n <= most:
        return curve
    fixed = {0, n - 1, *np.flatnonzero(curve.called == keep).tolist()}
    found = np.flatnonzero(np.diff(curve.hits, prepend=0) > 0)
    room = min(most - len(fixed), len(found))
    wanted = np.linspace(0, curve.hits[-1], room + 1)[1:]
    places = found[np.searchsorted(curve.hits[found], wanted)] if room else found[:0]
    kept = np.array(sorted(fixed | set(places.tolist())))
    return Staircase(curve.called[kept], curve.hits[kept])


def resampled_average_precisions(
    scores: Num[np.ndarray, " n"], labels: Bool[np.ndarray, " n"], weights: Float[np.ndarray, "n n_resamples"]
) -> Float[np.ndarray, " n_resamples"]:
    """Average precision in every resample of the items.

    Args:
        scores: of the items.
        labels: of the items.
        weights: whole numbers, how often each item was drawn; below 2^24 in all.

    Returns:
        NaN where a resample holds no positive.

    Raises:
        ValueError: a score is NaN.
    """
    refuse_nan(scores)
    order = np.argsort(-scores, kind="stable")
    last = _last_of_ties(scores[order])
    hits = np.cumsum(labels[order], dtype=np.int64)[last] if len(last) else last
    steps = last[np.diff(hits, prepend=0) > 0]  # only a tie that holds a positive adds to the sum
    if not len(steps):
        return np.full(weights.shape[1], np.nan)
    called = np.add.reduceat(weights[order[: steps[-1] + 1]], np.append(0, steps[:-1] + 1), axis=0).cumsum(axis=0)
    positive = order[labels[order]]
    place = np.searchsorted(steps, np.flatnonzero(labels[order]))
    gained = np.zeros_like(called)
    np.add.at(gained, place, weights[positive])
    return _areas(gained, gained.cumsum(axis=0), called)


def shuffled_average_precisions(
    scores: Num[np.ndarray, " n"], shuffled: Bool[np.ndarray, "n n_shuffles"]
) -> Float[np.ndarray, " n_shuffles"]:
    """Average precision against every shuffle of the labels: what luck gives, ties held as they are.

    Raises:
        ValueError: a score is NaN.
    """
    refuse_nan(scores)
    order = np.argsort(-scores, kind="stable")
    last = _last_of_ties(scores[order])
    hits = np.cumsum(shuffled[order], axis=0, dtype=np.float64)[last]
    gained = np.diff(hits, axis=0, prepend=0)
    return _areas(gained, hits, (last + 1.0)[:, None])


def _areas(gained: np.ndarray, hits: np.ndarray, called: np.ndarray) -> np.ndarray:
    """Sums of precision times recall gained over the first axis; NaN where there is no positive."""
    precision = np.divide(hits, called, out=np.zeros(hits.shape), where=called > 0)
    total = hits[-1].astype(np.float64)
    return np.divide((gained * precision).sum(axis=0), total, out=np.full(total.shape, np.nan), where=total > 0)


def _last_of_ties(descending: np.ndarray) -> Int[np.ndarray, " n_points"]:
    """Places of the last item of each tie."""
    is_last = np.ones(len(descending), dtype=bool)
    is_last[:-1] = descending[:-1] != descending[1:]
    return np.flatnonzero(is_last)
