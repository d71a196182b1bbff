"""Metrics of function prediction: per protein as in CAFA (Fmax, Smin, AUPR), and per term (AUROC, average precision).

    F(t) = 2 p r / (p + r)                p over proteins with a prediction, r over proteins with a term
    S(t) = sqrt(ru^2 + mi^2)              ru, mi: information content missed and wrongly claimed, mean over proteins
    AUC  = mean over terms of P(a protein with the term scores above one without it), ties counting half

A term is predicted where its score is at least the threshold. The root is expected to be left out, and the scores to
be closed under ancestors (`propagate`). A protein with none of the terms has no recall; what is claimed for it still
counts against precision and S.

Read `function_scores`, then `term_aurocs`. Source: Radivojac et al. 2013 (doi:10.1038/nmeth.2340); Clark and Radivojac
2013 (doi:10.1093/bioinformatics/btt228).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Num

THRESHOLDS: Float[np.ndarray, " 101"] = np.arange(101) / 100


class FunctionScores(NamedTuple):
    """Agreement of predicted with known terms over proteins."""

    fmax: float
    """0 to 1, higher is better."""
    fmax_threshold: float
    smin: float
    """In bits, at least 0, lower is better."""
    smin_threshold: float
    aupr: float
    """Area under mean precision over mean recall, 0 to 1; precision at a recall is the best at that recall or more."""


def function_scores(
    scores: Float[np.ndarray, "n_proteins n_terms"],
    labels: Bool[np.ndarray, "n_proteins n_terms"],
    information: Float[np.ndarray, " n_terms"],
    *,
    thresholds: Float[np.ndarray, " n_thresholds"] = THRESHOLDS,
) -> FunctionScores:
    """Fmax, Smin and AUPR over one sweep of thresholds; of equally good thresholds the lowest is told.

    Args:
        scores: 0 to 1; a term below every threshold is never predicted.
        labels: closed under ancestors.
        information: content of each term, in bits.
        thresholds: ascending.

    Raises:
        ValueError: no protein has a term, or a score is nan.
    """
    scores, labels = np.asarray(scores), np.asarray(labels, bool)
    _refuse_nan(scores)
    has_term = labels.any(axis=1)
    if not has_term.any():
        msg = f"Fmax is undefined: none of {len(labels)} proteins has a term"
        raise ValueError(msg)
    # a term with level l is predicted at the thresholds 0, ..., l - 1
    level = np.searchsorted(thresholds, scores.ravel(), side="right").reshape(scores.shape)
    n_called, hits = _per_threshold(level, None, len(thresholds)), _per_threshold(level, labels, len(thresholds))
    speaks = n_called > 0
    precision = np.divide(hits, n_called, out=np.zeros(hits.shape), where=speaks).sum(0) / speaks.sum(0).clip(1)
    recall = (hits[has_term] / labels[has_term].sum(axis=1, keepdims=True)).mean(axis=0)
    missed = _bits(level, labels, information, len(thresholds)).cumsum()[:-1]
    claimed = _bits(level, ~labels, information, len(thresholds))[:0:-1].cumsum()[::-1]
    distance = np.hypot(missed, claimed) / len(labels)
    both = precision + recall
    f = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    best, least = int(f.argmax()), int(distance.argmin())
    order = np.argsort(recall, kind="stable")
    envelope = np.maximum.accumulate(precision[order][::-1])[::-1]
    return FunctionScores(
        fmax=float(f[best]),
        fmax_threshold=float(thresholds[best]),
        smin=float(distance[least]),
        smin_threshold=float(thresholds[least]),
        aupr=float(envelope @ np.diff(recall[order], prepend=0)),
    )


def fmax(scores: Float[np.ndarray, "n_proteins n_terms"], labels: Bool[np.ndarray, "n_proteins n_terms"]) -> float:
    """Highest F over the thresholds 0, 0.01, ..., 1; 0 to 1."""
    return function_scores(scores, labels, np.zeros(labels.shape[1])).fmax


def smin(
    scores: Float[np.ndarray, "n_proteins n_terms"],
    labels: Bool[np.ndarray, "n_proteins n_terms"],
    information: Float[np.ndarray, " n_terms"],
) -> float:
    """Lowest S over the thresholds 0, 0.01, ..., 1, in bits."""
    return function_scores(scores, labels, information).smin


def propagate(scores: Num[np.ndarray, "n m"], ancestors: Bool[np.ndarray, "m m"]) -> Num[np.ndarray, "n m"]:
    """Close scores under ancestors: a term scores the maximum of itself and its descendants among the m terms.

    Args:
        scores: a column per term.
        ancestors: [i, j] is True where term j is an ancestor of term i, near or far; the diagonal does not count.

    Raises:
        ValueError: `ancestors` is of another shape, or lacks an ancestor's ancestor.
    """
    m = scores.shape[1]
    if ancestors.shape != (m, m):
        msg = f"ancestors must be of shape {(m, m)}, a row and a column per term, got {ancestors.shape}"
        raise ValueError(msg)
    above = np.asarray(ancestors, bool)
    two_steps = above.astype(np.float32) @ above.astype(np.float32) > 0
    if (two_steps & ~above & ~np.eye(m, dtype=bool)).any():
        i, j = np.argwhere(two_steps & ~above & ~np.eye(m, dtype=bool))[0]
        msg = f"ancestors must be transitive, but term {j} is two steps above term {i} and not marked as its ancestor"
        raise ValueError(msg)
    closed = np.array(scores)
    for term in np.flatnonzero(above.any(axis=0)):
        below = np.flatnonzero(above[:, term])
        np.maximum(closed[:, term], scores[:, below].max(axis=1), out=closed[:, term])
    return closed


def term_auc(scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> float:
    """Mean of `term_aurocs` over the terms where it is defined; 0 to 1, 0.5 is chance.

    Raises:
        ValueError: no term has a positive and a negative, or a score is nan.
    """
    return _mean_over_terms(term_aurocs(scores, labels), "AUROC")


def term_aupr(scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> float:
    """Mean of `term_average_precisions` over the terms where it is defined; 0 to 1, the mean prevalence is chance.

    Raises:
        ValueError: no term has a positive and a negative, or a score is nan.
    """
    return _mean_over_terms(term_average_precisions(scores, labels), "average precision")


def term_aurocs(scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """AUROC of every column of scores against its own column of labels, ties counting half.

    Returns:
        nan where a term has no positive or no negative.

    Raises:
        ValueError: a score is nan.
    """
    ranked = _rank(scores, labels)
    n_pos, n_neg = ranked.positives.sum(axis=1), (~ranked.positives).sum(axis=1)
    ranks = np.repeat(ranked.starts % ranked.positives.shape[1] + (ranked.sizes + 1) / 2, ranked.sizes)
    rank_sums = (ranks.reshape(ranked.positives.shape) * ranked.positives).sum(axis=1)
    return _where_defined(rank_sums - n_pos * (n_pos + 1) / 2, n_pos * n_neg, ranked.positives)


def term_average_precisions(scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """Average precision of every column of scores: precision at each distinct score, weighed by the recall it adds.

    Returns:
        nan where a term has no positive or no negative.

    Raises:
        ValueError: a score is nan.
    """
    ranked = _rank(scores, labels)
    m, n = ranked.positives.shape
    hits = ranked.positives[:, ::-1].cumsum(axis=1)[:, ::-1].ravel()[ranked.starts]
    precision = hits / (n - ranked.starts % n)
    gained = np.add.reduceat(ranked.positives.ravel().astype(np.int64), ranked.starts) * precision
    sums = np.bincount(ranked.starts // n, weights=gained, minlength=m)
    return _where_defined(sums, ranked.positives.sum(axis=1), ranked.positives)


class _Ranked(NamedTuple):
    """Labels of every term in ascending order of its scores."""

    positives: Bool[np.ndarray, "m n"]
    starts: np.ndarray
    """Places in `positives.ravel()` where a run of equal scores of one term starts."""
    sizes: np.ndarray
    """Lengths of the runs."""


def _rank(scores: np.ndarray, labels: np.ndarray) -> _Ranked:
    scores, truth = np.ascontiguousarray(np.asarray(scores).T), np.asarray(labels, bool).T
    if scores.shape != truth.shape or not scores.size:
        msg = (
            f"scores {scores.T.shape} and labels {truth.T.shape} must be of one shape with a row and a column at least"
        )
        raise ValueError(msg)
    _refuse_nan(scores)
    order = np.argsort(scores, axis=1, kind="stable")
    ordered = np.take_along_axis(scores, order, axis=1)
    is_new = np.ones(scores.shape, dtype=bool)
    is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(is_new)
    return _Ranked(np.take_along_axis(truth, order, axis=1), starts, np.diff(starts, append=scores.size))


def _per_threshold(level: np.ndarray, counted: np.ndarray | None, n_thresholds: int) -> np.ndarray:
    """[n_proteins, n_thresholds] terms of a protein that are predicted, all or those that are `counted`."""
    n, width = len(level), n_thresholds + 1
    place = level + width * np.arange(n)[:, None]
    chosen = place.ravel() if counted is None else place[counted]
    histogram = np.bincount(chosen, minlength=n * width).reshape(n, width)
    return histogram[:, ::-1].cumsum(axis=1)[:, -2::-1]


def _bits(level: np.ndarray, counted: np.ndarray, information: np.ndarray, n_thresholds: int) -> np.ndarray:
    """[n_thresholds + 1] information content of the terms that are `counted`, by their level, summed over proteins."""
    bits = np.broadcast_to(np.asarray(information, np.float64), level.shape)[counted]
    return np.bincount(level[counted], weights=bits, minlength=n_thresholds + 1)


def _where_defined(part: np.ndarray, whole: np.ndarray, positives: np.ndarray) -> np.ndarray:
    is_defined = positives.any(axis=1) & ~positives.all(axis=1)
    return np.divide(part, whole, out=np.full(len(positives), np.nan), where=is_defined)


def _mean_over_terms(values: np.ndarray, name: str) -> float:
    if np.isnan(values).all():
        msg = f"the mean {name} is undefined: none of {len(values)} terms has both a positive and a negative"
        raise ValueError(msg)
    return float(np.nanmean(values))


def _refuse_nan(scores: np.ndarray) -> None:
    if np.isnan(scores).any():
        msg = f"scores must be numbers, got nan for {int(np.isnan(scores).sum())} of {scores.size}"
        raise ValueError(msg)
