"""When a curve steps up: the split into before and after that explains it best.

    values ~ low before the onset, high from it on          the split with the least squared error

A rise counts where it is more than `MIN_RISE` and than what curves of shuffled labels reach, so a flat, noisy curve has
no onset. Read `step_up`, then `onsets`.

Source: change point of one step in the mean (least squares); that onsets, not ends, are compared, is Chen et al. 2023
(arXiv:2309.07311).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

MIN_RISE = 0.05
"""Of an AUROC."""

QUANTILE = 0.95
"""Of the rises of shuffled curves, which a rise must exceed."""


class Steps(NamedTuple):
    """The best split of each curve."""

    place: Int[np.ndarray, " n_curves"]
    """First value that belongs to 'after', from 1."""
    rise: Float[np.ndarray, " n_curves"]
    """Mean after less mean before; below 0 where the curve falls."""


class Onsets(NamedTuple):
    """Which curves step up, and where."""

    place: Int[np.ndarray, " n_curves"]
    """First value after the step; -1 where there is no onset."""
    rise: Float[np.ndarray, " n_curves"]
    least: float
    """What a rise had to exceed."""
    null_share: float
    """Of the shuffled curves, those that have an onset by the same rule, 0 to 1."""

    @property
    def has(self) -> Bool[np.ndarray, " n_curves"]:
        """Whether there is an onset."""
        return self.place >= 0


def step_up(curves: Float[np.ndarray, "n_curves n_points"]) -> Steps:
    """The split of every curve into two means with the least squared error.

    Raises:
        ValueError: there are fewer than two points, or a value is not finite.
    """
    n = curves.shape[1]
    if n < 2 or not np.isfinite(curves).all():
        raise ValueError(f"a step needs at least 2 finite points, got curves of shape {curves.shape}")
    before = np.cumsum(curves, axis=1)[:, :-1] / np.arange(1, n)
    after = np.cumsum(curves[:, ::-1], axis=1)[:, ::-1][:, 1:] / np.arange(n - 1, 0, -1)
    weight = np.arange(1, n) * np.arange(n - 1, 0, -1) / n
    place = (weight * (after - before) ** 2).argmax(axis=1)
    rows = np.arange(len(curves))
    return Steps(place + 1, after[rows, place] - before[rows, place])


def onsets(curves: Float[np.ndarray, "n_curves n_points"], shuffled: Float[np.ndarray, "n_null n_points"]) -> Onsets:
    """Where curves step up by more than shuffled ones do.

    Args:
        curves: a value at each look.
        shuffled: the same with shuffled labels.
    """
    found, luck = step_up(curves), step_up(shuffled).rise
    least = max(MIN_RISE, float(np.quantile(luck, QUANTILE))) if len(luck) else MIN_RISE
    place = np.where(found.rise > least, found.place, -1)
    return Onsets(place, found.rise, least, float((luck > least).mean()) if len(luck) else float("nan"))
