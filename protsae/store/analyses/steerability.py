"""The analysis `steerability`: whether raising a feature raises its own function.

Read `STEERABILITY`, then `steerability_rows`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

STEERABILITY = Analysis(
    name="steerability",
    version=3,
    meaning="Whether raising a validated feature raises its own function on held-out proteins, more than a random "
    "feature and a random direction do",
    reads=("proteins", "embed"),
    tables=(
        Table(
            name="steerability",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; validated features only"),
                Column("go_id", "VARCHAR", "the term that is read out: its guiding one, else its best"),
                Column("probe_auroc", "REAL", "of the linear read-out of that term on test proteins, 0 to 1"),
                Column("n_proteins", "INTEGER", "proteins without the term, steered"),
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
                    "it was among the clearest of a first look on validation proteins and was steered again; all its "
                    "numbers but those called seen are of the second look, on test proteins",
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
                Column("seen_difference", "REAL", "difference in the first look, on validation proteins"),
                Column("seen_null", "REAL", "random_direction - random_feature there: what luck makes of a difference"),
                Column("opposite", "REAL", "effect of lowering the feature as far; second look", optional=True),
                Column(
                    "difference_of_means",
                    "REAL",
                    "effect of a push as long along the mean state of train proteins with the term, minus that of the "
                    "others (CAA); second look",
                    optional=True,
                ),
                Column(
                    "kmers",
                    "REAL",
                    "change of the mean cosine of 3-mers to train carriers less that to others, minus the random "
                    "feature's, in standard deviations over proteins; second look",
                    optional=True,
                ),
                Column("kmers_p_value", "DOUBLE", "one-sided sign-flip test that it is above 0", optional=True),
            ),
            sorted_by=("sae", "feature"),
        ),
        Table(
            name="term_read_out",
            columns=(
                Column("go_id", "VARCHAR", "of the term that the probe reads"),
                Column("auroc", "REAL", "of the probe on test proteins, 0 to 1"),
                Column("bias", "REAL", "log-odds = bias + sum over dimensions of weight * mean state"),
                Column("spread", "REAL", "standard deviation of the log-odds over test proteins"),
                Column("carriers", "REAL", "median log-odds of test proteins with the term"),
                Column("others", "REAL", "median log-odds of test proteins without it"),
            ),
            sorted_by=("go_id",),
        ),
        Table(
            name="term_direction",
            columns=(
                Column("go_id", "VARCHAR", "of the term"),
                Column("dimension", "INTEGER", "of the language model's state at the SAEs' place, from 0"),
                Column("weight", "REAL", "of the probe, for states as they are"),
                Column("difference", "REAL", "mean state of train proteins with the term, minus that of the others"),
            ),
            sorted_by=("go_id", "dimension"),
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
    seen_difference: float
    seen_null: float
    opposite: float | None
    difference_of_means: float | None
    kmers: float | None
    kmers_p_value: float | None

    @property
    def is_steerable(self) -> bool:
        """It raises its own function more than a random feature and a random direction do, by a test against each."""
        return self.q_value < STEERABLE_Q and self.difference > 0


class ReadOutRow(NamedTuple):
    """The probe of one term; columns of `term_read_out`."""

    go_id: str
    auroc: float
    bias: float
    spread: float
    carriers: float
    others: float


class DirectionRow(NamedTuple):
    """One dimension of a term's probe and difference of means; columns of `term_direction`."""

    dimension: int
    weight: float
    difference: float


def read_out_of(reader: AnalysisQueries, go_id: str) -> tuple[ReadOutRow, list[DirectionRow]] | None:
    """A term's probe and its dimensions in order; None where it cannot be read out, or the analysis is not there."""
    if reader.absence(STEERABILITY):
        return None
    found = reader.rows(
        ReadOutRow, f"SELECT {columns(ReadOutRow)} FROM memory.main.term_read_out WHERE go_id = ?", [go_id]
    )
    if not found:
        return None
    query = f"SELECT {columns(DirectionRow)} FROM memory.main.term_direction WHERE go_id = ? ORDER BY dimension"
    return found[0], reader.rows(DirectionRow, query, [go_id])


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
