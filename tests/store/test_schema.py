"""The schema: what is written down equals what is created, and a bad store is refused with one sentence."""

import re
import shutil
import struct
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from protsae.errors import BundleError
from protsae.store.reader import StoreReader
from protsae.store.schema import SCHEMA_VERSION, SORTED_BY, _advice, connect, create


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
    with duckdb.connect() as connection:
        create(connection)

        assert {row[0] for row in connection.execute("SHOW TABLES").fetchall()} == set(SORTED_BY)
        assert connection.execute("SELECT * FROM meta").fetchall() == [("schema_version", str(SCHEMA_VERSION))]


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
    assert "schema version 999, this program reads version 5; update ProtSAE Explorer" in refused(path)

    for older in ("2", "3"):
        change(path, f"UPDATE meta SET value = '{older}' WHERE key = 'schema_version'")
        assert "run `python -m precompute migrate BUNDLE` once" in refused(path)

    change(path, "UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    assert "build the bundle again" in refused(path)

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


@pytest.mark.parametrize(
    ("change_it", "sentence"),
    [
        ("ALTER TABLE neighbour DROP COLUMN cosine", "column 'cosine' of 'neighbour' must be FLOAT, is missing"),
        ("ALTER TABLE neighbour ALTER cosine TYPE VARCHAR", "column 'cosine' of 'neighbour' must be FLOAT, is VARCHAR"),
        ("ALTER TABLE neighbour RENAME TO n; CREATE VIEW neighbour AS SELECT * FROM n", "lacks the table 'neighbour'"),
    ],
)
def test_a_store_of_other_columns_or_of_views_is_refused(
    tiny_bundle: Path, tmp_path: Path, change_it: str, sentence: str
) -> None:
    path = tmp_path / "store.duckdb"
    shutil.copy(tiny_bundle / "store.duckdb", path)
    change(path, change_it)

    assert sentence in refused(path)


def test_macros_in_a_store_stand_in_for_no_function_and_read_no_file(tiny_bundle: Path, tmp_path: Path) -> None:
    path, secret = tmp_path / "store.duckdb", tmp_path / "secret.txt"
    secret.write_text("a secret of this machine")
    shutil.copy(tiny_bundle / "store.duckdb", path)
    reading = f"(SELECT content FROM read_text('{secret}'))"
    one = ("lower", "count", "max", "length", "unnest", "trim", "hash", "bool_or")
    two = ("contains", "starts_with", "string_split", "jaro_winkler_similarity", "concat_ws", "list_position")
    for names, arguments in ((one, "a"), (two, "a, b"), (("translate",), "a, b, c")):
        for name in names:
            change(path, f"CREATE MACRO {name}({arguments}) AS {reading}")
    change(path, f"CREATE MACRO feature() AS TABLE SELECT * FROM read_text('{secret}')")

    with StoreReader.open(path) as crafted, StoreReader.open(tiny_bundle / "store.duckdb") as plain:
        for reader in (crafted, plain):
            reader.search_terms("zink")
        for ask in (
            lambda reader: reader.search_terms("zink"),
            lambda reader: reader.search_proteins("transprter"),
            lambda reader: reader.search_annotations("helical"),
            lambda reader: reader.search_features("zinc ion"),
            lambda reader: reader.validated_features(5, seed=1),
            lambda reader: reader.saes(),
            lambda reader: reader.map_points("vanilla").to_csv(),
            lambda reader: reader.sequence_index().to_csv(),
        ):
            assert ask(crafted) == ask(plain) != []


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SELECT * FROM read_text('/etc/hosts')",
        "ATTACH '/tmp/other.duckdb' AS other",
        "COPY (SELECT 1) TO '/tmp/written.csv'",
        "INSTALL httpfs",
        "INSERT INTO store.main.meta VALUES ('a', 'b')",
    ],
)
def test_nothing_but_the_store_is_in_reach(tiny_bundle: Path, statement: str) -> None:
    with connect(tiny_bundle / "store.duckdb") as connection, pytest.raises(duckdb.Error):
        connection.execute(statement)


def test_a_store_that_another_program_writes_says_to_close_it(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    shutil.copy(tiny_bundle / "store.duckdb", path)
    holding = f"import duckdb, sys; held = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        message = refused(path)
        holder.communicate()

    assert "another program has it open for writing: close that program and try again" in message
    assert "build" not in message
    StoreReader.open(path).close()


@pytest.mark.parametrize(
    ("version", "advice"), [(200, "update with `pip install --upgrade duckdb`"), (30, "copy or build the bundle again")]
)
def test_a_store_of_another_duckdb_says_what_to_update(
    tiny_bundle: Path, tmp_path: Path, version: int, advice: str
) -> None:
    path = tmp_path / "store.duckdb"
    content = bytearray((tiny_bundle / "store.duckdb").read_bytes())
    content[12] = version
    content[:8] = struct.pack("<Q", checksum(bytes(content[8:4096])))
    path.write_bytes(content)

    assert advice in refused(path)


def test_an_older_duckdb_says_the_same_in_other_words() -> None:
    message = "IO Error: Trying to read a database file with version number 67, but we can only read version 64.\nMore."

    assert _advice(duckdb.IOException(message)).endswith("update with `pip install --upgrade duckdb` and try again")


def checksum(block: bytes) -> int:
    """DuckDB's checksum of a file header."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        found ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return found


def change(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)
