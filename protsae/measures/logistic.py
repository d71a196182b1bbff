"""Penalised logistic regressions of many concepts, all at once: the only solvers of this project.

    fit_path    minimise    mean_i BCE(z_i . w_c + b_c, y_ic) + l2 / 2 |w_c|^2        all concepts on the same rows
    fit_each    minimise    sum_i BCE(x_ci . w_c, y_ci) + sum_j penalty_j w_cj^2 / 2   each on its own few columns

There are two because the problems differ in size. `fit_each` has a handful of weights a concept: Newton's method with
the exact curvature needs a few steps. `fit_path` has hundreds to thousands, where a curvature matrix of each concept
would not fit: its rows are standardised and rotated to the axes of their covariance, where the curvature is nearly
diagonal, and each concept takes its own L-BFGS steps, started from that diagonal, and leaves when it is done: about ten
steps where plain L-BFGS takes hundreds. Logits are linear in a step, so searching along it needs no further product.

Read `fit_path`, then `fit_each`. The probes are in `probes.py` and `sparse_probing.py`.

Source: Nocedal and Wright 2006, "Numerical Optimization", algorithm 7.4 (L-BFGS); the rotation is designed here.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Num
from scipy.sparse import csr_array
from scipy.special import expit
from torch import Tensor

from protsae.errors import ConfigError, InputError

_MEMORY = 8
"""Steps that L-BFGS remembers."""
_FINEST = 1e-7
"""Tolerance that single precision still reaches; smaller ones count as this."""

_MAX_STEPS, _MAX_HALVINGS = 100, 30
_ENOUGH = 1e-10
"""Share of its loss that a step of `fit_each` must gain for another one to follow; the next gains about its square."""
_LEAST_BEND = 1e-6
"""Curvature added to weights without a penalty, so that a step exists where all predictions are certain."""


class Fitted(NamedTuple):
    """Coefficients for standardised rows."""

    weight: Float[np.ndarray, "m d"]
    bias: Float[np.ndarray, " m"]
    mean: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    l2: float


class _Problem(NamedTuple):
    """Standardised rows along the axes of their covariance, and a last column of ones for the bias."""

    z: Float[Tensor, "n r1"]
    spectrum: Float[Tensor, " r1"]
    """Mean square of each column."""
    y: Float[Tensor, "n m"]
    is_trivial: Bool[Tensor, " m"]
    axes: Float[Tensor, "d r"]
    mean: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]


def fit_path(
    x: Float[np.ndarray, "n d"] | csr_array,
    y: Bool[np.ndarray, "n_labels m"],
    penalties: Sequence[float],
    *,
    max_iter: int,
    tolerance: float,
) -> Iterator[Fitted]:
    """Coefficients at each penalty, one after the other, each started from the one before.

    Args:
        x: a row per protein, dense or scipy.sparse.
        y: a column per concept; one that all rows or no rows carry gets no weights and smoothed log-odds.
        penalties: l2, best in descending order.
        max_iter: steps of a concept at most.
        tolerance: a concept is done when a Newton step promises to lower its loss by less than this share of its
            loss at zero weights; at least 1e-7.

    Raises:
        ConfigError: there is no penalty, or one is not a positive number.
        InputError: there are no rows, or `x` and `y` differ in their number, or x is not finite.
    """
    if not penalties:
        raise ConfigError("give at least one penalty, got none")
    for l2 in penalties:
        if not 0 < l2 < float("inf"):
            raise ConfigError(f"l2 must be a positive number, got {l2}")
    problem = _prepare(x, y)
    coef = torch.zeros(problem.y.shape[1], problem.z.shape[1])
    coef[:, -1] = torch.from_numpy(smoothed_log_odds(y))
    for l2 in penalties:
        coef = _minimise(problem, coef, l2, max_iter, tolerance)
        weight = (coef[:, :-1] @ problem.axes.T).numpy()
        yield Fitted(weight, coef[:, -1].numpy().copy(), problem.mean, problem.scale, l2)


def fit_each(
    x: Float[np.ndarray, "m n n_weights"],
    y: Float[np.ndarray, "m n"],
    penalty: Float[np.ndarray, " n_weights"],
    start: Float[np.ndarray, "m n_weights"],
) -> Float[np.ndarray, "m n_weights"]:
    """Weights of each concept on its own columns, by Newton's method; a step is halved until it lowers the loss.

    Args:
        x: float64; a column of ones where there is an intercept.
        y: of 0 and 1.
        penalty: of each weight, half of it times the weight's square on the summed loss; 0 for an intercept.
        start: where to begin.
    """
    found = start.copy()
    active = np.arange(len(x))
    weight, loss = start, _loss(x, y, start, penalty)
    bend = np.diag(penalty + _LEAST_BEND * (penalty == 0))
    for _ in range(_MAX_STEPS):
        p = expit((x @ weight[:, :, None])[:, :, 0])
        gradient = ((p - y)[:, None] @ x)[:, 0] + penalty * weight
        curvature = x.transpose(0, 2, 1) @ (x * (p * (1 - p))[:, :, None]) + bend
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        tried, size = _loss(x, y, weight - step, penalty), np.ones(len(x))
        worse = np.flatnonzero((tried > loss) & ((gradient * step).sum(axis=1) / 2 > _ENOUGH * loss))
        for _ in range(_MAX_HALVINGS):
            if not len(worse):
                break
            size[worse] /= 2
            tried[worse] = _loss(x[worse], y[worse], (weight - size[:, None] * step)[worse], penalty)
            worse = worse[tried[worse] > loss[worse]]
        weight = weight - np.where(tried < loss, size, 0)[:, None] * step
        found[active] = weight
        goes_on = loss - tried > _ENOUGH * loss
        if not goes_on.any():
            break
        x, y, weight, loss, active = x[goes_on], y[goes_on], weight[goes_on], tried[goes_on], active[goes_on]
    return found


def smoothed_log_odds(y: Bool[np.ndarray, "n m"] | Num[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """Log-odds of (n_positive + 1/2) / (n + 1)."""
    n_pos = y.sum(axis=0)
    return np.log((n_pos + 0.5) / (len(y) - n_pos + 0.5))


def check_rows(x: Float[np.ndarray, "n d"], y: Num[np.ndarray, "n_labels m"] | Bool[np.ndarray, "n_labels m"]) -> None:
    """Refuse what cannot be fitted.

    Raises:
        InputError: there are no rows, or `x` and `y` differ in their number, or x is not finite.
    """
    if not len(x) or len(x) != len(y):
        raise InputError(f"rows and labels must be of one number above 0, got {len(x)} and {len(y)}")
    if not np.isfinite(x).all():
        raise InputError(f"rows must be finite numbers, got {int((~np.isfinite(x)).sum())} that are not")


def _prepare(x: np.ndarray | csr_array, y: np.ndarray) -> _Problem:
    dense = np.asarray(x.toarray() if isinstance(x, csr_array) else x, np.float32)
    check_rows(dense, y)
    mean, scale = dense.mean(axis=0, dtype=np.float64), dense.std(axis=0, dtype=np.float64)
    scale[scale <= 1e-6 * np.abs(mean)] = 1
    rows = torch.from_numpy(((dense - mean) / scale).astype(np.float32))
    spectrum, axes = torch.linalg.eigh(rows.T @ rows / len(rows))
    kept = spectrum > spectrum[-1] * 1e-6
    axes = axes[:, kept]
    ones = torch.ones(len(rows), 1)
    truth = torch.from_numpy(np.asarray(y, np.float32))
    is_trivial = (truth == truth[:1]).all(dim=0)
    spectrum = torch.cat([spectrum[kept], ones[0]])
    return _Problem(torch.cat([rows @ axes, ones], dim=1), spectrum, truth, is_trivial, axes, mean, scale)


def _minimise(problem: _Problem, start: Tensor, l2: float, max_iter: int, tolerance: float) -> Tensor:
    """[m, r + 1] coefficients; every concept takes its own steps and leaves when it is done."""
    penalty = torch.full_like(problem.spectrum, l2)
    penalty[-1] = 0
    coef = start.clone()
    active = torch.nonzero(~problem.is_trivial)[:, 0]
    share = problem.y.mean(dim=0)
    enough = max(tolerance, _FINEST) * -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share))
    w, y = coef[active], problem.y[:, active]
    logits = problem.z @ w.T
    history: list[tuple[Tensor, Tensor]] = []
    before: tuple[Tensor, Tensor] | None = None
    for _ in range(max_iter):
        probability = logits.sigmoid()
        gradient = ((probability - y).T @ problem.z) / len(y) + penalty * w
        curvature = (probability * (1 - probability)).mean(dim=0)[:, None] * problem.spectrum + penalty
        if before is not None:
            history = [*history, (before[0], gradient - before[1])][-_MEMORY:]
        goes_on = (gradient.square() / curvature).sum(dim=1) / 2 > enough[active]
        if not goes_on.all():
            coef[active] = w
            active, w, y, logits = active[goes_on], w[goes_on], y[:, goes_on], logits[:, goes_on]
            gradient, curvature = gradient[goes_on], curvature[goes_on]
            history = [(s[goes_on], g[goes_on]) for s, g in history]
        if not len(active):
            break
        direction = -_inverse_hessian(gradient, history, curvature)
        along = problem.z @ direction.T
        step = _search(logits, along, y, penalty * w * direction, penalty * direction.square())
        before = (step[:, None] * direction, gradient)
        w, logits = w + before[0], logits + step * along
    coef[active] = w
    return coef


def _inverse_hessian(gradient: Tensor, history: list[tuple[Tensor, Tensor]], curvature: Tensor) -> Tensor:
    """L-BFGS's estimate of Hessian^-1 gradient, row by row; pairs without positive curvature do not count."""
    q = gradient.clone()
    used = []
    for s, g in reversed(history):
        product = (s * g).sum(dim=1, keepdim=True)
        rho = torch.where(product > 0, 1 / product, 0)
        alpha = rho * (s * q).sum(dim=1, keepdim=True)
        q -= alpha * g
        used.append((s, g, rho, alpha))
    q /= curvature
    for s, g, rho, alpha in reversed(used):
        q += s * (alpha - rho * (g * q).sum(dim=1, keepdim=True))
    return q


