"""The loops over active features that torch has no fast operation for, compiled by numba.

Every kernel works on a range of rows (or of features) and owns its part of the output, so any split over threads gives
the same bits. Codes are compressed sparse rows: the features and activations of row i stand at indptr[i]:indptr[i+1],
features ascending. At k = 32 of 2,560 each loop costs a tenth or less of the dense product that it replaces.

Read `select_rows`, then `sum_rows`. The caller is `sparse.py`.
"""

# ruff: noqa: C901, FBT001, PLR0912, PLR0917 - compiled code takes no keywords and pays for every call

from typing import Any

import numpy as np
from numba import njit

TOPK, RAISED, FORCED = 0, 1, 2
"""Where an activation comes from: kept by TopK; kept and raised by force; active only by force."""

NO_FORCING, FORCE_AFTER, FORCE_BEFORE, APART = 0, 1, 2, 3
"""APART: nothing is forced; defined features fire where they are positive, TopK chooses among the free ones alone."""

_SUMS: Any = {"reassoc", "contract", "nsz"}
"""What the compiler may do to sums: reorder them (fixed for a build), fuse multiply and add."""

_TINY = np.float32(1e-45)
"""The smallest positive float: `>= _TINY` means positive."""


@njit(nogil=True, cache=True)
def kth_largest(values: np.ndarray, size: int, k: int) -> float:
    """The k-th largest (from 1) of values[:size], which are reordered."""
    low, high = 0, size - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            break
    return values[k - 1]


@njit(nogil=True, cache=True)
def top_k_row(row: np.ndarray, k: int, peak: np.ndarray, scratch: np.ndarray, feat: np.ndarray, act: np.ndarray) -> int:
    """Write the k largest positive values of `row` to act[:n] with their indices in feat[:n]; return n <= k.

    The row is seen as columns of a matrix `len(peak)` wide. At least k columns have their maximum above a threshold
    that a few bisections over `peak` find, and only these columns are searched. Among equals the lower index stays.
    """
    n_features, width = row.shape[0], peak.shape[0]
    whole = n_features // width * width
    peak[:] = row[:width]
    for start in range(width, whole, width):
        part = row[start : start + width]
        for q in range(width):
            peak[q] = max(peak[q], part[q])
    part = row[whole:]
    for q in range(part.shape[0]):
        peak[q] = max(peak[q], part[q])

    low = high = _TINY
    for q in range(width):
        high = max(high, peak[q])
    n_above = np.int32(0)
    for q in range(width):
        n_above += np.int32(peak[q] >= low)
    if n_above > k:
        for _ in range(20):
            middle = (low + high) * np.float32(0.5)
            n_above = np.int32(0)
            for q in range(width):
                n_above += np.int32(peak[q] >= middle)
            if n_above < k:
                high = middle
                continue
            low = middle
            if n_above <= k + 4:
                break

    n = 0
    for q in range(width):
        if peak[q] >= low:
            for f in range(q, n_features, width):
                act[n] = row[f]
                feat[n] = f
                n += row[f] >= low
    return n if n <= k else _cut(n, k, scratch, feat, act)


@njit(nogil=True, cache=True)
def _cut(n: int, k: int, scratch: np.ndarray, feat: np.ndarray, act: np.ndarray) -> int:
    """Keep the k largest of act[:n] with their indices; among equals the lower index stays."""
    scratch[:n] = act[:n]
    least = kth_largest(scratch, n, k)
    room = k
    n_tied = 0
    for j in range(n):
        room -= act[j] > least
        n_tied += act[j] == least
    last = np.int64(2**31)
    if n_tied > room:
        tied = np.empty(n_tied, np.int64)
        t = 0
        for j in range(n):
            if act[j] == least:
                tied[t] = feat[j]
                t += 1
        tied.sort()
        last = tied[room - 1]
    m = 0
    for j in range(n):
        if act[j] > least or (act[j] == least and feat[j] <= last):
            act[m], feat[m] = act[j], feat[j]
            m += 1
    return m


@njit(nogil=True, cache=True)
def _mean_free(
    n: int, feat: np.ndarray, act: np.ndarray, n_defined: int, n_features: int, over_all: bool
) -> np.float32:
    total = np.float32(0)
    n_active = 0
    for j in range(n):
        if feat[j] >= n_defined:
            total += act[j]
            n_active += 1
    if n_active == 0:
        return np.float32(0)
    return np.float32(total / np.float32(n_features - n_defined if over_all else n_active))


@njit(nogil=True, cache=True)
def _strength(mu: np.float32, logit: np.float32, graded: bool) -> np.float32:
    return np.float32(mu * np.tanh(logit * np.float32(0.5))) if graded else mu


@njit(nogil=True, cache=True)
def _sort_by_feature(n: int, feat: np.ndarray, act: np.ndarray, origin: np.ndarray) -> None:
    for j in range(1, n):
        f, a, o = feat[j], act[j], origin[j]
        p = j
        while p > 0 and feat[p - 1] > f:
            feat[p], act[p], origin[p] = feat[p - 1], act[p - 1], origin[p - 1]
            p -= 1
        feat[p], act[p], origin[p] = f, a, o


