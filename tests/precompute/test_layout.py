"""The map and the neighbours of features."""

import sys
import types

import numpy as np
import pytest

from precompute.stages.layout import nearest, project


def unit(rng: np.random.Generator, n: int, d: int = 8) -> np.ndarray:
    x = rng.normal(size=(n, d)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_neighbours_by_hand() -> None:
    own = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)

    places, cosines = nearest(own, own, 2, within=True)

    assert places.tolist() == [[1, 2], [0, 2], [1, 0]]
    np.testing.assert_allclose(cosines, [[0.8, 0], [0.8, 0.6], [0.6, 0]], atol=1e-6)


def test_across_saes_the_own_place_counts() -> None:
    own = np.eye(3, dtype=np.float32)
    places, cosines = nearest(own, own[::-1], 1, within=False)

    assert places.ravel().tolist() == [2, 1, 0]
    assert cosines.ravel().tolist() == [1, 1, 1]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_features_have_fewer_neighbours(n: int) -> None:
    own = unit(np.random.default_rng(0), n)
    places, _ = nearest(own, own, 5, within=True)
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
