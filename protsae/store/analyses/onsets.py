"""The analysis `onsets`: when, in an SAE's training, its features begin to rank proteins by each term.

Read `ONSETS`, then `onset_curves`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

ONSETS = Analysis(
    name="onsets",
    version=1,
    meaning="When, during training, features begin to rank proteins by each term",
    reads=("proteins", "embed", "train"),
    tables=(
        Table(
            name="onset_look",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("step", "INTEGER", "of the training; 0 before the first"),
                Column("auroc", "REAL", "on test proteins, mean over terms"),
                Column("auroc_low", "REAL", "10 % quantile over terms"),
                Column("auroc_high", "REAL", "90 % quantile over terms"),
                Column("null_auroc", "REAL", "with shuffled labels, mean over terms"),
                Column("unexplained", "REAL", "share of the states' variance that is not explained"),
            ),
            sorted_by=("sae", "step"),
        ),
        Table(
            name="term_onset",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("go_id", "VARCHAR", "a guiding term"),
                Column("step", "INTEGER", "first look after the AUROC stepped up; NULL without onset", optional=True),
                Column("rise", "REAL", "mean AUROC after the split less that before"),
                Column("auroc", "REAL", "at the end"),
            ),
            sorted_by=("sae", "go_id"),
        ),
        Table(
            name="onset_rule",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("n_terms", "INTEGER", "terms with enough test proteins"),
                Column("least_rise", "REAL", "what a rise had to exceed"),
                Column("null_share", "REAL", "of curves of shuffled labels, those with an onset, 0 to 1"),
            ),
            sorted_by=("sae",),
        ),
    ),
)


class OnsetLook(NamedTuple):
    """All terms at one step."""

    step: int
    auroc: float
    auroc_low: float
    auroc_high: float
    null_auroc: float
    unexplained: float


class Onset(NamedTuple):
    """The onsets of an SAE's terms."""

    sae: str
    n_terms: int
    n_onset: int
    median_step: float | None
    """Half of the onsets are at it or earlier."""
    last_step: int
    """Of the training."""
    null_share: float


def onset_looks(reader: AnalysisQueries, sae: str) -> list[OnsetLook]:
    """The curve of an SAE; none where the analysis is absent."""
    if reader.absence(ONSETS):
        return []
    query = f"SELECT {columns(OnsetLook)} FROM onset_look WHERE sae = ? ORDER BY step"
    return reader.rows(OnsetLook, query, [sae])


def onsets(reader: AnalysisQueries) -> list[Onset]:
    """Every SAE in numbers; none where the analysis is absent."""
    if reader.absence(ONSETS):
        return []
    query = """
        SELECT r.sae, r.n_terms, count(t.step), quantile_disc(t.step, 0.5),
            (SELECT max(step) FROM onset_look l WHERE l.sae = r.sae), r.null_share
        FROM onset_rule r LEFT JOIN term_onset t ON t.sae = r.sae GROUP BY ALL ORDER BY r.sae
    """
    return reader.rows(Onset, query)
