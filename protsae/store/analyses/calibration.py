"""The analysis `calibration`: how often proteins with a signal of about this strength carry the guided feature's term.

Bands of the signal are cut on valid proteins, from the strongest down; how many carry the term is told on test
proteins, of other families. Read `CALIBRATION`, then `bands_of`.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

from scipy.stats import binomtest

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

CALIBRATION = Analysis(
    name="calibration",
    version=1,
    meaning="How often proteins with a signal of about this strength carry a guided feature's term",
    reads=("associate",),
    tables=(
        Table(
            name="term_band",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE: the feature that the term guides"),
                Column("go_id", "VARCHAR", "the term"),
                Column("band", "INTEGER", "from 0, the strongest signal first"),
                Column("low", "REAL", "smallest pooled activation of the band; 0 for the last one"),
                Column("valid_n", "INTEGER", "valid proteins in the band"),
                Column("valid_hits", "INTEGER", "of these, proteins with the term"),
                Column("test_n", "INTEGER", "annotated test proteins in the band"),
                Column("test_hits", "INTEGER", "of these, proteins with the term"),
                Column("n_test", "INTEGER", "annotated test proteins in all"),
                Column("n_positive", "INTEGER", "of these, proteins with the term: the null is their share"),
            ),
            sorted_by=("sae", "go_id", "band"),
        ),
    ),
)


class Band(NamedTuple):
    """One band of a feature's signal."""

    go_id: str
    feature: int
    band: int
    low: float
    test_n: int
    test_hits: int
    n_test: int
    n_positive: int

    @property
    def share(self) -> float | None:
        """Of the band's test proteins, those with the term, 0 to 1; None where the band has none."""
        return self.test_hits / self.test_n if self.test_n else None

    @property
    def at_least(self) -> float:
        """Lower end of the 95 % Wilson interval of `share`, 0 to 1; 0 where the band has no test protein."""
        return _at_least(self.test_hits, self.test_n) if self.test_n else 0.0

    @property
    def null(self) -> float:
        """Share of all test proteins that carry the term: what a signal without meaning would have."""
        return self.n_positive / self.n_test


@functools.cache
def _at_least(hits: int, n: int) -> float:
    return float(binomtest(hits, n).proportion_ci(method="wilson").low)


def bands_of(reader: AnalysisQueries, sae: str) -> dict[str, list[Band]]:
    """GO id -> bands of its guided feature, the strongest first; empty where the analysis is absent."""
    if reader.absence(CALIBRATION):
        return {}
    query = f"SELECT {columns(Band)} FROM memory.main.term_band WHERE sae = ? ORDER BY go_id, band"
    found: dict[str, list[Band]] = {}
    for band in reader.rows(Band, query, [sae]):
        found.setdefault(band.go_id, []).append(band)
    return found


def band_at(bands: Sequence[Band], score: float) -> Band | None:
    """The band that a signal falls into; None where there are none."""
    return next((band for band in bands if score >= band.low), None)
