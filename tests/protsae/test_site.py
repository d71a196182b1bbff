"""Site scores with known answers: perfect, constant, random, tied, silent."""

import numpy as np
import pytest

from protsae.measures.site import Residues, score_sites, top_share, within_proteins


def residues(score: np.ndarray, label: np.ndarray, length: list[int]) -> Residues:
    return Residues(np.asarray(score, float), np.asarray(label, bool), np.array(length), np.arange(len(length)))


@pytest.fixture
def label() -> np.ndarray:
    """Forty proteins of 50 residues with five labelled ones each, in a run."""
    label = np.zeros((40, 50), bool)
    for row, start in enumerate(np.random.default_rng(1).integers(0, 45, 40)):
        label[row, start : start + 5] = True
    return label.ravel()


LENGTH = [50] * 40


def test_a_perfect_score_has_one_everywhere_and_its_null_does_not(label: np.ndarray) -> None:
    both = residues(label.astype(float), label, LENGTH)
    found = score_sites(both, both)
    assert (found.ap, found.auroc, found.pooled_ap, found.pooled_auroc, found.f1) == (1, 1, 1, 1, 1)
    assert found.null_ap < 0.5
    assert found.null_f1 < 0.5
    assert (found.n_proteins, found.n_residues) == (40, 200)
    assert found.top_share == pytest.approx(3 / 5)  # the top 5 % of 50 residues are 3


def test_a_constant_score_is_chance(label: np.ndarray) -> None:
    both = residues(np.ones(2000), label, LENGTH)
    found = score_sites(both, both)
    assert found.ap == pytest.approx(0.1)
    assert found.auroc == pytest.approx(0.5)
    assert found.null_ap == pytest.approx(0.1)
    assert found.f1 == pytest.approx(2 * 200 / 2200), "all is called"
    assert found.top_share == pytest.approx(3 / 50)


def test_a_random_score_is_no_better_than_its_null(label: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    valid, test = (residues(rng.random(2000), label, LENGTH) for _ in range(2))
    found = score_sites(valid, test)
    assert found.auroc == pytest.approx(0.5, abs=0.05)
    assert found.ap == pytest.approx(found.null_ap, abs=0.05)


def test_a_silent_feature_calls_nothing(label: np.ndarray) -> None:
    both = residues(np.zeros(2000), label, LENGTH)
    found = score_sites(both, both, floor=0)
    assert found.f1 == 0
    assert found.ap == pytest.approx(0.1)
    assert np.isnan(found.top_share)


def test_proteins_count_alike_and_levels_between_them_do_not() -> None:
    # the first protein is found perfectly, the second in reverse; what one scores beside the other plays no part
    score = np.array([0.0, 0, 0, 9, 102, 101, 101, 101])
    label = np.array([0, 0, 0, 1, 0, 0, 0, 1], bool)
    length = np.array([4, 4])
    (ap,), (auroc,) = within_proteins(score, [label], length)
    assert auroc == pytest.approx((1 + 1 / 3) / 2)  # two of three pairs tie
    assert ap == pytest.approx((1 + 1 / 4) / 2)


def test_the_threshold_comes_from_valid() -> None:
    valid = residues(np.array([0, 1, 2, 3.0]), np.array([0, 0, 1, 1]), [4])
    test = residues(np.array([1.6, 1.4, 0, 9]), np.array([1, 1, 0, 0]), [4])
    assert score_sites(valid, test).f1 == pytest.approx(2 * 1 / (2 + 2))


def test_proteins_without_positives_or_negatives_do_not_count() -> None:
    score, label = np.array([1.0, 2, 3, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 0], bool)
    (ap,), _ = within_proteins(score, [label], np.array([3, 2, 1]))
    assert ap == 1
    nothing = residues(score, np.zeros(6), [6])
    found = score_sites(nothing, nothing)
    assert np.isnan([found.ap, found.auroc, found.f1, found.null_ap]).all()
    assert found.n_proteins == 0


def test_shifts_keep_the_number_of_labels_and_move_them(label: np.ndarray) -> None:
    both = residues(label, label, LENGTH)
    moved = both.shifted(3)
    assert moved.label.reshape(40, 50).sum(axis=1).tolist() == [5] * 40
    assert not np.array_equal(moved.label, label)
    assert np.array_equal(moved.label, both.shifted(3).label)
    few = Residues(both.score[50:100], both.label[50:100], np.array([50]), np.array([1]))
    assert np.array_equal(few.shifted(3).label, moved.label[50:100]), "a protein's shift does not depend on the others"


def test_the_top_share_is_the_mean_over_proteins_that_score() -> None:
    assert top_share(np.array([0.0] * 20 + [1.0] * 20), np.array([20, 20])) == pytest.approx(1 / 20)
