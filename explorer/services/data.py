"""What pages know about the open bundle: typed look-ups.

Pages import this module, never DuckDB. What takes long is kept by `cached.cached_by_bundle`, the explorer's only cache.
Read any look-up.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.ontology.namespaces import WHOLE_GO, Namespace, members
from protsae.store.analyses import confounds, sites
from protsae.store.analyses.confounds import ConfoundRow
from protsae.store.analyses.contract import Analysis
from protsae.store.analyses.evaluation import evaluation_rows
from protsae.store.analyses.sites import FeatureSite
from protsae.store.analyses.steerability import SteerabilityRow, steerability_rows
from protsae.store.rows import (
    AnnotationRow,
    Corpus,
    DifferenceRow,
    ExampleRow,
    FeatureAnnotation,
    FeatureRow,
    NeighbourRow,
    ProteinHit,
    ProteinRow,
    ProteinTerm,
    SAERow,
    StructureRow,
    TermFeature,
    TermRow,
)

MOST_SEARCHED = 120
"""Validated features that are looked through for examples that differ."""


@cached_by_bundle(4, shared=True)
def saes() -> Sequence[SAERow]:
    """The bundle's autoencoders: guided ones first, then unguided, then imported."""
    return tuple(bundle().reader.saes())


def sae(name: str) -> SAERow:
    """One autoencoder of the bundle, by the name that its features carry."""
    return next(row for row in saes() if row.name == name)


def guided_saes(namespace: str | None = None) -> list[SAERow]:
    """Those that GO terms guide; with a namespace those that its terms guide, alone or among others."""
    return [row for row in saes() if row.role == "guided" and (not namespace or namespace in members(row.namespace))]


def baseline_saes() -> list[SAERow]:
    """Those that a guided one is held against: unguided ones first, then imported."""
    return [row for row in saes() if row.role != "guided"]


def guiding_namespaces() -> list[Namespace]:
    """Namespaces whose terms guide an autoencoder of the bundle, in the usual order."""
    return [namespace for namespace in members(WHOLE_GO) if guided_saes(namespace)]


def callers(preferred: str) -> dict[str, str]:
    """For each namespace the name of one autoencoder that it guides: the preferred one where it can, else the first."""
    names = {str(namespace): [row.name for row in guided_saes(namespace)] for namespace in guiding_namespaces()}
    return {namespace: preferred if preferred in own else own[0] for namespace, own in names.items()}


def term(go_id: str) -> TermRow | None:
    """A GO term by id or alternative id."""
    return bundle().reader.term(go_id)


@cached_by_bundle(4, shared=True)
def information() -> dict[str, float]:
    """Information content of every term that proteins carry, in bits."""
    return bundle().reader.information_contents()


def parents(go_id: str) -> list[TermRow]:
    """Direct parents."""
    return list(bundle().reader.parents(go_id))


def children(go_id: str) -> list[TermRow]:
    """Direct children, those with most shipped proteins first."""
    return sorted(bundle().reader.children(go_id), key=lambda row: -row.n_shipped)


class TermPair(NamedTuple):
    """The two features that a term is judged by."""

    guided: TermFeature | None
    baseline: TermFeature | None


def term_pair(go_id: str, guided: str | None = None, baseline: str | None = None) -> TermPair:
    """The term's guided feature (else a guided autoencoder's best) and the best feature of one without guidance.

    Args:
        go_id: of the term.
        guided: the autoencoder whose feature is wanted; without it any guided one, first those that the term guides.
        baseline: the autoencoder that it is held against; without it the first of `baseline_saes`.
    """
    return pair_of(_term_features(go_id), guided, baseline)


@cached_by_bundle(256, shared=True)
def _term_features(go_id: str) -> list[TermFeature]:
    return bundle().reader.term_features(go_id)


def pair_of(rows: Sequence[TermFeature], guided: str | None = None, baseline: str | None = None) -> TermPair:
    """Choose a term's two features among its alignments, as `term_pair` does."""
    order = {row.name: place for place, row in enumerate(guided_saes())}
    wanted = set(order) if guided is None else {guided}
    against = baseline or next((row.name for row in baseline_saes()), None)
    ours = sorted(
        (row for row in rows if row.sae in wanted),
        key=lambda row: (not row.is_guiding, order[row.sae] if row.is_guiding else 0, -row.valid_f1),
    )
    theirs = sorted((row for row in rows if row.sae == against), key=lambda r: (not r.is_best_for_term, -r.valid_f1))
    return TermPair(ours[0] if ours else None, theirs[0] if theirs else None)


def difference(pair: TermPair) -> DifferenceRow | None:
    """How far the guided feature of a pair lies above the other one, in paired resamples; None where not measured."""
    ours, theirs = pair
    if ours is None or theirs is None:
        return None
    return bundle().reader.difference(ours.go_id, ours.sae, ours.feature, theirs.sae, theirs.feature)


