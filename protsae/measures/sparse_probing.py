"""k-sparse probing: how well a concept can be read from a few features of a protein's pooled code.

For every concept, on train alone, take the n features with the largest standardised mean difference

    d(f) = |mean of f over proteins with the concept - mean over those without| / standard deviation of f

and fit a logistic regression with an L2 penalty on them. Its AUROC is told on test, and so is its F1 at the threshold
that gives the best F1 on valid. (Dividing by the deviation within the classes would rank features in the same order:
for one concept both rise with the correlation of feature and label.) A concept that one feature holds is as easy to
read from one as from five; a concept that is spread over many is not.

Read `select_features` first, then `sparse_probe`.

Source: Gurnee et al. 2023 (arXiv:2305.01610); Karvonen et al. 2025, SAEBench (arXiv:2503.09532).
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from scipy.special import expit
from scipy.stats import rankdata

from protsae.errors import ConfigError, InputError

CSR = Any
"""A scipy.sparse.csr_array; scipy ships no types that a checker can follow."""

_PARTS = ("train", "valid", "test")
_CONCEPTS_AT_A_TIME = 64
_MAX_STEPS = 50
_MAX_HALVINGS = 12
_TOLERANCE = 1e-6
_RIDGE = 1e-6
"""On the intercept's curvature only, so that a step exists where all predictions are certain."""


class SparseProbe(NamedTuple):
    """Probes of every concept, told on test."""

    auroc: Float[np.ndarray, " m"]
    """0 to 1; NaN where a split holds too few proteins with or without the concept."""

    f1: Float[np.ndarray, " m"]
    """0 to 1 at the best threshold of valid; NaN as above."""

    features: Int[np.ndarray, "m n_features"]
    """Features of each probe, the one that differs most first; -1 where train has no protein with, or none without."""


def sparse_probe(
    codes: CSR,
    labels: Bool[np.ndarray, "n m"],
    split: np.ndarray,
    *,
    n_features: int,
    own: Int[np.ndarray, " m"] | None = None,
    l2: float = 1.0,
    min_positives: int = 5,
) -> SparseProbe:
    """Choose features and fit on train, choose thresholds on valid, tell on test.

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
    by_row, by_column = csr_array(codes), csr_array(codes).tocsc()
    features = select_features(by_row[rows["train"]], labels[rows["train"]], n_features=n_features, own=own)
    n_positive = np.array([labels[row].sum(axis=0) for row in rows.values()])
    n_rows = np.array([row.size for row in rows.values()])[:, None]
    is_scored = np.all(np.minimum(n_positive, n_rows - n_positive) >= max(1, min_positives), axis=0)
    auroc, f1 = np.full(labels.shape[1], np.nan), np.full(labels.shape[1], np.nan)
    scored = np.flatnonzero(is_scored)
    for first in range(0, len(scored), _CONCEPTS_AT_A_TIME):
        block = scored[first : first + _CONCEPTS_AT_A_TIME]
        x = by_column[:, features[block].ravel()].toarray().astype(np.float64)
        x -= x[rows["train"]].mean(axis=0)
        spread = x[rows["train"]].std(axis=0)
        x /= np.where(spread > 0, spread, 1)
        x = x.reshape(len(x), len(block), n_features).transpose(1, 0, 2)
        x = np.concatenate([x, np.ones((*x.shape[:2], 1))], axis=2)
        weight = _fit(x[:, rows["train"]], labels[rows["train"]][:, block].T.astype(np.float64), l2)
        logit = {part: (x[:, rows[part]] @ weight[:, :, None])[:, :, 0].T for part in ("valid", "test")}
        threshold = best_threshold(logit["valid"], labels[rows["valid"]][:, block])
        truth = labels[rows["test"]][:, block]
        auroc[block] = _aurocs(logit["test"], truth)
        called = logit["test"] > threshold
        f1[block] = 2 * (called & truth).sum(axis=0) / (called.sum(axis=0) + truth.sum(axis=0))
    return SparseProbe(auroc, f1, features)


def select_features(
    codes: CSR,
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
    difference[spread <= _TOLERANCE * np.sqrt(squares / n)] = -1  # a constant feature tells nothing; rounding aside
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


def _fit(
    x: Float[np.ndarray, "m n n_weights"], y: Float[np.ndarray, "m n"], l2: float
) -> Float[np.ndarray, "m n_weights"]:
    """Logistic regressions by Newton's method, each step halved until its loss no longer rises; the last is intercept.

    loss = sum of log(1 + exp(z)) - y z, plus l2 / 2 |w|^2 without the intercept
    """
    penalty = np.full(x.shape[2], l2)
    penalty[-1] = 0
    ridge = np.diag(penalty + _RIDGE * (penalty == 0))
    weight = np.zeros((len(x), x.shape[2]))
    rate = y.mean(axis=1)
    weight[:, -1] = np.log(rate / (1 - rate))
    loss = _loss(x, y, weight, penalty)
    for _ in range(_MAX_STEPS):
        p = expit((x @ weight[:, :, None])[:, :, 0])
        gradient = ((p - y)[:, None] @ x)[:, 0] + penalty * weight
        curvature = x.transpose(0, 2, 1) @ (x * (p * (1 - p))[:, :, None]) + ridge
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        size = np.ones(len(x))
        for _ in range(_MAX_HALVINGS):
            tried = _loss(x, y, weight - size[:, None] * step, penalty)
            rises = tried > loss + _TOLERANCE * np.abs(loss)
            if not rises.any():
                break
            size[rises] /= 2
        weight, loss = weight - size[:, None] * step, tried
        if np.abs(step).max(initial=0) < _TOLERANCE:
            break
    return weight


def _loss(x: np.ndarray, y: np.ndarray, weight: np.ndarray, penalty: np.ndarray) -> Float[np.ndarray, " m"]:
    z = (x @ weight[:, :, None])[:, :, 0]
    return (np.logaddexp(0, z) - y * z).sum(axis=1) + (penalty * weight**2).sum(axis=1) / 2


def _aurocs(scores: Float[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """AUROC of each column against its own label; ties count half."""
    n_positive = labels.sum(axis=0)
    rank_sum = (rankdata(scores, axis=0) * labels).sum(axis=0)
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * (len(labels) - n_positive))
