"""The analysis `enriched`: what the strongest proteins of unguided features have in common.

A unit is a homology cluster, so relatives have one vote; it carries a term where one of its proteins does. The set of a
feature is the hundredth of the clusters with the strongest residue. Terms are found on clusters of train and valid
(hypergeometric, Benjamini and Hochberg over all features and terms of an SAE) and held against clusters of test.

Read `ENRICHED`, then `enriched_terms`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

MOST_Q = 0.05
"""A term is found where its q lies below this."""
MOST_TEST_P = 0.05
"""It is confirmed where its p on test lies below this."""

ENRICHED = Analysis(
    name="enriched",
    version=1,
    meaning="What the strongest proteins of unguided features have in common",
    reads=("proteins", "embed", "train", "activations", "statistics"),
    tables=(
        Table(
            name="enriched_term",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; guided features have no rows"),
                Column(
                    "rank", "INTEGER", "from 1, the surest first; terms above or below a surer one are merged into it"
                ),
                Column("kind", "VARCHAR", "MFO | BPO | CCO | annotation"),
                Column("term", "VARCHAR", "GO id, or kind of annotation with its label"),
                Column("n_merged", "INTEGER", "found terms that lie above or below it in the ontology"),
                Column("n_set", "INTEGER", "clusters of the feature's set whose terms of this kind are known"),
                Column("n_hits", "INTEGER", "of these, carry the term"),
                Column("n_universe", "INTEGER", "all clusters of train and valid whose terms of this kind are known"),
                Column("n_carry", "INTEGER", "of these, carry the term"),
                Column("p_value", "REAL", "hypergeometric, one-sided"),
                Column("q_value", "REAL", "after Benjamini and Hochberg over all features and terms of the SAE"),
                Column("test_set", "INTEGER", "as n_set, on test"),
                Column("test_hits", "INTEGER", "as n_hits, on test"),
                Column("test_expected", "REAL", "hits that luck gives on test"),
                Column("test_p", "REAL", "hypergeometric, one-sided, on test"),
            ),
            sorted_by=("sae", "feature", "rank"),
        ),
        Table(
            name="enriched_summary",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("n_features", "INTEGER", "unguided features that were tested"),
                Column("n_terms", "INTEGER", "terms that each was tested for"),
                Column("n_found", "INTEGER", "features with a term"),
                Column("n_confirmed", "INTEGER", "of these, their surest term has p below .05 on test"),
                Column("null_found", "REAL", "as n_found with the terms dealt to the clusters at random; mean"),
                Column("null_confirmed", "REAL", "as n_confirmed with the terms dealt at random on test only; mean"),
            ),
            sorted_by=("sae",),
        ),
    ),
)


class EnrichedTerm(NamedTuple):
    """A term that the strongest proteins of a feature carry more often than luck gives."""

    sae: str
    feature: int
    rank: int
    kind: str
    """MFO | BPO | CCO | annotation"""
    term: str
    """GO id, or kind of annotation with its label."""
    name: str
    n_merged: int
    n_set: int
    n_hits: int
    n_universe: int
    n_carry: int
    p_value: float
    q_value: float
    test_set: int
    test_hits: int
    test_expected: float
    test_p: float

    @property
    def fold(self) -> float:
        """How many times as often as luck gives."""
        return self.n_hits * self.n_universe / (self.n_set * self.n_carry)

    @property
    def is_confirmed(self) -> bool:
        """It is found on test, too."""
        return self.test_p < MOST_TEST_P


class EnrichedSummary(NamedTuple):
    """All unguided features of one SAE in numbers; columns of `enriched_summary`."""

    sae: str
    n_features: int
    n_terms: int
    n_found: int
    n_confirmed: int
    null_found: float
    null_confirmed: float


_ROWS = f"""
    SELECT {columns(EnrichedTerm, name="coalesce(t.name, e.term)")}
    FROM memory.main.enriched_term e LEFT JOIN go_term t ON t.go_id = e.term
"""


def enriched_terms(reader: AnalysisQueries, sae: str, feature: int) -> list[EnrichedTerm]:
    """Of one feature, the surest first; none where it is guided, or nothing was found, or the analysis is absent."""
    if reader.absence(ENRICHED):
        return []
    return reader.rows(EnrichedTerm, f"{_ROWS} WHERE sae = ? AND feature = ? ORDER BY rank", [sae, feature])


def features_enriched_for(reader: AnalysisQueries, term: str) -> list[EnrichedTerm]:
    """The features whose strongest proteins carry a term and that test confirms, the surest on test first."""
    if reader.absence(ENRICHED):
        return []
    query = f"{_ROWS} WHERE test_p < {MOST_TEST_P} ORDER BY e.term, test_p, q_value, sae, feature"
    return reader.held(EnrichedTerm, query, "term").of(term)


def surest_terms(reader: AnalysisQueries) -> list[EnrichedTerm]:
    """Of every feature with a term the surest one."""
    if reader.absence(ENRICHED):
        return []
    return reader.rows(EnrichedTerm, f"{_ROWS} WHERE rank = 1 ORDER BY sae, feature")


def enriched_summary(reader: AnalysisQueries) -> list[EnrichedSummary]:
    """Every SAE in numbers."""
    if reader.absence(ENRICHED):
        return []
    return reader.rows(EnrichedSummary, f"SELECT {columns(EnrichedSummary)} FROM enriched_summary ORDER BY sae")
