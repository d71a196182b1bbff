"""Analyses beside a store: what is written comes back, and what cannot be trusted is absent with one sentence."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from protsae.errors import BundleError
from protsae.files import sha256
from protsae.store.analyses import files as analysis_files
from protsae.store.analyses.confounds import CONFOUNDS, feature_confounds
from protsae.store.analyses.evaluation import evaluation_rows
from protsae.store.analyses.files import read_analysis, write_analysis
from protsae.store.analyses.known import ANALYSES, present
from protsae.store.analyses.sites import SITES, feature_sites
from protsae.store.analyses.steerability import steerability_rows
from protsae.store.reader import StoreReader
from protsae.store.schema import SORTED_BY

FACTS = {"bundle_id": "tiny", "created_by": "test", "settings": {"seed": 3}}
ROWS = pd.DataFrame(
    {
        "sae": ["b", "a", "a"],
        "feature": [0, 7, 2],
        "confound": ["length", "family", "length"],
        "auroc": [0.5, float("nan"), 0.25],
        "f1": [0.5, 0.75, 1.0],
        "null_f1": [0.0, 0.125, 0.25],
        "explains": [False, True, False],
        "ignored": 1,
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small analysis on disk."""
    write_analysis(tmp_path / "confounds", CONFOUNDS, {"feature_confound": ROWS}, **FACTS)
    return tmp_path / "confounds"


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle to spoil."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def replaced(folder: Path, rows: pa.Table) -> None:
    """Another table of the same name, its hash in the description."""
    path = folder / "feature_confound.parquet"
    pq.write_table(rows, path)
    described(folder, tables={"feature_confound": {"rows": rows.num_rows, "sha256": sha256(path)}})


def described(folder: Path, **changes: object) -> None:
    path = folder / "analysis.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_every_table_has_a_name_of_its_own_and_sorts_by_its_columns() -> None:
    tables = [table for analysis in ANALYSES.values() for table in analysis.tables]

    assert len({table.name for table in tables} | set(SORTED_BY)) == len(tables) + len(SORTED_BY)
    assert all(name == analysis.name for name, analysis in ANALYSES.items())
    for table in tables:
        assert set(table.sorted_by) <= {column.name for column in table.columns}


def test_rows_come_back_sorted_with_the_declared_columns_only(folder: Path) -> None:
    rows = read_analysis(folder, CONFOUNDS, bundle_id="tiny")["feature_confound"].to_pydict()

    assert rows == {
        "sae": ["a", "a", "b"],
        "feature": [2, 7, 0],
        "confound": ["length", "family", "length"],
        "auroc": [0.25, None, 0.5],
        "f1": [1.0, 0.75, 0.5],
        "null_f1": [0.25, 0.125, 0.0],
        "explains": [False, True, False],
    }
    facts = json.loads((folder / "analysis.json").read_text())
    assert (facts["version"], facts["settings"], facts["tables"]["feature_confound"]["rows"]) == (1, {"seed": 3}, 3)


def test_the_same_rows_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_analysis(tmp_path / "again", CONFOUNDS, {"feature_confound": ROWS[::-1]}, **FACTS)

    assert {path.name: sha256(path) for path in folder.iterdir()} == {
        path.name: sha256(path) for path in (tmp_path / "again").iterdir()
    }


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({}, "confounds has the tables"),
        ({"feature_confound": ROWS.drop(columns="f1")}, "needs the columns \\['f1'\\]"),
        ({"feature_confound": ROWS.assign(f1="high")}, "column 'f1' of 'feature_confound' is not REAL"),
        ({"feature_confound": ROWS.assign(feature=0.5)}, "column 'feature' of 'feature_confound' is not INTEGER"),
        ({"feature_confound": ROWS.assign(sae=None)}, "column 'sae' of 'feature_confound' has 3 rows without a value"),
    ],
)
def test_what_does_not_fit_is_not_written(tmp_path: Path, tables: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        write_analysis(tmp_path / "x", CONFOUNDS, tables, **FACTS)


def columns(**changes: pa.Array) -> pa.Table:
    text, number, share = pa.string(), pa.int32(), pa.float32()
    kinds = {"sae": text, "feature": number, "confound": text, "auroc": share, "f1": share, "null_f1": share}
    arrays = {name: pa.array(ROWS[name].tolist(), kind) for name, kind in (kinds | {"explains": pa.bool_()}).items()}
    return pa.table(arrays | changes)


SPOILT = {
    "another version": (lambda folder: described(folder, version=2), "has version 2, this program reads version 1"),
    "no version": (lambda folder: described(folder, version=None), "has version None"),
    "another bundle": (lambda folder: described(folder, bundle_id="x"), "was computed from bundle 'x', this is 'tiny'"),
    "no description": (lambda folder: (folder / "analysis.json").unlink(), "analysis.json is missing"),
    "no JSON": (lambda folder: (folder / "analysis.json").write_text("{"), "cannot be read as JSON"),
    "no tables": (lambda folder: described(folder, tables=[]), "lacks the table 'feature_confound'"),
    "no table": (lambda folder: (folder / "feature_confound.parquet").unlink(), "lacks the table 'feature_confound'"),
    "another file": (
        lambda folder: (folder / "feature_confound.parquet").write_bytes(b"PAR1"),
        "differs from analysis.json",
    ),
    "a column of another type": (
        lambda folder: replaced(folder, columns(f1=pa.array([1, 2, 3]))),
        "column 'f1' must be float, but is int64",
    ),
    "a column less": (
        lambda folder: replaced(folder, columns().drop_columns("f1")),
        "column 'f1' must be float, but is no such column",
    ),
    "a missing value": (
        lambda folder: replaced(folder, columns(f1=pa.array([1, None, 3], pa.float32()))),
        "column 'f1' has rows without a value",
    ),
    "text that is no text": (
        lambda folder: replaced(folder, columns(sae=pa.array([b"a", b"\xff", b"b"]).view(pa.string()))),
        "cannot be read as Parquet",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_analysis_is_refused_in_one_sentence(folder: Path, what: str) -> None:
    spoil, sentence = SPOILT[what]
    spoil(folder)

    with pytest.raises(BundleError) as caught:
        read_analysis(folder, CONFOUNDS, bundle_id="tiny")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "most"), [("MAX_ROWS", 2), ("MAX_BYTES", 20)])
def test_a_table_that_is_too_large_is_not_held(
    folder: Path, name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis_files, name, most)

    with pytest.raises(BundleError, match="more than"):
        read_analysis(folder, CONFOUNDS, bundle_id="tiny")


def test_a_table_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "feature_confound.parquet").rename(tmp_path / "elsewhere")
    (folder / "feature_confound.parquet").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(BundleError, match="symbolic link"):
        read_analysis(folder, CONFOUNDS, bundle_id="tiny")


