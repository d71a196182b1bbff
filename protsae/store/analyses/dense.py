"""The analysis `dense`: what features that fire on more than a tenth of all residues carry.

A number holds where it passes its threshold in `THRESHOLDS`. For position and hydrophobicity it is Spearman's
correlation with the activation; for terminus, amino acid, structure and disorder 2 AUROC - 1, so that .5 is an AUROC
of .75 (or of .25: it is silent there). Which letter, end or element is chosen on valid; the number is told on test.
Disordered are residues that a stored structure leaves out between others that it resolves; only such chains are looked
at, from the first resolved residue to the last.

Read `DENSE`, then `dense_tags`.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

DENSEST = 0.1
"""Share of residues above which a feature is dense."""

ENDS = 10
"""Residues of a chain that are its first and its last ones."""

Tag = Literal[
    "antipodal", "duplicate", "position", "terminus", "amino_acid", "hydrophobicity", "structure", "disorder",
    "protein", "component", "silent",
]  # fmt: skip
TAGS: tuple[Tag, ...] = get_args(Tag)

THRESHOLDS: Mapping[Tag, float] = {
    "antipodal": 0.9,
    "duplicate": 0.9,
    "position": 0.4,
    "terminus": 0.5,
    "amino_acid": 0.5,
    "hydrophobicity": 0.4,
    "structure": 0.5,
    "disorder": 0.5,
    "protein": 0.5,
    "component": 0.75,
    "silent": 0.2,
}
"""Least value, either sign; of `silent` the largest, in units of `by_chance`."""

DENSE = Analysis(
    name="dense",
    version=2,
    meaning="What features that fire on more than a tenth of all residues carry",
    reads=("proteins", "embed", "train", "activations", "structures", "statistics"),
    tables=(
        Table(
            name="dense_tag",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; only features above 10 % density have rows"),
                Column("tag", "VARCHAR", " | ".join(TAGS)),
                Column("detail", "VARCHAR", "the letter, end, element or component that is meant; '' for none"),
                Column("value", "REAL", "correlation, 2 AUROC - 1, product of cosines, or share; see the module"),
                Column(
                    "by_chance",
                    "REAL",
                    "the same where the signal is moved along the chain (protein: by luck; antipodal, duplicate, "
                    "component: mean of features that are not dense; silent: a random direction's)",
                ),
                Column("partner", "INTEGER", "the other feature of a pair", optional=True),
                Column("holds", "BOOLEAN", "the value passes the threshold of its tag"),
            ),
            sorted_by=("sae", "feature", "tag"),
        ),
    ),
)


class DenseTag(NamedTuple):
    """One thing that a dense feature may carry."""

    sae: str
    feature: int
    tag: Tag
    detail: str
    value: float
    by_chance: float
    partner: int | None
    holds: bool


def dense_tags(reader: AnalysisQueries, sae: str, feature: int) -> list[DenseTag]:
    """Of one feature, those that hold first; none where it is not dense, or the analysis is absent."""
    if reader.absence(DENSE):
        return []
    query = f"""
        SELECT {columns(DenseTag)} FROM dense_tag WHERE sae = ? AND feature = ?
        ORDER BY holds DESC, tag
    """
    return reader.rows(DenseTag, query, [sae, feature])


def all_dense_tags(reader: AnalysisQueries) -> list[DenseTag]:
    """Of every dense feature of every SAE."""
    if reader.absence(DENSE):
        return []
    query = f"SELECT {columns(DenseTag)} FROM dense_tag ORDER BY sae, feature, tag"
    return reader.rows(DenseTag, query)
