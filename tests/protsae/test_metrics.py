"""Metrics by hand-worked numbers, known answers and parity with scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, precision_score, recall_score

from protsae.measures.metrics import (
    binary_scores,
    bootstrap_f1,
    explained_variance,
    fmax,
    function_scores,
    fvu,
    loss_recovered,
    participation,
    precision_recall_f1,
    smin,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_explained_variance_of_the_identity_is_one_and_of_the_mean_predictor_zero() -> None:
    x = torch.randn(100, 5, generator=torch.Generator().manual_seed(0)) + torch.arange(5)

    assert explained_variance(x, x) == 1
    assert explained_variance(x, x.mean(0).expand_as(x)) == pytest.approx(0, abs=1e-6)
    assert explained_variance(x, torch.zeros_like(x)) < 0
    assert fvu(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [1.0]])) == 0.5


def test_fvu_without_variance_is_undefined() -> None:
    with pytest.raises(ValueError, match="all 3 residue activations are equal"):
        fvu(torch.ones(3, 2), torch.zeros(3, 2))


def test_loss_recovered_is_one_for_the_identity_and_zero_for_the_zero_sae() -> None:
    assert loss_recovered(clean=2.0, sae=2.0, ablated=3.0) == 1
    assert loss_recovered(clean=2.0, sae=3.0, ablated=3.0) == 0
    assert loss_recovered(clean=2.0, sae=4.0, ablated=3.0) == -1
    with pytest.raises(ValueError, match=r"the ablated loss 2.0 is not above the clean loss 2.0"):
        loss_recovered(clean=2.0, sae=2.0, ablated=2.0)


def test_participation_counts_predicted_pairs_only() -> None:
    logits = torch.tensor([[1.0, -1.0], [2.0, 3.0], [-1.0, -1.0]])

    assert participation(logits, torch.tensor([[0.5, 9], [0, 1], [9, 9]])) == pytest.approx(2 / 3)
    assert np.isnan(participation(-torch.ones(2, 2), torch.ones(2, 2)))


def test_binary_scores_by_hand() -> None:
    found = binary_scores(np.array([3, 0]), np.array([1, 0]), np.array([2, 0]))

    assert found.precision.tolist() == [0.75, 0]
    assert found.recall.tolist() == [0.6, 0]
    assert found.f1.tolist() == pytest.approx([2 / 3, 0])


def test_precision_recall_f1_equal_scikit_learn(rng: np.random.Generator) -> None:
    called, labels = rng.random(200) < 0.4, rng.random(200) < 0.3

    found = precision_recall_f1(called, labels)

    assert found.precision == pytest.approx(precision_score(labels, called))
    assert found.recall == pytest.approx(recall_score(labels, called))
    assert found.f1 == pytest.approx(f1_score(labels, called))


def test_the_bootstrap_interval_holds_f1_and_follows_resampling(rng: np.random.Generator) -> None:
    labels = rng.random(300) < 0.3
    called = labels ^ (rng.random(300) < 0.15)
    rows = rng.integers(300, size=(1000, 300))
    right, wrong = (called & labels)[rows].sum(1), (called ^ labels)[rows].sum(1)
    resampled = 2 * right / (2 * right + wrong)

    low, high = bootstrap_f1(called, labels, n_samples=5000)

    assert low < f1_score(labels, called) < high
    assert (low, high) == pytest.approx(tuple(np.quantile(resampled, [0.025, 0.975])), abs=0.02)
    assert bootstrap_f1(called, labels) == bootstrap_f1(called, labels)
    assert bootstrap_f1(labels, labels) == (1, 1)
    assert bootstrap_f1(labels[:0], labels[:0]) == (0, 0)


LABELS = np.array([[1, 1, 0], [1, 0, 1], [0, 0, 0]], bool)


def test_perfect_predictions_reach_fmax_one_and_smin_zero() -> None:
    found = function_scores(LABELS * 0.9, LABELS, np.array([1.0, 2.0, 3.0]))

    assert found.fmax == 1
    assert found.smin == 0
    assert found.aupr == 1


def test_fmax_and_smin_by_hand() -> None:
    scores = np.array([[0.9, 0.2, 0.0], [0.9, 0.9, 0.0], [0.0, 0.9, 0.0]])

    # at 0.9: precision (1 + 1/2 + 0) / 3, recall (1/2 + 1/2) / 2; at 0.2: precision 1/2, recall (1 + 1/2) / 2;
    # at 0: precision (2 + 2 + 0) / 9, recall 1
    assert fmax(scores, LABELS) == pytest.approx(2 * (4 / 9) / (4 / 9 + 1))
    # at 0.2: missed 3 of protein 2; claimed 2 twice
    assert smin(scores, LABELS, np.array([0.0, 2.0, 3.0])) == pytest.approx(np.hypot(3 / 3, 4 / 3))


def test_silence_has_no_f_and_misses_everything() -> None:
    scores = function_scores(np.zeros((3, 3)) - 1, LABELS, np.array([1.0, 2.0, 3.0]))

    assert scores.fmax == 0
    assert scores.smin == pytest.approx((3 + 4) / 3)


def test_fmax_needs_a_protein_with_a_term() -> None:
    with pytest.raises(ValueError, match="none of 3 proteins has a term"):
        fmax(np.zeros((3, 2)), np.zeros((3, 2), bool))
