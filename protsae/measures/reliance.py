"""Which parts of a protein a value relies on: windows are hidden from the language model, and the value is read again.

    v(S)    = value with only the windows S visible, over the value with all visible, cut to 0 .. 1
    F(S)    = v(S) + 1 - v(all but S)            S suffices, and without S little is left
    order   = windows one by one, each the one that raises F most
    insertion curve  v(first windows of the order)         deletion curve  v(all but the first windows)
    context index    = (1 - v(own) + v(all but own)) / 2

where own are the residues next to the one that is read. An order that found what matters lets the insertion curve rise
and the deletion curve fall sooner than random orders do, which are drawn beside it. The context index is 0 for a value
that its own window settles, 1 for one that only distant residues settle, 1/2 where both are needed.

A full greedy search asks n^2 / 2 times; here a step asks again only for the few windows that gained most when they were
last asked, and after `max_values` values the rest keep the order of their last gain. Read `Reliance`, then `attribute`.

Source: EAGLE (arXiv:2509.22496) for the objective and the greedy order; the pool, the windows of residues and the
context index are designed here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from protsae.errors import ConfigError

Value = Callable[[Sequence[Sequence[int]]], Sequence[float]]
"""Takes lists of hidden residues (0-based), returns the value that each leaves."""

MOST_WINDOWS = 32
"""A longer chain gets longer windows."""
SHORTEST = 4
"""Residues of a window at least."""
POOL = 6
"""Windows that a step asks for."""
N_RANDOM = 5
"""Random orders beside the found one."""


@dataclass(kw_only=True)
class Reliance:
    """What has been found so far; grows step by step."""

    windows: list[tuple[int, int]]
    """First residue and end of each (0-based, end excluded); they cover the chain."""

    focus: int
    """Residue whose value it is, 0-based."""

    own: tuple[int, int]
    """Its own window: first residue and end."""

    whole: float
    """The value with all visible, in its own unit."""

    order: list[int] = field(default_factory=list)
    """Windows, the one that is relied on most first."""

    insertion: list[float] = field(default_factory=list)
    """v of the first 0, 1, 2, ... windows of the order, 0 to 1."""

    deletion: list[float] = field(default_factory=list)
    """v without them."""

    random_insertion: list[list[float]] = field(default_factory=list)
    """The same for each random order."""

    random_deletion: list[list[float]] = field(default_factory=list)

    keep_own: float = float("nan")
    """v of the own window."""

    hide_own: float = float("nan")
    """v of all but the own window."""

    gain: Float[np.ndarray, " n_windows"] = field(default_factory=lambda: np.zeros(0))
    """F of each window alone less F of none: 0 to 2."""

    n_values: int = 0
    """Values that were asked for."""

    total: int = 0
    """As many will be asked for at most."""

    @property
    def is_whole(self) -> bool:
        """Nothing is left to compute."""
        return len(self.random_deletion) == N_RANDOM

    @property
    def context_index(self) -> float:
        """0: the own window settles the value; 1: distant residues alone do."""
        return (1 - self.keep_own + self.hide_own) / 2

    def per_residue(self) -> Float[np.ndarray, " n_residues"]:
        """The gain of each residue's window, 0 to 1 (half of F's range)."""
        found = np.zeros(self.windows[-1][1])
        for (start, end), gain in zip(self.windows, self.gain, strict=True):
            found[start:end] = max(0.0, float(gain)) / 2
        return found


def area(curve: Sequence[float]) -> float:
    """Area under a curve over evenly spaced steps, its ends included; 0 to 1."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


