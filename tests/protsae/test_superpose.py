"""Superposition: a turned copy fits exactly, noise gives the RMSD it has, random places give the null."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from protsae.structure.superpose import LEAST, Chain, kabsch, shared, superpose


def walk(n: int, seed: int) -> np.ndarray:
    """A random chain with steps of 3.8 angstrom."""
    steps = np.random.default_rng(seed).normal(size=(n, 3))
    return np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=1, keepdims=True), axis=0)


def chain(places: np.ndarray, anchor: int, counts: np.ndarray | None = None, first: int = 1) -> Chain:
    positions = np.arange(first, first + len(places))
    near = np.abs(positions - anchor) <= 6
    return Chain(places, positions, near if counts is None else counts, anchor)


def test_a_turned_copy_lies_exactly_over_it() -> None:
    places = walk(80, 0)
    rotation = Rotation.from_euler("xyz", [0.4, 1.2, -2.0])
    turned = rotation.apply(places) + np.array([5.0, -30.0, 12.0])
    fit = superpose(chain(turned[10:], 40 - 10), chain(places, 40))

    assert fit is not None
    assert fit.distances == tuple(range(-6, 7))
    assert fit.rmsd == pytest.approx(0, abs=1e-5)
    assert np.allclose(fit.moved(turned), places, atol=1e-6)
    assert fit.null_median is not None
    assert fit.null_median > 2
    assert fit.n_as_small == 0
    assert 280 < fit.n_random <= 300


def test_a_mirror_image_does_not_fit() -> None:
    places = walk(60, 1)
    fit = superpose(chain(places * [1, 1, -1], 30), chain(places, 30))

    assert fit is not None
    assert np.linalg.det(fit.rotation) == pytest.approx(1)
    assert fit.rmsd > 1


def test_noise_gives_its_own_rmsd_and_the_rotation_that_scipy_finds() -> None:
    rng = np.random.default_rng(2)
    places = rng.normal(0, 20, (2_000, 3))
    noisy = places + rng.normal(0, 0.5, places.shape)
    rotation, translation = kabsch(noisy, places)
    left = noisy @ rotation.T + translation - places
    found, _ = Rotation.align_vectors(places - places.mean(axis=0), noisy - noisy.mean(axis=0))

    assert np.sqrt((left**2).sum(axis=1).mean()) == pytest.approx(0.5 * np.sqrt(3), rel=0.03)
    assert np.allclose(rotation, found.as_matrix(), atol=1e-6)


def test_unrelated_places_fit_as_well_as_random_ones() -> None:
    shares = []
    for seed in range(12):
        fit = superpose(chain(walk(150, seed), 70), chain(walk(150, seed + 100), 60))
        assert fit is not None
        shares.append(fit.n_as_small / fit.n_random)

    assert 0.2 < np.mean(shares) < 0.8


def test_only_residues_that_count_in_both_and_are_modelled_correspond() -> None:
    counts = np.zeros(40, bool)
    counts[[14, 19, 20, 24]] = True
    one = chain(walk(40, 3), 20, counts)
    gap = np.delete(np.arange(40), [22])
    other = Chain(walk(40, 4)[gap], gap + 1, np.ones(39, bool), 18)

    assert shared(one, other).tolist() == [-5, 0, 1]
    assert superpose(one, other) is None
    assert len(shared(one, one)) < LEAST


def test_residues_outside_of_the_sequence_never_correspond() -> None:
    places, positions = walk(12, 5), np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9])
    whole = Chain(places, positions, np.ones(12, bool), 4)

    assert shared(whole, whole).tolist() == list(range(-3, 6))
    fit = superpose(whole, whole)
    assert fit is not None
    assert fit.rmsd == pytest.approx(0, abs=1e-5)
    assert fit.null_median is None
    assert fit.n_random == 0


def test_points_on_a_line_are_laid_on_a_line() -> None:
    line = np.stack([3.8 * np.arange(20.0), np.zeros(20), np.zeros(20)], axis=1)
    fit = superpose(chain(line[:, [1, 0, 2]], 10), chain(line, 10))

    assert fit is not None
    assert np.isfinite(fit.rotation).all()
    assert fit.rmsd == pytest.approx(0, abs=1e-5)