def _search(logits: Tensor, along: Tensor, y: Tensor, pull: Tensor, stiffness: Tensor) -> Tensor:
    """[m] step lengths: Newton's method on the loss along each direction, kept inside the bracket of the minimum.

    `pull` and `stiffness` [m, r + 1] are what the penalty adds to slope and bend.
    """
    n, linear, square = len(y), pull.sum(dim=1), stiffness.sum(dim=1)
    step, low, high = (torch.full((y.shape[1],), value) for value in (1.0, 0.0, float("inf")))
    for _ in range(4):
        probability = (logits + step * along).sigmoid()
        slope = ((probability - y) * along).sum(dim=0) / n + linear + step * square
        bend = (probability * (1 - probability) * along.square()).sum(dim=0) / n + square
        low, high = torch.where(slope < 0, step, low), torch.where(slope >= 0, step, high)
        proposed = step - slope / bend.clamp_min(1e-30)
        middle = torch.where(high.isinf(), 2 * step, (low + high) / 2)
        step = torch.where((proposed > low) & (proposed < high), proposed, middle)
    return step


def _loss(x: np.ndarray, y: np.ndarray, weight: np.ndarray, penalty: np.ndarray) -> Float[np.ndarray, " m"]:
    """Of each concept, as `fit_each` minimises it."""
    z = (x @ weight[:, :, None])[:, :, 0]
    return (np.logaddexp(0, z) - y * z).sum(axis=1) + (penalty * weight**2).sum(axis=1) / 2
