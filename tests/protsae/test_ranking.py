"""AUROC and average precision by hand, by scikit-learn, and by each other; ties, and what has no order."""

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn.metrics import average_precision_score, roc_auc_score

from protsae.measures.ranking import (
    auroc,
    aurocs,
    aurocs_of_counts,
    average_precisions,
    midranks,
    resampled_aurocs,
    share_of_pairs,
    sparse_aurocs,
    sparse_average_precisions,
    wins,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
        ([5, 5, 5, 5], [0, 1, 0, 1], 0.5),
        ([0, 1, 1, 2], [0, 0, 1, 1], 0.875),  # 3.5 of the 4 pairs
    ],
)
def test_auroc_by_hand(scores: list[float], labels: list[int], expected: float) -> None:
    assert auroc(np.array(scores), np.array(labels, bool)) == expected
    sparse = sparse_aurocs(csc_array(np.array(scores, float)[:, None]), np.array(labels, bool)[:, None])
    assert sparse.tolist() == [[expected]]


def test_auroc_without_positives_or_negatives_is_nan() -> None:
    assert np.isnan(auroc(np.arange(3), np.zeros(3, bool)))
    assert np.isnan(auroc(np.arange(3), np.ones(3, bool)))
    assert np.isnan(sparse_aurocs(csc_array(np.eye(3)), np.array([[0, 1]] * 3, bool))).all()


def test_all_aurocs_equal_scikit_learn(rng: np.random.Generator) -> None:
    dense = np.round(rng.random((80, 12)) * 4) * (rng.random((80, 12)) < 0.4)  # many ties, many zeros
    dense[:, 3] = 0
    dense[:, 4] = rng.random(80) + 1  # no zero
    labels = rng.random((80, 5)) < 0.3

    found = sparse_aurocs(csr_array(dense), labels)

    expected = [[roc_auc_score(labels[:, j], dense[:, i]) for j in range(5)] for i in range(12)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[:, 0], [auroc(dense[:, i], labels[:, 0]) for i in range(12)], atol=1e-12)
    np.testing.assert_allclose(found[:, 0], aurocs(dense, labels[:, [0] * 12]), atol=1e-12)


def test_all_average_precisions_equal_scikit_learn(rng: np.random.Generator) -> None:
    dense = np.round(rng.random((80, 12)) * 4) * (rng.random((80, 12)) < 0.4)
    dense[:, 3] = 0
    dense[:, 4] = rng.random(80) + 1
    dense[:, 11] = 0
    labels = rng.random((80, 5)) < 0.3

    found = sparse_average_precisions(csr_array(dense), labels)

    expected = [[average_precision_score(labels[:, j], dense[:, i]) for j in range(5)] for i in range(12)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.isnan(sparse_average_precisions(csr_array(dense), np.ones((80, 1), bool))).all()
    with pytest.raises(ValueError, match=r"scores must not be negative, got -1.0"):
        sparse_average_precisions(csc_array(np.array([[-1.0], [1.0]])), np.array([[True], [False]]))


def test_permuted_labels_score_at_chance(rng: np.random.Generator) -> None:
    labels = rng.random(2000) < 0.5
    scores = labels + rng.random(2000) / 2

    assert auroc(scores, labels) == 1
    assert auroc(scores, rng.permutation(labels)) == pytest.approx(0.5, abs=0.05)


def test_sparse_auroc_refuses_negative_scores() -> None:
    with pytest.raises(ValueError, match=r"scores must not be negative, got -1.0"):
        sparse_aurocs(csc_array(np.array([[-1.0], [1.0]])), np.array([[True], [False]]))


@pytest.fixture
def tied(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scores of 90 items for 30 labels, with many ties; the first column is one tie."""
    labels = rng.random((90, 30)) < 0.2
    scores = np.round(rng.random((90, 30)) + 0.3 * labels, 1)
    scores[:, 0] = 0.5
    return scores, labels


def test_columns_equal_scikit_learn_with_ties(tied: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = tied
    columns = range(30)

    found, precisions = aurocs(scores, labels), average_precisions(scores, labels)

    np.testing.assert_allclose(found, [roc_auc_score(labels[:, j], scores[:, j]) for j in columns], atol=1e-12)
    np.testing.assert_allclose(
        precisions, [average_precision_score(labels[:, j], scores[:, j]) for j in columns], atol=1e-12
    )
    assert found[0] == 0.5
    assert precisions[0] == pytest.approx(labels[:, 0].mean())


def test_rank_sums_and_counts_of_levels_give_the_same(tied: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = tied
    n_positive = labels.sum(axis=0)
    won = wins((midranks(scores) * labels).sum(axis=0), n_positive)

    np.testing.assert_allclose(share_of_pairs(won, n_positive, 90 - n_positive), aurocs(scores, labels), atol=1e-12)
    one_each = aurocs_of_counts(scores, labels.astype(int), (~labels).astype(int))
    np.testing.assert_allclose(one_each, aurocs(scores, labels), atol=1e-12)


def test_levels_stand_for_their_items(rng: np.random.Generator) -> None:
    level = np.array([[2.0, 1], [0, 1], [2, 0], [5, 3]])  # in either column two share a score
    positive, negative = rng.integers(0, 9, (4, 2)), rng.integers(1, 9, (4, 2))

    found = aurocs_of_counts(level, positive, negative)

    for j in range(2):
        items = np.concatenate([np.repeat(level[:, j], positive[:, j]), np.repeat(level[:, j], negative[:, j])])
        truth = np.arange(len(items)) < positive[:, j].sum()
        assert found[j] == pytest.approx(roc_auc_score(truth, items))
    assert np.isnan(aurocs_of_counts(level, positive * 0, negative)).all()


def test_one_kind_of_label_alone_has_neither_measure() -> None:
    scores, labels = np.array([[0.9, 0.1], [0.5, 0.2]]), np.array([[True, False], [True, False]])

    assert np.isnan(aurocs(scores, labels)).all()
    assert np.isnan(average_precisions(scores, labels)).all()
    assert average_precisions(scores[:0], labels[:0]).shape == aurocs_of_counts(scores[:0], *[scores[:0]] * 2).shape


def test_nan_has_no_place_in_an_order() -> None:
    scores, labels = np.array([[0.5], [np.nan]]), np.array([[True], [False]])

    for measure in (aurocs, average_precisions):
        with pytest.raises(ValueError, match="got nan for 1 of 2"):
            measure(scores, labels)
    with pytest.raises(ValueError, match="got nan for 1 of 2"):
        aurocs_of_counts(scores, np.ones((2, 1)), np.ones((2, 1)))


def test_resampled_aurocs_are_those_of_the_items_drawn(rng: np.random.Generator) -> None:
    n, n_resamples = 60, 150
    scores = np.column_stack([rng.normal(size=n), rng.integers(0, 4, n), np.zeros(n), rng.integers(0, 2, n)])
    labels = rng.random(scores.shape) < np.array([0.3, 0.3, 0.3, 0.03])
    labels[0, 3] = True
    weights = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples).astype(np.float32)

    found = resampled_aurocs(scores, labels, weights)

    drawn = [np.repeat(np.arange(n), weight.astype(int)) for weight in weights]
    assert found == pytest.approx(np.array([aurocs(scores[rows], labels[rows]) for rows in drawn]), nan_ok=True)
    assert np.isnan(found[:, 3]).any()
    assert (found[:, 2] == 0.5).all()
    assert resampled_aurocs(scores, labels, np.ones((1, n), dtype=np.float32))[0] == pytest.approx(
        aurocs(scores, labels)
    )
