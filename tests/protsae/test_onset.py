"""Onsets: a planted one is found within one look, a flat noisy curve has none."""

import numpy as np
import pytest

from protsae.measures.onset import MIN_RISE, onsets, step_up

N_LOOKS = 18


def noisy(n: int, seed: int) -> np.ndarray:
    return 0.5 + np.random.default_rng(seed).normal(scale=0.02, size=(n, N_LOOKS))


@pytest.mark.parametrize("at", range(3, N_LOOKS - 3))
def test_a_planted_onset_is_found_within_one_look(at: int) -> None:
    looks = np.arange(N_LOOKS)
    curves = noisy(50, at) + 0.35 / (1 + np.exp(-(looks - at) / 0.4))

    found = onsets(curves, noisy(200, 99))

    assert found.has.all()
    assert (abs(found.place - at) <= 1).all()
    assert found.rise.mean() == pytest.approx(0.35, abs=0.05)


def test_flat_noisy_curves_have_none() -> None:
    found = onsets(noisy(400, 1), noisy(400, 2))

    assert found.has.mean() <= 0.07
    assert found.null_share <= 0.05
    assert found.least >= MIN_RISE


def test_what_falls_has_no_onset_and_a_small_rise_neither() -> None:
    falling = np.linspace(0.9, 0.5, N_LOOKS)[None]
    small = np.r_[np.full(9, 0.5), np.full(9, 0.5 + MIN_RISE / 2)][None]

    assert onsets(np.concatenate([falling, small]), noisy(10, 3)).place.tolist() == [-1, -1]


def test_a_step_by_hand() -> None:
    found = step_up(np.array([[0.0, 0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 0.0]]))

    assert found.place.tolist() == [2, 4]
    np.testing.assert_allclose(found.rise, [1, -1])
    with pytest.raises(ValueError, match="at least 2 finite points"):
        step_up(np.array([[np.nan, 1.0]]))
