"""The analysis `curves`: precision and recall of the two features that a term is compared by, and what else they serve.

Feature and pooling are those of `feature_go`, chosen on valid; everything here is told on its test proteins. Read
`CURVES`, then `term_curves`, `term_areas` and `area_table`.
"""

from typing import NamedTuple

import pandas as pd

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

_FEATURE = (
    Column("go_id", "VARCHAR", "the term"),
    Column("sae", "VARCHAR", "name of the SAE"),
    Column("feature", "INTEGER", "0-based index in its SAE: the feature that the term guides, else its best on valid"),
)

CURVES = Analysis(
    name="curves",
    version=1,
    meaning="Precision-recall curves of the features that a term is compared by",
    reads=("associate",),
    tables=(
        Table(
            name="term_curve",
            columns=(
                *_FEATURE,
                Column("called", "INTEGER", "test proteins at or above a score"),
                Column("hits", "INTEGER", "of these, proteins with the term"),
                Column("is_threshold", "BOOLEAN", "the score is the frozen threshold"),
            ),
            sorted_by=("go_id", "sae", "feature", "called"),
        ),
        Table(
            name="term_area",
            columns=(
                *_FEATURE,
                Column("n_test", "INTEGER", "test proteins with an annotation in the term's sub-ontology"),
                Column("n_positive", "INTEGER", "of these, proteins with the term"),
                Column("ap", "REAL", "average precision; NULL without positives or negatives", optional=True),
                Column("ap_low", "REAL", "95 % bootstrap interval over proteins", optional=True),
                Column("ap_high", "REAL", "95 % bootstrap interval over proteins", optional=True),
                Column("null_ap", "REAL", "mean over shuffles of the labels", optional=True),
                Column("null_ap_high", "REAL", "97.5 % quantile over these shuffles", optional=True),
                Column(
                    "n_unrelated",
                    "REAL",
                    "unrelated terms that it serves among proteins without this one, and that a probe of this one does "
                    "not (measures/entanglement.py); NULL where too few proteins carry the term",
                    optional=True,
                ),
                Column("serves_own", "BOOLEAN", "it ranks proteins with the term above those without, beyond chance"),
            ),
            sorted_by=("go_id", "sae", "feature"),
        ),
        Table(
            name="area_difference",
            columns=(
                *_FEATURE,
                Column("other_sae", "VARCHAR", "one that no term guides"),
                Column("other_feature", "INTEGER", "0-based index in it"),
                Column("difference", "REAL", "ap of the one less that of the other"),
                Column("difference_low", "REAL", "95 % bootstrap interval, both on the same resampled proteins"),
                Column("difference_high", "REAL", "95 % bootstrap interval, both on the same resampled proteins"),
            ),
            sorted_by=("go_id", "sae", "other_sae"),
        ),
        Table(
            name="area_baseline",
            columns=(
                Column("go_id", "VARCHAR", "the term"),
                Column("composition_ap", "REAL", "ridge regression on amino-acid shares and log length", optional=True),
                Column("neuron_ap", "REAL", "best dimension of the PLM's mean state on train", optional=True),
                Column("probe_ap", "REAL", "ridge regression on the PLM's mean state", optional=True),
            ),
            sorted_by=("go_id",),
        ),
        Table(
            name="shared_term",
            columns=(
                *_FEATURE,
                Column("rank", "INTEGER", "1 = separated most clearly"),
                Column("other_go_id", "VARCHAR", "an unrelated term that the feature serves, too"),
            ),
            sorted_by=("go_id", "sae", "feature", "rank"),
        ),
        Table(
            name="sae_sharing",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("namespace", "VARCHAR", "MFO | BPO | CCO: of the terms"),
                Column("n_terms", "INTEGER", "terms whose feature was judged"),
                Column("share_serving", "REAL", "of these features, those that serve their own term", optional=True),
                Column("mean", "REAL", "unrelated terms that a feature serves, over these features", optional=True),
                Column("share_pure", "REAL", "of these features, those that serve no unrelated term", optional=True),
                Column("null_mean", "REAL", "mean with shuffled labels", optional=True),
            ),
            sorted_by=("sae", "namespace"),
        ),
    ),
)


class CurvePoint(NamedTuple):
    """One point of a feature's precision-recall curve."""

    called: int
    hits: int
    is_threshold: bool


class TermArea(NamedTuple):
    """A feature's average precision for a term on test proteins."""

    sae: str
    feature: int
    n_test: int
    n_positive: int
    ap: float | None
    ap_low: float | None
    ap_high: float | None
    null_ap: float | None
    null_ap_high: float | None
    n_unrelated: float | None
    serves_own: bool

    @property
    def prevalence(self) -> float:
        """Precision of calling every protein positive."""
        return self.n_positive / self.n_test if self.n_test else 0.0


