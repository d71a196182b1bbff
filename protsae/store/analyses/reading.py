"""How the reader comes to the tables of an analysis.

An analysis is read when it is first asked for, as a whole, into tables in memory that bear its tables' names. One that
is absent, of another version or damaged has no rows, and `AnalysisQueries.absence` says why.

Read `AnalysisQueries.absence`; what an analysis holds stands in a module of its own.
"""

import threading
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from protsae.errors import BundleError
from protsae.files import inside
from protsae.store.analyses.contract import Analysis
from protsae.store.analyses.files import read_analysis
from protsae.store.queries import Queries


class AnalysisQueries(Queries):
    """Look-ups in what was computed beyond the store."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, analyses: Path) -> None:
        """Read nothing yet.

        Args:
            connection: to the store.
            analyses: folder of the bundle's analyses; it need not exist.
        """
        super().__init__(connection)
        self._folder = analyses
        self._absences: dict[str, str] = {}
        self._reading = threading.Lock()

    def absence(self, analysis: Analysis) -> str:
        """Why an analysis is not there, and what adds it; '' where it is there."""
        with self._reading:
            if analysis.name not in self._absences:
                self._absences[analysis.name] = self._load(analysis)
            return self._absences[analysis.name]

    def analysis_table(self, analysis: Analysis, table: str) -> pd.DataFrame:
        """All rows of one of its tables, sorted as it says; no rows where the analysis is absent."""
        declared = next(one for one in analysis.tables if one.name == table)
        if self.absence(analysis):
            return pd.DataFrame(columns=[column.name for column in declared.columns])
        return self.frame(f"SELECT * FROM memory.main.{table} ORDER BY {', '.join(declared.sorted_by)}")

    def _load(self, analysis: Analysis) -> str:
        try:
            folder = inside(self._folder, analysis.name)
            if not folder.is_dir():
                what = analysis.meaning[:1].lower() + analysis.meaning[1:]
                return f"Not computed for this bundle: {what}. `{analysis.command()}` adds it."
            bundle_id = self.tuples("SELECT value FROM meta WHERE key = 'bundle_id'")
            tables = read_analysis(folder, analysis, bundle_id=bundle_id[0][0] if bundle_id else "")
        except BundleError as error:
            return str(error)
        for name, rows in tables.items():
            self._keep(name, rows)
        return ""

    def _keep(self, name: str, rows: pa.Table) -> None:
        with self._connection.cursor() as cursor:
            cursor.register("given", rows)
            cursor.execute(f"CREATE TABLE memory.main.{name} AS SELECT * FROM given")
