"""The schema: what is written down equals what is created, and a bad store is refused with one sentence."""

import re
import shutil
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from protsae.errors import BundleError
from protsae.store.reader import StoreReader
from protsae.store.schema import SORTED_BY, create


def refused(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        StoreReader.open(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_the_sort_orders_are_those_of_the_comments() -> None:
    text = files("protsae.store").joinpath("schema.sql").read_text()
    documented = {}
    for comment, table in re.findall(r"((?:^--.*\n)+)CREATE TABLE (\w+)", text, re.MULTILINE):
        found = re.search(r"Sorted by ([\w, ]+)\.", comment.replace("\n-- ", " "))
        documented[table] = tuple(found[1].split(", ")) if found else ("key",)

    assert documented == SORTED_BY


def test_every_table_and_the_version_are_created() -> None:
    connection = duckdb.connect()
    create(connection)

    assert {row[0] for row in connection.execute("SHOW TABLES").fetchall()} == set(SORTED_BY)
    assert connection.execute("SELECT * FROM meta").fetchall() == [("schema_version", "2")]


def test_a_missing_store_is_refused(tmp_path: Path) -> None:
    assert "there is no store" in refused(tmp_path / "store.duckdb")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a database" * 400, b"SQLite format 3\x00" + bytes(5000)])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.duckdb"
    path.write_bytes(content)

    assert path.name in refused(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_truncated_store_is_refused(tiny_bundle: Path, tmp_path: Path, share: float) -> None:
    whole = (tiny_bundle / "store.duckdb").read_bytes()
    path = tmp_path / "store.duckdb"
    path.write_bytes(whole[: int(share * len(whole))])

    refused(path)


def test_another_version_and_a_foreign_database_are_refused(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    shutil.copy(tiny_bundle / "store.duckdb", path)
    change(path, "UPDATE meta SET value = '999' WHERE key = 'schema_version'")
    assert "schema version 999" in refused(path)

    change(path, "DELETE FROM meta")
    assert "no schema_version" in refused(path)

    path.unlink()
    change(path, "CREATE TABLE other (x INTEGER)")
    assert "no ProtSAE store" in refused(path)


def test_a_store_without_one_table_is_refused(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    shutil.copy(tiny_bundle / "store.duckdb", path)
    change(path, "DROP TABLE neighbour")

    assert "lacks the table 'neighbour'" in refused(path)


def change(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)
