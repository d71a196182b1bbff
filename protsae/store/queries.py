"""How the reader asks: one read-only connection, a cursor per query, rows as named tuples.

Read `Queries.rows`. Values always travel as bound parameters; only column names of our own rows are put into the text.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa

from protsae.store.held import Held, checked

Row = TypeVar("Row")


class Queries:
    """A store's connection, safe to share between threads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._prepared: set[str] = set()
        self._held: dict[str, Held[Any]] = {}

    def rows(self, kind: Callable[..., Row], query: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query whose columns are the fields of `kind`, in order."""
        return [kind(*row) for row in self.tuples(query, parameters)]

    def first(self, kind: Callable[..., Row], query: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, None where there is none."""
        with self._cursor(query, parameters) as cursor:
            row = cursor.fetchone()
        return None if row is None else kind(*row)

    def tuples(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows as plain tuples."""
        with self._cursor(query, parameters) as cursor:
            return cursor.fetchall()

    def frame(self, query: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Rows as a table."""
        with self._cursor(query, parameters) as cursor:
            return cursor.df()

    def arrow(self, query: str) -> pa.Table:
        """Rows of a query without parameters as an Arrow table, types as the store has them."""
        with self._connection.cursor() as cursor:
            return cursor.sql(query).to_arrow_table()

    def held(self, kind: Callable[..., Row], query: str, *keys: str) -> Held[Row]:
        """Rows of a query without parameters, kept in memory from the first call on.

        Args:
            kind: makes a row of a query's columns.
            query: sorted first by the columns that are the key.
            keys: these columns.
        """
        found = self._held.get(query)
        if found is None:
            found = self._held[query] = Held(kind, self.arrow(query), keys)
        return found

    def close(self) -> None:
        """Release the file; the reader cannot be used afterwards."""
        self._connection.close()

    def prepare(self, name: str, statements: Sequence[str]) -> None:
        """Make tables in memory (database `memory`) that later queries need, once a connection."""
        with self._lock:
            if name not in self._prepared:
                for statement in statements:
                    self.tuples(statement)
                self._prepared.add(name)

    @contextmanager
    def _cursor(self, query: str, parameters: Sequence[Any]) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._connection.cursor() as cursor:
            yield cursor.execute(query, [checked(value) for value in parameters])


def columns(kind: Any, /, **source: str) -> str:
    """The fields of a row as an SQL column list.

    Args:
        kind: a named tuple of `rows.py`.
        source: fields that are not simply a column of that name: field=expression.
    """
    fields: tuple[str, ...] = kind._fields
    return ", ".join(f"{source[name]} AS {name}" if name in source else name for name in fields)
