"""Absorption by known answers: a hierarchy that is respected, a child that replaces its parent, halves, chance."""

import numpy as np
import pytest

from protsae.errors import InputError
from protsae.measures.absorption import Absorption, absorption, direct_pairs, firing_thresholds

N = 2000
PAIR = [(0, 1)]


@pytest.fixture
def labels() -> np.ndarray:
    """Parent on the first 1000 of 2000 proteins, child on the first 400."""
    return np.stack([np.arange(N) < 1000, np.arange(N) < 400], axis=1)


def score(fires: np.ndarray, labels: np.ndarray, yes: np.ndarray | None = None, **options: int) -> Absorption:
    """Absorption where features fire with strength 1."""
    return absorption(
        fires * 1.0, np.full(labels.shape[1], 0.5), labels, PAIR, labels if yes is None else yes, **options
    )


def test_a_hierarchy_that_is_respected_has_none(labels: np.ndarray) -> None:
    found = score(labels, labels)

    assert found.rate.tolist() == [0]
    assert (found.mean, found.n, found.null) == (0, 1, 0)
    assert (found.child_fires[0], found.recall_with[0], found.recall_without[0]) == (1, 1, 1)


def test_a_child_that_always_replaces_its_parent_absorbs_all(labels: np.ndarray) -> None:
    fires = labels.copy()
    fires[:, 0] &= ~labels[:, 1]

    assert score(fires, labels).rate.tolist() == [1]

    fires[500:, 0] = False  # whatever the parent's recall elsewhere
    assert score(fires, labels).rate.tolist() == [1]


def test_half_of_the_proteins_by_hand(labels: np.ndarray) -> None:
    fires = labels.copy()
    fires[:200, 0] = False

    assert score(fires, labels).rate == pytest.approx([0.5])

    fires[700:1000, 0] = False  # recall without the child .5, with it .5: no absorption
    assert score(fires, labels).rate == pytest.approx([0])

    fires[:300, 0] = False  # 1 - .25 / .5
    assert score(fires, labels).rate == pytest.approx([0.5])


def test_only_where_the_childs_feature_fires_did_it_take_over(labels: np.ndarray) -> None:
    fires = labels.copy()
    fires[:400, 0] = False
    fires[:300, 1] = False

    found = score(fires, labels)

    assert found.rate == pytest.approx([0.25])
    assert found.child_fires == pytest.approx([0.25])

    fires[:, 1] = False
    assert score(fires, labels).rate.tolist() == [0]
    assert np.isnan(score(fires, labels).recall_with[0])


def test_proteins_that_the_probe_does_not_find_do_not_count(labels: np.ndarray) -> None:
    fires = labels.copy()
    fires[:200, 0] = False
    yes = labels.copy()
    yes[:200, 0] = False

    assert score(fires, labels, yes).rate.tolist() == [0]

    yes[:, 0] = labels[:, 0] & ~fires[:, 0]
    assert np.isnan(score(fires, labels, yes).rate[0])


def test_a_child_that_helps_its_parent_absorbs_nothing(labels: np.ndarray) -> None:
    fires = labels.copy()
    fires[500:1000, 0] = False

    assert score(fires, labels).rate.tolist() == [0]


def test_chance_is_the_null() -> None:
    rng = np.random.default_rng(0)
    n_pairs = 300
    parent = rng.random((N // 10, n_pairs)) < 0.6
    child = parent & (rng.random(parent.shape) < 0.2)
    labels = np.concatenate([parent, child], axis=1)
    fires = labels & (rng.random(labels.shape) < 0.5)
    pairs = [(p, n_pairs + p) for p in range(n_pairs)]
    full = {"threshold": np.zeros(2 * n_pairs), "labels": labels, "pairs": pairs, "says_yes": labels}

    found = absorption(1.0 * fires, **full)

    assert 0.03 < found.null < 0.2
    assert found.excess == pytest.approx(0, abs=0.02)
    assert found.null == absorption(1.0 * fires, **full).null
    replaced = np.concatenate([fires[:, :n_pairs] & ~(child & fires[:, n_pairs:]), fires[:, n_pairs:]], axis=1)
    absorbed = absorption(1.0 * replaced, **full)
    assert absorbed.mean == pytest.approx(np.nanmean(absorbed.child_fires))
    assert absorbed.excess > 0.2


def test_permuted_labels_are_at_the_null() -> None:
    rng = np.random.default_rng(0)
    parent = rng.random((N, 100)) < 0.5
    labels = np.concatenate([parent, parent & (rng.random(parent.shape) < 0.3)], axis=1)
    fires = labels.copy()
    fires[:, :100] &= ~labels[:, 100:]
    permuted = rng.permutation(labels)
    pairs = [(p, 100 + p) for p in range(100)]

    found = absorption(1.0 * fires, np.zeros(200), permuted, pairs, np.ones_like(labels))

    assert absorption(1.0 * fires, np.zeros(200), labels, pairs, labels).mean == 1
    assert found.mean < 0.2


def test_pairs_without_enough_proteins_or_features_are_left_out(labels: np.ndarray) -> None:
    fires = labels * 1.0
    threshold = np.full(2, 0.5)

    assert score(labels, labels, min_positives=400).n == 1
    assert score(labels, labels, min_positives=401).n == 0
    assert np.isnan(score(labels, labels, min_positives=401).mean)
    assert np.isnan(score(labels, labels, min_positives=401).null)
    quiet = labels.copy()
    quiet[:, 0] &= np.arange(N) < 404
    assert np.isnan(score(quiet, labels).rate[0])
    fires[:, 1] = np.nan
    assert absorption(1.0 * fires, threshold, labels, PAIR, labels).n == 0
    assert absorption(1.0 * labels, np.array([0.5, np.nan]), labels, PAIR, labels).n == 0
    assert absorption(1.0 * fires, threshold, labels, [], labels).n == 0


def test_labels_that_are_not_closed_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(InputError, match="Concept 1 has a protein that its parent 0 lacks"):
        score(labels, labels & (np.arange(N) > 0)[:, None] | np.array([False, True]) & labels)


def test_firing_thresholds_have_the_best_f1_and_never_call_a_silent_feature() -> None:
    acts = np.array([[3.0, 0, 0, 1], [2, 0, 0, np.nan], [1, 0, 0, 1], [0, 0, 0, 1]])
    labels = np.array([[1, 1, 0, 1], [1, 1, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0]], dtype=bool)

    found = firing_thresholds(acts, labels)

    assert found[:2].tolist() == [1.5, 0]
    assert np.isnan(found[2:]).all()


def test_direct_pairs_skip_grandparents() -> None:
    ancestors = np.zeros((4, 4), dtype=bool)  # 2 below 1 below 0; 3 below 0
    ancestors[1, 0] = ancestors[2, 1] = ancestors[2, 0] = ancestors[3, 0] = True

    assert direct_pairs(ancestors).tolist() == [[0, 1], [0, 3], [1, 2]]
    assert direct_pairs(ancestors | np.eye(4, dtype=bool)).tolist() == [[0, 1], [0, 3], [1, 2]]
    assert direct_pairs(np.zeros((0, 0), dtype=bool)).shape == (0, 2)
