"""The analysis `alikeness`: whether the proteins on which a feature fires are alike by something else than this model.

    score = sum over n < m of a_n a_m s_nm / sum over n < m of a_n a_m

a: strongest residue of a test protein, 0 to 1 within the feature; one protein a homology cluster. s: cosine of how
often the 512 triplets of eight classes of amino acids occur, each beside its mean and spread. The mean over all pairs
is the null: what the score would be if activations were dealt at random; z counts standard deviations of such deals.

Read `ALIKENESS`, then `alikeness_of`.

Source: monosemanticity score, Pach et al. 2025 (arXiv:2504.02821), there of images.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

ALIKENESS = Analysis(
    name="alikeness",
    version=1,
    meaning="Whether the proteins on which a feature fires are alike in sequence",
    reads=("proteins", "embed", "train", "activations", "statistics"),
    tables=(
        Table(
            name="alikeness",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; below 3 firing test proteins it has no row"),
                Column("n_firing", "INTEGER", "test proteins, one a homology cluster, in which it fires"),
                Column("score", "REAL", "mean similarity of two proteins, weighted by both activations, -1 to 1"),
                Column("by_chance", "REAL", "the same of all pairs"),
                Column("z", "REAL", "how many standard deviations of random deals above that"),
                Column("null_z", "REAL", "the same of activations dealt at random once more"),
            ),
            sorted_by=("sae", "feature"),
        ),
    ),
)


class Alikeness(NamedTuple):
    """How alike the proteins of one feature are; columns of `alikeness`."""

    sae: str
    feature: int
    n_firing: int
    score: float
    by_chance: float
    z: float
    null_z: float


def alikeness_of(reader: AnalysisQueries, sae: str, feature: int) -> Alikeness | None:
    """Of one feature; None where it fires too rarely, or the analysis is absent."""
    if reader.absence(ALIKENESS):
        return None
    query = f"SELECT {columns(Alikeness)} FROM memory.main.alikeness WHERE sae = ? AND feature = ?"
    return reader.first(Alikeness, query, [sae, feature])
