"""What steering must be compared with: the same mask and strength, pushed by nothing, or by something irrelevant.

Read `controls`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from protsae.errors import InputError
from protsae.steering.steer import Steering, SteerResult

_NEAREST = 20
"""A random feature is drawn among so many of the nearest density."""


class Controls(NamedTuple):
    """Three answers to one question: would anything else have done the same? All read out the steered features."""

    no_push: SteerResult
    """Every masked residue refilled by the model, strength 0: what masking alone does."""

    random_feature: SteerResult
    """As many other features of matched density, each at the same multiple of its own p99_act."""

    random_direction: SteerResult
    """A random direction, at every residue as long as the features' push."""

    random_features: tuple[int, ...]
    """Those that `random_feature` raised."""


def controls(
    steering: Steering,
    features: Mapping[int, float],
    *,
    p99: Sequence[float] | Float[np.ndarray, " d_sae"],
    density: Sequence[float] | Float[np.ndarray, " d_sae"],
    strength: float | None = None,
    seed: int = 0,
) -> Controls:
    """Run the controls of `steering.run(features, strength=strength)`.

    Args:
        steering: the sequence, masked.
        features: those that were raised, each with its p99_act.
        p99: p99_act of all features.
        density: share of residues on which each feature fires.
        strength: None for the configuration's.
        seed: of the random feature and the random direction.

    Raises:
        InputError: a feature cannot be used, or no other one fires.
    """
    read = list(features)
    chosen = matched_features(read, p99=p99, density=density, seed=seed)
    others = {feature: float(p99[feature]) for feature in chosen}
    direction = torch.randn(steering.d_model, generator=torch.Generator().manual_seed(seed))
    return Controls(
        steering.run(features, strength=0.0, refill="all"),
        steering.run(others, strength=strength, read=read),
        steering.run(features, strength=strength, direction=direction),
        chosen,
    )


def matched_features(
    features: Sequence[int],
    *,
    p99: Sequence[float] | Float[np.ndarray, " d_sae"],
    density: Sequence[float] | Float[np.ndarray, " d_sae"],
    seed: int = 0,
) -> tuple[int, ...]:
    """For each feature another one that fires about as often, drawn at random among the 20 nearest.

    Raises:
        InputError: too few other features fire.
    """
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for feature in features:
        nearest = nearest_in_density(feature, p99=p99, density=density, without={*features, *chosen})
        chosen.append(int(rng.choice(nearest)))
    return tuple(chosen)


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
