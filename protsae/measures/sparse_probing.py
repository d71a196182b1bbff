"""k-sparse probing: how well a concept can be read from a few features of a protein's pooled code.

For every concept, on train alone, take the n features with the largest standardised mean difference

    d(f) = |mean of f over proteins with the concept - mean over those without| / standard deviation of f

and fit a logistic regression with an L2 penalty on them. AUROC is that of test, and so is F1, at the threshold that
gives the best F1 on valid. (Dividing by the deviation within the classes would rank features in the same order: for one
concept both rise with the correlation of feature and label.) A concept that one feature holds is as easy to read from
one as from five; a concept that is spread over many is not.

Read `select_features` first, then `sparse_probe`.

Source: Gurnee et al. 2023 (arXiv:2305.01610); Karvonen et al. 2025, SAEBench (arXiv:2503.09532).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array, csr_array

from protsae.errors import ConfigError, InputError
from protsae.measures.logistic import fit_each
from protsae.measures.ranking import aurocs

_PARTS = ("train", "valid", "test")
_CONCEPTS_AT_A_TIME = 64
_CONSTANT = 1e-6
"""A standard deviation below this share of the root mean square is rounding."""


class SparseProbe(NamedTuple):
    """Probes of every concept, scored on test."""

    auroc: Float[np.ndarray, " m"]
    """0 to 1; NaN where a split holds too few proteins with or without the concept."""

    f1: Float[np.ndarray, " m"]
    """0 to 1 at the best threshold of valid; NaN as above."""

    features: Int[np.ndarray, "m n_features"]
    """Features of each probe, the one that differs most first; -1 where train has no protein with, or none without."""


def sparse_probe(
    codes: csr_array,
    labels: Bool[np.ndarray, "n m"],
    split: np.ndarray,
    *,
    n_features: int,
    own: Int[np.ndarray, " m"] | None = None,
    l2: float = 1.0,
    min_positives: int = 5,
) -> SparseProbe:
    """Choose features and fit on train, choose thresholds on valid, score on test.

    Args:
        codes: [n, d_sae] pooled codes of proteins.
        labels: a column per concept.
        split: [n] train, valid or test.
        n_features: that a probe may use.
        own: feature that each concept guides; it is then the first of its probe, whatever its difference.
        l2: penalty, half of it times the squared weights of standardised features, on the summed loss.
        min_positives: least proteins with the concept, and least without it, in each split.

    Raises:
        ConfigError: `n_features` is not between 1 and d_sae, or `l2` is not positive.
        InputError: a split is empty.
    """
    if l2 <= 0:
        raise ConfigError(f"The penalty of a sparse probe must be above 0, got {l2}.")
    rows = {part: np.flatnonzero(np.isin(split, part)) for part in _PARTS}
    for part, row in rows.items():
        if row.size == 0:
            raise InputError(f"No protein is in the split {part!r}: a sparse probe needs {', '.join(_PARTS)}.")
    labels = np.asarray(labels, bool)
    by_row, by_column = csr_array(codes), csc_array(codes)
    features = select_features(by_row[rows["train"]], labels[rows["train"]], n_features=n_features, own=own)
    n_positive = np.array([labels[row].sum(axis=0) for row in rows.values()])
    n_rows = np.array([row.size for row in rows.values()])[:, None]
    is_scored = np.all(np.minimum(n_positive, n_rows - n_positive) >= max(1, min_positives), axis=0)
    auroc, f1 = np.full(labels.shape[1], np.nan), np.full(labels.shape[1], np.nan)
    penalty = np.append(np.full(n_features, l2), 0.0)
    scored = np.flatnonzero(is_scored)
    for first in range(0, len(scored), _CONCEPTS_AT_A_TIME):
        block = scored[first : first + _CONCEPTS_AT_A_TIME]
        x = by_column[:, features[block].ravel()].toarray().astype(np.float64)
        x -= x[rows["train"]].mean(axis=0)
        spread = x[rows["train"]].std(axis=0)
        x /= np.where(spread > 0, spread, 1)
        x = x.reshape(len(x), len(block), n_features).transpose(1, 0, 2)
        x = np.concatenate([x, np.ones((*x.shape[:2], 1))], axis=2)
        truth = labels[rows["train"]][:, block].T.astype(np.float64)
        share = truth.mean(axis=1)
        start = np.zeros((len(block), n_features + 1))
        start[:, -1] = np.log(share / (1 - share))
        weight = fit_each(x[:, rows["train"]], truth, penalty, start)
        # summed row by row, not by a matrix product: equal rows must get equal logits, which tie
        logit = {part: (x[:, rows[part]] * weight[:, None]).sum(axis=2).T for part in ("valid", "test")}
        threshold = best_threshold(logit["valid"], labels[rows["valid"]][:, block])
        truth = labels[rows["test"]][:, block]
        auroc[block] = aurocs(logit["test"], truth)
        called = logit["test"] > threshold
        f1[block] = 2 * (called & truth).sum(axis=0) / (called.sum(axis=0) + truth.sum(axis=0))
    return SparseProbe(auroc, f1, features)


def select_features(
    codes: csr_array,
    labels: Bool[np.ndarray, "n m"],
    *,
    n_features: int,
    own: Int[np.ndarray, " m"] | None = None,
) -> Int[np.ndarray, "m n_features"]:
    """Features with the largest standardised mean difference, the largest first; the lower number wins a tie.

    Args:
        codes: [n, d_sae] pooled codes of the proteins to choose on.
        labels: of the same proteins.
        n_features: per concept.
        own: feature that is put first for each concept.

    Returns:
        -1 where no protein carries the concept or all do.

    Raises:
        ConfigError: `n_features` is not between 1 and d_sae.
    """
    n, d_sae = codes.shape
    if not 1 <= n_features <= d_sae:
        raise ConfigError(f"A sparse probe takes 1 to {d_sae} features, got {n_features}.")
    codes = csr_array(codes).astype(np.float64)
    truth = np.asarray(labels, np.float64)
    total, squares = np.asarray(codes.sum(axis=0)).ravel(), np.asarray(codes.power(2).sum(axis=0)).ravel()
    with_concept = np.asarray(codes.T @ truth)
    n_positive = truth.sum(axis=0)
    spread = np.sqrt(np.maximum(squares / n - (total / n) ** 2, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = with_concept / n_positive - (total[:, None] - with_concept) / (n - n_positive)
        difference = np.abs(gap) / spread[:, None]
    difference[spread <= _CONSTANT * np.sqrt(squares / n)] = -1  # a constant feature separates nothing; rounding aside
    if own is not None:
        difference[own, np.arange(len(own))] = np.inf
    order = np.argsort(-difference, axis=0, kind="stable")[:n_features].T
    is_known = (n_positive > 0) & (n_positive < n)
    return np.where(is_known[:, None], order, -1)


def best_threshold(
    scores: Float[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"], *, floor: float = -np.inf
) -> Float[np.ndarray, " m"]:
    """Threshold with the best F1 for each column; a score above it is a call.

    It lies half-way between two neighbouring scores, or at the floor where all scores above the floor are called; the
    highest of equally good ones wins.

    Args:
        scores: of n proteins for m concepts.
        labels: of the same.
        floor: least threshold; 0 for activations, so that a silent feature is never a call.

    Returns:
        NaN where no protein carries the concept.
    """
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels, bool)
    order = np.argsort(-scores, axis=0, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=0)
    hits = np.take_along_axis(labels, order, axis=0).cumsum(axis=0)
    n_positive = labels.sum(axis=0)
    below = np.maximum(np.concatenate([ranked[1:], np.full_like(ranked[:1], floor)]), floor)
    f1 = 2 * hits / (np.arange(1, len(scores) + 1)[:, None] + n_positive)
    f1[ranked <= below] = -1  # equal scores are called together, scores at the floor never
    best = f1.argmax(axis=0)[None]
    above, below, f1 = (np.take_along_axis(values, best, axis=0)[0] for values in (ranked, below, f1))
    middle = np.where(below > floor, (above + below) / 2, floor)
    found = np.where(middle < above, middle, below)  # rounding may bring the middle of neighbours up to the upper one
    return np.where(n_positive > 0, np.where(f1 < 0, floor, found), np.nan)