def alternatives(go_id: str) -> list[TermFeature]:
    """Features beside `term_pair` of autoencoders that could stand in its place: guided by the term, or not guided."""
    shown = {row.sae for row in term_pair(go_id) if row is not None}
    baselines = {row.name for row in baseline_saes()}
    rows = [row for row in _term_features(go_id) if row.is_guiding or row.sae in baselines]
    best = {row.sae: row for row in sorted(rows, key=lambda row: (row.is_guiding, row.is_best_for_term, row.valid_f1))}
    return [best[row.name] for row in saes() if row.name in best and row.name not in shown]


def rolled_up(go_id: str, limit: int = 60) -> dict[str, list[TermFeature]]:
    """Alignments of a term's descendants, by descendant, best first."""
    found: dict[str, list[TermFeature]] = {}
    for row in bundle().reader.rolled_up(go_id, limit):
        found.setdefault(row.go_id, []).append(row)
    return found


def feature(ref: FeatureRef) -> FeatureRow | None:
    """One feature."""
    return bundle().reader.feature(ref.sae, ref.feature)


def feature_terms(ref: FeatureRef) -> list[TermFeature]:
    """The feature's GO terms; its guiding term first, then by validation F1."""
    return sorted(bundle().reader.feature_terms(*ref), key=lambda row: (not row.is_guiding, row.rank_in_feature or 99))


def feature_annotations(ref: FeatureRef) -> list[FeatureAnnotation]:
    """The feature's residue annotations, best first."""
    return list(bundle().reader.feature_annotations(ref.sae, ref.feature))


def headline(row: FeatureRow) -> TermFeature | FeatureAnnotation | None:
    """The alignment that a feature is called after, with its held-out scores; None where it has none."""
    ref = FeatureRef(row.sae, row.feature)
    if row.label_origin == "annotation":
        return next((site for site in feature_annotations(ref) if site.kind == row.label_id), None)
    return next((term for term in feature_terms(ref) if term.go_id == row.label_id), None)


def feature_confounds(ref: FeatureRef) -> list[ConfoundRow]:
    """How well simple facts alone predict where the feature fires, furthest above luck first."""
    return confounds.feature_confounds(bundle().reader, *ref)


def feature_sites(ref: FeatureRef) -> list[FeatureSite]:
    """How well the feature finds the residues of a term, beside what else finds them."""
    return sites.feature_sites(bundle().reader, *ref)


def annotation_features(kind: str) -> list[FeatureAnnotation]:
    """For a kind of residue annotation, the best feature of each role, by held-out F1."""
    role_of = {row.name: row.role for row in saes()}
    rows = sorted(bundle().reader.annotation_features(kind), key=lambda row: row.test_f1)
    best = {role_of[row.sae]: row for row in rows}
    return [best[role] for role in dict.fromkeys(role_of.values()) if role in best]


def examples(ref: FeatureRef, band: str, limit: int | None = None) -> list[ExampleRow]:
    """Example proteins of one band, in its order."""
    return [row for row in _examples(*ref) if row.band == band][:limit]


@cached_by_bundle(64, shared=True)
def _examples(sae: str, feature: int) -> list[ExampleRow]:
    return bundle().reader.examples(sae, feature, band=None)


def typical(row: TermFeature, limit: int) -> list[ExampleRow]:
    """Proteins that stand for an alignment: with the term where it names the feature, else the strongest."""
    carriers = _first_examples(row.sae, row.feature, "with", limit) if row.go_id == row.label_id else []
    return carriers or _first_examples(row.sae, row.feature, "top", limit)


@cached_by_bundle(256, shared=True)
def _first_examples(sae: str, feature: int, band: str, limit: int) -> list[ExampleRow]:
    """Activations are read for these alone: a list of cards shows a protein or three of each feature."""
    return bundle().reader.examples(sae, feature, band, limit)


def neighbours(ref: FeatureRef) -> list[NeighbourRow]:
    """The features of this and the other autoencoders that fire most alike."""
    return bundle().reader.neighbours(ref.sae, ref.feature)


@cached_by_bundle(4)
def validated() -> list[TermFeature]:
    """Features that a GO term names which holds: strong ones first, of these guided ones, the clearest first."""
    return bundle().reader.validated_features()


@cached_by_bundle(4)
def validated_of(sae: str) -> list[FeatureRef]:
    """Every validated feature of an autoencoder: those that a GO term names, then those that a residue annotation does.

    The latter strong ones first, of these the furthest above shuffled labels.
    """
    named = [FeatureRef(row.sae, row.feature) for row in validated() if row.sae == sae]
    points = map_points(sae)
    holds = points[points["label_grade"].isin(("strong", "weak"))]
    keys = {"is_weak": holds["label_grade"] == "weak", "below": holds["label_null_f1"] - holds["label_f1"]}
    ordered = holds.assign(**keys).sort_values(["is_weak", "below", "feature"])["feature"].tolist()
    return list(dict.fromkeys([*named, *(FeatureRef(sae, feature) for feature in ordered)]))


def peak_in_space(example: ExampleRow) -> bool:
    """Whether the residue on which the feature fires most is resolved in the protein's structure."""
    found = structure(example.accession) if example.has_structure else None
    return found is not None and example.peak_act > 0 and example.peak_pos in found.positions


