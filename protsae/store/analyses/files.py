"""An analysis on disk: its tables as Parquet, written with exactly the declared columns and read with nothing else.

What is read may have been made by anyone: every file is bounded, hashed, and checked column by column before a row of
it is used. Only plain column types are taken, no extension types.

Read `write_analysis`, then `read_analysis`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from protsae.errors import BundleError
from protsae.files import inside, read_object, sha256, whole, write_json
from protsae.store.analyses.contract import Analysis, Column, ColumnType, Table

DESCRIPTION = "analysis.json"
MAX_BYTES = 256 * 2**20
"""Of one table, on disk and unpacked: it is held in memory."""
MAX_ROWS = 5_000_000

_ARROW: dict[ColumnType, pa.DataType] = {
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int32(),
    "REAL": pa.float32(),
    "DOUBLE": pa.float64(),
}


def write_analysis(
    folder: Path,
    analysis: Analysis,
    tables: Mapping[str, pd.DataFrame],
    *,
    bundle_id: str,
    created_by: str,
    settings: Mapping[str, Any],
) -> None:
    """Write an analysis into an empty folder, its description last.

    Args:
        folder: BUNDLE/analyses/<name>; made here.
        analysis: what it holds.
        tables: by name, all of them, with at least the declared columns.
        bundle_id: of the bundle that it was computed from.
        created_by: program and version.
        settings: everything that decides the numbers, as JSON.

    Raises:
        ValueError: a table or column is missing, or does not fit its type.
    """
    if set(tables) != {table.name for table in analysis.tables}:
        raise ValueError(f"{analysis.name} has the tables {[t.name for t in analysis.tables]}, got {sorted(tables)}")
    folder.mkdir(parents=True)
    facts = {}
    for table in analysis.tables:
        rows = _to_arrow(tables[table.name], table)
        path = folder / f"{table.name}.parquet"
        with whole(path) as temporary:
            pq.write_table(rows, temporary, compression="zstd")
        facts[table.name] = {"rows": rows.num_rows, "sha256": sha256(path)}
    content = {
        "name": analysis.name,
        "version": analysis.version,
        "bundle_id": bundle_id,
        "created_by": created_by,
        "settings": dict(settings),
        "tables": facts,
    }
    write_json(folder / DESCRIPTION, content)


def read_analysis(folder: Path, analysis: Analysis, *, bundle_id: str) -> dict[str, pa.Table]:
    """All tables of an analysis.

    Args:
        folder: BUNDLE/analyses/<name>.
        analysis: what it should hold.
        bundle_id: of the bundle that is open.

    Raises:
        BundleError: it is of another version or bundle, damaged, too large, or not what it says.
    """
    again = f"run `{analysis.command()}` again"
    facts = read_object(inside(folder, DESCRIPTION))
    version = facts.get("version")
    if version != analysis.version:
        raise BundleError(f"{folder} has version {version!r}, this program reads version {analysis.version}; {again}")
    if facts.get("bundle_id") != bundle_id:
        raise BundleError(
            f"{folder} was computed from bundle {facts.get('bundle_id')!r}, this is {bundle_id!r}; {again}"
        )
    known = facts.get("tables")
    tables = {}
    for table in analysis.tables:
        path = inside(folder, f"{table.name}.parquet")
        entry = known.get(table.name) if isinstance(known, dict) else None
        if not isinstance(entry, dict) or not path.is_file():
            raise BundleError(f"{folder} lacks the table {table.name!r}; {again}")
        if path.stat().st_size > MAX_BYTES:
            raise BundleError(
                f"{path} is {path.stat().st_size} bytes, more than the {MAX_BYTES} that are read; {again}"
            )
        if sha256(path) != entry.get("sha256"):
            raise BundleError(f"{path} differs from {DESCRIPTION}; {again}")
        tables[table.name] = _read_table(path, table, again)
    return tables


def _read_table(path: Path, table: Table, again: str) -> pa.Table:
    """Batch by batch, so that no file can unfold into more than is allowed."""
    schema = _schema(table)
    batches: list[pa.RecordBatch] = []
    n_rows = n_bytes = 0
    try:
        with pq.ParquetFile(path) as file:
            given = file.schema_arrow
            for field in schema:
                place = given.get_field_index(field.name)
                if place < 0 or given.field(place).type != field.type:
                    found = "no such column" if place < 0 else str(given.field(place).type)
                    raise BundleError(f"{path}: column {field.name!r} must be {field.type}, but is {found}; {again}")
            for batch in file.iter_batches(batch_size=65_536, columns=schema.names):
                n_rows, n_bytes = n_rows + batch.num_rows, n_bytes + batch.nbytes
                if n_rows > MAX_ROWS or n_bytes > MAX_BYTES:
                    raise BundleError(f"{path} holds more than {MAX_ROWS} rows or {MAX_BYTES} bytes; {again}")
                ordered = [batch.column(name) for name in schema.names]
                batches.append(pa.RecordBatch.from_arrays(ordered, schema=schema))
        rows = pa.Table.from_batches(batches, schema)
        rows.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise BundleError(f"{path} cannot be read as Parquet ({reason}); {again}") from error
    for column in table.columns:
        if not column.optional and rows[column.name].null_count:
            raise BundleError(f"{path}: column {column.name!r} has rows without a value; {again}")
    return rows


def _to_arrow(frame: pd.DataFrame, table: Table) -> pa.Table:
    missing = [column.name for column in table.columns if column.name not in frame.columns]
    if missing:
        raise ValueError(f"table {table.name!r} needs the columns {missing}; given are {list(frame.columns)}")
    ordered = frame.sort_values(list(table.sorted_by), kind="stable")
    arrays = [_to_array(ordered[column.name], column, table) for column in table.columns]
    return pa.Table.from_arrays(arrays, schema=_schema(table))


def _to_array(values: pd.Series, column: Column, table: Table) -> pa.Array:
    """NaN is a missing value where one may be missing, else a number."""
    if column.type == "INTEGER" and len(values) and not pd.api.types.is_integer_dtype(values):
        raise ValueError(f"column {column.name!r} of {table.name!r} is not INTEGER but {values.dtype}")
    try:
        found = pa.array(values.tolist(), type=_ARROW[column.type], from_pandas=column.optional)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise ValueError(f"column {column.name!r} of {table.name!r} is not {column.type}: {error}") from error
    if not column.optional and found.null_count:
        raise ValueError(f"column {column.name!r} of {table.name!r} has {found.null_count} rows without a value")
    return found


def _schema(table: Table) -> pa.Schema:
    return pa.schema([pa.field(column.name, _ARROW[column.type]) for column in table.columns])
