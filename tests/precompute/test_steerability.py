"""The analysis `steerability` on a finished run: a row a feature, the same table where it was killed in between."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control

from precompute.__main__ import main
from precompute.analyses import steerability
from precompute.corpus.proteins import read_corpus
from precompute.pipeline.finished import read_run
from protsae.bundle.opening import open_bundle
from protsae.steering.steerability import SteerabilityConfig, draw_trials, run_trials
from protsae.store.analyses.known import present
from protsae.store.analyses.steerability import STEERABILITY, steerability_rows
from protsae.store.reader import StoreReader
from protsae.store.rows import TermFeature

SAES = ("protsae",)


@pytest.fixture
def bundle(copy_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished run, whose reader calls every guided feature that fires validated: blocks of two."""

    def every_guided_one(self: StoreReader, limit: int = 100) -> list[TermFeature]:
        return [row for sae in SAES for row in self.guiding_features(sae) if row.max_act > 0][:limit]

    monkeypatch.setattr(StoreReader, "validated_features", every_guided_one)
    monkeypatch.setattr(steerability, "BLOCK", 2)
    return copy_run(tmp_path)


def computed(bundle: Path) -> tuple[pd.DataFrame, list[str]]:
    """The table and what was reported."""
    run, lines = read_run(bundle, "the test"), []
    return steerability.compute(run, run.work, lines.append).tables["steerability"], lines


def test_every_validated_feature_has_a_row_beside_its_controls(bundle: Path) -> None:
    assert main(["analyse", str(bundle), "steerability", "--quiet"]) == 0

    with open_bundle(bundle) as opened:
        assert STEERABILITY in present(opened.reader)
        rows = steerability_rows(opened.reader)
        validated = {(row.sae, row.feature): row.go_id for row in opened.reader.validated_features()}
    assert rows
    assert {(row.sae, row.feature) for row in rows} <= set(validated)
    assert all(row.go_id == validated[row.sae, row.feature] for row in rows)
    test = int((read_corpus(bundle.with_name("bundle.work")).split == "test").sum())
    assert all(1 <= row.n_proteins <= min(12, test) for row in rows)
    assert all(row.difference == pytest.approx(row.effect - row.random_feature, abs=1e-5) for row in rows)
    assert all(row.difference_low <= row.difference + 1e-6 <= row.difference_high + 2e-6 for row in rows)
    q = false_discovery_control(np.array([row.p_value for row in rows]))
    assert [row.q_value for row in rows] == pytest.approx(q.tolist())


def test_a_killed_run_goes_on_and_comes_to_the_same_table(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, lines = computed(bundle)
    assert any("features raise their own function more than controls do" in line for line in lines)
    folder = bundle.with_name("bundle.work") / "steerability"
    blocks = sorted(folder.glob("block-*.parquet"))
    assert len(blocks) > 1
    kept = {path: path.stat().st_mtime_ns for path in blocks[:1]}
    for path in blocks[1:]:
        path.unlink()
    calls: list[int] = []

    def counted(*args, **kwargs):
        calls.append(1)
        return run_trials(*args, **kwargs)

    monkeypatch.setattr(steerability, "run_trials", counted)
    resumed, _ = computed(bundle)

    pd.testing.assert_frame_equal(resumed, whole)
    assert len(calls) == len(blocks) - 1
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_another_seed_starts_anew(bundle: Path) -> None:
    run = read_run(bundle, "the test")
    computed(bundle)
    stale = run.work / "steerability" / "block-00099.parquet"
    stale.write_bytes(b"")

    steerability.compute(replace(run, seed=run.seed + 1), run.work, lambda _: None)

    assert not stale.exists()


def test_without_a_validated_feature_the_table_is_empty(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StoreReader, "validated_features", lambda *_: [])

    assert main(["analyse", str(bundle), "steerability", "--quiet"]) == 0
    with open_bundle(bundle) as opened:
        assert STEERABILITY in present(opened.reader)
        assert steerability_rows(opened.reader) == []


def row(feature: int, p_value: float, difference: float = 1.0) -> dict[str, object]:
    (declared,) = STEERABILITY.tables
    numbers: dict[str, object] = {column.name: 0.5 for column in declared.columns if column.type != "BOOLEAN"}
    own = {"sae": "a", "feature": feature, "go_id": "GO:1", "n_proteins": 12}
    return numbers | own | {"p_value": p_value, "difference": difference}


def test_the_clearest_are_those_with_the_smallest_p_that_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steerability, "CLEAREST", 2)
    rows = [row(0, 0.5), row(1, 0.01, difference=-1.0), row(2, 0.02), row(3, 0.02, difference=2.0)]

    assert [found["feature"] for found in steerability._clearest(rows)] == [3, 2]


def test_a_second_look_is_corrected_for_what_it_looked_at() -> None:
    seen = [row(feature, 2.0**-12) for feature in range(3)] + [row(feature, 0.9) for feature in range(3, 2000)]
    again = [row(0, 1e-5), row(1, 0.5), row(2, 0.04)]

    table = steerability._table(seen, again)

    assert table["is_confirmed"].tolist() == [True] * 3 + [False] * 1997
    assert table["q_value"].tolist()[:3] == pytest.approx([3e-5, 0.5, 0.06])
    assert (table["q_value"][3:] == 1).all()
    assert table["p_value"].tolist()[:3] == [1e-5, 0.5, 0.04]
    alone = steerability._table(seen, [])
    assert (alone["q_value"] > 0.1).all()
    assert not alone["is_confirmed"].any()


def test_the_second_look_takes_proteins_that_the_first_did_not(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[int, set[int]]] = []

    def noted(feature, concept, eligible, **how):
        found = draw_trials(feature, concept, eligible, **how)
        taken.append((feature, {trial.protein for trial in found}))
        return found

    monkeypatch.setattr(steerability, "draw_trials", noted)
    monkeypatch.setattr(steerability, "MOST_PAIRS", 1)
    monkeypatch.setattr(steerability, "SteerabilityConfig", lambda **how: SteerabilityConfig(**{**how, **FEW}))
    table, _ = computed(bundle)

    first: dict[int, set[int]] = {}
    again: dict[int, set[int]] = {}
    for feature, proteins in taken:
        (again if feature in first else first)[feature] = proteins
    assert again
    assert all(proteins.isdisjoint(first[feature]) for feature, proteins in again.items())
    assert int(table["is_confirmed"].sum()) == len(again)


FEW = {"n_proteins": 1, "pool": 1}
"""So that a small corpus has proteins left."""