def apart(one: TermFeature, other: TermFeature) -> bool:
    """Whether two terms are carried by different proteins, by more than half."""
    first, second = accessions_with_term(one.go_id), accessions_with_term(other.go_id)
    return 2 * len(first & second) < min(len(first), len(second))


@cached_by_bundle(4)
def diverse(number: int = 6) -> list[TermFeature]:
    """Validated features for the landing page: those whose terms different proteins carry, as far as there are any."""
    searched = showcase(MOST_SEARCHED)
    chosen: list[TermFeature] = []
    for row in searched:
        if len(chosen) < number and all(apart(row, other) for other in chosen):
            chosen.append(row)
    return [*chosen, *(row for row in searched if row not in chosen)][:number]


def showcase(number: int) -> list[TermFeature]:
    """Validated features from every autoencoder in turn, the surest first, no term twice."""
    by_sae: dict[str, list[TermFeature]] = {}
    for row in validated():
        by_sae.setdefault(row.sae, []).append(row)
    guided = {row.name for row in guided_saes()}
    queues = [by_sae[name] for name in sorted(by_sae, key=lambda name: (name not in guided, name))]
    chosen: list[TermFeature] = []
    for turn in range(max((len(queue) for queue in queues), default=0)):
        for queue in queues:
            if turn < len(queue) and queue[turn].term_name not in {row.term_name for row in chosen}:
                chosen.append(queue[turn])
    return chosen[:number]


@cached_by_bundle(8)
def default_feature(sae: str | None = None) -> FeatureRef:
    """The feature a page opens on: a validated one of this SAE, else its best-scored one; never simply number 0."""
    for row in validated():
        if sae is None or row.sae == sae:
            return FeatureRef(row.sae, row.feature)
    points = map_points(sae or saes()[0].name)
    scores = points["label_f1"].fillna(-1).to_numpy() + points["density"].to_numpy()
    return FeatureRef(sae or saes()[0].name, int(points["feature"].to_numpy()[int(scores.argmax())]))


def protein(accession: str) -> ProteinRow | None:
    """One shipped protein."""
    return bundle().reader.protein(accession)


def annotations(accession: str) -> list[AnnotationRow]:
    """A protein's residue annotations."""
    return bundle().reader.annotations(accession)


def protein_terms(accession: str) -> list[ProteinTerm]:
    """A protein's GO terms."""
    return bundle().reader.protein_terms(accession)


def proteins_with_term(go_id: str, limit: int | None = None) -> list[ProteinHit]:
    """Shipped proteins annotated with a term."""
    return bundle().reader.proteins_with_term(go_id, limit or 100_000)


@cached_by_bundle(64)
def accessions_with_term(go_id: str) -> frozenset[str]:
    """Shipped proteins annotated with a term, for look-ups."""
    return frozenset(hit.accession for hit in proteins_with_term(go_id))


@cached_by_bundle(4)
def corpus() -> Corpus:
    """The proteins that the bundle was made from and those that it ships."""
    return bundle().reader.corpus()


class Perplexity(NamedTuple):
    """How well the bundle's language model guesses hidden residues: among so many letters it hesitates."""

    held_out: float
    """On proteins of homology clusters that it was not trained on."""
    letters_alone: float | None
    """By the frequencies of the amino acids."""


def perplexity() -> Perplexity | None:
    """What the manifest says of the language model's perplexity, None where it says nothing."""
    facts = bundle().manifest.get("metrics", {}).get("plm", {}).get("config", {}).get("masked_perplexity", {})
    held_out, alone = facts.get("homology"), facts.get("unigram_homology")
    return None if held_out is None else Perplexity(float(held_out), None if alone is None else float(alone))


def structure(accession: str) -> StructureRow | None:
    """A protein's stored structure."""
    return bundle().reader.structure(accession)


@cached_by_bundle(8, spinner="Reading the map …")
def map_points(sae: str) -> pd.DataFrame:
    """Every feature of an SAE with its place on the map."""
    return bundle().reader.map_points(sae)


@cached_by_bundle(8, spinner="Reading the terms …")
def compare_table(guided: str, baseline: str, namespace: str) -> pd.DataFrame:
    """A namespace's terms that guide one autoencoder, with its held-out scores and those of another one."""
    rows = bundle().reader.compare_table(guided, baseline)
    return rows.loc[rows["namespace"] == namespace].reset_index(drop=True)


def dense(example: ExampleRow) -> Float[np.ndarray, " n_residues"]:
    """The example's activation on every residue of its protein; residue 1 is entry 0."""
    values = np.zeros(example.length, dtype=np.float32)
    values[example.positions.astype(int) - 1] = example.acts
    return values


def absence(analysis: Analysis) -> str:
    """Why the bundle cannot show an analysis, in one sentence; '' where it can."""
    return bundle().reader.absence(analysis)


def evaluation() -> pd.DataFrame:
    """Every method's numbers on held-out proteins; empty where the bundle was not evaluated."""
    return evaluation_rows(bundle().reader)


@cached_by_bundle(4)
def steerability() -> list[SteerabilityRow]:
    """Every validated feature that was steered on held-out proteins, the surest to raise its own function first."""
    return steerability_rows(bundle().reader)
