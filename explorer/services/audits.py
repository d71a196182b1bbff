"""What was measured of single features beyond their labels: look-ups kept while the bundle stays.

Read any look-up; `measured` has all of them side by side.
"""

import pandas as pd

from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses import dense, enriched
from protsae.store.analyses.alikeness import ALIKENESS, Alikeness, alikeness_of
from protsae.store.analyses.breadth import BREADTH, Breadth, breadth_of
from protsae.store.analyses.dense import DenseTag
from protsae.store.analyses.enriched import EnrichedSummary, EnrichedTerm
from protsae.store.analyses.folds import FOLDS, Fold, fold_of
from protsae.store.analyses.telling import TELLING, Intervention, Telling, intervention_of, interventions, telling_of


def dense_tags(ref: FeatureRef) -> list[DenseTag]:
    """What a dense feature may carry, those that hold first."""
    return dense.dense_tags(bundle().reader, *ref)


def enriched_terms(ref: FeatureRef) -> list[EnrichedTerm]:
    """What the strongest proteins of an unguided feature share, the surest first."""
    return enriched.enriched_terms(bundle().reader, *ref)


def telling(ref: FeatureRef) -> Telling | None:
    """How well a feature's label tells where it fires; None where it has no label."""
    return telling_of(bundle().reader, *ref)


def intervention(ref: FeatureRef) -> Intervention | None:
    """What raising a feature does to its label; None where it was not steered."""
    return intervention_of(bundle().reader, *ref)


def alikeness(ref: FeatureRef) -> Alikeness | None:
    """How alike the proteins are in which a feature fires; None where it fires too rarely."""
    return alikeness_of(bundle().reader, *ref)


def breadth(ref: FeatureRef) -> Breadth | None:
    """In how many organisms a feature fires; None where it fires too rarely."""
    return breadth_of(bundle().reader, *ref)


def fold(ref: FeatureRef) -> Fold | None:
    """How alike in space the places are at which a feature fires most; None where there are too few structures."""
    return fold_of(bundle().reader, *ref)


@cached_by_bundle(128)
def features_enriched_for(term: str) -> list[EnrichedTerm]:
    """Unguided features whose strongest proteins carry a term, on test, too."""
    return enriched.features_enriched_for(bundle().reader, term)


@cached_by_bundle(8)
def enriched_summary(sae: str) -> EnrichedSummary | None:
    """All unguided features of an autoencoder in numbers."""
    return next((row for row in enriched.enriched_summary(bundle().reader) if row.sae == sae), None)


_TOLD = [
    "detection", "strongest", "false_share", "null_detection", "relatives", "embedding", "null_embedding", "rule",
    "fuzzing", "null_fuzzing",
]  # fmt: skip


@cached_by_bundle(4, shared=True)
def measured(sae: str) -> pd.DataFrame:
    """Every feature of an autoencoder that fires, and every number that was measured of it; NaN where it was not.

    Columns sae, feature, kind, label, label_grade, density; z and null_z of alikeness; breadth; rmsd,
    fold_z and null_fold_z of folds; detection, strong (detection of the strongest tenth), null_detection, relatives,
    embedding, null_embedding, rule, fuzzing, null_fuzzing of telling; raised, null_raised and raised_p, what raising
    it does to its label; shared, the surest term that test confirms.
    """
    reader = bundle().reader
    points = reader.map_points(sae)
    table = points.loc[points["density"] > 0, ["feature", "kind", "label", "label_grade", "density"]]
    for analysis, names in (
        (TELLING, _TOLD),
        (ALIKENESS, ["z", "null_z"]),
        (BREADTH, ["breadth"]),
        (FOLDS, ["rmsd", "z", "null_z"]),
    ):
        own = reader.analysis_table(analysis, analysis.tables[0].name)
        own = own.loc[own["sae"] == sae, ["feature", *names]].astype({"feature": "int64"})
        if analysis is FOLDS:
            own = own.rename(columns={"z": "fold_z", "null_z": "null_fold_z"})
        table = table.merge(own, on="feature", how="left")
    steered = [(row.feature, row.score, row.null, row.p_value) for row in interventions(reader, sae)]
    effects = pd.DataFrame(steered, columns=["feature", "raised", "null_raised", "raised_p"]).astype("float64")
    table = table.merge(effects.astype({"feature": "int64"}), on="feature", how="left")
    surest = {row.feature: row.name for row in enriched.surest_terms(reader) if row.sae == sae and row.is_confirmed}
    return table.assign(
        sae=sae,
        strong=(table["strongest"] + 1 - table["false_share"]) / 2,
        shared=[surest.get(feature, "") for feature in table["feature"].tolist()],
    )


@cached_by_bundle(4, shared=True)
def tags_of(sae: str) -> dict[int, list[DenseTag]]:
    """What every dense feature of an autoencoder may carry, by feature."""
    found: dict[int, list[DenseTag]] = {}
    for tag in dense.all_dense_tags(bundle().reader):
        if tag.sae == sae:
            found.setdefault(tag.feature, []).append(tag)
    return found
