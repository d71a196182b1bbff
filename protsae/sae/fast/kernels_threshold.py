"""The compiled loops that find the pre-activations above a threshold.

Two passes: count, so that every row knows its place, then fill. Both look at blocks of features first, because at one
active feature in a hundred most blocks have none.

Read `kernels.py` first. The caller is `threshold.py`.
"""

# ruff: noqa: PLR0917 - compiled code takes no keywords

import numpy as np
from numba import njit

_BLOCK = 16


@njit(nogil=True, cache=True)
def count_above(start: int, stop: int, pre_acts: np.ndarray, floor: np.ndarray, counts: np.ndarray) -> None:
    """counts[i] = number of features f with pre_acts[i, f] > floor[f], for rows start:stop."""
    for i in range(start, stop):
        row = pre_acts[i]
        n = np.int32(0)
        for f in range(row.shape[0]):
            n += np.int32(row[f] > floor[f])
        counts[i] = n


@njit(nogil=True, cache=True)
def fill_above(
    start: int,
    stop: int,
    pre_acts: np.ndarray,
    floor: np.ndarray,
    indptr: np.ndarray,
    features: np.ndarray,
    values: np.ndarray,
) -> None:
    """Write features and pre-activations above their floor to indptr[i]:indptr[i + 1], features ascending."""
    d_sae = pre_acts.shape[1]
    for i in range(start, stop):
        row = pre_acts[i]
        j = indptr[i]
        for first in range(0, d_sae, _BLOCK):
            last = min(first + _BLOCK, d_sae)
            n = np.int32(0)
            for f in range(first, last):
                n += np.int32(row[f] > floor[f])
            if n == 0:
                continue
            for f in range(first, last):
                if row[f] > floor[f]:
                    features[j], values[j] = f, row[f]
                    j += 1
