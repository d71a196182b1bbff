"""Steering runs for the Steer page: what is raised, where, and every answer kept while the slider moves.

What does not depend on the strength (mask, lower half of the language model, encoding) is computed once per protein and
setting; a strength then costs the upper layers and one re-encoding, which the protein view shares. What takes many runs
(random features, samples) is computed in slices (`services/slices.py`); the curve is in `doses.py`. Read `Plan`, then
`answer`, then `random_features`.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from explorer.draw import words
from explorer.protein.predictions import pooled
from explorer.services import data, live
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from explorer.services.slices import Known, Slices
from protsae.steering.controls import Controls, controls, matched_sets
from protsae.steering.steer import Predictions, Reading, Rewritten, SteerConfig, Steering, SteerResult
from protsae.store.rows import TermFeature

MOST_LISTED, STORED_LENGTHS = 600, (90, 400)


class Plan(NamedTuple):
    """One thing to steer in one sequence; hashable, so it is the key of every cache."""

    sae: str
    feature: int
    sequence: str
    config: SteerConfig
    also: tuple[tuple[int, float], ...] = ()
    """Other features with a strength of their own each."""

    @property
    def ref(self) -> FeatureRef:
        """The feature that the reader chose."""
        return FeatureRef(self.sae, self.feature)


class Push(NamedTuple):
    """What a random set of features did in the place of the chosen one and its ancestors."""

    features: tuple[int, ...]
    """That were raised."""

    after: Reading
    """Of the chosen feature."""

    n_changed: int
    perplexity: float


class Check(NamedTuple):
    """A judge that steering did not touch: the feature of an SAE without guidance that fits the term best."""

    term: TermFeature
    before: float
    after: float


def stored_proteins() -> dict[str, str]:
    """Accession -> what the list calls it: proteins of moderate length with a structure, or any where there is none."""
    return {accession: f"{accession} · {name} · {length}" for accession, name, length in _stored()}


def default_protein(ref: FeatureRef) -> str | None:
    """One in which the feature fires weakly, so that there is room to rise; else the one nearest to 250 residues.

    None where no protein is stored.
    """
    listed = stored_proteins()
    for band in ("low", "high", "3d", "top"):
        found = next((row.accession for row in data.examples(ref, band) if row.accession in listed), None)
        if found is not None:
            return found
    return min(_stored(), key=lambda row: (abs(row[2] - 250), row[0]), default=(None,))[0]


def raised(plan: Plan) -> dict[int, float]:
    """Features that are raised, each with its 99th percentile; a guided feature brings its term's ancestors."""
    table = live.features(plan.sae)
    p99 = table["p99_act"].to_numpy()
    chosen = {plan.feature: float(p99[plan.feature])}
    go_id = table["go_id"].iloc[plan.feature]
    if plan.config.include_ancestors and isinstance(go_id, str):
        above = [row.go_id for row in data.bundle().reader.ancestors(go_id)]
        for feature in np.flatnonzero(table["go_id"].isin(above).to_numpy() & (p99 > 0)).tolist():
            chosen.setdefault(feature, float(p99[feature]))
    return chosen


def always(plan: Plan) -> dict[int, float]:
    """What is added to the plan's other features, whatever the strength of the first."""
    p99, _ = scales(plan.sae)
    return {feature: strength * float(p99[feature]) for feature, strength in plan.also}


def answer(plan: Plan, strength: float) -> SteerResult:
    """The sequence at one strength.

    Raises:
        InputError: the sequence is too long, or the feature never fires.
        ArtifactError: the language model cannot be loaded.
    """
    written = rewritten(plan, strength)
    before, after = (reading(plan.ref, sequence) for sequence in (plan.sequence, written.steered))
    return SteerResult.of(written, strength, (before,), (after,))


def compared(plan: Plan, strength: float) -> Controls:
    """The same mask, pushed by nothing, and at the same strength in a random direction."""
    return _compared(_without_strength(plan), strength)


def random_features(plan: Plan, strength: float, *, seconds: float = 0) -> Known[Push]:
    """The same mask and strength, pushed by random features of about the same density, set by set.

    Args:
        plan: what is steered.
        strength: of each in units of its own 99th percentile.
        seconds: for how long to compute what is not known yet, one run at least; 0 for nothing.
    """
    return _pushes(_without_strength(plan), strength).known(seconds)


