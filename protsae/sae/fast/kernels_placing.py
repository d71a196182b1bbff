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
def count_bounds(
    start: int,
    stop: int,
    pre_acts: np.ndarray,
    bias: np.ndarray,
    own: np.ndarray,
    slack: np.ndarray,
    norms: np.ndarray,
    surely: np.ndarray,
    maybe: np.ndarray,
) -> None:
    """How many features stand above own[i] if each of pre_acts[i, f] is off by up to slack[i] norms[f]: both bounds."""
    for i in range(start, stop):
        row, mine, off = pre_acts[i], own[i], slack[i]
        least, most = np.int32(0), np.int32(0)
        for f in range(row.shape[0]):
            value, error = row[f] + bias[f], off * norms[f]
            least += np.int32(value - error > mine)
            most += np.int32(value + error >= mine)
        surely[i], maybe[i] = least, most
