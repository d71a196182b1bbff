"""Sums of the reconstruction by hand, over parts, and under a shift."""

import numpy as np
import pytest

from protsae.measures.reconstruction import ErrorSums


def test_sums_by_hand() -> None:
    found = ErrorSums.of(np.array([[1.0, 0], [3, 0]]), np.array([[1.0, 1], [3, 0]]))

    assert found[:3] == (2, 1, 10)
    assert found.sum_x.tolist() == [4, 0]
    assert found.fvu == 1 / 2  # variance about the mean: 1 + 1
    assert found.explained_variance == 1 / 2


def test_parts_add_up_and_a_shift_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    x, x_hat = rng.normal(size=(2, 60, 4)) + 5

    whole = ErrorSums.of(x, x_hat)
    parts = ErrorSums.zeros(4)
    for rows in (slice(20), slice(20, 60)):
        parts = parts.plus(ErrorSums.of(x[rows], x_hat[rows]))

    assert parts.n == 60
    assert parts.fvu == pytest.approx(whole.fvu)
    assert ErrorSums.of(x - 7, x_hat - 7).fvu == pytest.approx(whole.fvu)
    assert whole.fvu == pytest.approx(((x - x_hat) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum())
    assert ErrorSums.of(x, np.broadcast_to(x.mean(axis=0), x.shape)).explained_variance == pytest.approx(0)
    assert ErrorSums.of(x, x).explained_variance == 1


def test_without_variance_there_is_nothing_to_explain() -> None:
    assert np.isnan(ErrorSums.zeros(3).fvu)
    assert np.isnan(ErrorSums.of(np.ones((4, 3)), np.zeros((4, 3))).explained_variance)
