"""How well a feature's score separates labelled proteins from others; chosen on one split, scored on another.

    F1    = 2 TP / (called + positives)               called: the score exceeds the threshold
    AUROC of the score itself: `protsae/measures/ranking.py`

Thresholds tried for a feature: those that call 1 .. all of the proteins in which it fires, at 20 counts spaced
geometrically, because a rare label needs a fine grid at the top and a common one does not.

Read `choose` (valid split), then `evaluate` (test split).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from precompute.corpus.codes import CSC
from protsae.measures.ranking import midranks, resampled_aurocs, share_of_pairs, wins

POOLINGS = ("max", "mean")
N_THRESHOLDS = 20
N_RESAMPLES = 1000
_FEATURES_AT_A_TIME = 512
_SCORES_AT_A_TIME = 4_000_000


class Choice(NamedTuple):
    """The best pooling and threshold for each feature with each label."""

    f1: np.ndarray
    """[n_features, n_labels] F1 with them."""

    level: np.ndarray
    """[n_features, n_labels] which row of `thresholds`; the pooling is level // N_THRESHOLDS."""

    thresholds: np.ndarray
    """[len(POOLINGS) * N_THRESHOLDS, n_features] what was tried."""

    def pairs(self, feature: np.ndarray, label: np.ndarray) -> "Pairs":
        """The chosen pooling and threshold of some pairs."""
        level = self.level[feature, label]
        return Pairs(feature, label, level // N_THRESHOLDS, self.thresholds[level, feature])


class Pairs(NamedTuple):
    """Feature-label pairs with what was chosen for each; all [n_pairs]."""

    feature: np.ndarray
    label: np.ndarray
    pooling: np.ndarray
    threshold: np.ndarray


class Scored(NamedTuple):
    """How pairs do on a split; all [n_pairs], 0 to 1."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    low: np.ndarray
    """2.5 % quantile of F1 over bootstrap resamples."""

    high: np.ndarray
    """97.5 % quantile."""

    auroc: np.ndarray
    """NaN where there is no positive or no negative."""

    auroc_low: np.ndarray
    """2.5 % quantile of AUROC over the same resamples, those without a positive or a negative left out."""

    auroc_high: np.ndarray
    """97.5 % quantile."""


def choose(scores: Mapping[str, CSC], labels: np.ndarray, *, advance: Callable[[int], None] = lambda _: None) -> Choice:
    """Pooling and threshold with the highest F1, for every feature with every label.

    Args:
        scores: pooling -> sparse [n_proteins, n_features].
        labels: [n_proteins, n_labels] of 0 and 1, float32.
        advance: called with the number of features done.
    """
    n_features, n_labels = scores[POOLINGS[0]].shape[1], labels.shape[1]
    f1 = np.zeros((n_features, n_labels), dtype=np.float32)
    level = np.zeros((n_features, n_labels), dtype=np.int8)
    thresholds = np.zeros((len(POOLINGS) * N_THRESHOLDS, n_features), dtype=np.float32)
    positives = labels.sum(axis=0)
    columns = [scores[name].tocsc() for name in POOLINGS]
    for first in range(0, n_features, _FEATURES_AT_A_TIME):
        block = slice(first, first + _FEATURES_AT_A_TIME)
        dense = [matrix[:, block].toarray() for matrix in columns]
        thresholds[:, block] = np.concatenate([threshold_grid(score) for score in dense])
        for number, threshold in enumerate(thresholds[:, block]):
            called = (dense[number // N_THRESHOLDS] > threshold).astype(np.float32)
            total = called.sum(axis=0)[:, None] + positives
            reached = 2 * (called.T @ labels) / np.maximum(total, 1)
            better = reached > f1[block]
            f1[block][better] = reached[better]
            level[block][better] = number
        advance(dense[0].shape[1])
    return Choice(f1, level, thresholds)


def threshold_grid(score: np.ndarray) -> np.ndarray:
    """[N_THRESHOLDS, n_features] thresholds, from "fires at all" (0) upwards.

    Each lies half-way between two neighbouring scores of the feature.
    """
    n_proteins = len(score)
    descending = -np.sort(-score, axis=0)
    descending = np.concatenate([descending, np.zeros_like(descending[:1])])
    n_firing = (score > 0).sum(axis=0)
    steps = np.linspace(1, 0, N_THRESHOLDS)[:, None]
    n_called = np.rint(np.maximum(n_firing, 1) ** steps).astype(np.int64)
    column = np.arange(score.shape[1])
    above, below = descending[n_called - 1, column], descending[np.minimum(n_called, n_proteins), column]
    return np.where(n_called >= n_firing, 0, (above + below) / 2).astype(np.float32)


def evaluate(
    scores: Mapping[str, CSC], labels: np.ndarray, pairs: Pairs, *, seed: int, resamples: int = N_RESAMPLES
) -> Scored:
    """Score pairs with everything frozen; the interval is a bootstrap over proteins.

    Args:
        scores: pooling -> sparse [n_proteins, n_features].
        labels: [n_proteins, n_labels] of 0 and 1.
        pairs: what to score, and at which threshold.
        seed: of the resamples, which all pairs share.
        resamples: number of resamples; 0 gives the intervals [F1, F1] and [AUROC, AUROC].

    Source:
        Efron 1979, percentile bootstrap.
    """
    columns = {name: matrix.tocsc() for name, matrix in scores.items()}
    weights = bootstrap_weights(len(labels), resamples, seed)
    order = np.lexsort((pairs.feature, pairs.pooling))
    result = Scored(*(np.zeros(len(order)) for _ in Scored._fields))
    at_a_time = max(1, _SCORES_AT_A_TIME // max(1, len(labels)))
    for start in range(0, len(order), at_a_time):
        block = order[start : start + at_a_time]
        score = np.empty((len(labels), len(block)), dtype=np.float32)
        rank = np.empty((len(labels), len(block)), dtype=np.float64)
        for pooling, name in enumerate(POOLINGS):
            here = pairs.pooling[block] == pooling
            features, place = np.unique(pairs.feature[block[here]], return_inverse=True)
            dense = columns[name][:, features].toarray()
            score[:, here] = dense[:, place]
            rank[:, here] = midranks(dense)[:, place]
        truth = labels[:, pairs.label[block]].astype(np.float32)
        called = (score > pairs.threshold[block]).astype(np.float32)
        for target, values in zip(result, _score_block(called, truth, rank, weights), strict=True):
            target[block] = values
    return result


def resampled_f1(
    scores: Mapping[str, CSC], labels: np.ndarray, pairs: Pairs, *, seed: int, resamples: int = N_RESAMPLES
) -> np.ndarray:
    """[resamples, n_pairs] F1 in the resamples of `evaluate`: pairs of two SAEs can be held against each other.

    Args:
        scores: pooling -> sparse [n_proteins, n_features].
        labels: [n_proteins, n_labels] of 0 and 1.
        pairs: what to score, and at which threshold.
        seed: of the resamples.
        resamples: number of resamples.
    """
    weights = bootstrap_weights(len(labels), resamples, seed)
    found = np.empty((resamples, len(pairs.feature)), dtype=np.float32)
    at_a_time = max(1, _SCORES_AT_A_TIME // max(1, len(labels)))
    for pooling, name in enumerate(POOLINGS):
        here, columns = np.flatnonzero(pairs.pooling == pooling), scores[name].tocsc()
        for start in range(0, len(here), at_a_time):
            block = here[start : start + at_a_time]
            called = columns[:, pairs.feature[block]].toarray() > pairs.threshold[block]
            truth = labels[:, pairs.label[block]].astype(np.float32)
            found[:, block] = _resampled_f1(called.astype(np.float32), truth, weights)
    return found


def bootstrap_weights(n: int, resamples: int, seed: int) -> np.ndarray:
    """[resamples, n] float32: how often each of n items was drawn in a resample of n."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float32) if n else np.zeros((resamples, 0))


def f1_of(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """Harmonic mean, 0 where both are 0."""
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part / whole, 0 where the whole is 0."""
    part, whole = np.broadcast_arrays(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)


def always_f1(prevalence: np.ndarray) -> np.ndarray:
    """F1 of calling everything positive: what a label gives away for free."""
    return 2 * prevalence / (1 + prevalence)


def _score_block(called: np.ndarray, truth: np.ndarray, rank: np.ndarray, weights: np.ndarray) -> Scored:
    hit = called * truth
    n_called, n_positive = called.sum(axis=0, dtype=np.float64), truth.sum(axis=0, dtype=np.float64)
    n_hit = hit.sum(axis=0, dtype=np.float64)
    f1 = share(2 * n_hit, n_called + n_positive)
    won = wins((rank * truth).sum(axis=0), n_positive)
    auroc = share_of_pairs(won, n_positive, len(truth) - n_positive)
    low = high = f1
    auroc_low = auroc_high = auroc
    if len(weights):
        low, high = np.quantile(_resampled_f1(called, truth, weights), [0.025, 0.975], axis=0)
        auroc_low, auroc_high = _interval(resampled_aurocs(rank, truth > 0, weights), np.isfinite(auroc))
    return Scored(share(n_hit, n_called), share(n_hit, n_positive), f1, low, high, auroc, auroc_low, auroc_high)


def _resampled_f1(called: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[resamples, n_pairs] F1; 0 where a resample holds neither a call nor a positive."""
    return share(2 * (weights @ (called * truth)), weights @ (called + truth))


def _interval(resampled: np.ndarray, is_defined: np.ndarray) -> np.ndarray:
    """[2, n_pairs] 2.5 and 97.5 % quantiles of the resamples that have a value; NaN where the pair has none."""
    interval = np.full((2, len(is_defined)), np.nan)
    whole = is_defined & np.isfinite(resampled).all(axis=0)
    interval[:, whole] = np.quantile(resampled[:, whole], [0.025, 0.975], axis=0)
    for pair in np.flatnonzero(is_defined & ~whole):
        values = resampled[:, pair]
        if np.isfinite(values).any():
            interval[:, pair] = np.nanquantile(values, [0.025, 0.975])
    return interval