@njit(nogil=True, cache=True)
def select_rows(
    start: int,
    stop: int,
    pre_acts: np.ndarray,
    logits: np.ndarray,
    k: int,
    width: int,
    forcing: int,
    over_all: bool,
    graded: bool,
    features: np.ndarray,
    acts: np.ndarray,
    origins: np.ndarray,
    counts: np.ndarray,
) -> None:
    """TopK and forced activation of rows start:stop; writes features, acts, origins [n, capacity] and counts [n]."""
    n_features, n_defined = pre_acts.shape[1], logits.shape[1]
    peak = np.empty(width, np.float32)
    scratch = np.empty(n_features + 1, np.float32)
    feat = np.empty(n_features + 1, np.int32)
    act = np.empty(n_features + 1, np.float32)
    origin = np.zeros(n_features + 1, np.uint8)
    raised_row = np.empty(n_features if forcing == FORCE_BEFORE else 0, np.float32)
    place = np.full(n_defined, -1, np.int32)
    for i in range(start, stop):
        if forcing == APART:
            n = top_k_row(pre_acts[i, n_defined:], k, peak, scratch, feat, act)
            feat[:n] += n_defined
            for c in range(n_defined):
                if pre_acts[i, c] > 0:
                    feat[n], act[n] = c, pre_acts[i, c]
                    n += 1
        else:
            n = top_k_row(pre_acts[i], k, peak, scratch, feat, act)
        origin[:n] = TOPK
        mu = np.float32(0)
        if forcing in (FORCE_AFTER, FORCE_BEFORE):
            mu = _mean_free(n, feat, act, n_defined, n_features, over_all)
        if mu > 0:
            n_natural = n
            for j in range(n):
                if feat[j] < n_defined:
                    place[feat[j]] = j
            natural = feat[:n].copy()
            if forcing == FORCE_AFTER:
                for c in range(n_defined):
                    if logits[i, c] > 0:
                        p = place[c]
                        force = _strength(mu, logits[i, c], graded)
                        if p < 0:
                            if force > 0:
                                feat[n], act[n], origin[n] = c, force, FORCED
                                n += 1
                        elif force > act[p]:
                            act[p], origin[p] = force, RAISED
            else:
                raised_row[:] = pre_acts[i]
                for c in range(n_defined):
                    if logits[i, c] > 0:
                        raised_row[c] = max(raised_row[c], _strength(mu, logits[i, c], graded))
                n = top_k_row(raised_row, k, peak, scratch, feat, act)
                for j in range(n):
                    f = feat[j]
                    origin[j] = TOPK
                    if f < n_defined and act[j] != pre_acts[i, f]:
                        origin[j] = FORCED if place[f] < 0 else RAISED
            for j in range(n_natural):
                if natural[j] < n_defined:
                    place[natural[j]] = -1
        _sort_by_feature(n, feat, act, origin)
        features[i, :n], acts[i, :n], origins[i, :n] = feat[:n], act[:n], origin[:n]
        counts[i] = n


@njit(nogil=True, cache=True)
def pack_rows(start: int, stop: int, indptr: np.ndarray, padded: tuple, packed: tuple) -> None:
    """Close the gaps between the rows of (features, acts, origins)."""
    for i in range(start, stop):
        n = indptr[i + 1] - indptr[i]
        packed[0][indptr[i] : indptr[i + 1]] = padded[0][i, :n]
        packed[1][indptr[i] : indptr[i + 1]] = padded[1][i, :n]
        packed[2][indptr[i] : indptr[i + 1]] = padded[2][i, :n]


@njit(nogil=True, cache=True, fastmath=_SUMS)
def sum_rows(
    start: int, stop: int, indptr: np.ndarray, index: np.ndarray, coefs: np.ndarray, matrix: np.ndarray, out: np.ndarray
) -> None:
    """out[i] = sum over j in indptr[i]:indptr[i+1] of coefs[j] * matrix[index[j]]: a sparse times a dense matrix."""
    d_model = matrix.shape[1]
    for i in range(start, stop):
        total = out[i]
        total[:] = 0
        j, last = indptr[i], indptr[i + 1]
        while j + 4 <= last:  # four at a time: `total` is loaded and stored a quarter as often
            a0, a1, a2, a3 = coefs[j], coefs[j + 1], coefs[j + 2], coefs[j + 3]
            w0, w1, w2, w3 = matrix[index[j]], matrix[index[j + 1]], matrix[index[j + 2]], matrix[index[j + 3]]
            for q in range(d_model):
                total[q] += a0 * w0[q] + a1 * w1[q] + a2 * w2[q] + a3 * w3[q]
            j += 4
        while j < last:
            a, w = coefs[j], matrix[index[j]]
            for q in range(d_model):
                total[q] += a * w[q]
            j += 1


@njit(nogil=True, cache=True, fastmath=_SUMS)
def dot_rows(
    start: int, stop: int, indptr: np.ndarray, index: np.ndarray, left: np.ndarray, right: np.ndarray, out: np.ndarray
) -> None:
    """out[j] = left[i] . right[index[j]] for j in indptr[i]:indptr[i+1]: a dense product where the code is active."""
    d_model = left.shape[1]
    for i in range(start, stop):
        row = left[i]
        for j in range(indptr[i], indptr[i + 1]):
            other = right[index[j]]
            total = np.float32(0)
            for q in range(d_model):
                total += row[q] * other[q]
            out[j] = total


@njit(nogil=True, cache=True)
def order_by_feature(
    indptr: np.ndarray, features: np.ndarray, starts: np.ndarray, rows: np.ndarray, order: np.ndarray
) -> None:
    """Counting sort of the codes by feature: entry order[j] for starts[f] <= j < starts[f + 1], from row rows[j]."""
    starts[:] = 0
    for j in range(features.shape[0]):
        starts[features[j] + 1] += 1
    for f in range(starts.shape[0] - 1):
        starts[f + 1] += starts[f]
    fill = starts[:-1].copy()
    for i in range(indptr.shape[0] - 1):
        for j in range(indptr[i], indptr[i + 1]):
            p = fill[features[j]]
            fill[features[j]] = p + 1
            rows[p] = i
            order[p] = j
