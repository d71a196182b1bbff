"""Metrics of function prediction: per protein as in CAFA (Fmax, Smin, AUPR), and means over terms (AUROC, AP).

    F(t) = 2 p r / (p + r)                p over proteins with a prediction, r over proteins with a term
    S(t) = sqrt(ru^2 + mi^2)              ru, mi: information content missed and wrongly claimed, mean over proteins
    AUC  = mean over terms of P(a protein with the term scores above one without it), ties counting half

A term is predicted where its score is at least the threshold. The root is expected to be left out, and the scores to
be closed under ancestors (`propagate`). A protein with none of the terms has no recall; what is claimed for it still
counts against precision and S.

Read `function_scores`, then `term_auc`. Source: Radivojac et al. 2013 (doi:10.1038/nmeth.2340); Clark and Radivojac
2013 (doi:10.1093/bioinformatics/btt228).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Num

from protsae.measures.ranking import aurocs, average_precisions, refuse_nan

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
    """Fmax, Smin and AUPR over one sweep of thresholds; of equally good thresholds the lowest is given.

    Args:
        scores: 0 to 1; a term below every threshold is never predicted.
        labels: closed under ancestors.
        information: content of each term, in bits.
        thresholds: ascending.

    Raises:
        ValueError: no protein has a term, or a score is nan.
    """
    scores, labels = np.asarray(scores), np.asarray(labels, bool)
    refuse_nan(scores)
    has_term = labels.any(axis=1)
    if not has_term.any():
        raise ValueError(f"Fmax is undefined: none of {len(labels)} proteins has a term")
    # a term with level l is predicted at the thresholds 0, ..., l - 1
    level = np.searchsorted(thresholds, scores.ravel(), side="right").reshape(scores.shape)
    n_called, hits = _per_threshold(level, None, len(thresholds)), _per_threshold(level, labels, len(thresholds))
    is_called = n_called > 0
    precision = np.divide(hits, n_called, out=np.zeros(hits.shape), where=is_called).sum(0)
    precision = precision / is_called.sum(0).clip(1)
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


def propagate(scores: Num[np.ndarray, "n m"], ancestors: Bool[np.ndarray, "_ _"]) -> Num[np.ndarray, "n m"]:
    """Close scores under ancestors: a term scores the maximum of itself and its descendants among the m terms.

    Args:
        scores: a column per term.
        ancestors: [i, j] is True where term j is an ancestor of term i, near or far; the diagonal does not count.

    Raises:
        ValueError: `ancestors` is of another shape, or lacks an ancestor's ancestor.
    """
    m = scores.shape[1]
    if ancestors.shape != (m, m):
        raise ValueError(f"ancestors must be of shape {(m, m)}, a row and a column per term, got {ancestors.shape}")
    above = np.asarray(ancestors, bool)
    two_steps = above.astype(np.float32) @ above.astype(np.float32) > 0
    if (two_steps & ~above & ~np.eye(m, dtype=bool)).any():
        i, j = np.argwhere(two_steps & ~above & ~np.eye(m, dtype=bool))[0]
        raise ValueError(
            f"ancestors must be transitive, but term {j} is two steps above term {i} and not marked as its ancestor"
        )
    closed = np.array(scores)
    for term in np.flatnonzero(above.any(axis=0)):
        below = np.flatnonzero(above[:, term])
        np.maximum(closed[:, term], scores[:, below].max(axis=1), out=closed[:, term])
    return closed


def term_auc(scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> float:
    """Mean AUROC over the terms where it is defined; 0 to 1, 0.5 is chance.

    Raises:
        ValueError: no term has a positive and a negative, or a score is nan.
    """
    return _mean_over_terms(aurocs(np.asarray(scores), np.asarray(labels, bool)), "AUROC")


def term_aupr(scores: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> float:
    """Mean average precision over the terms where it is defined; 0 to 1, the mean prevalence is chance.

    Raises:
        ValueError: no term has a positive and a negative, or a score is nan.
    """
    return _mean_over_terms(average_precisions(np.asarray(scores), np.asarray(labels, bool)), "average precision")


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


def _mean_over_terms(values: np.ndarray, name: str) -> float:
    if np.isnan(values).all():
        raise ValueError(
            f"the mean {name} is undefined: none of {len(values)} terms has both a positive and a negative"
        )
    return float(np.nanmean(values))
