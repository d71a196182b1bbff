"""Steering runs for the Steer page: what is raised, where, and every answer kept while the slider moves.

What does not depend on the strength (mask, lower half of the language model, encoding) is computed once per protein and
setting; a strength then costs the upper layers and one re-encoding. What takes many runs (random features, the curve)
is computed in slices (`services/slices.py`). Read `Plan`, then `answer`, then `random_features`.
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
from protsae.steering.steer import Reading, SteerConfig, Steering, SteerResult
from protsae.store.rows import TermFeature

MOST_LISTED, STORED_LENGTHS = 600, (90, 400)
STRENGTHS = (-2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
"""Of the dose-response curve, in units of the feature's 99th percentile."""


class Plan(NamedTuple):
    """One thing to steer in one sequence; hashable, so it is the key of every cache."""

    sae: str
    feature: int
    sequence: str
    config: SteerConfig

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


class Dose(NamedTuple):
    """One strength of the curve, and the same strength on things that should not matter."""

    strength: float
    steered: Reading
    random_feature: Reading
    random_direction: Reading
    n_changed: int
    n_changed_random: int
    n_changed_direction: int

    @property
    def readings(self) -> tuple[Reading, Reading, Reading]:
        """Of the feature and its two controls."""
        return self.steered, self.random_feature, self.random_direction

    @property
    def changes(self) -> tuple[int, int, int]:
        """Residues changed, of the same three."""
        return self.n_changed, self.n_changed_random, self.n_changed_direction


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


def answer(plan: Plan, strength: float) -> SteerResult:
    """The sequence at one strength.

    Raises:
        InputError: the sequence is too long, or the feature never fires.
        ArtifactError: the language model cannot be loaded.
    """
    return _answer(_without_strength(plan), strength)


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


def curve(plan: Plan, *, seconds: float = 0) -> Known[Dose]:
    """Dose-response of the feature and of two controls, strength by strength; `seconds` as in `random_features`."""
    return _doses(_without_strength(plan)).known(seconds)


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


def _prepared(plan: Plan) -> Steering:
    return _steering(plan.sae, plan.sequence, plan.config)


@cached_by_bundle(256, shared=True)
def _answer(plan: Plan, strength: float) -> SteerResult:
    return _prepared(plan).run(raised(plan), strength=strength)


@cached_by_bundle(128, shared=True)
def _compared(plan: Plan, strength: float) -> Controls:
    return controls(_prepared(plan), raised(plan), strength=strength, seed=plan.config.seed)


@cached_by_bundle(64, shared=True)
def _sets(plan: Plan) -> list[tuple[int, ...]]:
    p99, density = _scales(plan.sae)
    return matched_sets(list(raised(plan)), p99=p99, density=density, seed=plan.config.seed)


@cached_by_bundle(128, shared=True)
def _pushes(plan: Plan, strength: float) -> Slices[Push]:
    sets = _sets(plan)
    return Slices(len(sets), lambda place: _push(plan, strength, sets[place]))


@cached_by_bundle(16, shared=True)
def _doses(plan: Plan) -> Slices[Dose]:
    return Slices(len(STRENGTHS), lambda place: _dose(plan, STRENGTHS[place]))


def _push(plan: Plan, strength: float, features: tuple[int, ...]) -> Push:
    p99, _ = _scales(plan.sae)
    others = {feature: float(p99[feature]) for feature in features}
    result = _prepared(plan).run(others, strength=strength, read=[plan.feature])
    return Push(features, result.after[0], result.n_changed, result.perplexity_after)


def _dose(plan: Plan, strength: float) -> Dose:
    steered, random = _answer(plan, strength), _push(plan, strength, _sets(plan)[0])
    elsewhere = _compared(plan, strength).random_direction
    readings = (steered.after[0], random.after, elsewhere.after[0])
    return Dose(strength, *readings, steered.n_changed, random.n_changed, elsewhere.n_changed)


def _scales(sae: str) -> tuple[np.ndarray, np.ndarray]:
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
