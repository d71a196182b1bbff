"""Bulk writing of a store, table by table, from DataFrames or Parquet files.

Everything outside the store counts residues from 0. This is the only place that turns them into the 1-based positions
of the store and the screen; a `-1` ("not in the sequence") so becomes the store's 0.

The file is built beside its final place and renamed into it when it is whole. Read `StoreWriter.insert` first.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pandas as pd
import pyarrow as pa

from protsae.errors import BundleError
from protsae.files import PARTIAL
from protsae.store.schema import SORTED_BY, create, quoted

POSITIONS = {
    "annotation": ("start_pos", "end_pos"),
    "example": ("peak_pos", "positions"),
    "structure": ("positions",),
}
"""Columns that hold residue numbers: 0-based in what is given, 1-based in what is stored."""

STORAGE_VERSION = "v1.4.0"
"""Oldest DuckDB that must be able to open the file."""

BLOCK_SIZE = 16_384
"""Bytes a block, DuckDB's least: every column takes at least one, so larger blocks bloat a small store."""


class StoreWriter:
    """Writes one store; as a context manager it leaves nothing behind when an error ends the block."""

    def __init__(self, path: Path) -> None:
        """Start a store that will stand at `path` once `close` has been called."""
        self.path = path
        self._partial = path.with_name(path.name + PARTIAL)
        self._draft = path.with_name(path.name + ".draft")
        self._remove_partial()
        self._connection = duckdb.connect(":memory:")
        self._connection.execute(f"ATTACH '{quoted(self._draft)}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
        self._connection.execute("USE store")
        create(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._connection.close()
            self._remove_partial()

    def meta(self, values: Mapping[str, object]) -> None:
        """Add facts about the store, as text."""
        rows = [[key, str(value)] for key, value in values.items()]
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def insert(self, table: str, source: pd.DataFrame | Path, *, of_stored_proteins: bool = False) -> int:
        """Add rows to `table`, sorted as `schema.sql` says, and return how many there are.

        Args:
            table: one of the tables of `schema.sql`.
            source: a DataFrame, or a Parquet file that need not fit into memory. It must hold all columns of the
                table, with positions counted from 0; further columns are ignored.
            of_stored_proteins: leave out rows whose accession is not in the table `protein`.

        Raises:
            ValueError: a column is missing.
        """
        if isinstance(source, pd.DataFrame):
            self._connection.register("source_rows", pa.Table.from_pandas(source, preserve_index=False))
            relation = "source_rows"
        else:
            relation = f"read_parquet('{quoted(source)}')"
        wanted = self._columns(table)
        found = self._columns(relation)
        missing = [name for name in wanted if name not in found]
        if missing:
            raise ValueError(f"table {table!r} needs the columns {missing}; the source has {found}")
        chosen = ", ".join(_to_store(table, name, found[name]) for name in wanted)
        order = ", ".join(SORTED_BY[table])
        where = "WHERE accession IN (SELECT accession FROM protein)" if of_stored_proteins else ""
        statement = f"INSERT INTO {table} SELECT * FROM (SELECT {chosen} FROM {relation} {where}) ORDER BY {order}"
        n_rows = self._connection.execute(statement).fetchall()[0][0]
        if isinstance(source, pd.DataFrame):
            self._connection.unregister("source_rows")
        return n_rows

    def copy_from(self, old: Path, values: Mapping[tuple[str, str], str], made: Mapping[str, str]) -> None:
        """Fill every table from another store, whose positions are counted from 1 already.

        Args:
            old: a store that has been checked to be one.
            values: SQL for columns that the other store does not have, by (table, column).
            made: queries for tables that it does not have, by table; it is attached as `old`.

        Raises:
            BundleError: the other store lacks a table or column that is in neither.
        """
        self._connection.execute(f"ATTACH '{quoted(old)}' AS old (TYPE duckdb, READ_ONLY)")
        try:
            for table, order in SORTED_BY.items():
                if table == "meta":
                    query = "INSERT INTO meta SELECT key, value FROM old.main.meta WHERE key <> 'schema_version'"
                elif table in made:
                    query = f"INSERT INTO {table} SELECT * FROM ({made[table]}) ORDER BY {', '.join(order)}"
                else:
                    chosen = ", ".join(values.get((table, name), name) for name in self._columns(table))
                    query = f"INSERT INTO {table} SELECT {chosen} FROM old.main.{table} ORDER BY {', '.join(order)}"
                self._connection.execute(query)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            reason = str(error).splitlines()[0]
            raise BundleError(f"{old} is not what its version says ({reason}); build the bundle again") from error
        self._connection.execute("DETACH old")

    def close(self) -> None:
        """Compact the store and rename it into place."""
        options = f"STORAGE_VERSION '{STORAGE_VERSION}', BLOCK_SIZE {BLOCK_SIZE}"
        target = f"ATTACH '{quoted(self._partial)}' AS compact ({options})"
        self._connection.execute(target)
        self._connection.execute("COPY FROM DATABASE store TO compact")
        self._connection.execute("USE memory")
        self._connection.execute("DETACH compact")
        self._connection.execute("DETACH store")
        self._connection.close()
        self._partial.replace(self.path)
        self._remove_partial()

    def _columns(self, relation: str) -> dict[str, str]:
        rows = self._connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        return {row[0]: row[1] for row in rows}

    def _remove_partial(self) -> None:
        for path in (self._partial, self._draft):
            path.unlink(missing_ok=True)
            path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _to_store(table: str, column: str, kind: str) -> str:
    """SQL for one column of a source, its positions counted from 1."""
    if column not in POSITIONS.get(table, ()):
        return column
    if kind.endswith("[]"):
        return f"[p + 1 for p in {column}] AS {column}"
    return f"{column} + 1 AS {column}"
