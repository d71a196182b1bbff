"""How unusual a feature's firing in one protein is, counted by hand."""

import numpy as np
import pytest
from scipy import sparse

from protsae.measures.firing import Columns, Tails, ranked, surprise


def test_codes_feature_by_feature() -> None:
    codes = Columns.from_codes(sparse.csr_array(np.array([[0, 2.0, 0], [1.0, 3.0, 0]])))

    assert codes.dense(1).tolist() == [2, 3]
    assert codes.dense(2).tolist() == [0, 0]
    tails = Tails.of([np.array([4, 1])] * 3, np.full(3, 4.0), np.full(3, 0.05))
    first, second = ranked(codes, tails)
    assert (first.feature, first.peak, first.position, first.n_active) == (1, 3.0, 2, 2)
    assert (second.feature, second.position) == (0, 2)
    assert ranked(codes, tails, 1) == [first]


def test_rarity_counts_residues_at_least_as_strong() -> None:
    # 10 residues in (0, 1], 6 in (1, 2]; the feature fires on 16 of 1,600 residues
    tails = Tails.of([np.array([10, 6]), np.array([])], np.array([2.0, 0.0]), np.array([0.01, 0.0]))

    assert tails.n_residues == pytest.approx(1600)
    for value, count in ((0.0, 16), (0.5, 11), (1.0, 6), (1.5, 3), (2.0, 0), (9.0, 0)):
        assert tails.share(np.array([0]), np.array([value]))[0] == pytest.approx((count + 1) / 1601)


def test_surprise_is_the_gain_over_the_rate_of_the_corpus() -> None:
    tails = Tails.of([np.array([10, 6])], np.array([2.0]), np.array([0.01]))
    codes = Columns(100, np.array([0, 3]), np.array([4, 5, 6]), np.array([1.5, 1.5, 1.0]))

    def gain(j: int, count: float) -> float:
        rate, share = j / 100, (count + 1) / 1601
        return 100 * (rate * np.log(rate / share) + (1 - rate) * np.log((1 - rate) / (1 - share)))

    assert surprise(codes, tails)[0] == pytest.approx(max(gain(1, 3), gain(2, 3), gain(3, 6)))


def test_a_rare_feature_on_three_residues_beats_one_spike_and_a_common_one_everywhere() -> None:
    histograms = [np.array([50, 0]), np.array([50, 0]), np.array([5000, 5000])]
    tails = Tails.of(histograms, np.full(3, 2.0), np.array([0.0005, 0.0005, 0.1]))
    starts, residues = np.array([0, 3, 4, 14]), np.array([1, 2, 3, 9, *range(10)])
    spread, spike, common = surprise(Columns(100, starts, residues, np.full(14, 0.5)), tails)

    assert spread > spike > 1 > common
