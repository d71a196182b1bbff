"""How alike a feature's proteins are: the closed form is the sum over pairs, and luck gives the mean of all pairs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from precompute.__main__ import main
from precompute.analyses.alikeness import one_a_cluster
from precompute.features.alikeness import profiles, scaled, scores
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.alikeness import ALIKENESS, alikeness_of

N = 120


@pytest.fixture
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(0).normal(size=(N, 24))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def brute(acts: np.ndarray, vectors: np.ndarray) -> float:
    above = below = 0.0
    for n in range(len(acts)):
        for m in range(n):
            above += acts[n] * acts[m] * float(vectors[n] @ vectors[m])
            below += acts[n] * acts[m]
    return above / below


def test_the_closed_form_is_the_sum_over_pairs(vectors: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    acts = scaled((rng.random((N, 5)) < 0.3) * rng.random((N, 5)))
    found = scores(acts, vectors, rng)

    assert found.score == pytest.approx([brute(column, vectors) for column in acts.T], abs=1e-5)
    assert found.by_chance == pytest.approx(np.full(5, brute(np.ones(N), vectors)), abs=1e-6)
    assert found.n_firing.tolist() == (acts > 0).sum(axis=0).tolist()


def test_one_family_stands_out_and_random_firing_does_not(vectors: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    vectors[:8] = vectors[0] + 0.1 * vectors[:8]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    acts = (rng.random((N, 200)) < 0.2) * rng.random((N, 200))
    acts[:, 0] = np.arange(N) < 8
    found = scores(scaled(acts), vectors, rng)

    within = vectors[:8] @ vectors[:8].T
    assert found.score[0] == pytest.approx((within.sum() - 8) / 56, abs=1e-5), "the family's mean similarity"
    assert found.z[0] > 10
    assert np.abs(found.null_z).max() < 6
    assert abs(found.z[1:].mean()) < 0.3
    assert found.z[1:].std() == pytest.approx(1, abs=0.25)


def test_a_constant_feature_has_the_mean_of_all_pairs_and_a_rare_one_nothing(vectors: np.ndarray) -> None:
    acts = np.zeros((N, 4))
    acts[:, 0], acts[:2, 1], acts[:1, 2] = 0.7, 1, 1
    found = scores(scaled(acts), vectors, np.random.default_rng(3))

    assert found.score[0] == pytest.approx(found.by_chance[0], abs=1e-6)
    assert np.isnan(found.score[1:]).all()
    assert np.isnan(found.z[1:]).all()
    assert scaled(acts)[:, 3].max() == 0


def test_profiles_tell_relatives_from_others() -> None:
    rng = np.random.default_rng(4)
    drawn = ["".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 300)) for _ in range(30)]
    near = "".join(letter if rng.random() > 0.1 else "A" for letter in drawn[0])
    found = profiles([*drawn, near, "AX"])
    alike = found @ found.T

    assert np.linalg.norm(found[:-1], axis=1) == pytest.approx(np.ones(31), abs=1e-5)
    assert alike[0, 30] > 0.4
    assert np.abs(alike[0, 1:30]).max() < 0.3
    assert np.isfinite(found).all()


def test_one_protein_a_cluster_the_longest() -> None:
    cluster, length = np.array(["a", "a", "b", "b", "c"]), np.array([5, 9, 4, 4, 7])
    assert one_a_cluster(np.array([0, 1, 2, 3]), cluster, length).tolist() == [1, 2]


def test_a_run_adds_them_and_they_are_read(copy_run: Callable[..., Path], tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    with open_bundle(bundle) as opened:
        rows = opened.reader.analysis_table(ALIKENESS, "alikeness")
        assert len(rows)
        first = rows.iloc[0]
        found = alikeness_of(opened.reader, str(first["sae"]), int(first["feature"]))
        assert found is not None
        assert found.z == pytest.approx(first["z"])
        assert alikeness_of(opened.reader, "nope", 0) is None

    before = (bundle / "analyses" / "alikeness" / "alikeness.parquet").read_bytes()
    assert main(["analyse", str(bundle), "alikeness", "--quiet"]) == 0
    assert (bundle / "analyses" / "alikeness" / "alikeness.parquet").read_bytes() == before, "not the same twice"
