"""The store's tables, their version, and what is checked before a store is trusted.

Read `schema.sql` first: it is the contract. `SCHEMA_VERSION` rises with every change to it, and a store of any other
version is refused rather than half understood; `migrate.py` makes a store of this version from an older one.

A store may come from anyone. It is attached read-only, then DuckDB loses access to files and its settings are locked;
and it is never searched for names: queries see views of its tables in a database in memory, so that a macro stored in
it cannot stand in for a function of DuckDB's. Read `connect`.
"""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from protsae.errors import BundleError

SCHEMA_VERSION = 5

MIGRATED = ("2", "3", "4")
"""Older versions that `migrate.py` brings to this one."""

SORTED_BY = {
    "meta": ("key",),
    "protein": ("accession",),
    "annotation": ("accession", "kind", "start_pos"),
    "go_term": ("go_id",),
    "go_synonym": ("go_id",),
    "go_edge": ("child",),
    "protein_go": ("go_id", "accession"),
    "sae": ("name",),
    "term_baseline": ("go_id",),
    "feature_go": ("sae", "feature"),
    "feature_difference": ("go_id",),
    "feature_annotation": ("sae", "feature"),
    "kind_baseline": ("kind",),
    "feature": ("sae", "feature"),
    "example_band": ("sae", "feature", "band", "rank"),
    "example": ("sae", "feature", "accession"),
    "neighbour": ("sae", "feature"),
    "structure": ("accession",),
}
"""Every table and the columns its rows are sorted by; the order stands in for indexes."""

_VERSIONS = re.compile(r"version number (\d+), but we can only read (?:storage )?versions?(?: between \d+ and)? (\d+)")
_HELD = re.compile(r"conflicting lock|used by another process|could not set lock", re.IGNORECASE)


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create all tables, empty but for `meta.schema_version`, in the connection's current database."""
    connection.execute(files("protsae.store").joinpath("schema.sql").read_text(encoding="utf-8"))
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Connection that sees the tables of a store which has passed every check, under their own names.

    The store is attached to a database in memory of its own: DuckDB shares what it opens by path, and would go on
    showing an older file where a bundle has been replaced.

    Raises:
        BundleError: the file is missing, is held by another process, is no DuckDB file, is truncated, was written by a
            newer DuckDB, or holds another schema version or other tables.
    """
    connection = attach(path)
    try:
        check(connection, path)
        for table in SORTED_BY:
            connection.execute(f"CREATE VIEW memory.main.{table} AS SELECT * FROM store.main.{table}")
    except BaseException:
        connection.close()
        raise
    return connection


def attach(path: Path) -> duckdb.DuckDBPyConnection:
    """Connection to a database in memory with a DuckDB file beside it, read-only, as `store`; no other is in reach.

    Raises:
        BundleError: the file is missing, is held by another process, is no DuckDB file, is truncated, or was written by
            a newer DuckDB.
    """
    if not path.is_file():
        raise BundleError(
            f"there is no store at {path}; give a bundle folder that `python -m precompute run` has written"
        )
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"ATTACH '{quoted(path)}' AS store (TYPE duckdb, READ_ONLY)")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        _check_size(connection, path)
    except duckdb.Error as error:
        connection.close()
        raise BundleError(f"{path} cannot be opened as a DuckDB store {_advice(error)}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def version_of(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """`meta.schema_version` of an attached store; `path` is only quoted.

    Raises:
        BundleError: it has none, or is damaged.
    """
    try:
        row = None
        if "meta" in columns_of(connection):
            query = "SELECT value FROM store.main.meta WHERE key = 'schema_version'"
            row = connection.execute(query).fetchone()
    except duckdb.Error as error:
        raise BundleError(f"{path} is damaged {_advice(error)}") from error
    if row is None:
        raise BundleError(
            f"{path} is a DuckDB file but no ProtSAE store: it has no schema_version; give another bundle"
        )
    return str(row[0])


def check(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse an attached database that is not a store of this version; `path` is only quoted.

    Raises:
        BundleError: the schema version differs, or a table or column is missing or of another type.
    """
    version = version_of(connection, path)
    if version != str(SCHEMA_VERSION):
        migrated = "run `python -m precompute migrate BUNDLE` once"
        older = migrated if version in MIGRATED else "build the bundle again with it"
        newer = version.isdecimal() and len(version) < 9 and int(version) > SCHEMA_VERSION
        raise BundleError(
            f"{path} has schema version {version}, this program reads version {SCHEMA_VERSION}; "
            + ("update ProtSAE Explorer" if newer else older)
        )
    found = columns_of(connection)
    for table, columns in _expected().items():
        if table not in found:
            raise BundleError(f"{path} lacks the table {table!r}; build the bundle again")
        for column, kind in columns.items():
            given = found[table].get(column, "missing")
            if given != kind:
                raise BundleError(f"{path}: column {column!r} of {table!r} must be {kind}, is {given}; build it again")


def quoted(path: Path) -> str:
    """A path as it stands within an SQL string literal."""
    return str(path).replace("'", "''")


@cache
def _expected() -> dict[str, dict[str, str]]:
    """Columns and types of every table of `schema.sql`."""
    with duckdb.connect(":memory:") as connection:
        create(connection)
        return columns_of(connection, "memory")


def columns_of(connection: duckdb.DuckDBPyConnection, database: str = "store") -> dict[str, dict[str, str]]:
    """Columns and types of a database's tables; views are none."""
    query = """
        SELECT t.table_name, c.column_name, c.data_type FROM duckdb_tables() t
        JOIN duckdb_columns() c USING (database_oid, schema_oid, table_oid)
        WHERE t.database_name = ? AND t.schema_name = 'main'
    """
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(query, [database]).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _check_size(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse a file that is shorter than the blocks in use: DuckDB itself notices only on reading them."""
    row = connection.execute(
        "SELECT block_size * used_blocks FROM pragma_database_size() WHERE database_name = 'store'"
    ).fetchone()
    if row is not None and path.stat().st_size < row[0]:
        size = path.stat().st_size
        raise BundleError(f"{path} is truncated: {size} bytes of at least {row[0]}; copy or build the bundle again")


def _advice(error: duckdb.Error) -> str:
    """DuckDB's reason in one line, and what to do about it."""
    text = str(error)
    reason = text.splitlines()[0]
    versions = _VERSIONS.search(text)
    if _HELD.search(text):
        advice = "another program has it open for writing: close that program and try again"
    elif versions and int(versions[1]) > int(versions[2]):
        advice = "a newer DuckDB has written it: update with `pip install --upgrade duckdb` and try again"
    else:
        advice = "copy or build the bundle again"
    return f"({reason}); {advice}"
