"""The analysis `confusion`: which sibling terms' proteins a term's feature calls, too.

A sibling shares a direct parent with the term and is neither above nor below it. Read `CONFUSION`, then
`term_confusions`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

CONFUSED_Q = 0.05
"""Largest q-value at which a sibling counts as one that the feature confuses its term with."""

CONFUSION = Analysis(
    name="confusion",
    version=1,
    meaning="Which sibling terms' proteins the feature of a term calls, too",
    reads=("statistics", "associate"),
    tables=(
        Table(
            name="sibling_confusion",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column(
                    "feature", "INTEGER", "the term's feature: guided by it, or the best of an SAE without guidance"
                ),
                Column("go_id", "VARCHAR", "the term"),
                Column("sibling", "VARCHAR", "a term that shares a direct parent with it"),
                Column("n_sibling", "INTEGER", "test proteins that carry the sibling and not the term"),
                Column("n_called", "INTEGER", "of these, called at the term's frozen threshold"),
                Column("n_other", "INTEGER", "annotated test proteins that carry neither"),
                Column("n_other_called", "INTEGER", "of these, called: the null"),
                Column("p_value", "REAL", "chance of as many among as many drawn from all that lack the term"),
                Column("q_value", "REAL", "Benjamini-Hochberg over all rows"),
            ),
            sorted_by=("sae", "feature", "go_id", "sibling"),
        ),
    ),
)


class SiblingConfusion(NamedTuple):
    """How often a term's feature calls the proteins of one of its siblings."""

    sae: str
    feature: int
    go_id: str
    sibling: str
    n_sibling: int
    n_called: int
    n_other: int
    n_other_called: int
    q_value: float

    @property
    def share(self) -> float:
        """Of the sibling's proteins without the term, those that are called, 0 to 1."""
        return self.n_called / self.n_sibling

    @property
    def null(self) -> float:
        """The same among proteins that carry neither term, 0 to 1; 0 where there are none."""
        return self.n_other_called / self.n_other if self.n_other else 0.0

    @property
    def is_clear(self) -> bool:
        """The feature calls the sibling's proteins more often than others, by more than chance."""
        return self.q_value <= CONFUSED_Q and self.share > self.null


def term_confusions(reader: AnalysisQueries, go_id: str) -> list[SiblingConfusion]:
    """Of every feature that stands for a term, its siblings, the most confused first; empty where none was counted."""
    if reader.absence(CONFUSION):
        return []
    query = f"""
        SELECT {columns(SiblingConfusion)} FROM sibling_confusion
        ORDER BY go_id, sae, feature, n_called / n_sibling DESC, sibling
    """
    return reader.held(SiblingConfusion, query, "go_id").of(go_id)
