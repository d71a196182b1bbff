"""Sparse probes by hand-worked numbers, known answers, permuted labels and parity with scikit-learn."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

from protsae.errors import ConfigError, InputError
from protsae.measures.sparse_probing import best_threshold, select_features, sparse_probe

Case = tuple[Any, np.ndarray, np.ndarray]


@pytest.fixture
def case() -> Case:
    """900 proteins, 40 features, 3 concepts: read from feature 7, from the sum of 3 and 4, and from nothing."""
    rng = np.random.default_rng(0)
    codes = np.where(rng.random((900, 40)) < 0.2, rng.exponential(size=(900, 40)), 0)
    labels = np.stack([codes[:, 7] > 0.5, codes[:, 3] + codes[:, 4] > 0.8, rng.random(900) < 0.2], axis=1)
    split = np.repeat(["train", "valid", "test"], [500, 200, 200])
    return csr_array(codes.astype(np.float32)), labels, split


def test_features_are_ranked_by_the_standardised_mean_difference() -> None:
    codes = csr_array(np.array([[4.0, 1, 0, 5], [4, 3, 0, 5], [0, 1, 0, 5], [0, 3, 0, 5.0]]))
    labels = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], dtype=bool)

    assert select_features(codes, labels, n_features=2).tolist() == [[0, 1], [1, 0]]
    assert select_features(codes, labels, n_features=1, own=np.array([3, 2])).tolist() == [[3], [2]]
    assert select_features(codes, labels | True, n_features=2).tolist() == [[-1, -1], [-1, -1]]


def test_a_rare_strong_feature_does_not_beat_a_reliable_weak_one() -> None:
    codes, labels = np.zeros((20, 2)), np.arange(20) < 10
    codes[0, 0], codes[:10, 1] = 100, 1

    assert select_features(csr_array(codes), labels[:, None], n_features=1).tolist() == [[1]]


def test_the_best_threshold_by_hand() -> None:
    scores = np.array([[0.9], [0.7], [0.7], [0.1]])

    assert best_threshold(scores, np.array([[1], [0], [0], [0]], dtype=bool)) == pytest.approx(0.8)
    assert best_threshold(scores, np.array([[1], [1], [0], [0]], dtype=bool)) == pytest.approx(0.4)
    assert best_threshold(scores, np.array([[1], [1], [1], [1]], dtype=bool)) == -np.inf
    assert np.isnan(best_threshold(scores, np.zeros((4, 1), dtype=bool)))


def test_a_score_at_the_floor_is_never_called() -> None:
    scores = np.array([[2.0, 0], [0, 0], [0, 0]])
    labels = np.ones((3, 2), dtype=bool)

    assert best_threshold(scores, labels, floor=0.0).tolist() == [0, 0]  # what fires at all; nothing
    assert best_threshold(scores, labels).tolist() == [-np.inf, -np.inf]


def test_the_best_threshold_is_the_best_of_all(case: Case) -> None:
    scores, labels = case[0].toarray()[:150, [7, 3, 0]], case[1][:150]

    reached = [f1_score(labels[:, c], scores[:, c] > best_threshold(scores, labels)[c]) for c in range(3)]

    for c in range(3):
        tried = [-1, *np.unique(scores[:, c])]
        assert reached[c] == pytest.approx(max(f1_score(labels[:, c], scores[:, c] > t) for t in tried))


def test_one_feature_is_enough_for_the_concept_that_it_holds_and_two_for_a_sum(case: Case) -> None:
    one, two = (sparse_probe(*case, n_features=n) for n in (1, 2))

    assert one.features[0, 0] == 7
    assert one.auroc[0] == pytest.approx(1)
    assert one.f1[0] > 0.95
    assert set(two.features[1]) == {3, 4}
    assert one.auroc[1] < 0.85
    assert two.auroc[1] > 0.95


def test_permuted_labels_are_at_chance(case: Case) -> None:
    codes, labels, split = case
    rng = np.random.default_rng(1)
    permuted = np.concatenate([rng.permutation(labels) for _ in range(20)], axis=1)

    found = sparse_probe(codes, permuted, split, n_features=5)

    assert np.mean(found.auroc) == pytest.approx(0.5, abs=0.02)
    assert np.mean(found.f1) < np.mean(2 * permuted.mean(0) / (1 + permuted.mean(0))) + 0.03


@pytest.mark.parametrize("n_features", [1, 5])
def test_probes_equal_scikit_learn(case: Case, n_features: int) -> None:
    codes, labels, split = case
    train, valid, test = (split == part for part in ("train", "valid", "test"))

    found = sparse_probe(*case, n_features=n_features, l2=2.0)

    for c in range(3):
        x = codes.toarray().astype(np.float64)[:, found.features[c]]
        x = (x - x[train].mean(0)) / x[train].std(0)
        fitted = LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-10).fit(x[train], labels[train, c])
        score = fitted.decision_function(x).round(6)  # what differs by less is a tie that rounding broke
        assert found.auroc[c] == pytest.approx(roc_auc_score(labels[test, c], score[test]), abs=1e-3)
        threshold = best_threshold(score[valid, None], labels[valid, c, None])
        assert found.f1[c] == pytest.approx(f1_score(labels[test, c], score[test] > threshold), abs=0.02)


def test_an_own_feature_stays_in_the_probe(case: Case) -> None:
    own = np.array([7, 9, 0])

    alone, helped = (sparse_probe(*case, n_features=n, own=own) for n in (1, 2))

    assert alone.features[:, 0].tolist() == helped.features[:, 0].tolist() == [7, 9, 0]
    assert alone.auroc[0] == pytest.approx(1)
    assert alone.auroc[1] < 0.65
    assert helped.features[1, 1] in (3, 4)


def test_separable_concepts_and_silent_features_are_no_trouble(case: Case) -> None:
    _, labels, split = case
    codes = csr_array(np.stack([100.0 * labels[:, 0], np.zeros(900)], axis=1))

    found = sparse_probe(codes, labels[:, [0, 0]], split, n_features=2, own=np.array([0, 1]), l2=1e-9)

    assert found.auroc.tolist() == [1, 1]
    assert found.f1.tolist() == [1, 1]
    assert sparse_probe(codes, labels[:, :1], split, n_features=1, own=np.array([1])).auroc.tolist() == [0.5]


def test_rare_concepts_are_left_out(case: Case) -> None:
    codes, labels, split = case
    labels = labels.copy()
    labels[(split == "test"), 2] = np.arange(200) < 4
    labels[:, 1] = False

    found = sparse_probe(codes, labels, split, n_features=1)

    assert np.isnan(found.auroc).tolist() == np.isnan(found.f1).tolist() == [False, True, True]
    assert (found.features[:, 0] >= 0).tolist() == [True, False, True]
    assert not np.isnan(sparse_probe(codes, labels, split, n_features=1, min_positives=4).auroc[2])


def test_wrong_input_is_named(case: Case) -> None:
    codes, labels, split = case

    with pytest.raises(ConfigError, match="takes 1 to 40 features, got 41"):
        sparse_probe(codes, labels, split, n_features=41)
    with pytest.raises(ConfigError, match=r"above 0, got 0\.0"):
        sparse_probe(codes, labels, split, n_features=1, l2=0.0)
    with pytest.raises(InputError, match="No protein is in the split 'valid'"):
        sparse_probe(codes, labels, np.where(split == "valid", "test", split), n_features=1)
