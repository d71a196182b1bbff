"""The compiled loops that count how many features stand above one of them; torch widens every comparison to 8 bytes.

Each kernel works on a range of rows, so any split over threads gives the same numbers. The caller is `placing.py`.
"""

# ruff: noqa: PLR0917 - compiled code takes no keywords

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def count_before(
    start: int, stop: int, pre_acts: np.ndarray, bias: np.ndarray, own: np.ndarray, feature: int, counts: np.ndarray
) -> None:
    """counts[i] = features that TopK takes before `feature`: above own[i], or equal to it with a lower index."""
    for i in range(start, stop):
        row, mine = pre_acts[i], own[i]
        n = np.int32(0)
        for f in range(feature):
            n += np.int32(row[f] + bias[f] >= mine)
        for f in range(feature + 1, row.shape[0]):
            n += np.int32(row[f] + bias[f] > mine)
        counts[i] = n


@njit(nogil=True, cache=True)
def keep(
    start: int,
    stop: int,
    rounded: np.ndarray,
    u: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    own: np.ndarray,
    slack: np.ndarray,
    norms: np.ndarray,
    feature: int,
    k: int,
    kept: np.ndarray,
) -> None:
    """kept[i]: fewer than k features come before `feature`, where rounded[i, f] is off by up to slack[i] norms[f].

    Only where that leaves it open the products that may be on either side are computed in single precision.
    """
    for i in range(start, stop):
        row, mine, off = rounded[i], own[i], slack[i]
        least, most = np.int32(0), np.int32(0)
        for f in range(row.shape[0]):
            value, error = row[f] + bias[f], off * norms[f]
            least += np.int32(value - error > mine)
            most += np.int32(value + error >= mine)
        kept[i] = most <= k  # it counts itself
        if not kept[i] and least < k:
            kept[i] = _place(row, u[i], weight, bias, mine, off, norms, feature) < k


@njit(nogil=True, cache=True)
def _place(
    row: np.ndarray,
    u: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    mine: float,
    off: float,
    norms: np.ndarray,
    feature: int,
) -> int:
    """How many features come before `feature` in one row."""
    n = 0
    for f in range(row.shape[0]):
        value, error = row[f] + bias[f], off * norms[f]
        if value - error > mine:
            n += 1
        elif value + error >= mine and f != feature:
            exact = _dot(u, weight[f]) + bias[f]
            n += exact > mine or (exact == mine and f < feature)
    return n


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _dot(a: np.ndarray, b: np.ndarray) -> np.float32:
    total = np.float32(0)
    for j in range(a.shape[0]):
        total += a[j] * b[j]
    return total
