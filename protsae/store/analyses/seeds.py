"""The analysis `seeds`: which features come back when an SAE is trained again from another seed.

Read `SEEDS`, then `feature_seeds`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

SEEDS = Analysis(
    name="seeds",
    version=1,
    meaning="Which features come back from other seeds, and how far the scores of terms differ between them",
    reads=("proteins", "embed", "train"),
    tables=(
        Table(
            name="feature_seed",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE"),
                Column("n_seeds", "INTEGER", "trainings, the bundle's own included"),
                Column("n_found", "INTEGER", "of these, trainings with a direction of cosine .7 or more; 1 is its own"),
                Column("cosine", "REAL", "best cosine in the others, mean"),
                Column(
                    "null_cosine", "REAL", "best cosine with random directions of the dictionary's own spread, mean"
                ),
            ),
            sorted_by=("sae", "feature"),
        ),
        Table(
            name="term_seed",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("go_id", "VARCHAR", "a guiding term"),
                Column("feature", "INTEGER", "of the bundle's own SAE: the guided one, else the best on valid"),
                Column("n_seeds", "INTEGER", "trainings, the bundle's own included"),
                Column("auroc", "REAL", "of the bundle's own, on a sample of test proteins"),
                Column("auroc_low", "REAL", "lowest over the trainings"),
                Column("auroc_high", "REAL", "highest over the trainings"),
                Column("null_auroc", "REAL", "with shuffled labels, mean over the trainings"),
            ),
            sorted_by=("sae", "go_id"),
        ),
        Table(
            name="sae_seed",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("seed", "INTEGER", "of the other training, counted from the bundle's own"),
                Column("share_found", "REAL", "features of cosine .7 or more there, 0 to 1"),
                Column("null_share_found", "REAL", "the same in random directions of the dictionary's own spread"),
                Column("cosine", "REAL", "best cosine, mean over features"),
                Column("null_cosine", "REAL", "the same in random directions of the dictionary's own spread"),
                Column("haar_cosine", "REAL", "the same in directions drawn evenly"),
                Column("stability", "REAL", "mean cosine of features matched one to one"),
                Column("null_stability", "REAL", "the same with directions drawn evenly"),
                Column("orderedness", "REAL", "Spearman's rho of the indices of matched features"),
                Column("null_orderedness", "REAL", "the same with directions drawn evenly"),
                Column("guided_cosine", "REAL", "cosine of features guided by the same term, mean", optional=True),
                Column("null_guided_cosine", "REAL", "of features guided by another one", optional=True),
                Column("explained_variance", "REAL", "of the other training, on validation residues"),
                Column("l0", "REAL", "active features a residue there"),
            ),
            sorted_by=("sae", "seed"),
        ),
    ),
)


class FeatureSeeds(NamedTuple):
    """Whether a feature comes back."""

    feature: int
    n_seeds: int
    n_found: int
    cosine: float
    null_cosine: float


class TermSeeds(NamedTuple):
    """A term's AUROC over seeds."""

    go_id: str
    n_seeds: int
    auroc: float
    auroc_low: float
    auroc_high: float
    null_auroc: float


class SAESeeds(NamedTuple):
    """One SAE beside its trainings from other seeds, mean over these."""

    sae: str
    n_others: int
    share_found: float
    null_share_found: float
    cosine: float
    null_cosine: float
    stability: float
    null_stability: float
    orderedness: float
    guided_cosine: float | None
    null_guided_cosine: float | None


def feature_seeds(reader: AnalysisQueries, sae: str) -> list[FeatureSeeds]:
    """Every feature of an SAE; none where the analysis is absent."""
    if reader.absence(SEEDS):
        return []
    query = f"SELECT {columns(FeatureSeeds)} FROM feature_seed WHERE sae = ? ORDER BY feature"
    return reader.rows(FeatureSeeds, query, [sae])


def term_seeds(reader: AnalysisQueries, sae: str, go_id: str) -> TermSeeds | None:
    """A term over seeds; None where it was not scored."""
    if reader.absence(SEEDS):
        return None
    query = f"SELECT {columns(TermSeeds)} FROM term_seed WHERE sae = ? AND go_id = ?"
    return reader.first(TermSeeds, query, [sae, go_id])


def sae_seeds(reader: AnalysisQueries) -> list[SAESeeds]:
    """Every SAE, mean over its other trainings; none where the analysis is absent."""
    if reader.absence(SEEDS):
        return []
    means = ", ".join(f"avg({name})" for name in SAESeeds._fields[2:])
    return reader.rows(SAESeeds, f"SELECT sae, count(*), {means} FROM sae_seed GROUP BY sae ORDER BY sae")
