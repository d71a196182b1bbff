"""The dose-response curve: one thing after another pushed at every strength, and what judges make of it.

Read `ARMS`, then `Told` and `curve`.
"""

from dataclasses import replace
from typing import NamedTuple

import torch

from explorer.services import data, judges, live
from explorer.services.cached import cached_by_bundle
from explorer.services.slices import Known, Slices
from explorer.steer import runs
from explorer.steer.runs import Plan
from protsae.steering.steer import Reading, Rewritten, SteerConfig, Steering
from protsae.store.rows import TermFeature

STRENGTHS = (-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
"""In units of the feature's 99th percentile; below 0 is the opposite sign."""

ARMS = {
    "feature": "this feature",
    "random_feature": "random feature of equal density",
    "random_direction": "random direction of equal length",
    "unguided": "best feature without guidance",
    "difference_of_means": "difference of means (no autoencoder)",
    "logits": "this feature, logits amplified",
}
"""What is pushed -> what the curve calls it. Random feature and direction are controls, the others alternatives."""

CONTROLS = ("random_feature", "random_direction")


class Told(NamedTuple):
    """What one push did, and what judges make of it."""

    reading: Reading
    """Of the chosen feature, which knows itself best."""
    log_odds: float | None
    """Of the term, by the probe; None where the term cannot be read out."""
    kmers: float | None
    """Nearness of 3-mers to carriers', in standard deviations over proteins."""
    n_changed: int


class Dose(NamedTuple):
    """One strength of the curve, on the feature and on all that it must be compared with."""

    strength: float
    told: dict[str, Told]
    """By arm; an arm that this bundle cannot run is left out."""


def curve(plan: Plan, *, seconds: float = 0) -> Known[Dose]:
    """Dose-response of every arm, strength by strength.

    Args:
        plan: what is steered; its own strength is not used.
        seconds: for how long to compute what is not known yet, one strength at least; 0 for nothing.
    """
    return _doses(plan._replace(config=replace(plan.config, strength=1.0))).known(seconds)


def told(plan: Plan, written: Rewritten) -> Told:
    """What judges make of a sequence."""
    go_id = judges.term_of(plan.ref)
    probe, near = (judges.probe(go_id), judges.kmers(go_id)) if go_id else (None, None)
    return Told(
        runs.reading(plan.ref, written.steered),
        probe.log_odds(written.steered) if probe else None,
        near.similarity(written.steered) if near else None,
        len(written.changed),
    )


def unguided(plan: Plan) -> TermFeature | None:
    """The feature of an autoencoder without guidance that fits the term best; None where it is the plan's own."""
    go_id = judges.term_of(plan.ref)
    term = data.term_pair(go_id).baseline if go_id else None
    return None if term is None or (term.sae, term.feature) == plan.ref else term


@cached_by_bundle(16, shared=True)
def _doses(plan: Plan) -> Slices[Dose]:
    return Slices(len(STRENGTHS), lambda place: _dose(plan, STRENGTHS[place]))


def _dose(plan: Plan, strength: float) -> Dose:
    steering, raised, always = runs.prepared(plan), runs.raised(plan), runs.always(plan)
    p99, _ = runs.scales(plan.sae)
    random = {feature: float(p99[feature]) for feature in runs.random_sets(plan)[0]}
    direction = torch.randn(steering.d_model, generator=torch.Generator().manual_seed(plan.config.seed))
    written = {
        "feature": runs.rewritten(plan, strength),
        "random_feature": steering.rewrite(random, strength=strength, always=always),
        "random_direction": steering.rewrite(raised, strength=strength, always=always, direction=direction),
    }
    if (other := unguided(plan)) is not None:
        elsewhere = _steering_by(other.sae, plan.sequence, plan.config)
        unit = float(runs.scales(other.sae)[0][other.feature])
        if unit > 0:
            written["unguided"] = elsewhere.rewrite({other.feature: unit}, strength=strength)
    go_id = judges.term_of(plan.ref)
    if go_id and (probe := judges.probe(go_id)):
        away = -1.0 if strength < 0 else 1.0  # a length has no sign
        written["difference_of_means"] = steering.rewrite(
            raised, strength=abs(strength), always=always, direction=away * probe.difference
        )
    if plan.config.by != "logits":
        amplified = _steering_by(plan.sae, plan.sequence, replace(plan.config, by="logits"))
        written["logits"] = amplified.rewrite(raised, strength=strength, always=always)
    return Dose(strength, {arm: told(plan, one) for arm, one in written.items()})


@cached_by_bundle(8, shared=True)
def _steering_by(sae: str, sequence: str, config: SteerConfig) -> Steering:
    plm, spec = live.language_model()
    return Steering(plm, spec, live.sae(sae), sequence, config)
