"""Alike in three dimensions: copies of one fold at the peaks, random places as luck gives, unresolved ones left out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from precompute.__main__ import main
from precompute.analyses.folds import peaks
from precompute.features.folds import LEAST, REACH, alike, centres
from precompute.features.sampled import Sample
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.folds import FOLDS, fold_of

LENGTH = 90


def coil(rng: np.random.Generator, n: int = LENGTH) -> np.ndarray:
    """A random walk with steps of the length between C-alphas."""
    steps = rng.normal(size=(n, 3))
    return np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=1, keepdims=True), axis=0)


def turned(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return points @ (rotation * np.sign(np.linalg.det(rotation))) + rng.normal(size=3) * 20


def test_a_planted_fold_is_alike_and_random_places_are_as_luck_gives() -> None:
    rng = np.random.default_rng(0)
    motif = coil(rng, 2 * REACH + 1)
    chains = []
    for _ in range(6):
        chain = coil(rng)
        chain[40 - REACH : 41 + REACH] = turned(motif, rng)
        chains.append(chain)
    free = [centres(chain) for chain in chains]

    found = alike(chains, [40] * 6, free, rng)
    assert found.rmsd == pytest.approx(0, abs=1e-5)
    assert found.by_chance > 3
    assert found.z < -2.5
    others = [alike(chains, rng.choice(free[0], 6).tolist(), free, rng) for _ in range(60)]
    assert abs(np.mean([one.z for one in others])) < 0.6
    assert abs(np.mean([one.null_z for one in others])) < 0.6


def test_only_resolved_surroundings_count() -> None:
    chain = coil(np.random.default_rng(1))
    chain[50] = np.nan
    found = centres(chain)
    assert found.min() == REACH
    assert found.max() == LENGTH - 1 - REACH
    assert not set(range(50 - REACH, 51 + REACH)) & set(found.tolist())
    assert len(centres(chain[: 2 * REACH])) == 0


def test_one_chain_a_cluster_the_strongest_first() -> None:
    sample = Sample(np.arange(4), np.full(4, 5), np.zeros(20, dtype=np.int64))
    acts = np.zeros((20, 1))
    acts[[2, 3, 7, 12, 17], 0] = [1, 2, 5, 4, 3]
    middle = [np.array([2, 3])] * 3 + [np.array([0])]
    assert peaks(csc_array(acts), 0, sample, middle, np.array([0, 1, 1, 2])) == {1: 2, 0: 3}


def test_a_run_adds_them_and_they_are_read(copy_run: Callable[..., Path], tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    with open_bundle(bundle) as opened:
        rows = opened.reader.analysis_table(FOLDS, "fold")
        assert len(rows)
        assert (rows["n_proteins"] >= LEAST).all()
        assert rows["rmsd"].max() < 1e-2, "the made-up structures are straight lines"
        first = rows.iloc[0]
        found = fold_of(opened.reader, str(first["sae"]), int(first["feature"]))
        assert found is not None
        assert found.n_proteins == first["n_proteins"]
        assert fold_of(opened.reader, "nope", 0) is None

    before = (bundle / "analyses" / "folds" / "fold.parquet").read_bytes()
    assert main(["analyse", str(bundle), "folds", "--quiet"]) == 0
    assert (bundle / "analyses" / "folds" / "fold.parquet").read_bytes() == before, "not the same twice"


def test_a_run_without_structures_has_no_rows(copy_run: Callable[..., Path], tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    path = bundle.with_name("bundle.work") / "structures" / "structure.parquet"
    pd.read_parquet(path).head(0).to_parquet(path)
    assert main(["analyse", str(bundle), "folds", "--quiet"]) == 0
    with open_bundle(bundle) as opened:
        assert opened.reader.analysis_table(FOLDS, "fold").empty
