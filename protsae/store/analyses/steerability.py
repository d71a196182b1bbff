"""The analysis `steerability`: whether raising a feature raises its own function.

Read `STEERABILITY`, then `steerability_rows`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

STEERABILITY = Analysis(
    name="steerability",
    version=2,
    meaning="Whether raising a validated feature raises its own function on held-out proteins, more than controls do",
    reads=("proteins", "embed"),
    tables=(
        Table(
            name="steerability",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; validated features only"),
                Column("go_id", "VARCHAR", "the term that is read out: its guiding one, else its best"),
                Column("probe_auroc", "REAL", "of the linear read-out of that term on test proteins, 0 to 1"),
                Column("n_proteins", "INTEGER", "test proteins without the term, steered"),
                Column(
                    "effect", "REAL", "change of the term's log-odds when the feature is raised by its p99_act; mean"
                ),
                Column("random_feature", "REAL", "the same for a random feature of matched density, one a protein"),
                Column("random_direction", "REAL", "the same for a random direction, pushed as far as the feature"),
                Column("difference", "REAL", "effect - random_feature"),
                Column("difference_low", "REAL", "95 % bootstrap interval over proteins"),
                Column("difference_high", "REAL", "95 % bootstrap interval over proteins"),
                Column(
                    "p_value", "DOUBLE", "one-sided; the larger of two paired sign-flip tests, one against each control"
                ),
                Column(
                    "is_confirmed",
                    "BOOLEAN",
                    "it was among the clearest of a first look and was steered again; all numbers are of the second "
                    "look, on proteins that the first one did not use",
                ),
                Column(
                    "q_value",
                    "DOUBLE",
                    "p_value after Benjamini and Hochberg over the features steered again, 1 for the others; over all "
                    "features where no protein was left to steer any again",
                ),
                Column("n_changed", "REAL", "residues that differ after the feature was raised; mean"),
                Column("n_changed_random", "REAL", "the same for the random feature"),
                Column(
                    "surprisal_change", "REAL", "mean -ln p of the PLM at hidden residues, after minus before; nats"
                ),
                Column(
                    "specificity",
                    "REAL",
                    "share of the other read-out terms that it raises less than its own, 0 to 1; .5 by chance",
                ),
            ),
            sorted_by=("sae", "feature"),
        ),
    ),
)

STEERABLE_Q = 0.1
"""A feature raises its own function where its difference is positive and its q_value lies below this."""


class SteerabilityRow(NamedTuple):
    """Whether raising a feature raises its own function; columns of the analysis `steerability`."""

    sae: str
    feature: int
    go_id: str
    term_name: str
    probe_auroc: float
    n_proteins: int
    effect: float
    random_feature: float
    random_direction: float
    difference: float
    difference_low: float
    difference_high: float
    p_value: float
    is_confirmed: bool
    """Its numbers are of a second look, on proteins that did not choose it."""
    q_value: float
    n_changed: float
    n_changed_random: float
    surprisal_change: float
    specificity: float

    @property
    def is_steerable(self) -> bool:
        """It raises its own function more than the controls do."""
        return self.q_value < STEERABLE_Q and self.difference > 0


def steerability_rows(reader: AnalysisQueries) -> list[SteerabilityRow]:
    """Every validated feature that was steered; those that raise their function first, the surest one on top."""
    if reader.absence(STEERABILITY):
        return []
    query = f"""
        SELECT {columns(SteerabilityRow, term_name="coalesce(t.name, s.go_id)", go_id="s.go_id")}
        FROM memory.main.steerability s LEFT JOIN go_term t ON t.go_id = s.go_id
        ORDER BY difference_low DESC, sae, feature
    """
    return sorted(reader.rows(SteerabilityRow, query), key=lambda row: not row.is_steerable)
