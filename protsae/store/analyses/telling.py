"""The analysis `telling`: how well a label alone tells where its feature fires, in proteins and at residues.

Detection is about test proteins: is the label carried where the feature fires, and not where it is silent?

    detection = (recall + 1 - false_share) / 2       balanced accuracy; .5 is guessing, 1 tells all

recall is the mean over tenths of the firing proteins by their strongest residue, so that weak ones count as much as
strong ones; false_share is the share of carriers among silent proteins: all of them, or hard ones (in which the feature
that fires most alike does fire; or which are relatives of a firing one). Fuzzing is about the residues of proteins in
which it fires, firing ones against the others, told by a rule: the label's own residues, or else the letter, place or
annotation that tells most on train. The embedding score is an AUROC: what train proteins with the label have in common
in triplets of letters ranks firing test proteins above silent ones.

Delphi's intervention score is told from the analysis `steerability`: what raising the feature does to the log-odds of
its label, read by a probe that knows no SAE, less what a random feature does. Delphi asks a language model how likely
the explanation is, at a strength of equal KL for every feature; here the strength is the feature's own p99.

Read `TELLING`, then `telling_of` and `intervention_of`.

Source: Delphi's detection, fuzzing, embedding and intervention scores, Paulo et al. 2024 (arXiv:2410.13928), without a
language model that judges.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.analyses.steerability import STEERABILITY, STEERABLE_Q
from protsae.store.queries import columns

TELLING = Analysis(
    name="telling",
    version=2,
    meaning="How well a label alone tells where its feature fires",
    reads=("proteins", "embed", "train", "activations", "statistics", "associate", "layout"),
    tables=(
        Table(
            name="telling",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; features without a label have no row"),
                Column("label_id", "VARCHAR", "GO id or kind of annotation, confirmed or a guess"),
                Column("n_firing", "INTEGER", "test proteins in which it fires, of those whose label is known"),
                Column("n_silent", "INTEGER", "the others"),
                Column("detection", "REAL", "0 to 1; NULL below 10 of either", optional=True),
                Column("null_detection", "REAL", "the same with labels shuffled over proteins, mean", optional=True),
                Column("null_high", "REAL", "the largest of these draws", optional=True),
                Column("strongest", "REAL", "recall in the strongest tenth of the firing proteins", optional=True),
                Column("weakest", "REAL", "recall in the weakest tenth", optional=True),
                Column("false_share", "REAL", "share of carriers among silent proteins", optional=True),
                Column(
                    "neighbour", "REAL", "detection against silent proteins of the feature most alike", optional=True
                ),
                Column("relatives", "REAL", "detection against silent relatives of firing proteins", optional=True),
                Column(
                    "embedding",
                    "REAL",
                    "AUROC of firing over silent test proteins, ranked by what train proteins with the label share",
                    optional=True,
                ),
                Column("null_embedding", "REAL", "the same by other labels of the SAE, mean of 10", optional=True),
                Column("embedding_high", "REAL", "the highest of these", optional=True),
                Column("rule", "VARCHAR", "how residues are told: letter, place or annotation; '' for none"),
                Column("rule_from", "VARCHAR", "label | train; '' for none"),
                Column("fuzzing", "REAL", "balanced accuracy of the rule at residues of test", optional=True),
                Column("null_fuzzing", "REAL", "the same with the rule moved along the chain, mean", optional=True),
            ),
            sorted_by=("sae", "feature"),
        ),
    ),
)


class Telling(NamedTuple):
    """How well the label of one feature tells where it fires; columns of `telling`."""

    sae: str
    feature: int
    label_id: str
    n_firing: int
    n_silent: int
    detection: float | None
    null_detection: float | None
    null_high: float | None
    strongest: float | None
    weakest: float | None
    false_share: float | None
    neighbour: float | None
    relatives: float | None
    embedding: float | None
    null_embedding: float | None
    embedding_high: float | None
    rule: str
    rule_from: str
    fuzzing: float | None
    null_fuzzing: float | None


class Intervention(NamedTuple):
    """What raising a feature does to its label, in log-odds; columns of `steerability`, where the label is its term."""

    sae: str
    feature: int
    n_proteins: int
    effect: float
    random_feature: float
    random_direction: float
    difference: float
    difference_low: float
    difference_high: float
    p_value: float
    is_confirmed: bool
    q_value: float
    kmers: float | None

    @property
    def score(self) -> float:
        """Log-odds beyond a random feature's."""
        return self.difference

    @property
    def null(self) -> float:
        """A random direction's, beyond the random feature's."""
        return self.random_direction - self.random_feature

    @property
    def holds(self) -> bool:
        """It beats both controls after the correction for all features that were tested."""
        return self.q_value < STEERABLE_Q and self.difference > 0


_COLUMNS = columns(Telling)
_RAISED = f"""
    SELECT {", ".join(f"s.{name}" for name in Intervention._fields)}
    FROM memory.main.steerability s JOIN feature f ON f.sae = s.sae AND f.feature = s.feature AND f.label_id = s.go_id
"""


def telling_of(reader: AnalysisQueries, sae: str, feature: int) -> Telling | None:
    """Of one feature; None where it has no label, or the analysis is absent."""
    if reader.absence(TELLING):
        return None
    query = f"SELECT {_COLUMNS} FROM memory.main.telling WHERE sae = ? AND feature = ?"
    return reader.first(Telling, query, [sae, feature])


def intervention_of(reader: AnalysisQueries, sae: str, feature: int) -> Intervention | None:
    """Of one feature; None where its label was not steered, or the analysis is absent."""
    if reader.absence(STEERABILITY):
        return None
    return reader.first(Intervention, f"{_RAISED} WHERE s.sae = ? AND s.feature = ?", [sae, feature])


def interventions(reader: AnalysisQueries, sae: str) -> list[Intervention]:
    """Of every feature of an SAE whose label was steered."""
    if reader.absence(STEERABILITY):
        return []
    return reader.rows(Intervention, f"{_RAISED} WHERE s.sae = ? ORDER BY s.feature", [sae])
