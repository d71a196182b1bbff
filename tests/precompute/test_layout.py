"""The map and the neighbours of features."""

import sys
import types

import numpy as np
import pytest
from scipy.sparse import csc_array

from precompute.features.likeness import MOST_PROTEINS, alike, standardised
from precompute.features.placing import project


def unit(rng: np.random.Generator, n: int, d: int = 8) -> np.ndarray:
    x = rng.normal(size=(n, d)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_neighbours_by_hand() -> None:
    own = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)

    places, correlations = alike(own, own, 2, within=True)

    assert places.tolist() == [[1, 2], [0, 2], [1, 0]]
    np.testing.assert_allclose(correlations, [[0.8, 0], [0.8, 0.6], [0.6, 0]], atol=1e-6)


def test_across_saes_features_are_alike_that_fire_in_the_same_proteins() -> None:
    mean = np.where((rng := np.random.default_rng(0)).random((90, 6)) < 0.4, rng.random((90, 6)), 0)
    own = standardised(csc_array(mean), np.arange(6), seed=0)
    other = standardised(csc_array(3 * mean[:, ::-1]), np.arange(6), seed=0)

    places, correlations = alike(own, other, 2, within=False)

    assert places[:, 0].tolist() == [5, 4, 3, 2, 1, 0], "whatever their indices are"
    assert correlations[:, 0] == pytest.approx(1)
    assert correlations[0, 1] == pytest.approx(np.corrcoef(mean.T)[0, 5 - places[0, 1]], abs=1e-6)


def test_a_feature_that_is_the_same_everywhere_is_like_none() -> None:
    mean = csc_array(np.column_stack([np.ones(20), np.arange(20)]))

    own = standardised(mean, np.arange(2), seed=0)

    assert (own[0] == 0).all()
    assert np.linalg.norm(own[1]) == pytest.approx(1)


def test_many_proteins_are_drawn_from_by_the_seed() -> None:
    mean = csc_array(np.random.default_rng(0).random((MOST_PROTEINS + 5, 2)))

    own = standardised(mean, np.arange(2), seed=3)

    assert own.shape == (2, MOST_PROTEINS)
    assert np.array_equal(own, standardised(mean, np.arange(2), seed=3))
    assert not np.array_equal(own, standardised(mean, np.arange(2), seed=4))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_features_have_fewer_neighbours(n: int) -> None:
    own = unit(np.random.default_rng(0), n)
    places, _ = alike(own, own, 5, within=True)
    assert places.shape == (n, max(0, n - 1))


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_few_features_are_placed_without_umap(n: int) -> None:
    place = project(unit(np.random.default_rng(0), n), seed=0)
    assert place.shape == (n, 2)
    assert np.isfinite(place).all()


def test_many_features_go_through_umap_with_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    class FakeUMAP:
        def __init__(self, **settings: object) -> None:
            asked.update(settings)

        def fit_transform(self, x: np.ndarray) -> np.ndarray:
            return x[:, :2]

    module = types.ModuleType("umap")
    monkeypatch.setattr(module, "UMAP", FakeUMAP, raising=False)
    monkeypatch.setitem(sys.modules, "umap", module)
    own = unit(np.random.default_rng(0), 60)

    np.testing.assert_array_equal(project(own, seed=7), own[:, :2])
    assert asked == {"n_neighbors": 15, "metric": "cosine", "random_state": 7, "n_jobs": 1}
