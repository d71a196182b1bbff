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
from protsae.steering.steerability import draw_trials, run_trials
from protsae.store.analyses.known import present
from protsae.store.analyses.steerability import STEERABILITY, read_out_of, steerability_rows
from protsae.store.reader import StoreReader
from protsae.store.rows import TermFeature

SAES = ("protsae",)


@pytest.fixture
def bundle(copy_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished run, whose reader calls every guided feature that fires validated: blocks of two.

    Few are looked at again, and those in few proteins: that costs most.
    """

    def every_guided_one(self: StoreReader) -> list[TermFeature]:
        return [row for sae in SAES for row in self.guiding_features(sae) if row.max_act > 0]

    monkeypatch.setattr(StoreReader, "validated_features", every_guided_one)
    monkeypatch.setattr(steerability, "BLOCK", 2)
    monkeypatch.setattr(steerability, "CLEAREST", 3)
    monkeypatch.setattr(steerability, "MOST_PAIRS", 4)
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
        width = opened.reader.saes()[0].d_model
        read = [read_out_of(opened.reader, go_id) for go_id in sorted({row.go_id for row in rows})]
    assert rows
    assert {(row.sae, row.feature) for row in rows} <= set(validated)
    assert all(found is not None and len(found[1]) == width and found[0].spread > 0 for found in read)
    assert all(row.go_id == validated[row.sae, row.feature] for row in rows)
    split = read_corpus(bundle.with_name("bundle.work")).split
    test, valid = (int((split == part).sum()) for part in ("test", "valid"))
    assert all(1 <= row.n_proteins <= (test if row.is_confirmed else valid) for row in rows)
    again = [row for row in rows if row.is_confirmed]
    assert again
    assert all((row.opposite is None) is not row.is_confirmed for row in rows)
    assert all((row.kmers_p_value is None) is not row.is_confirmed for row in rows)
    assert all(row.difference == pytest.approx(row.effect - row.random_feature, abs=1e-5) for row in rows)
    assert all(row.difference_low <= row.difference + 1e-6 <= row.difference_high + 2e-6 for row in rows)
    q = false_discovery_control(np.array([row.p_value for row in again]))
    assert [row.q_value for row in again] == pytest.approx(q.tolist())
    assert {row.q_value for row in rows if not row.is_confirmed} <= {1.0}


def test_a_killed_run_goes_on_and_comes_to_the_same_table(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, lines = computed(bundle)
    assert any("more than a random feature and a random direction do" in line for line in lines)
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


def test_short_numbers_lose_no_more_than_they_say() -> None:
    x = np.random.default_rng(0).normal(size=1000)

    short = steerability._short(x)

    assert np.abs(short / x - 1).max() < 2**-11
    assert len(np.unique(short)) < len(np.unique(x.astype(np.float32)))
    assert steerability._short(np.array([1.0, -2.0, 0.0])).tolist() == [1, -2, 0]


def row(feature: int, p_value: float, difference: float = 1.0) -> dict[str, object]:
    declared = STEERABILITY.tables[0]
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


def test_the_second_look_takes_test_proteins_and_the_first_validation_ones(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[int, set[int]]] = []

    def noted(feature, concept, eligible, **how):
        found = draw_trials(feature, concept, eligible, **how)
        taken.append((feature, {trial.protein for trial in found}))
        return found

    monkeypatch.setattr(steerability, "draw_trials", noted)
    table, _ = computed(bundle)

    split = read_corpus(bundle.with_name("bundle.work")).split
    first: dict[int, set[int]] = {}
    again: dict[int, set[int]] = {}
    for feature, proteins in taken:
        (again if feature in first else first)[feature] = proteins
    assert again
    assert {split[protein] for proteins in first.values() for protein in proteins} == {"valid"}
    assert {split[protein] for proteins in again.values() for protein in proteins} == {"test"}
    assert int(table["is_confirmed"].sum()) == len(again)
    assert table["seen_difference"].notna().all()
