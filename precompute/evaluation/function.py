"""Function prediction: from what a method knows of each protein to Fmax, Smin, AUPR and AUC on test proteins.

    P(c | protein) = sigmoid(a_c s_c + b_c), a_c >= 0          s_c: one score per protein and term
    then a term scores the maximum of itself and its descendants

Everything is chosen on train and valid: a_c and b_c are fitted on train for features and on valid for the concept
predictor (whose probabilities are none where positives are weighed), the pooling (mean or max over residues, or the
loss's own) is the one with the best Fmax on valid.

Read `predict_from_features`, then `predict_from_predictor`. The metrics are in `protsae/measures/function.py`.
"""

from typing import NamedTuple

import numpy as np

from precompute.align.ranks import POOLINGS
from precompute.corpus.codes import CSR
from precompute.evaluation.context import Space
from precompute.evaluation.pooling import Pooled
from protsae.measures.function import fmax, function_scores, propagate, term_auc
from protsae.measures.probes import LogisticProbe, best_features, choose_logistic, fit_platt

_LEAST = 1e-6


class Predicted(NamedTuple):
    """A method's function prediction on test proteins."""

    metrics: dict[str, float]
    """fmax, smin, aupr, auc; for features also auc_valid, on valid proteins"""

    pooling: str
    """mean or max over residues, or as in training; '' where there was no choice"""

    features: np.ndarray
    """[m] the feature behind each term; empty where there is none"""


def function_metrics(space: Space, probability: np.ndarray) -> dict[str, float]:
    """The four metrics of [n, m] probabilities on the test proteins of a sub-ontology."""
    test = space.on("test")
    scores, labels = propagate(probability[test], space.ancestors), space.labels[test]
    found = function_scores(scores, labels, space.information)
    return {"fmax": found.fmax, "smin": found.smin, "aupr": found.aupr, "auc": term_auc(scores, labels)}


def valid_fmax(space: Space, probability: np.ndarray) -> float:
    """Fmax on valid proteins, to choose by."""
    valid = space.on("valid")
    return fmax(propagate(probability[valid], space.ancestors), space.labels[valid])


def predict_from_features(space: Space, pooled: Pooled, own: np.ndarray | None) -> Predicted:
    """Every term from one feature: its own, or the one with the best AUROC on train.

    Args:
        space: labels [n, m].
        pooled: of the n proteins.
        own: [m] feature of each term where the SAE is guided, else None.
    """
    train = space.on("train")
    tried = []
    for pooling in POOLINGS:
        codes: CSR = getattr(pooled, pooling)
        features = best_features(codes[np.flatnonzero(train)], space.labels[train]) if own is None else own
        activation = codes[:, features].toarray()
        probability = fit_platt(activation[train], space.labels[train]).probabilities(activation)
        tried.append((valid_fmax(space, probability), pooling, features, probability))
    _, pooling, features, probability = max(tried, key=lambda one: one[0])
    valid = space.on("valid")
    on_valid = term_auc(propagate(probability[valid], space.ancestors), space.labels[valid])
    return Predicted({**function_metrics(space, probability), "auc_valid": on_valid}, pooling, features)


def predict_from_predictor(space: Space, pooled: Pooled, own: np.ndarray) -> Predicted:
    """Every term from the concept predictor's probability, calibrated on valid.

    Args:
        space: labels [n, m].
        pooled: of the n proteins.
        own: [m] feature of each term, which is also its column of the predictor.
    """
    valid = space.on("valid")
    tried = []
    for pooling, pi in (("mean", pooled.pi_mean), ("max", pooled.pi_max), ("as in training", pooled.pi_pooled)):
        clipped = np.clip(pi[:, own].astype(np.float64), _LEAST, 1 - _LEAST)
        log_odds = np.log(clipped / (1 - clipped))
        probability = fit_platt(log_odds[valid], space.labels[valid]).probabilities(log_odds)
        tried.append((valid_fmax(space, probability), pooling, probability))
    _, pooling, probability = max(tried, key=lambda one: one[0])
    return Predicted(function_metrics(space, probability), pooling, np.empty(0, dtype=np.int64))


def predict_from_probe(space: Space, probe: LogisticProbe, x: np.ndarray | CSR) -> Predicted:
    """Every term from a fitted probe on [n, d] rows."""
    return Predicted(function_metrics(space, probe.scores(x)), "", np.empty(0, dtype=np.int64))


def predict_from_codes(space: Space, pooled: Pooled) -> Predicted:
    """Every term from a logistic probe on all features, mean-pooled."""
    return predict_from_probe(space, choose_logistic(pooled.mean, space.labels, space.split), pooled.mean)


def permuted(space: Space, seed: int) -> np.ndarray:
    """[n, m] the labels, shuffled over the proteins of each split; rows stay whole."""
    rng = np.random.default_rng([seed, 1])
    shuffled = space.labels.copy()
    for part in ("train", "valid", "test"):
        rows = np.flatnonzero(space.on(part))
        shuffled[rows] = shuffled[rng.permutation(rows)]
    return shuffled
