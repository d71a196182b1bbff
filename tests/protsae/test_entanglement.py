"""Entanglement by known answers: one concept, the OR of three, overlapping and related concepts, permuted labels."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import mannwhitneyu, norm

from protsae.measures.entanglement import _rejects, _Rules, _tests, entanglement, feature_acts

N, M = 1200, 8


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def labels(rng: np.random.Generator) -> np.ndarray:
    """Eight independent concepts on a tenth of the proteins each."""
    return rng.random((N, M)) < 0.1


def fire(where: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Activations of varied strength, zero elsewhere."""
    return np.where(where, rng.uniform(1, 2, size=where.shape), 0)


def either(labels: np.ndarray, *concepts: int) -> np.ndarray:
    """Proteins with at least one of the concepts."""
    return labels[:, list(concepts)].max(axis=1)


UNRELATED = np.zeros((M, M), dtype=bool)


def test_a_feature_for_each_concept_and_nothing_else_is_not_entangled(
    labels: np.ndarray, rng: np.random.Generator
) -> None:
    found = entanglement(fire(labels, rng), labels, UNRELATED)

    assert found.n_unrelated.tolist() == [0] * M
    assert found.serves_own.all()
    assert (found.mean, found.mean_serving, found.share_serving) == (0, 0, 1)


def test_the_or_of_three_unrelated_concepts_serves_two_more(labels: np.ndarray, rng: np.random.Generator) -> None:
    acts = fire(labels, rng)
    acts[:, 0] = fire(either(labels, 0, 3, 5), rng)

    found = entanglement(acts, labels, UNRELATED)

    assert found.n_unrelated.tolist() == [2] + [0] * (M - 1)
    assert set(found.others[0]) == {3, 5}
    assert found.mean == pytest.approx(2 / M)


def test_relatives_count_once_or_not_at_all(labels: np.ndarray, rng: np.random.Generator) -> None:
    labels = labels.copy()
    labels[:, 1] |= labels[:, 0]  # 1 is an ancestor of 0
    labels[:, 4] |= labels[:, 3]  # 4 is an ancestor of 3
    related = UNRELATED.copy()
    related[0, 1] = related[3, 4] = True
    acts = fire(labels, rng)
    acts[:, 0] = fire(labels[:, 1], rng)
    acts[:, 5] = fire(either(labels, 5, 4), rng)

    found = entanglement(acts, labels, related)

    assert found.others[0] == ()
    assert found.others[5] == (4,)
    assert 1 in entanglement(acts, labels, UNRELATED).others[0]


def test_a_concept_that_overlaps_the_own_one_is_not_held_against_a_pure_feature(
    labels: np.ndarray, rng: np.random.Generator
) -> None:
    labels = labels.copy()
    labels[:, 1] = labels[:, 0] ^ (rng.random(N) < 0.02)  # the same proteins, almost
    acts = fire(labels, rng)

    assert entanglement(acts, labels, UNRELATED).n_unrelated[0] == 0

    acts[:, 2] = fire(either(labels, 2, 0), rng)  # serves 0, and 1 with it: one thing, not two
    assert entanglement(acts, labels, UNRELATED).others[2] == (0,)


def test_what_a_plain_detector_serves_too_is_not_held_against_a_feature(
    labels: np.ndarray, rng: np.random.Generator
) -> None:
    acts, reference = fire(labels, rng), fire(labels, rng)
    acts[:, 0] = fire(either(labels, 0, 3, 5), rng)
    reference[:, 0] = fire(either(labels, 0, 3), rng)

    assert entanglement(acts, labels, UNRELATED, reference=reference).others[0] == (5,)
    assert entanglement(acts, labels, UNRELATED, reference=acts).mean == 0
    assert entanglement(acts, labels, UNRELATED, reference=labels * 1.0).n_unrelated[0] == 2


def test_permuted_labels_and_random_features_count_nothing(labels: np.ndarray, rng: np.random.Generator) -> None:
    many = np.concatenate([rng.permutation(labels) for _ in range(10)], axis=1)
    related = np.zeros((10 * M, 10 * M), dtype=bool)
    acts = fire(np.tile(either(labels, 0, 3, 5)[:, None], 10 * M), rng)

    found = entanglement(acts, rng.permutation(many), related)

    assert found.mean < 0.05
    assert found.null < 0.05
    assert found.share_serving < 0.05
    assert entanglement(acts, many, related).null < 0.05


def test_the_null_does_not_follow_the_finding(labels: np.ndarray, rng: np.random.Generator) -> None:
    acts = np.repeat(fire(either(labels, *range(M)), rng)[:, None], M, axis=1)

    found = entanglement(acts, labels, UNRELATED)

    assert found.mean > 3
    assert found.null < 0.2
    assert found.null == entanglement(acts, labels, UNRELATED).null


def test_a_silent_feature_counts_nothing_and_serves_nothing(labels: np.ndarray) -> None:
    found = entanglement(np.zeros((N, M)), labels, UNRELATED)

    assert found.n_unrelated.tolist() == [0] * M
    assert found.share_serving == 0
    assert np.isnan(found.mean_serving)


def test_missing_features_and_rare_concepts_are_left_out(labels: np.ndarray, rng: np.random.Generator) -> None:
    labels = labels.copy()
    labels[:, 2] = np.arange(N) < 4
    acts = fire(labels, rng)
    acts[:, 1] = np.nan
    acts[:, 0] = fire(either(labels, 0, 2), rng)

    found = entanglement(acts, labels, UNRELATED)

    assert np.isnan(found.n_unrelated).tolist() == [False, True, True] + [False] * 5
    assert found.others[0] == ()
    assert not found.serves_own[1]
    assert entanglement(acts, labels, UNRELATED, min_positives=4).others[0] == (2,)
    assert np.isnan(entanglement(acts * np.nan, labels, UNRELATED).mean)
    assert np.isnan(entanglement(acts * np.nan, labels, UNRELATED).null)


def test_the_test_is_mann_whitneys_with_ties(labels: np.ndarray, rng: np.random.Generator) -> None:
    acts = fire(rng.random((N, 3)) < 0.3, rng).round(1)
    kept = rng.random((N, 3)) < 0.5

    found = _tests(acts, kept, labels, _Rules(0.05, 0.7, 5))

    for f in range(3):
        for c in range(M):
            rows = kept[:, f]
            positive, negative = acts[rows & labels[:, c], f], acts[rows & ~labels[:, c], f]
            exact = mannwhitneyu(positive, negative, alternative="greater", method="asymptotic")
            assert found.auroc[f, c] == pytest.approx(exact.statistic / (len(positive) * len(negative)))
            assert norm.sf(found.z[f, c]) == pytest.approx(exact.pvalue, rel=1e-6)


def test_benjamini_and_hochberg_by_hand() -> None:
    p = np.array([[0.01, 0.04, 0.03, 0.5], [0.04, 0.2, 0.5, np.nan], [0.03, 0.04, 0.05, np.nan], [np.nan] * 4])

    assert _rejects(p, 0.05).tolist() == [
        [True, False, False, False],
        [False] * 4,
        [True, True, True, False],
        [False] * 4,
    ]


def test_feature_acts_picks_columns_and_marks_missing_features() -> None:
    codes = csr_array(np.array([[1.0, 0, 2], [0, 3, 0]]))

    found = feature_acts(codes, np.array([2, -1, 1, 2]))

    assert found[:, [0, 2, 3]].tolist() == [[2, 0, 2], [0, 3, 0]]
    assert np.isnan(found[:, 1]).all()
