"""Places of features in two dimensions, such that near ones stay near: UMAP, the same for the same seed.

Read `project`.

Source: McInnes et al. 2018 (arXiv:1802.03426).
"""

import warnings
from typing import Any

import numpy as np

from precompute.features.likeness import alike

MIN_FOR_UMAP = 50
"""With fewer features there is no neighbourhood to speak of: the two leading principal components do."""

N_NEIGHBOURS = 15
"""The feature itself among them, as UMAP counts."""


def project(points: np.ndarray, *, seed: int, exact: bool = False) -> np.ndarray:
    """[n, 2] float32 coordinates: UMAP under the cosine distance, the same for the same seed.

    Args:
        points: [n, d] directions, or profiles of unit length.
        seed: of UMAP.
        exact: compare all pairs, for points of so many dimensions that UMAP's own search takes long and misses some.
    """
    if len(points) < MIN_FOR_UMAP:
        return _principal(points)
    from umap import UMAP  # noqa: PLC0415 - 40 s of compilation that no other stage should pay

    known: dict[str, Any] = {"precomputed_knn": _neighbours(points)} if exact else {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value", category=UserWarning)
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
        model = UMAP(
            n_neighbors=min(N_NEIGHBOURS, len(points) - 1), metric="cosine", random_state=seed, n_jobs=1, **known
        )
        return np.asarray(model.fit_transform(points), dtype=np.float32)


def _neighbours(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, None]:
    """What UMAP takes as known: places and distances, each [n, N_NEIGHBOURS], every point its own first, no index."""
    places, correlation = alike(points, points, N_NEIGHBOURS - 1, within=True)
    own = np.arange(len(points))[:, None]
    distances = np.hstack([np.zeros(own.shape), np.maximum(1 - correlation, 0)])
    return np.hstack([own, places]).astype(np.int32), distances.astype(np.float32), None


def _principal(points: np.ndarray) -> np.ndarray:
    place = np.zeros((len(points), 2), dtype=np.float32)
    if len(points) > 1:
        left, scale, _ = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
        n = min(2, left.shape[1])
        place[:, :n] = left[:, :n] * scale[:n]
    return place
