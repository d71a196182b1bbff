"""Writing: positions, order, nothing half-written."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from protsae.store.reader import StoreReader
from protsae.store.schema import SORTED_BY
from protsae.store.writer import StoreWriter

ANNOTATIONS = pd.DataFrame(
    {
        "accession": ["P2", "P1", "P1"],
        "kind": ["Helix", "Site", "Helix"],
        "label": ["", "x", ""],
        "start_pos": [0, 4, 9],
        "end_pos": [2, 4, 19],
        "source": "uniprot",
        "ignored": 1,
    }
)


def rows(path: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_positions_become_one_based_and_rows_sorted(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with StoreWriter(path) as store:
        assert store.insert("annotation", ANNOTATIONS) == 3

    assert rows(path, "SELECT accession, kind, start_pos, end_pos FROM annotation") == [
        ("P1", "Helix", 10, 20),
        ("P1", "Site", 5, 5),
        ("P2", "Helix", 1, 3),
    ]


def test_lists_of_positions_become_one_based_and_minus_one_becomes_zero(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    structure = pd.DataFrame(
        {
            "accession": ["P1"],
            "pdb_id": ["1ABC"],
            "chain": ["A"],
            "atoms": ["ca"],
            "resolution": [None],
            "identity": [1.0],
            "coverage": [0.5],
            "positions": [np.array([-1, 0, 7])],
            "author_numbers": [["1", "2", "3A"]],
            "pdb": [b"\x1f\x8b"],
        }
    )
    with StoreWriter(path) as store:
        store.insert("structure", structure)

    assert rows(path, "SELECT positions, author_numbers, resolution FROM structure") == [
        ([0, 1, 8], ["1", "2", "3A"], None)
    ]


def test_a_parquet_file_gives_the_same_as_its_table(tmp_path: Path) -> None:
    ANNOTATIONS.to_parquet(tmp_path / "annotation.parquet")
    with StoreWriter(tmp_path / "one") as store:
        store.insert("annotation", ANNOTATIONS)
    with StoreWriter(tmp_path / "other") as store:
        store.insert("annotation", tmp_path / "annotation.parquet")

    query = "SELECT * FROM annotation"
    assert rows(tmp_path / "one", query) == rows(tmp_path / "other", query)


def test_rows_of_proteins_that_are_not_stored_can_be_left_out(tmp_path: Path) -> None:
    protein = dict.fromkeys(("entry_name", "protein_name", "gene_names", "organism", "cluster"), "")
    with StoreWriter(tmp_path / "store") as store:
        store.insert(
            "protein", pd.DataFrame([{**protein, "accession": "P1", "split": "train", "length": 1, "sequence": "M"}])
        )
        assert store.insert("annotation", ANNOTATIONS, of_stored_proteins=True) == 2


def test_a_missing_column_is_named_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    path.write_bytes(b"the old one")
    with pytest.raises(ValueError, match="needs the columns \\['label'\\]"), StoreWriter(path) as store:
        store.insert("annotation", ANNOTATIONS.drop(columns="label"))

    assert path.read_bytes() == b"the old one"
    assert [one.name for one in tmp_path.iterdir()] == ["store.duckdb"]


def test_the_old_store_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    path.write_bytes(b"the old one")
    store = StoreWriter(path)
    store.insert("annotation", ANNOTATIONS)
    assert path.read_bytes() == b"the old one"

    store.close()
    assert rows(path, "SELECT count(*) FROM annotation") == [(3,)]
    assert [one.name for one in tmp_path.iterdir()] == ["store.duckdb"]


def test_every_table_of_a_bundle_lies_sorted(tiny_bundle: Path) -> None:
    path = tiny_bundle / "store.duckdb"
    for table, order in SORTED_BY.items():
        if table != "meta":
            columns = ", ".join(order)
            stored = rows(path, f"SELECT {columns} FROM {table}")
            assert stored == rows(path, f"SELECT {columns} FROM {table} ORDER BY {columns}")
            assert stored


def test_a_reader_sees_the_new_store_after_a_replacement(tmp_path: Path, tiny_bundle: Path) -> None:
    path = tmp_path / "store.duckdb"
    path.write_bytes((tiny_bundle / "store.duckdb").read_bytes())
    old = StoreReader.open(path)
    with StoreWriter(path) as store:
        store.meta({"bundle_id": "new"})
    new = StoreReader.open(path)

    assert old.meta()["bundle_id"] == "tiny"
    assert new.meta()["bundle_id"] == "new"
    old.close()
    new.close()
