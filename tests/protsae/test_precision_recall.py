"""Precision-recall curves: equal to scikit-learn's, exact at the threshold, held against hand-made resamples."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from protsae.measures.precision_recall import (
    Staircase,
    average_precision,
    resampled_average_precisions,
    shuffled_average_precisions,
    staircase,
    thinned,
)


def drawn(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties and a large tie at zero, as pooled activations have, and labels."""
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random(n) < 0.5, 0, rng.integers(1, 12, n)).astype(np.float32)
    return scores, rng.random(n) < 0.1 + 0.05 * (scores > 6)


@pytest.mark.parametrize("seed", range(8))
def test_curve_and_area_are_those_of_scikit_learn(seed: int) -> None:
    scores, labels = drawn(seed)
    curve = staircase(scores, labels)
    precision, recall, _ = precision_recall_curve(labels, scores)

    assert curve.hits / curve.called == pytest.approx(precision[:-1][::-1])
    assert curve.hits / labels.sum() == pytest.approx(recall[:-1][::-1])
    assert average_precision(curve) == pytest.approx(average_precision_score(labels, scores))


def test_a_perfect_score_has_area_one_and_a_constant_one_the_prevalence() -> None:
    labels = np.arange(100) < 7

    assert average_precision(staircase(labels * 1.0, labels)) == 1
    assert average_precision(staircase(np.zeros(100), labels)) == pytest.approx(0.07)
    assert np.isnan(average_precision(staircase(np.arange(5.0), np.ones(5, bool))))
    assert np.isnan(average_precision(staircase(np.arange(5.0), np.zeros(5, bool))))
    assert np.isnan(average_precision(staircase(np.zeros(0), np.zeros(0, bool))))


def test_a_thinned_curve_holds_points_of_the_curve_its_ends_and_the_threshold() -> None:
    rng = np.random.default_rng(3)
    scores, labels = rng.random(3000), rng.random(3000) < 0.3
    whole = staircase(scores, labels)
    kept = thinned(whole, 48, 137)
    points = set(zip(whole.called.tolist(), whole.hits.tolist(), strict=True))

    assert 40 <= len(kept.called) <= 48
    assert set(zip(kept.called.tolist(), kept.hits.tolist(), strict=True)) <= points
    assert {1, 137, 3000} <= set(kept.called.tolist())
    assert np.diff(kept.called).min() > 0
    assert np.diff(kept.hits).max() < 50
    short = Staircase(whole.called[:9], whole.hits[:9])
    assert thinned(short, 48, 2) is short


@pytest.mark.parametrize("seed", range(4))
def test_a_resample_has_the_area_of_its_items(seed: int) -> None:
    scores, labels = drawn(seed)
    drawn_places = np.random.default_rng(seed).integers(len(scores), size=(20, len(scores)))
    weights = np.stack([np.bincount(row, minlength=len(scores)) for row in drawn_places], axis=1).astype(np.float32)
    wanted = [average_precision_score(labels[row], scores[row]) for row in drawn_places]

    assert resampled_average_precisions(scores, labels, weights) == pytest.approx(np.array(wanted))


def test_a_resample_without_a_positive_has_no_area() -> None:
    found = resampled_average_precisions(np.array([2.0, 1.0]), np.array([True, False]), np.array([[1.0, 0], [1, 2]]))

    assert found[0] == 1
    assert np.isnan(found[1])
    assert np.isnan(resampled_average_precisions(np.ones(2), np.zeros(2, bool), np.ones((2, 3)))).all()


def test_shuffled_labels_have_the_area_of_each_shuffle_and_about_the_prevalence() -> None:
    scores, labels = drawn(1)
    shuffled = np.random.default_rng(0).permuted(np.tile(labels[:, None], (1, 100)), axis=0)
    found = shuffled_average_precisions(scores, shuffled)

    assert found == pytest.approx(np.array([average_precision_score(column, scores) for column in shuffled.T]))
    assert found.mean() == pytest.approx(labels.mean(), abs=0.04)


def test_a_score_that_is_no_number_is_refused() -> None:
    for area in (staircase, lambda s, t: resampled_average_precisions(s, t, np.ones((2, 1)))):
        with pytest.raises(ValueError, match="nan"):
            area(np.array([1, np.nan]), np.array([True, False]))
