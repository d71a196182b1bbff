"""Every table of a store as a Parquet file, for whatever reads Parquet. Read `write_tables`."""

from pathlib import Path

import pyarrow.parquet as pq

from protsae.files import whole
from protsae.store.queries import Queries
from protsae.store.schema import SORTED_BY


def write_tables(queries: Queries, folder: Path) -> dict[str, int]:
    """Write `<table>.parquet`, rows in the store's own order; rows by table are returned.

    Args:
        queries: of an open store.
        folder: made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    for table, order in SORTED_BY.items():
        found = queries.arrow(f"SELECT * FROM {table} ORDER BY {', '.join(order)}")
        with whole(folder / f"{table}.parquet") as partial:
            pq.write_table(found, partial)
        rows[table] = found.num_rows
    return rows
