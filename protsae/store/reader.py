"""Typed, read-only queries over a store: everything the explorer asks.

One connection serves all threads, a cursor each query. Queries are grouped by what they start from: `read_terms.py`,
`read_features.py`, `read_maps.py`, `read_proteins.py`, `analyses/reading.py`, `search.py`; what they return stands in
`rows.py`.
"""

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from protsae.store.analyses.contract import FOLDER
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns
from protsae.store.read_features import FeatureQueries
from protsae.store.read_maps import MapQueries
from protsae.store.read_proteins import ProteinQueries
from protsae.store.read_terms import TermQueries
from protsae.store.rows import SAERow
from protsae.store.schema import connect
from protsae.store.search import SearchQueries


class StoreReader(TermQueries, FeatureQueries, MapQueries, ProteinQueries, AnalysisQueries, SearchQueries):
    """An open store."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the store of a bundle.

        Args:
            path: `store.duckdb`; analyses are looked for in the folder beside it.

        Raises:
            BundleError: the file is missing, is held by another process, is no DuckDB file, is truncated, or holds
                another schema version.
        """
        return cls(connect(path), path.parent / FOLDER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get_ready(self) -> None:
        """Read into memory what most pages ask for; otherwise the first question of each kind waits for it."""
        self.prepare_search()
        _ = self._terms, self._edges, self._standing, self._features, self._bands, self._proteins

    def meta(self) -> dict[str, str]:
        """Facts about the store, by key."""
        return dict(self._meta)

    @cached_property
    def _meta(self) -> dict[str, str]:
        return dict(self.tuples("SELECT key, value FROM meta"))

    def saes(self) -> list[SAERow]:
        """The bundle's SAEs: guided ones first (GO, MFO, BPO, CCO), then unguided, then imported ones; then by name."""
        query = f"""
            SELECT {columns(SAERow)} FROM sae
            ORDER BY list_position(['guided', 'unguided', 'imported'], role),
                list_position(['GO', 'MFO', 'BPO', 'CCO'], namespace), name
        """
        return self.rows(SAERow, query)
