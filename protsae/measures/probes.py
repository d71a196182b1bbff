"""Read-outs of concepts from protein vectors: logistic probes, one-dimensional calibration, the best single feature.

    probe       P(concept c) = sigmoid(w_c . (x - mean) / scale + b_c)
                minimises    mean_i BCE + l2 / 2 |w_c|^2          b_c is not penalised; C = 1 / (l2 n) in scikit-learn
    Platt       P(concept c) = sigmoid(a_c s_c + b_c), a_c >= 0   s_c: one score, e.g. the pooled best feature

Penalty, feature and slope are chosen on the rows that the caller gives for it; nothing here reads test rows.

Read `fit_logistic`, then `choose_logistic`, `fit_platt`, `best_features`. The solver is in `logistic.py`.

Source: Platt 1999, "Probabilistic outputs for support vector machines", for the one-dimensional map.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array, csr_array
from scipy.special import expit

from protsae.errors import InputError
from protsae.measures.function import term_auc, term_aupr
from protsae.measures.logistic import check_rows, fit_each, fit_path, smoothed_log_odds
from protsae.measures.ranking import sparse_aurocs

PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
"""From hardly more than the mean difference of the classes to hardly any penalty, for 320 to 2,560 columns."""

_PATIENCE = 2
"""Penalties in a row that may be worse than the best before `choose_logistic` stops."""
_CONCEPTS_AT_A_TIME = 64
_RIDGE = 1e-3
"""Ridge on the slope of a standardised Platt score, summed loss; only there so that separable scores have a slope."""


class LogisticProbe(NamedTuple):
    """Linear read-out of m concepts."""

    weight: Float[np.ndarray, "m d"]
    """For standardised rows."""
    bias: Float[np.ndarray, " m"]
    mean: Float[np.ndarray, " d"]
    """Of the fitted rows."""
    scale: Float[np.ndarray, " d"]
    """Standard deviations of the fitted rows, 1 where a column is constant."""
    l2: float

    def logits(self, x: Float[np.ndarray, "n d"] | csr_array) -> Float[np.ndarray, "n m"]:
        """Log-odds of each concept."""
        weight = self.weight / self.scale
        return np.asarray(x @ weight.T) + (self.bias - weight @ self.mean)

    def scores(self, x: Float[np.ndarray, "n d"] | csr_array) -> Float[np.ndarray, "n m"]:
        """Probability of each concept, 0 to 1."""
        return expit(self.logits(x))


class Platt(NamedTuple):
    """One increasing map from score to probability for each of m concepts."""

    slope: Float[np.ndarray, " m"]
    """At least 0."""
    intercept: Float[np.ndarray, " m"]

    def probabilities(self, scores: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
        """Probability of each concept, 0 to 1."""
        return expit(self.slope * scores + self.intercept)


def fit_logistic(
    x: Float[np.ndarray, "n d"] | csr_array,
    y: Bool[np.ndarray, "n_labels m"],
    *,
    l2: float,
    max_iter: int = 200,
    tolerance: float = 1e-6,
) -> LogisticProbe:
    """Logistic regression of every concept on standardised rows.

    A concept that all rows or no rows carry has no optimum; it gets no weights and the log-odds of
    (n_positive + 1/2) / (n + 1).

    Args:
        x: a row per protein, dense or scipy.sparse.
        y: a column per concept.
        l2: penalty, above 0, against the mean loss of a row.
        max_iter: steps of a concept at most.
        tolerance: a concept is done when a Newton step promises to lower its loss by less than this share of the loss
            at zero weights; at least 1e-7, the limit of single precision.

    Raises:
        ConfigError: `l2` is not a positive number.
        InputError: there are no rows, or `x` and `y` differ in their number, or x is not finite.
    """
    (fitted,) = fit_path(x, y, (l2,), max_iter=max_iter, tolerance=tolerance)
    return LogisticProbe(*fitted)


def choose_logistic(
    x: Float[np.ndarray, "n d"] | csr_array,
    y: Bool[np.ndarray, "n_labels m"],
    split: np.ndarray,
    *,
    penalties: Sequence[float] = PENALTIES,
    criterion: Literal["aupr", "auc"] = "aupr",
    max_iter: int = 200,
    tolerance: float = 1e-5,
) -> LogisticProbe:
    """Fit on the rows of train, one penalty for all concepts by the mean per concept on valid; test is not read.

    Args:
        x: a row per protein, dense or scipy.sparse.
        y: a column per concept.
        split: [n] of train, valid or test.
        penalties: tried from the largest to the smallest, until two in a row are worse than the best.
        criterion: average precision or AUROC; of equally good penalties the largest is taken.
        max_iter: as in `fit_logistic`.
        tolerance: as in `fit_logistic`.

    Raises:
        ConfigError: no penalty is given, or one is not a positive number.
        InputError: train has no rows, no concept can be judged on valid, or x is not finite.
    """
    train, valid = np.flatnonzero(split == "train"), np.flatnonzero(split == "valid")
    if not (y[valid].any(axis=0) & ~y[valid].all(axis=0)).any():
        raise InputError(
            f"a penalty cannot be chosen: none of {y.shape[1]} concepts has a positive and a negative in valid"
        )
    measure = {"aupr": term_aupr, "auc": term_auc}[criterion]
    descending = sorted(penalties, reverse=True)
    tried: list[tuple[float, LogisticProbe]] = []
    for fitted in fit_path(x[train], y[train], descending, max_iter=max_iter, tolerance=tolerance):
        probe = LogisticProbe(*fitted)
        tried.append((measure(probe.logits(x[valid]), y[valid]), probe))
        if len(tried) - 1 - int(np.argmax([value for value, _ in tried])) >= _PATIENCE:
            break
    return max(tried, key=lambda one: one[0])[1]


def fit_platt(scores: Float[np.ndarray, "n m"], y: Bool[np.ndarray, "n_labels m_labels"]) -> Platt:
    """One-dimensional logistic regressions; a falling map becomes a flat one.

    Args:
        scores: a column per concept.
        y: a column per concept; one that all rows or no rows carry gets slope 0, as a constant score does, and then the
            log-odds of (n_positive + 1/2) / (n + 1).

    Raises:
        InputError: there are no rows, the shapes differ, or a score is not finite.
    """
    scores, truth = np.asarray(scores, np.float64), np.asarray(y, np.float64)
    check_rows(scores, truth)
    if scores.shape != truth.shape:
        raise InputError(f"scores must be of the shape of the labels, {truth.shape}, got {scores.shape}")
    mean, deviation = scores.mean(axis=0), scores.std(axis=0)
    is_flat = deviation <= 1e-12 * np.abs(mean)
    scale = np.where(is_flat, 1, deviation)
    s = (scores - mean) / scale
    flat = smoothed_log_odds(truth)
    free = ~is_flat & truth.any(axis=0) & ~truth.all(axis=0)
    coef = np.stack([np.zeros(len(flat)), flat])
    for block in np.split(np.flatnonzero(free), range(_CONCEPTS_AT_A_TIME, free.sum(), _CONCEPTS_AT_A_TIME)):
        column = np.stack([s[:, block].T, np.ones((len(block), len(s)))], axis=2)
        coef[:, block] = fit_each(column, truth[:, block].T, np.array([_RIDGE, 0.0]), coef[:, block].T).T
    falls = coef[0] < 0
    share = truth.mean(axis=0)
    coef[0, falls], coef[1, falls] = 0, np.log(share[falls] / (1 - share[falls]))
    return Platt(coef[0] / scale, coef[1] - coef[0] * mean / scale)


def best_features(pooled: csr_array | csc_array, labels: Bool[np.ndarray, "n m"]) -> Int[np.ndarray, " m"]:
    """The feature with the highest AUROC for each concept on these rows; of equal ones the first.

    Args:
        pooled: [n, d_sae], not negative.
        labels: a column per concept.

    Raises:
        InputError: a concept has no positive or no negative among the rows.
    """
    truth = np.asarray(labels, bool)
    undefined = np.flatnonzero(~truth.any(axis=0) | truth.all(axis=0))
    if len(undefined):
        raise InputError(
            f"no feature can be chosen for concept {undefined[0]}: {truth[:, undefined[0]].sum()} of {len(truth)} rows "
            "carry it, and both kinds are needed"
        )
    return sparse_aurocs(pooled, truth).argmax(axis=0)