class AreaDifference(NamedTuple):
    """How far one feature's average precision for a term lies above another's, in paired resamples."""

    difference: float
    difference_low: float
    difference_high: float

    @property
    def is_clear(self) -> bool:
        """The interval leaves out zero."""
        return self.difference_low > 0 or self.difference_high < 0


class AreaBaseline(NamedTuple):
    """Average precision for a term without any feature."""

    composition_ap: float | None
    neuron_ap: float | None
    probe_ap: float | None


class Sharing(NamedTuple):
    """How many unrelated terms the features of an SAE serve beside their own, over the terms of a sub-ontology."""

    sae: str
    namespace: str
    n_terms: int
    share_serving: float | None
    mean: float | None
    share_pure: float | None
    null_mean: float | None


def term_curve(reader: AnalysisQueries, go_id: str, sae: str, feature: int) -> list[CurvePoint]:
    """The feature's curve for the term, from the highest score down; empty where it has none."""
    if reader.absence(CURVES):
        return []
    query = f"""
        SELECT {columns(CurvePoint)} FROM memory.main.term_curve
        WHERE go_id = ? AND sae = ? AND feature = ? ORDER BY called
    """
    return reader.rows(CurvePoint, query, [go_id, sae, feature])


def term_area(reader: AnalysisQueries, go_id: str, sae: str, feature: int) -> TermArea | None:
    """The feature's average precision for the term; None where it was not measured."""
    if reader.absence(CURVES):
        return None
    query = f"SELECT {columns(TermArea)} FROM memory.main.term_area WHERE go_id = ? AND sae = ? AND feature = ?"
    return reader.first(TermArea, query, [go_id, sae, feature])


def area_difference(reader: AnalysisQueries, go_id: str, sae: str, other_sae: str) -> AreaDifference | None:
    """Of the features that the term is compared by in two SAEs; None where it was not measured."""
    if reader.absence(CURVES):
        return None
    query = f"""
        SELECT {columns(AreaDifference)} FROM memory.main.area_difference WHERE go_id = ? AND sae = ? AND other_sae = ?
    """
    return reader.first(AreaDifference, query, [go_id, sae, other_sae])


def area_baseline(reader: AnalysisQueries, go_id: str) -> AreaBaseline | None:
    """What is reached for the term without any feature; None where it was not measured."""
    if reader.absence(CURVES):
        return None
    return reader.first(
        AreaBaseline, f"SELECT {columns(AreaBaseline)} FROM memory.main.area_baseline WHERE go_id = ?", [go_id]
    )


def shared_terms(reader: AnalysisQueries, go_id: str, sae: str, feature: int) -> list[str]:
    """GO ids of the unrelated terms that the term's feature serves, too, the most clearly separated first."""
    if reader.absence(CURVES):
        return []
    query = """
        SELECT other_go_id FROM memory.main.shared_term WHERE go_id = ? AND sae = ? AND feature = ? ORDER BY rank
    """
    return [go for (go,) in reader.tuples(query, [go_id, sae, feature])]


def sharing(reader: AnalysisQueries) -> list[Sharing]:
    """Over the terms of every sub-ontology, how far the features of each SAE serve unrelated terms."""
    if reader.absence(CURVES):
        return []
    return reader.rows(Sharing, f"SELECT {columns(Sharing)} FROM memory.main.sae_sharing ORDER BY sae, namespace")


def area_table(reader: AnalysisQueries, guided: str, baseline: str) -> pd.DataFrame:
    """All terms that both SAEs have a feature for.

    Columns: go_id, guided_ap, baseline_ap, ap_difference with ap_difference_low and ap_difference_high; no rows where
    the analysis is absent.
    """
    names = ["go_id", "guided_ap", "baseline_ap", "ap_difference", "ap_difference_low", "ap_difference_high"]
    if reader.absence(CURVES):
        return pd.DataFrame(columns=names)
    query = """
        SELECT d.go_id, one.ap AS guided_ap, other.ap AS baseline_ap, d.difference AS ap_difference,
            d.difference_low AS ap_difference_low, d.difference_high AS ap_difference_high
        FROM memory.main.area_difference d
        JOIN memory.main.term_area one ON one.go_id = d.go_id AND one.sae = d.sae AND one.feature = d.feature
        JOIN memory.main.term_area other
            ON other.go_id = d.go_id AND other.sae = d.other_sae AND other.feature = d.other_feature
        WHERE d.sae = ? AND d.other_sae = ? ORDER BY d.go_id
    """
    return reader.frame(query, [guided, baseline])
