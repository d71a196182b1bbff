"""Paired differences: their mean with an interval, and whether they lie above zero by more than luck.

    p = share of the 2^n ways to flip the signs of the differences whose sum is at least the observed one

The null is that every difference could as well have had the other sign. With n pairs no p is below 2^-n.

Read `sign_flip_p`, then `bootstrap_mean`.

Source: Fisher 1935, "The Design of Experiments", section 21, for the test.
"""

import numpy as np
from jaxtyping import Float

from protsae.measures.metrics import Interval

MOST_PAIRS = 20
"""All sign flips are enumerated, a million at most."""

_TOLERANCE = 1e-9
"""Of equal sums, as a share of the largest."""


def sign_flip_p(differences: Float[np.ndarray, " n"]) -> float:
    """Exact one-sided p that the differences are not above zero, 2^-n to 1; 1 where there is none.

    Args:
        differences: one a pair, at most 20 of them.

    Raises:
        ValueError: there are more than 20.
    """
    if len(differences) > MOST_PAIRS:
        raise ValueError(f"at most {MOST_PAIRS} pairs are enumerated, got {len(differences)}")
    sums = np.zeros(1)
    for size in np.abs(differences):
        sums = np.concatenate([sums - size, sums + size])
    observed = float(np.sum(differences))
    return float((sums >= observed - _TOLERANCE * sums.max()).mean())


def bootstrap_mean(
    differences: Float[np.ndarray, " n"], *, level: float = 0.95, n_samples: int = 2000, seed: int = 0
) -> Interval:
    """Percentile bootstrap interval of the mean, in the differences' own unit.

    Args:
        differences: one a pair, at least one.
        level: share of the bootstrap samples inside, 0 to 1.
        n_samples: bootstrap samples.
        seed: of the samples.
    """
    drawn = np.random.default_rng(seed).integers(len(differences), size=(n_samples, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
