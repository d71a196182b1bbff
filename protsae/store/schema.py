"""The store's tables, their version, and what is checked before a store is trusted.

Read `schema.sql` first: it is the contract. `SCHEMA_VERSION` rises with every change to it, and a store of any other
version is refused rather than half understood.
"""

from importlib.resources import files
from pathlib import Path

import duckdb

from protsae.errors import BundleError

SCHEMA_VERSION = 2

SORTED_BY = {
    "meta": ("key",),
    "protein": ("accession",),
    "annotation": ("accession", "kind", "start_pos"),
    "go_term": ("go_id",),
    "go_synonym": ("go_id",),
    "go_edge": ("child",),
    "protein_go": ("go_id", "accession"),
    "sae": ("name",),
    "feature": ("sae", "feature"),
    "feature_confound": ("sae", "feature", "confound"),
    "feature_go": ("sae", "feature"),
    "feature_annotation": ("sae", "feature"),
    "example": ("sae", "feature", "band", "rank"),
    "neighbour": ("sae", "feature"),
    "structure": ("accession",),
    "evaluation": ("part", "method", "namespace", "k", "seed", "metric"),
}
"""Every table and the columns its rows are sorted by; the order stands in for indexes."""


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create all tables, empty but for `meta.schema_version`, in the connection's current database."""
    connection.execute(files("protsae.store").joinpath("schema.sql").read_text(encoding="utf-8"))
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Connection to a store that has passed every check, attached read-only as `store`.

    It is attached to a database in memory of its own: DuckDB shares what it opens by path, and would go on showing an
    older file where a bundle has been replaced.

    Raises:
        BundleError: the file is missing, is no DuckDB file, is truncated, or holds another schema version.
    """
    if not path.is_file():
        msg = f"there is no store at {path}; give a bundle folder that `python -m precompute run` has written"
        raise BundleError(msg)
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"ATTACH '{quoted(path)}' AS store (TYPE duckdb, READ_ONLY)")
    except duckdb.Error as error:
        connection.close()
        reason = str(error).splitlines()[0]
        msg = f"{path} cannot be opened as a DuckDB store ({reason}); copy or build the bundle again"
        raise BundleError(msg) from error
    try:
        connection.execute("USE store")
        _check_size(connection, path)
        check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def check(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse a database that is not a store of this version; `path` is only quoted.

    Raises:
        BundleError: a table is missing, or the schema version differs.
    """
    try:
        found = {
            row[0]
            for row in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
            ).fetchall()
        }
        row = None
        if "meta" in found:
            row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    except duckdb.Error as error:
        msg = f"{path} is damaged ({str(error).splitlines()[0]}); copy or build the bundle again"
        raise BundleError(msg) from error
    if row is None:
        msg = f"{path} is a DuckDB file but no ProtSAE store: it has no schema_version; give another bundle"
        raise BundleError(msg)
    if row[0] != str(SCHEMA_VERSION):
        msg = (
            f"{path} has schema version {row[0]}, this program reads version {SCHEMA_VERSION}; "
            "build the bundle again with this version of precompute"
        )
        raise BundleError(msg)
    missing = sorted(SORTED_BY.keys() - found)
    if missing:
        msg = f"{path} lacks the table {missing[0]!r}; build the bundle again"
        raise BundleError(msg)


def quoted(path: Path) -> str:
    """A path as it stands within an SQL string literal."""
    return str(path).replace("'", "''")


def _check_size(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse a file that is shorter than the blocks in use: DuckDB itself notices only on reading them."""
    row = connection.execute(
        "SELECT block_size * used_blocks FROM pragma_database_size() WHERE database_name = 'store'"
    ).fetchone()
    if row is not None and path.stat().st_size < row[0]:
        msg = f"{path} is truncated: {path.stat().st_size} bytes of at least {row[0]}; copy or build the bundle again"
        raise BundleError(msg)
