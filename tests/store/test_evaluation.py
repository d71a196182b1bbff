"""The table of the evaluation: what the reader gives back, and that every metric explains itself."""

import re
from pathlib import Path

import pandas as pd

from protsae.store.analyses.evaluation import EVALUATION, evaluation_rows
from protsae.store.analyses.files import write_analysis
from protsae.store.evaluation.methods import PARTS
from protsae.store.evaluation.metrics import GROUPS, METRICS
from protsae.store.reader import StoreReader
from protsae.store.writer import StoreWriter

COLUMNS = ["part", "method", "namespace", "k", "seed", "metric", "value"]


def stored(folder: Path, rows: list[tuple]) -> pd.DataFrame:
    """What a reader gives after these rows were written."""
    with StoreWriter(folder / "store.duckdb") as store:
        store.meta({"bundle_id": "test"})
    tables = {"evaluation": pd.DataFrame(rows, columns=COLUMNS)}
    facts = {"bundle_id": "test", "created_by": "test", "settings": {}}
    write_analysis(folder / "analyses" / "evaluation", EVALUATION, tables, **facts)
    with StoreReader.open(folder / "store.duckdb") as reader:
        return evaluation_rows(reader)


def test_rows_come_back_sorted_without_undefined_values(tmp_path: Path) -> None:
    rows = [
        ("main", "TopK", "MFO", 8, 1, "auc", 0.5),
        ("main", "TopK", "MFO", 8, 0, "auc", 0.25),
        ("main", "TopK", "MFO", 8, 0, "perturbation", float("inf")),
        ("main", "TopK", "MFO", 8, 0, "absorption", float("nan")),
        ("ablation", "no detach", "MFO", 8, 0, "auc", 0.125),
    ]

    found = stored(tmp_path, rows)

    assert list(found.columns) == COLUMNS
    assert found["value"].tolist() == [0.125, 0.25, 0.5]


def test_a_bundle_that_was_not_evaluated_has_none(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store.duckdb") as store:
        store.meta({"bundle_id": "test"})
    with StoreReader.open(tmp_path / "store.duckdb") as reader:
        found = evaluation_rows(reader)
        assert reader.absence(EVALUATION).endswith("`python -m precompute evaluate BUNDLE` adds it.")

    assert found.empty
    assert list(found.columns) == COLUMNS


def test_the_made_up_bundle_holds_known_parts_and_metrics(reader: StoreReader) -> None:
    rows = evaluation_rows(reader)

    assert set(rows["part"]) <= set(PARTS)
    assert set(rows["metric"]) <= set(METRICS)
    assert set(rows["namespace"]) <= {"", "MFO", "BPO", "CCO"}


def test_every_metric_has_one_title_and_says_what_it_means() -> None:
    assert all(key == metric.key for key, metric in METRICS.items())
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    assert {metric.group for metric in METRICS.values()} == set(GROUPS)
    for metric in METRICS.values():
        assert re.match(r"[A-Z].*\.$", metric.sentence), metric.key