@pytest.mark.parametrize("what", SPOILT)
def test_a_bundle_with_a_spoilt_analysis_opens_without_it(copy: Path, what: str) -> None:
    spoil, sentence = SPOILT[what]
    spoil(copy / "analyses" / "confounds")

    with StoreReader.open(copy / "store.duckdb") as reader:
        assert feature_confounds(reader, "vanilla", 25) == []
        assert sentence in reader.absence(CONFOUNDS)
        assert present(reader) == [analysis for analysis in ANALYSES.values() if analysis is not CONFOUNDS]
        assert not evaluation_rows(reader).empty
        assert reader.feature("vanilla", 25) is not None


def test_a_bundle_without_analyses_opens_too(copy: Path) -> None:
    shutil.rmtree(copy / "analyses")

    with StoreReader.open(copy / "store.duckdb") as reader:
        assert present(reader) == []
        for analysis in ANALYSES.values():
            assert analysis.meaning[1:] in reader.absence(analysis)
            assert f"`{analysis.command()}` adds it." in reader.absence(analysis)
        assert steerability_rows(reader) == []
        assert list(reader.analysis_table(CONFOUNDS, "feature_confound").columns) == [
            *("sae", "feature", "confound", "auroc", "f1", "null_f1", "explains")
        ]


def test_a_guided_feature_stands_beside_all_that_finds_its_site(reader: StoreReader) -> None:
    table = reader.analysis_table(SITES, "feature_site")
    guided = table[table["is_guiding"]].iloc[0]
    (found,) = feature_sites(reader, guided["sae"], int(guided["feature"]))
    baselines = reader.analysis_table(SITES, "site_baseline").set_index(["go_id", "baseline"])["ap"]

    assert (found.go_id, found.ap) == (guided["go_id"], pytest.approx(guided["ap"]))
    for name in ("letter", "window", "neuron", "probe"):
        assert getattr(found, f"{name}_ap") == pytest.approx(baselines[guided["go_id"], name])
    others = table[~table["is_guiding"] & (table["go_id"] == guided["go_id"])]
    assert found.unguided_ap == pytest.approx(others["ap"].max())
    assert feature_sites(reader, "vanilla", 63) == []


def test_a_whole_table_comes_sorted(reader: StoreReader) -> None:
    rows = reader.analysis_table(CONFOUNDS, "feature_confound")

    assert reader.absence(CONFOUNDS) == ""
    keys = list(rows[["sae", "feature", "confound"]].itertuples(index=False, name=None))
    assert keys == sorted(keys)
    assert rows.groupby(["sae", "feature"])["explains"].sum().max() == 1


def test_features_that_raise_their_function_come_first_the_surest_on_top(reader: StoreReader) -> None:
    rows = steerability_rows(reader)
    raising = [row for row in rows if row.is_steerable]

    assert 0 < len(raising) < len(rows)
    assert rows[: len(raising)] == raising
    assert {row.sae for row in raising} == {"protsae_mfo"}
    lows = [row.difference_low for row in raising]
    assert lows == sorted(lows, reverse=True)
    names = {row.go_id: row.term_name for row in reader.guiding_features("protsae_mfo")}
    assert all(row.term_name == names[row.go_id] for row in raising)


@pytest.mark.parametrize(("q", "difference", "raises"), [(0.05, 0.2, True), (0.1, 0.2, False), (0.05, -0.2, False)])
def test_raising_its_function_takes_a_small_q_and_a_positive_difference(
    reader: StoreReader, q: float, difference: float, raises: bool
) -> None:
    row = steerability_rows(reader)[0]._replace(q_value=q, difference=difference)

    assert row.is_steerable is raises
