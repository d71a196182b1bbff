"""Two sets of rows: exact where it can be enumerated, calibrated where nothing differs, first where something does."""

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import mannwhitneyu, rankdata

from protsae.measures.two_sets import compare, found_by_chance, newcombe


def enumerated(score: np.ndarray, is_a: np.ndarray) -> float:
    """The share of all ways to choose set A whose rank sum lies at least so far from its mean."""
    ranks = rankdata(score)
    n_a = int(is_a.sum())
    middle = n_a * (len(score) + 1) / 2
    far = abs(ranks[is_a].sum() - middle)
    sums = [ranks[list(chosen)].sum() for chosen in combinations(range(len(score)), n_a)]
    return float(np.mean(np.abs(np.array(sums) - middle) >= far - 1e-9))


@pytest.mark.parametrize("n_firing", [1, 2, 3, 4])
def test_rare_columns_have_the_p_of_full_enumeration_where_they_fire_alike(n_firing: int) -> None:
    is_a = np.arange(14) < 5
    for n_in_a in range(n_firing + 1):
        score = np.zeros(14)
        score[:n_in_a] = 1
        score[5 : 5 + n_firing - n_in_a] = 1

        found = compare(csr_array(score[:, None]), is_a)

        assert found.p[0] == pytest.approx(enumerated(score, is_a))
        assert (found.n_firing_a[0], found.n_firing_b[0]) == (n_in_a, n_firing - n_in_a)


@pytest.mark.parametrize("seed", range(6))
def test_columns_with_zeros_have_about_the_p_of_full_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = np.where(rng.random(16) < 0.5, 0, rng.random(16))
    is_a = np.arange(16) < 7
    p, wanted = compare(csr_array(score[:, None]), is_a).p[0], enumerated(score, is_a)

    assert p == pytest.approx(wanted, abs=0.05)


def test_columns_that_fire_everywhere_have_the_p_and_auroc_of_the_usual_test() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((60, 5)) + 0.1
    is_a = np.arange(60) < 25
    found, usual = compare(csr_array(scores), is_a), mannwhitneyu(scores[is_a], scores[~is_a], method="asymptotic")

    assert found.p == pytest.approx(usual.pvalue, rel=1e-6)
    assert found.auroc == pytest.approx(usual.statistic / (25 * 35))


def test_a_feature_that_fires_in_three_rows_is_not_as_sure_as_the_usual_test_says() -> None:
    score = np.zeros(303)
    score[:3] = (1, 2, 3)
    is_a = np.arange(303) < 3

    assert mannwhitneyu(score[is_a], score[~is_a], method="asymptotic").pvalue < 1e-50
    assert compare(csr_array(score[:, None]), is_a).p[0] == pytest.approx(6 / (303 * 302 * 301), rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_column_is_found_first_and_alone(seed: int) -> None:
    scores, is_a = drawn(seed)
    scores[is_a, 17] += np.random.default_rng(seed).random(is_a.sum()) + 0.5

    found = compare(csr_array(scores), is_a)

    assert found.p.argmin() == 17
    assert found.q[17] < 1e-3
    assert found.low[17] > 0.6
    assert np.flatnonzero(found.q < 0.05).tolist() == [17]


def test_halves_of_one_set_show_nothing_and_p_is_no_smaller_than_it_says() -> None:
    found = [compare(csr_array(scores), is_a) for scores, is_a in map(drawn, range(100, 112))]
    p = np.concatenate([one.p[one.n_firing_a + one.n_firing_b > 0] for one in found])

    assert sum(int((one.q < 0.05).sum()) for one in found) <= 1
    for level in (0.3, 0.1, 0.03, 0.01, 0.003):
        assert (p <= level).mean() <= 1.15 * level
    assert (p <= 0.1).mean() > 0.06


def test_random_dealings_of_sets_that_differ_find_nothing() -> None:
    scores, is_a = drawn(0)
    scores[is_a, 17] += 2

    assert compare(csr_array(scores), is_a).q[17] < 0.05
    assert found_by_chance(csr_array(scores), is_a, 0.05, n_shuffles=20, seed=0).sum() <= 2


def test_intervals_cover_and_stay_open_at_the_ends() -> None:
    rng = np.random.default_rng(0)
    truth = 0.76025  # of normals one unit apart
    n_covered = 0
    for _ in range(400):
        scores = np.exp(rng.normal(size=(45, 1)))
        scores[:20] *= np.e
        found = compare(csr_array(scores), np.arange(45) < 20)
        n_covered += int(found.low[0] <= truth <= found.high[0])
    low, high = newcombe(np.array([1.0, 0.5, 0.0]), 5, 5)

    assert 0.92 <= n_covered / 400 <= 0.99
    assert 0.5 < low[0] < 0.8
    assert high[0] == pytest.approx(1)
    assert low[1] + high[1] == pytest.approx(1)
    assert 0.2 < high[2] < 0.5


def test_silent_columns_are_not_tested() -> None:
    scores = np.zeros((10, 3))
    scores[:5, 1] = 1
    found = compare(csr_array(scores), np.arange(10) < 5)

    assert found.p[[0, 2]].tolist() == found.q[[0, 2]].tolist() == [1, 1]
    assert found.q[1] == found.p[1]
    with pytest.raises(ValueError, match="each set needs a row"):
        compare(csr_array(scores), np.zeros(10, bool))


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores [120, 400] of which most columns are silent in most rows, each in its own degree; a third is set A."""
    rng = np.random.default_rng(seed)
    share = rng.beta(0.4, 1.2, 400)
    scores = np.where(rng.random((120, 400)) < share, rng.gamma(1.0, 1.0, (120, 400)), 0)
    return scores, rng.permutation(120) < 40
