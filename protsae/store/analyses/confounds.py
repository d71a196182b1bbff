"""The analysis `confounds`: how well simple facts alone predict where a feature fires.

Read `CONFOUNDS`, then `feature_confounds`; `explained_features` is for lists.
"""

from typing import NamedTuple

import numpy as np

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

CONFOUNDS = Analysis(
    name="confounds",
    version=1,
    meaning="How well simple facts alone predict where a feature fires",
    reads=("confounds",),
    tables=(
        Table(
            name="feature_confound",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; features that never fire have no rows"),
                Column("confound", "VARCHAR", "amino_acid | position | length | family | organism | ..."),
                Column(
                    "auroc",
                    "REAL",
                    "of the predicted rate against firing; NULL where undefined",
                    optional=True,
                ),
                Column(
                    "f1", "REAL", "at the threshold best on valid, scored on test (family: at half of the relatives)"
                ),
                Column("null_f1", "REAL", "the same after shuffling the confound"),
                Column(
                    "explains", "BOOLEAN", "this fact alone explains when it fires; true for one of a feature at most"
                ),
            ),
            sorted_by=("sae", "feature", "confound"),
        ),
    ),
)


class ConfoundRow(NamedTuple):
    """How well one simple fact alone predicts where a feature fires."""

    confound: str
    """amino_acid | position | length | family | organism"""
    auroc: float | None
    f1: float
    null_f1: float
    explains: bool
    """It alone explains when the feature fires; true for one row of a feature at most."""


def feature_confounds(reader: AnalysisQueries, sae: str, feature: int) -> list[ConfoundRow]:
    """How well simple facts alone predict where it fires, furthest above luck first; empty where it never fires."""
    if reader.absence(CONFOUNDS):
        return []
    query = f"""
        SELECT {columns(ConfoundRow)} FROM feature_confound
        WHERE sae = ? AND feature = ? ORDER BY f1 - null_f1 DESC, confound
    """
    return reader.rows(ConfoundRow, query, [sae, feature])


class ExplainedRow(NamedTuple):
    """A feature that one simple fact explains."""

    feature: int
    fact: ConfoundRow
    aa_enrichment: np.ndarray
    """[20] as in `feature`"""


def explained_features(reader: AnalysisQueries, sae: str) -> list[ExplainedRow]:
    """All features of an SAE that one simple fact alone explains."""
    if reader.absence(CONFOUNDS):
        return []
    query = f"""
        SELECT c.feature, f.aa_enrichment, {columns(ConfoundRow)}
        FROM feature_confound c JOIN feature f ON f.sae = c.sae AND f.feature = c.feature
        WHERE c.sae = ? AND c.explains ORDER BY c.feature
    """
    return [
        ExplainedRow(feature, ConfoundRow(*fact), np.asarray(enrichment))
        for feature, enrichment, *fact in reader.tuples(query, [sae])
    ]