def independent(plan: Plan, result: SteerResult) -> Check | None:
    """What the feature that fits the term best without guidance makes of both sequences; None where there is none."""
    row = data.feature(plan.ref)
    if row is None or row.go_id is None:
        return None
    term = data.term_pair(row.go_id).baseline
    if term is None:
        return None
    ref = [FeatureRef(term.sae, term.feature)]
    before, after = (
        pooled(live.feature_rows(sequence, ref)[0], term.pooling) for sequence in (result.original, result.steered)
    )
    return Check(term, before, after)


def _without_strength(plan: Plan) -> Plan:
    """The plan as key of what does not depend on the strength."""
    return plan._replace(config=replace(plan.config, strength=1.0))


@cached_by_bundle(8, shared=True, spinner="Reading the sequence …")
def _steering(sae: str, sequence: str, config: SteerConfig) -> Steering:
    plm, spec = live.language_model()
    return Steering(plm, spec, live.sae(sae), sequence, config)


def prepared(plan: Plan) -> Steering:
    """The plan's sequence, run up to the autoencoder; shared by all strengths."""
    return _steering(plan.sae, plan.sequence, replace(plan.config, strength=1.0))


def rewritten(plan: Plan, strength: float) -> Rewritten:
    """The new sequence at one strength, without a read-out."""
    return _rewritten(_without_strength(plan), strength)


def scanned(plan: Plan, strength: float) -> Predictions:
    """What the model prefers at every residue with nothing hidden, without the push and with it."""
    return _scanned(_without_strength(plan), strength)


def reading(ref: FeatureRef, sequence: str) -> Reading:
    """What a feature makes of a sequence, from the encoding that the protein view shares."""
    own, pi = live.feature_rows(sequence, [ref])[0], live.encode(sequence, ref.sae).pi
    mean_pi = float(pi[:, ref.feature].mean()) if ref.feature < pi.shape[1] else None
    return Reading(ref.feature, float(own.max()), float(own.mean()), mean_pi)


@cached_by_bundle(256, shared=True)
def _rewritten(plan: Plan, strength: float) -> Rewritten:
    return prepared(plan).rewrite(raised(plan), strength=strength, always=always(plan))


@cached_by_bundle(16, shared=True)
def _scanned(plan: Plan, strength: float) -> Predictions:
    return prepared(plan).scan(raised(plan), strength=strength, always=always(plan))


@cached_by_bundle(128, shared=True)
def _compared(plan: Plan, strength: float) -> Controls:
    return controls(
        prepared(plan), raised(plan), strength=strength, always=always(plan), read=[plan.feature], seed=plan.config.seed
    )


@cached_by_bundle(64, shared=True)
def random_sets(plan: Plan) -> list[tuple[int, ...]]:
    """Random features to raise in the place of the plan's, set by set; the strength is no part of it."""
    p99, density = scales(plan.sae)
    return matched_sets(list(raised(plan)), p99=p99, density=density, seed=plan.config.seed)


@cached_by_bundle(128, shared=True)
def _pushes(plan: Plan, strength: float) -> Slices[Push]:
    sets = random_sets(plan)
    return Slices(len(sets), lambda place: _push(plan, strength, sets[place]))


def _push(plan: Plan, strength: float, features: tuple[int, ...]) -> Push:
    p99, _ = scales(plan.sae)
    others = {feature: float(p99[feature]) for feature in features}
    written = prepared(plan).rewrite(others, strength=strength, always=always(plan))
    return Push(
        features, reading(plan.ref, written.steered), len(written.changed), float(np.exp(written.surprisal_after))
    )


def scales(sae: str) -> tuple[np.ndarray, np.ndarray]:
    """p99_act and density of every feature."""
    table = live.features(sae)
    return table["p99_act"].to_numpy(), table["density"].to_numpy()


@cached_by_bundle(2)
def _stored() -> list[tuple[str, str, int]]:
    reader = data.bundle().reader
    table = reader.sequence_index()
    fit = table[table["has_structure"] & table["sequence"].str.len().between(*STORED_LENGTHS)]
    chosen = pd.DataFrame(fit if len(fit) else table).head(MOST_LISTED)
    return [
        (row.accession, words.protein_name(row.accession, row.protein_name, limit=40), row.length)
        for row in reader.proteins(chosen["accession"].tolist())
    ]
