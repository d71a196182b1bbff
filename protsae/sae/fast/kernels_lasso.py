"""The non-negative lasso by an active set, compiled by numba: exact after finitely many steps.

    minimise  z G z^T / 2 - z t^T + l1 * sum z  over z >= 0,   G positive definite

A row starts without an active feature. The one with the steepest descent joins; the active ones are solved for exactly,
through a Cholesky factor of their part of G that grows by one row; those that would turn negative leave; and again,
until no feature outside would lower the objective.

Read `solve_rows`, then `settle`. The caller is `splice.py`.

Source: Lawson and Hanson 1974, "Solving least squares problems", chapter 23, on the Gram matrix.
"""

# ruff: noqa: PLR0917 - compiled code takes no keywords

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def solve_rows(
    start: int, stop: int, correlations: np.ndarray, gram: np.ndarray, l1: float, tolerance: float, acts: np.ndarray
) -> None:
    """Write the codes of rows start:stop to `acts` [n, m], which holds zeros.

    Args:
        start: first row.
        stop: row after the last.
        correlations: [n, m], the t of the formula.
        gram: [m, m] float64.
        l1: at least 0.
        tolerance: slope that counts as none, as a share of the row's largest correlation.
        acts: written.
    """
    m = len(gram)
    factor, half = np.empty((m, m)), np.empty(m)
    active, z, solved = np.empty(m, np.int64), np.empty(m), np.empty(m)
    target, descent, is_out = np.empty(m), np.empty(m), np.empty(m, np.bool_)
    for row in range(start, stop):
        largest = 0.0
        for j in range(m):
            target[j] = correlations[row, j] - l1
            descent[j] = target[j]
            is_out[j] = True
            largest = max(largest, abs(correlations[row, j]))
        size = 0
        for _ in range(10 * m):  # never reached unless rounding makes it turn in a circle
            newcomer = steepest(descent, is_out, largest * tolerance)
            if newcomer < 0:
                break
            is_out[newcomer] = False
            z[size] = 0.0
            append(newcomer, size, active, factor, half, gram, target)
            size = settle(size + 1, active, factor, half, gram, target, z, solved, is_out)
            for j in range(m):
                descent[j] = target[j]
            for i in range(size):
                act, similar = z[i], gram[active[i]]
                for j in range(m):
                    descent[j] -= act * similar[j]
        for i in range(size):
            acts[row, active[i]] = z[i]


@njit(nogil=True, cache=True)
def steepest(descent: np.ndarray, is_out: np.ndarray, least: float) -> int:
    """The inactive feature with the largest descent above `least`; -1 where there is none."""
    found, most = -1, least
    for j in range(len(descent)):
        if is_out[j] and descent[j] > most:
            found, most = j, descent[j]
    return found


@njit(nogil=True, cache=True)
def append(
    feature: int,
    size: int,
    active: np.ndarray,
    factor: np.ndarray,
    half: np.ndarray,
    gram: np.ndarray,
    target: np.ndarray,
) -> None:
    """Add a feature to `size` active ones: a row of the factor L, and a value of the half-solved L half = target."""
    new = factor[size]
    pivot, rest = gram[feature, feature], target[feature]
    for i in range(size):
        value = gram[feature, active[i]]
        for j in range(i):
            value -= factor[i, j] * new[j]
        new[i] = value / factor[i, i]
        pivot -= new[i] * new[i]
        rest -= new[i] * half[i]
    new[size] = np.sqrt(pivot)
    half[size] = rest / new[size]
    active[size] = feature


@njit(nogil=True, cache=True)
def settle(
    size: int,
    active: np.ndarray,
    factor: np.ndarray,
    half: np.ndarray,
    gram: np.ndarray,
    target: np.ndarray,
    z: np.ndarray,
    solved: np.ndarray,
    is_out: np.ndarray,
) -> int:
    """Bring z to the exact solution of the active features; those that turn negative leave. The number left."""
    joined = active[size - 1]
    while size > 0:
        for i in range(size - 1, -1, -1):
            value = half[i]
            for j in range(i + 1, size):
                value -= factor[j, i] * solved[j]
            solved[i] = value / factor[i, i]
        first, length = -1, 1.0
        for i in range(size):
            if solved[i] <= 0:
                reach = z[i] / (z[i] - solved[i]) if z[i] > 0 else 0.0
                if first < 0 or reach < length:
                    first, length = i, reach
        for i in range(size):
            z[i] += length * (solved[i] - z[i])
        if first < 0:
            break
        # a newcomer that must leave before it moved was called by rounding alone, and would be called again
        is_out[active[first]] = active[first] != joined or length > 0
        for i in range(first + 1, size):
            z[i - 1] = z[i]
            append(active[i], i - 1, active, factor, half, gram, target)
        size -= 1
    return size
