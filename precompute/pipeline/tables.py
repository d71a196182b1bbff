"""Tables in the work folder: Parquet files that appear whole or not at all.

Their columns are those of `protsae/store/schema.sql`, except that residues count from 0 (`start_pos`, `end_pos`,
`peak_pos`, `positions`; -1 = not in the sequence): `protsae/store/writer.py` alone turns them into positions from 1.

Read `write_table`; `TableWriter` is for tables that are made piece by piece.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from protsae.files import PARTIAL, whole


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table."""
    with TableWriter(path) as writer:
        writer.append(frame)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a table, or some of its columns."""
    return pd.read_parquet(path, columns=None if columns is None else list(columns))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an npz file that appears whole or not at all, also where several processes make it at once."""
    named: dict[str, Any] = {**arrays}  # np.savez takes a flag by name beside the arrays
    with whole(path, writer=str(os.getpid())) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **named)


def empty_table(columns: Mapping[str, str]) -> pd.DataFrame:
    """A table without rows, whose columns have the types that they have with rows: by name, as NumPy calls them."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


class TableWriter:
    """A table that is written in pieces of equal columns, and takes its name when all are there."""

    def __init__(self, path: Path, schema: pa.Schema | None = None) -> None:
        """Start a table; without a schema the first piece decides the columns' types."""
        self.path = path
        self._partial = path.with_name(path.name + PARTIAL)
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._writer is None and self._schema is not None:
            self._writer = self._open(self._schema)
        if self._writer is not None:
            self._writer.close()
        if kind is None and self._writer is not None:
            self._partial.replace(self.path)
        else:
            self._partial.unlink(missing_ok=True)

    def append(self, frame: pd.DataFrame) -> None:
        """Add rows."""
        table = pa.Table.from_pandas(frame, schema=self._schema, preserve_index=False)
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table)

    def _open(self, schema: pa.Schema) -> pq.ParquetWriter:
        self._schema = schema
        return pq.ParquetWriter(self._partial, schema, compression="zstd")
