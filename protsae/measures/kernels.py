"""The loop of the bootstrapped AUROC, compiled by numba. The caller is `ranking.py`."""

from typing import Any

import numpy as np
from numba import njit

_SUMS: Any = {"reassoc", "contract", "nsz"}
"""What the compiler may do to sums: reorder them (fixed for a build), fuse multiply and add."""


@njit(nogil=True, cache=True, fastmath=_SUMS)
def resampled_losses(
    scores: np.ndarray, order: np.ndarray, labels: np.ndarray, weights: np.ndarray, lost: np.ndarray
) -> None:
    """Add the pairs that positives lose in every resample to `lost`, ties counting half, but for the lowest tie.

    Items of a column's lowest score are not looked at: they are most of a sparse column, and what they lose follows
    from the totals.

    Args:
        scores: [m, n], each row descending.
        order: [m, n] item of each score.
        labels: [m, n] bool, by item.
        weights: [n, n_resamples] float32, how often each item was drawn.
        lost: [m, 2, n_resamples] float32 of zeros: pairs, and negatives above the lowest score.
    """
    m, n = scores.shape
    n_resamples = weights.shape[1]
    positive = np.zeros(n_resamples, dtype=np.float32)
    negative = np.zeros(n_resamples, dtype=np.float32)
    for column in range(m):
        pairs, above = lost[column, 0], lost[column, 1]
        place = 0
        while place < n and scores[column, place] > scores[column, n - 1]:
            score, drawn = scores[column, place], weights[order[column, place]]
            is_positive = labels[column, order[column, place]]
            place += 1
            if scores[column, place] < score:
                if is_positive:
                    for r in range(n_resamples):
                        pairs[r] += drawn[r] * above[r]
                else:
                    for r in range(n_resamples):
                        above[r] += drawn[r]
                continue
            positive[:] = 0
            negative[:] = 0
            place -= 1
            while scores[column, place] == score:
                tied = positive if labels[column, order[column, place]] else negative
                drawn = weights[order[column, place]]
                for r in range(n_resamples):
                    tied[r] += drawn[r]
                place += 1
            for r in range(n_resamples):
                pairs[r] += positive[r] * (above[r] + negative[r] / 2)
                above[r] += negative[r]