def cut(n_residues: int, focus: int, most: int = MOST_WINDOWS) -> list[tuple[int, int]]:
    """Windows of equal length (but for the ends) over a chain; the focus lies in the middle of one."""
    size = max(SHORTEST, -(-n_residues // most))
    first = (focus - size // 2) % size
    edges = sorted({0, *range(first, n_residues, size), n_residues})
    return list(pairwise(edges))


def attribute(
    value: Value,
    n_residues: int,
    focus: int,
    *,
    radius: int = 5,
    max_values: int = 600,
    most_windows: int = MOST_WINDOWS,
    seed: int = 0,
) -> Iterator[Reliance]:
    """Find the order window by window; the same object is handed out each time, with more in it.

    Args:
        value: what is asked; asked for several at once, which the caller may batch.
        n_residues: of the chain.
        focus: residue whose value it is, 0-based.
        radius: residues on either side of it that are its own window.
        max_values: so many values at most for the order; the curves of random orders come on top.
        most_windows: windows at most.
        seed: of the random orders.

    Raises:
        ConfigError: the value is not positive with all visible, so there is nothing to explain.
    """
    windows = cut(n_residues, focus, most_windows)
    own = (max(0, focus - radius), min(n_residues, focus + radius + 1))
    whole, nothing = value([[], range(n_residues)])
    if not whole > 0:
        raise ConfigError(f"There is nothing to explain: the value with all residues visible is {whole:g}.")
    asked = _Asked(value, windows, whole)
    found = Reliance(windows=windows, focus=focus, own=own, whole=whole)
    inside = list(range(*own))
    outside = [residue for residue in range(n_residues) if not own[0] <= residue < own[1]]
    found.keep_own, found.hide_own = asked.shares([outside, inside])
    n, per_curve = len(windows), 2 * (len(windows) - 1)
    most = min(max(max_values, 2 * n) + 2 * POOL + 2 * n, 2 * n + 2 * POOL * n)
    found.total = 4 + most + N_RANDOM * per_curve
    empty = min(1.0, max(0.0, nothing / whole))
    found.insertion, found.deletion = [empty], [1.0]
    yield from _greedy(asked, found, max_values, empty)
    rng = np.random.default_rng(seed)
    for _ in range(N_RANDOM):
        order = rng.permutation(n).tolist()
        keep, hide = asked.pairs([order[:i] for i in range(1, n)])
        found.random_insertion.append([empty, *keep, 1.0])
        found.random_deletion.append([1.0, *hide, empty])
        found.n_values = asked.n_values
        yield found


def _greedy(asked: "_Asked", found: Reliance, max_values: int, empty: float) -> Iterator[Reliance]:
    """The order, with its two curves."""
    n = len(found.windows)
    gains = np.full(n, np.inf)
    last = empty  # F of no window: v(none) + 1 - v(all)
    start = asked.n_values
    while len(found.order) < n:
        left = [window for window in np.argsort(-gains, kind="stable").tolist() if window not in found.order]
        can_ask = asked.n_values - start < max_values or not found.order
        pool = left if not found.order else left[: POOL if can_ask else 1]
        keep, hide = asked.pairs([[*found.order, window] for window in pool])
        scores = [k + 1 - h for k, h in zip(keep, hide, strict=True)]
        gains[pool] = np.array(scores) - last
        if not found.order:
            found.gain = gains.copy()
        best = int(np.argmax(scores))
        last = scores[best]
        found.order.append(pool[best])
        found.insertion.append(keep[best])
        found.deletion.append(hide[best])
        found.n_values = asked.n_values
        yield found


class _Asked:
    """Values as shares of the whole, counted."""

    def __init__(self, value: Value, windows: Sequence[tuple[int, int]], whole: float) -> None:
        self._value, self._windows, self._whole = value, windows, whole
        self.n_values = 2

    def shares(self, hidden: Sequence[Sequence[int]]) -> list[float]:
        """V with these residues hidden."""
        self.n_values += len(hidden)
        return [min(1.0, max(0.0, found / self._whole)) for found in self._value(hidden)]

    def pairs(self, chosen: Sequence[Sequence[int]]) -> tuple[list[float], list[float]]:
        """V with only these windows visible, and with only these hidden."""
        keep = [self._residues(set(range(len(self._windows))) - set(windows)) for windows in chosen]
        hide = [self._residues(windows) for windows in chosen]
        shares = self.shares([*keep, *hide])
        return shares[: len(chosen)], shares[len(chosen) :]

    def _residues(self, windows: Sequence[int] | set[int]) -> list[int]:
        return [residue for window in sorted(windows) for residue in range(*self._windows[window])]
