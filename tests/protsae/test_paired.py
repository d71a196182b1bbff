"""Paired differences: exact p values that can be counted by hand, and an interval that holds the mean."""

import numpy as np
import pytest

from protsae.measures.paired import bootstrap_mean, sign_flip_p


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1.0, 1.0, 1.0, 1.0], 1 / 16),
        ([3.0, 2.0, 1.0], 1 / 8),
        ([3.0, -1.0, 2.0], 2 / 8),
        ([-1.0, -1.0], 1.0),
        ([0.0, 0.0, 0.0], 1.0),
        ([2.0, 0.0], 1 / 2),
        ([], 1.0),
    ],
)
def test_p_is_the_share_of_sign_flips_that_reach_the_sum(differences: list[float], p: float) -> None:
    assert sign_flip_p(np.array(differences)) == p


def test_p_is_uniform_where_nothing_is_there() -> None:
    rng = np.random.default_rng(0)
    found = np.array([sign_flip_p(rng.normal(size=8)) for _ in range(400)])

    assert abs((found < 0.25).mean() - 0.25) < 0.06
    assert abs(found.mean() - 0.5) < 0.05


def test_too_many_pairs_are_not_enumerated() -> None:
    with pytest.raises(ValueError, match="at most 20 pairs are enumerated, got 21"):
        sign_flip_p(np.ones(21))


def test_the_interval_holds_the_mean_and_repeats() -> None:
    differences = np.random.default_rng(1).normal(1.0, 0.5, size=16)
    low, high = bootstrap_mean(differences, seed=3)

    assert low < differences.mean() < high
    assert 0.2 < high - low < 0.8
    assert bootstrap_mean(differences, seed=3) == (low, high)
    assert bootstrap_mean(np.full(5, 2.0)) == (2.0, 2.0)
