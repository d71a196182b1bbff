"""Protein-centric metrics of function prediction, as in CAFA: Fmax, Smin, and the area under precision and recall.

    F(t) = 2 p r / (p + r)                p over proteins with a prediction, r over proteins with a term
    S(t) = sqrt(ru^2 + mi^2)              ru, mi: information content missed and wrongly claimed, mean over proteins

Scores are expected to be closed under ancestors already (a term scores at least as high as its descendants) and the
root to be left out. A term is predicted where its score is at least the threshold.

Read `function_scores`. Source: Radivojac et al. 2013 (doi:10.1038/nmeth.2340); Clark and Radivojac 2013
(doi:10.1093/bioinformatics/btt228).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

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
    """Fmax, Smin and AUPR over one sweep of thresholds.

    Args:
        scores: 0 to 1.
        labels: closed under ancestors.
        information: content of each term, in bits.
        thresholds: ascending.

    Raises:
        ValueError: no protein has a term.
    """
    labels = np.asarray(labels, bool)
    has_term = labels.any(axis=1)
    if not has_term.any():
        msg = f"Fmax is undefined: none of {len(labels)} proteins has a term"
        raise ValueError(msg)
    known = labels.sum(axis=1)
    precision, recall, distance = (np.zeros(len(thresholds)) for _ in range(3))
    for i, threshold in enumerate(thresholds):
        called = scores >= threshold
        hits = (called & labels).sum(axis=1)
        n_called = called.sum(axis=1)
        speaks = n_called > 0
        precision[i] = (hits[speaks] / n_called[speaks]).mean() if speaks.any() else 0
        recall[i] = (hits[has_term] / known[has_term]).mean()
        missed = ((labels & ~called) @ information).mean()
        claimed = ((called & ~labels) @ information).mean()
        distance[i] = np.hypot(missed, claimed)
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
