"""Whether features come back from other seeds, and when they learn their terms. Look-ups kept while the bundle stays.

Read `of_feature`.
"""

from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses import onsets, seeds
from protsae.store.analyses.onsets import Onset, OnsetLook
from protsae.store.analyses.seeds import FeatureSeeds, SAESeeds, TermSeeds


@cached_by_bundle(8, shared=True)
def of_sae(sae: str) -> dict[int, FeatureSeeds]:
    """Every feature of an SAE beside its other trainings; empty where that was not measured."""
    return {row.feature: row for row in seeds.feature_seeds(bundle().reader, sae)}


def of_feature(ref: FeatureRef) -> FeatureSeeds | None:
    """One feature; None where it was not measured."""
    return of_sae(ref.sae).get(ref.feature)


def of_term(sae: str, go_id: str) -> TermSeeds | None:
    """A term's AUROC over seeds; None where it was not measured."""
    return seeds.term_seeds(bundle().reader, sae, go_id)


@cached_by_bundle(2)
def whole() -> list[SAESeeds]:
    """Every SAE beside its other trainings; empty where that was not measured."""
    return seeds.sae_seeds(bundle().reader)


@cached_by_bundle(2)
def learnt() -> list[Onset]:
    """When each SAE learnt its terms; empty where that was not measured."""
    return onsets.onsets(bundle().reader)


@cached_by_bundle(8)
def curve(sae: str) -> list[OnsetLook]:
    """What an SAE's features knew of the terms, step by step."""
    return onsets.onset_looks(bundle().reader, sae)
