"""The analysis `telling`: how well a label alone tells where its feature fires, in proteins and at residues.

Detection is about test proteins: is the label carried where the feature fires, and not where it is silent?

    detection = (recall + 1 - false_share) / 2       balanced accuracy; .5 is guessing, 1 tells all

recall is the mean over tenths of the firing proteins by their strongest residue, so that weak ones count as much as
strong ones; false_share is the share of carriers among silent proteins: all of them, or hard ones (in which the feature
that fires most alike does fire; or which are relatives of a firing one). Fuzzing is about the residues of proteins in
which it fires, firing ones against the others, told by a rule: the label's own residues, or else the letter, place or
annotation that tells most on train.

Read `TELLING`, then `telling_of`.

Source: Delphi's detection and fuzzing, Paulo et al. 2024 (arXiv:2410.13928), without a language model that judges.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

TELLING = Analysis(
    name="telling",
    version=1,
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
    rule: str
    rule_from: str
    fuzzing: float | None
    null_fuzzing: float | None


_COLUMNS = columns(Telling)


def telling_of(reader: AnalysisQueries, sae: str, feature: int) -> Telling | None:
    """Of one feature; None where it has no label, or the analysis is absent."""
    if reader.absence(TELLING):
        return None
    query = f"SELECT {_COLUMNS} FROM memory.main.telling WHERE sae = ? AND feature = ?"
    return reader.first(Telling, query, [sae, feature])
