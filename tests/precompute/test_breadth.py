"""In how many organisms features fire: a single one, all of them, and what luck gives."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precompute.__main__ import main
from precompute.features.breadth import LEAST, breadths, effective
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.breadth import BREADTH, breadth_of

N = 600


def test_one_organism_is_narrow_and_random_firing_as_wide_as_luck() -> None:
    rng = np.random.default_rng(0)
    organism = rng.choice(4, N, p=[0.4, 0.3, 0.2, 0.1])
    acts = (rng.random((N, 200)) < 0.2) * rng.random((N, 200))
    acts[:, 0] = (organism == 2) * rng.random(N)
    acts[:, 1] = 0
    acts[: LEAST - 1, 1] = 1
    found = breadths(acts, organism, rng)

    assert found.breadth[0] == pytest.approx(1)
    assert found.z[0] < -10
    assert found.most[0] == 2
    assert found.share[0] == pytest.approx(1)
    assert found.expected[0] == pytest.approx((organism == 2).mean())
    assert np.isnan([found.breadth[1], found.by_chance[1], found.z[1]]).all()
    assert abs(found.z[2:].mean()) < 0.3
    assert found.z[2:].std() == pytest.approx(1, abs=0.3)
    assert found.breadth[2:] == pytest.approx(found.by_chance[2:], abs=0.4)


def test_the_effective_number_is_that_of_equal_shares() -> None:
    shares = np.array([[0.25, 1, 0.5], [0.25, 0, 0.5], [0.25, 0, 0], [0.25, 0, 0]])
    assert effective(shares) == pytest.approx([4, 1, 2])


def test_a_run_of_one_organism_has_no_rows(copy_run: Callable[..., Path], tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    with open_bundle(bundle) as opened:
        assert opened.reader.absence(BREADTH) == ""
        assert opened.reader.analysis_table(BREADTH, "breadth").empty
        assert breadth_of(opened.reader, "vanilla", 0) is None

    proteins = bundle.with_name("bundle.work") / "proteins" / "proteins.parquet"
    table = pd.read_parquet(proteins)
    table["organism"] = np.where(np.arange(len(table)) % 2, "One", "Other")
    table.to_parquet(proteins)
    assert main(["analyse", str(bundle), "breadth", "--quiet"]) == 0
    with open_bundle(bundle) as opened:
        rows = opened.reader.analysis_table(BREADTH, "breadth")
        assert set(rows["n_organisms"]) <= {2}
        assert rows["breadth"].between(1, 2.0001).all()
