"""How well calls agree with labels, and how well an SAE keeps what the PLM knows: pure functions, no state.

Every metric has a known answer that the tests hold it to: the identity, the zero and the mean predictor, permuted
labels. Function prediction per protein (Fmax, Smin) is in `function.py`, AUROC in `ranking.py`.

Read `binary_scores`, then `explained_variance`.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike
from torch import Tensor

from protsae.measures.function import FunctionScores, fmax, function_scores, smin
from protsae.measures.reconstruction import ErrorSums

__all__ = [
    "BinaryScores",
    "FunctionScores",
    "Interval",
    "binary_scores",
    "bootstrap_f1",
    "bootstrap_f1_counts",
    "explained_variance",
    "fmax",
    "function_scores",
    "fvu",
    "loss_recovered",
    "participation",
    "precision_recall_f1",
    "smin",
]

Counts = Int[np.ndarray, "..."] | int


class BinaryScores(NamedTuple):
    """Agreement of calls with labels, each 0 to 1; 0 where the ratio is undefined."""

    precision: Float[np.ndarray, "..."]
    recall: Float[np.ndarray, "..."]
    f1: Float[np.ndarray, "..."]


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


def fvu(x: Float[Tensor, "n d_model"], x_hat: Float[Tensor, "n d_model"]) -> float:
    """Squared error of `x_hat` over the variance of `x` about its mean residue; 0 is perfect, 1 the mean predictor.

    Raises:
        ValueError: all rows of `x` are equal, so the ratio is undefined.
    """
    x, x_hat = x.detach().double().cpu(), x_hat.detach().double().cpu()
    mean = x.mean(dim=0)
    found = ErrorSums.of((x - mean).numpy(), (x_hat - mean).numpy()).fvu
    if math.isnan(found):
        raise ValueError(f"FVU is undefined: all {len(x)} residue activations are equal")
    return found


def explained_variance(x: Float[Tensor, "n d_model"], x_hat: Float[Tensor, "n d_model"]) -> float:
    """1 - FVU; at most 1.

    Raises:
        ValueError: all rows of `x` are equal, so the ratio is undefined.
    """
    return 1 - fvu(x, x_hat)


def loss_recovered(*, clean: float, sae: float, ablated: float) -> float:
    """Share of the damage done by ablation that an SAE's reconstruction avoids; 1 is perfect, not clipped.

    Args:
        clean: cross-entropy of the untouched PLM.
        sae: with the reconstruction in place.
        ablated: with zeros (or the mean residue) in place.

    Raises:
        ValueError: the ablation does no damage, so there is nothing to recover.
    """
    if ablated <= clean:
        raise ValueError(f"loss recovered is undefined: the ablated loss {ablated} is not above the clean loss {clean}")
    return (ablated - sae) / (ablated - clean)


def participation(logits: Float[Tensor, "n m"], z_def: Float[Tensor, "n m"]) -> float:
    """Share of (residue, concept) pairs with pi > 0.5 whose defined feature is active, 0 to 1; nan without such pairs.

    Args:
        logits: of the concept predictor.
        z_def: activations of the defined features.
    """
    is_predicted = logits > 0
    return float((z_def[is_predicted] > 0).double().mean()) if is_predicted.any() else float("nan")


def binary_scores(tp: Counts, fp: Counts, fn: Counts) -> BinaryScores:
    """Precision, recall and F1 from counts, element by element.

    Args:
        tp: true positives.
        fp: false positives.
        fn: false negatives.
    """
    tp, fp, fn = (np.asarray(n, dtype=np.float64) for n in (tp, fp, fn))
    return BinaryScores(_ratio(tp, tp + fp), _ratio(tp, tp + fn), _ratio(2 * tp, 2 * tp + fp + fn))


def precision_recall_f1(called: Bool[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]) -> BinaryScores:
    """Precision, recall and F1 of one set of calls."""
    called, labels = np.asarray(called, bool), np.asarray(labels, bool)
    return binary_scores(int((called & labels).sum()), int((called & ~labels).sum()), int((~called & labels).sum()))


def bootstrap_f1(
    called: Bool[np.ndarray, " n"],
    labels: Bool[np.ndarray, " n"],
    *,
    level: float = 0.95,
    n_samples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of F1 over the items.

    Args:
        called: what the feature says.
        labels: what is true.
        level: share of the bootstrap samples inside, 0 to 1.
        n_samples: bootstrap samples.
        seed: of the samples.
    """
    called, labels = np.asarray(called, bool), np.asarray(labels, bool)
    tp, fp, fn = int((called & labels).sum()), int((called & ~labels).sum()), int((~called & labels).sum())
    return bootstrap_f1_counts(tp, fp, fn, len(labels) - tp - fp - fn, level=level, n_samples=n_samples, seed=seed)


def bootstrap_f1_counts(
    tp: int, fp: int, fn: int, tn: int, *, level: float = 0.95, n_samples: int = 2000, seed: int = 0
) -> Interval:
    """`bootstrap_f1` from counts: drawing n items with replacement draws their four counts from a multinomial."""
    n = tp + fp + fn + tn
    if n == 0:
        return Interval(0.0, 0.0)
    draws = np.random.default_rng(seed).multinomial(n, np.array([tp, fp, fn, tn]) / n, size=n_samples)
    f1 = binary_scores(draws[:, 0], draws[:, 1], draws[:, 2]).f1
    low, high = np.quantile(f1, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _ratio(part: ArrayLike, whole: ArrayLike) -> np.ndarray:
    part, whole = np.asarray(part), np.asarray(whole)
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
