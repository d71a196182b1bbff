"""The analysis `folds`: whether the places at which a feature fires most are alike in three dimensions.

    rmsd = mean over pairs of proteins of the RMSD of 15 C-alphas around their strongest residue, best fit

Of each feature the stored structures in which it fires most, one a homology cluster. The null lays the pairs at random
residues of the same structures; z counts standard deviations of such draws, negative where the places are more alike.
No structure took part in training, so structures of all splits count.

Read `FOLDS`, then `fold_of`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

FOLDS = Analysis(
    name="folds",
    version=1,
    meaning="Whether the places at which a feature fires most are alike in three dimensions",
    reads=("proteins", "embed", "train", "activations", "structures"),
    tables=(
        Table(
            name="fold",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; below 4 structures it has no row"),
                Column("n_proteins", "INTEGER", "structures, one a homology cluster"),
                Column("rmsd", "REAL", "angstrom, mean over pairs"),
                Column("by_chance", "REAL", "the same at random residues, mean"),
                Column("z", "REAL", "standard deviations above that; negative: more alike"),
                Column("null_z", "REAL", "the same of one further draw of random residues"),
            ),
            sorted_by=("sae", "feature"),
        ),
    ),
)


class Fold(NamedTuple):
    """How alike the places of one feature are; columns of `fold`."""

    sae: str
    feature: int
    n_proteins: int
    rmsd: float
    by_chance: float
    z: float
    null_z: float


def fold_of(reader: AnalysisQueries, sae: str, feature: int) -> Fold | None:
    """Of one feature; None where there are too few structures, or the analysis is absent."""
    if reader.absence(FOLDS):
        return None
    query = f"SELECT {columns(Fold)} FROM memory.main.fold WHERE sae = ? AND feature = ?"
    return reader.first(Fold, query, [sae, feature])
