"""What steering must be compared with: the same mask and strength, pushed by nothing, or by something irrelevant.

Read `controls`, then `matched_sets` and `rank`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from protsae.errors import InputError
from protsae.steering.steer import Steering, SteerResult

N_RANDOM = 20
"""Random features that a feature is ranked among: beating all of them has p = 1/21."""

_NEAREST = N_RANDOM
"""They are drawn among so many of the nearest density."""


class Controls(NamedTuple):
    """Two answers to one question: would anything else have done the same? Both read out the steered features."""

    no_push: SteerResult
    """Every masked residue refilled by the model, strength 0: what masking alone does."""

    random_direction: SteerResult
    """A random direction, at every residue as long as the features' push."""


class Rank(NamedTuple):
    """Where a change stands among those that random features bring about."""

    n_less: int
    """Random features that do less."""

    n: int
    """Random features."""

    @property
    def p_value(self) -> float:
        """One-sided, 1 / (n + 1) to 1: the chance to stand so high if the feature were one of them."""
        return (1 + self.n - self.n_less) / (1 + self.n)


def rank(change: float, others: Sequence[float]) -> Rank:
    """The place of a change among those of random features; who does as much counts against it."""
    return Rank(sum(other < change for other in others), len(others))


def controls(
    steering: Steering,
    features: Mapping[int, float],
    *,
    strength: float | None = None,
    always: Mapping[int, float] | None = None,
    read: Sequence[int] | None = None,
    seed: int = 0,
) -> Controls:
    """Run the controls of `steering.run(features, strength=strength)` that raise no other feature.

    Args:
        steering: the sequence, masked.
        features: those that were raised, each with its p99_act.
        strength: None for the configuration's.
        always: features that are raised whatever the strength, also in the random direction; not where nothing is.
        read: features to read out; None for those that are raised.
        seed: of the random direction.

    Raises:
        InputError: a feature cannot be used.
    """
    direction = torch.randn(steering.d_model, generator=torch.Generator().manual_seed(seed))
    return Controls(
        steering.run(features, strength=0.0, read=read, refill="all"),
        steering.run(features, strength=strength, always=always, read=read, direction=direction),
    )


def matched_sets(
    features: Sequence[int],
    *,
    p99: Sequence[float] | Float[np.ndarray, " d_sae"],
    density: Sequence[float] | Float[np.ndarray, " d_sae"],
    number: int = N_RANDOM,
    seed: int = 0,
) -> list[tuple[int, ...]]:
    """Sets of random features to raise in the place of `features`: for each one that fires about as often.

    Each is drawn among the 20 nearest. No two sets stand the same feature in for the first, so there are fewer than
    `number` sets where fewer than that fire; the first set is the same however many are asked for.

    Args:
        features: those that were raised, the one that is judged first.
        p99: p99_act of all features.
        density: share of residues on which each feature fires.
        number: of sets, at most 20.
        seed: of the draw.

    Raises:
        InputError: too few other features fire.
    """
    rng = np.random.default_rng(seed)
    first, *others = features
    nearest = nearest_in_density(first, p99=p99, density=density, without=features)
    sets = []
    for stand_in in rng.permutation(nearest)[:number].tolist():
        chosen = [stand_in]
        for feature in others:
            free = nearest_in_density(feature, p99=p99, density=density, without={*features, *chosen})
            chosen.append(int(rng.choice(free)))
        sets.append(tuple(chosen))
    return sets


def nearest_in_density(
    feature: int,
    *,
    p99: Sequence[float] | Float[np.ndarray, " d_sae"],
    density: Sequence[float] | Float[np.ndarray, " d_sae"],
    without: Collection[int],
) -> list[int]:
    """The 20 other features that fire most nearly as often, by the ratio of densities; fewer where fewer fire.

    Args:
        feature: what they are compared with.
        p99: p99_act of all features.
        density: share of residues on which each feature fires.
        without: features that are not taken.

    Raises:
        InputError: no other feature fires.
    """
    log_density = np.log(np.maximum(np.asarray(density, dtype=float), 1e-12))
    free = np.setdiff1d(np.flatnonzero(np.asarray(p99, dtype=float) > 0), [feature, *without])
    if not len(free):
        raise InputError(f"No feature is left to compare feature {feature} with: no other one ever fires.")
    distance = np.abs(log_density[free] - log_density[feature])
    return free[np.argsort(distance, kind="stable")[:_NEAREST]].tolist()
