"""Rows of a query that are kept in memory, grouped by a key: point look-ups that a page makes by the dozen.

DuckDB takes milliseconds to plan and scan for one row; a page that names thirty features would wait a tenth of a second
for them. What is held are facts about features, terms and proteins, never activations; a few hundred bytes a row.

Read `Held`.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa

from protsae.errors import InputError

Row = TypeVar("Row")


class Held(Generic[Row]):
    """A table in memory, its rows by key.

    Args:
        kind: makes a row of the values of the columns, in order; those whose name begins with `_` are left out.
        table: sorted so that rows of one key follow each other.
        keys: the columns that are the key.
    """

    def __init__(self, kind: Callable[..., Row], table: pa.Table, keys: Sequence[str]) -> None:
        self._kind = kind
        whole = table.combine_chunks()
        self._columns = [_array(whole[name]) for name in whole.column_names if not name.startswith("_")]
        self._places = _places(whole.select(list(keys)))

    def of(self, *key: Hashable) -> list[Row]:
        """The rows of a key, in the table's order; none where the key is unknown.

        Raises:
            InputError: it is text that no table can hold.
        """
        start, stop = self._places.get(key, (0, 0))
        if start == stop:
            checked(list(key))
            return []
        values = [column.slice(start, stop - start).to_pylist() for column in self._columns]
        return [self._kind(*row) for row in zip(*values, strict=True)]

    def first(self, *key: Hashable) -> Row | None:
        """The first row of a key, None where the key is unknown."""
        found = self.of(*key)
        return found[0] if found else None


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _places(keys: pa.Table) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Of every key the rows that it fills: first, and one past the last."""
    if not keys.num_rows:
        return {}
    changes = np.zeros(keys.num_rows, dtype=bool)
    changes[0] = True
    for column in keys.columns:
        codes = _array(column).dictionary_encode().indices.to_numpy()
        changes[1:] |= codes[1:] != codes[:-1]
    starts = np.flatnonzero(changes)
    stops = np.append(starts[1:], keys.num_rows)
    named = zip(*(column.to_pylist() for column in keys.take(starts).columns), strict=True)
    return dict(zip(named, zip(starts.tolist(), stops.tolist(), strict=True), strict=True))


def checked(value: Any) -> Any:
    """A parameter as it is.

    Raises:
        InputError: it is text with half of a surrogate pair, which no database can hold.
    """
    if isinstance(value, list):
        return [checked(item) for item in value]
    broken = isinstance(value, str) and next((c for c in value if "\ud800" <= c <= "\udfff"), None)
    if broken:
        raise InputError(
            f"{value[:40]!r} holds {broken!r}, half of a character, so nothing can match it; type it again."
        )
    return value
