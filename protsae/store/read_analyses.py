"""Queries about analyses: which stand beside the store, and what they say.

An analysis is read when it is first asked for, as a whole, into tables in memory that bear its tables' names. One that
is absent, of another version or damaged has no rows, and `AnalysisQueries.absence` says why.

Read `AnalysisQueries.absence`; what an analysis holds stands in `analysis.py`.
"""

import threading
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from protsae.errors import BundleError
from protsae.files import inside
from protsae.store.analysis import ANALYSES, CONFOUNDS, EVALUATION, SITES, STEERABILITY, Analysis
from protsae.store.analysis_files import read_analysis
from protsae.store.analysis_rows import ConfoundRow, FeatureSite, SteerabilityRow
from protsae.store.queries import Queries, columns

_BASELINES = ("letter", "window", "neuron", "probe")
_OF_TERM = "site_baseline WHERE site_baseline.go_id = found.go_id"


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

    def analyses(self) -> list[Analysis]:
        """The analyses that can be read."""
        return [analysis for analysis in ANALYSES.values() if not self.absence(analysis)]

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

    def evaluation(self) -> pd.DataFrame:
        """All numbers, one a row: part, method, namespace, k, seed, metric, value; empty where nothing was evaluated.

        Namespace is '' where a number holds for all three. Values that were undefined (NaN) are left out.
        """
        rows = self.analysis_table(EVALUATION, "evaluation")
        return rows.loc[rows["value"].astype(float).abs() < float("inf")].reset_index(drop=True)

    def feature_confounds(self, sae: str, feature: int) -> list[ConfoundRow]:
        """How well simple facts alone predict where it fires, furthest above luck first; empty where it never fires."""
        if self.absence(CONFOUNDS):
            return []
        query = f"""
            SELECT {columns(ConfoundRow)} FROM feature_confound
            WHERE sae = ? AND feature = ? ORDER BY f1 - null_f1 DESC, confound
        """
        return self.rows(ConfoundRow, query, [sae, feature])

    def feature_sites(self, sae: str, feature: int) -> list[FeatureSite]:
        """How well it finds named residues, its guiding term first; empty where it is judged by none."""
        if self.absence(SITES):
            return []
        source = {f"{name}_ap": f"(SELECT ap FROM {_OF_TERM} AND baseline = '{name}')" for name in _BASELINES}
        source |= {
            "term_name": "coalesce((SELECT name FROM go_term WHERE go_term.go_id = found.go_id), go_id)",
            "unguided_ap": "(SELECT max(ap) FROM feature_site AS other "
            "WHERE other.go_id = found.go_id AND NOT other.is_guiding)",
        }
        query = f"""
            SELECT {columns(FeatureSite, **source)} FROM feature_site AS found
            WHERE sae = ? AND feature = ? ORDER BY is_guiding DESC, ap DESC, go_id
        """
        return self.rows(FeatureSite, query, [sae, feature])

    def steerability(self) -> list[SteerabilityRow]:
        """Every validated feature that was steered; those that raise their function first, the surest one on top."""
        if self.absence(STEERABILITY):
            return []
        query = f"""
            SELECT {columns(SteerabilityRow, term_name="coalesce(t.name, s.go_id)", go_id="s.go_id")}
            FROM memory.main.steerability s LEFT JOIN go_term t ON t.go_id = s.go_id
            ORDER BY difference_low DESC, sae, feature
        """
        return sorted(self.rows(SteerabilityRow, query), key=lambda row: not row.is_steerable)

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
