"""Steering runs for the Steer page: what is raised, where, and every answer kept while the slider moves.

What does not depend on the strength (mask, lower half of the language model, encoding) is computed once per protein and
setting; a strength then costs the upper layers and one re-encoding. Read `Plan`, then `answer`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from explorer.draw import words
from explorer.protein.predictions import pooled
from explorer.services import data, live
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.steering.controls import Controls, controls, matched_features
from protsae.steering.steer import Reading, SteerConfig, Steering, SteerResult, dose_response
from protsae.store.rows import FeatureRow, TermFeature

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


class Dose(NamedTuple):
    """One strength of the curve, and the same strength on things that should not matter."""

    strength: float
    steered: Reading
    random_feature: Reading
    random_direction: Reading
    n_changed: int
    n_changed_random: int


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
    """The same mask and strength, pushed by nothing, a random feature, and a random direction."""
    return _compared(_without_strength(plan), strength)


def curve(plan: Plan) -> list[Dose]:
    """Dose-response of the feature and of its controls."""
    return _curve(_without_strength(plan))


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


def sentence(row: FeatureRow, result: SteerResult, control: SteerResult) -> str:
    """What happened, in one sentence."""
    name = row.label if row.label_grade != "none" else f"feature #{row.feature}"
    if result.strength == 0:
        return "At strength 0 nothing is pushed, so the model writes exactly the original sequence."
    hidden = words.count(len(result.masked), "hidden residue")
    if not result.n_changed:
        at = f"At strength {result.strength:+.2f}"
        return f"{at} the push alters the model's choice at none of {hidden}: nothing changes."
    before, after, other = result.before[0].max_act, result.after[0].max_act, control.after[0].max_act
    moved, moved_other = after - before, other - before
    wanted = moved if result.strength > 0 else -moved
    verb = "rises" if moved > 0 else "falls"
    how = (
        f"{verb} from {words.amount(before)} to {words.amount(after)}" if moved else f"stays at {words.amount(before)}"
    )
    if wanted <= 0:
        verdict = "so the new residues do not carry the concept"
    elif abs(moved) > 2 * abs(moved_other):
        verdict = f"and a random feature moves it by only {words.amount(abs(moved_other))}, so the change is specific"
    else:
        verdict = (
            f"but a random feature moves it by {words.amount(abs(moved_other))}, too, so the change is not specific"
        )
    share = f"{result.n_changed} of {hidden} change"
    return f"{share}; re-read by the autoencoder, the peak of “{name}” {how}, {verdict}."


def read_curve(doses: Sequence[Dose]) -> str:
    """The curve in one sentence: does the concept follow the strength, and does it within the natural range?"""
    at = {dose.strength: dose for dose in doses}
    start, natural, top = (at[s].steered.max_act for s in (0.0, 1.0, max(at)))
    other = max(dose.random_feature.max_act for dose in doses)
    best = max(doses, key=lambda dose: dose.steered.max_act)
    if best.steered.max_act <= start * 1.05:
        return "Turning it up does not make the new sequence carry more of it, at any strength."
    where = (
        "already within the natural range"
        if natural > start + 0.5 * (best.steered.max_act - start)
        else "beyond nature"
    )
    verdict = (
        "more than a random feature ever does"
        if best.steered.max_act > 1.2 * other
        else "no more than a random feature"
    )
    tail = "" if top >= 0.8 * best.steered.max_act else "; stronger pushes lose it again"
    return (
        f"The concept peaks at strength {best.strength:g}, {verdict} ({words.amount(best.steered.max_act)} against "
        f"{words.amount(other)}), and most of the effect comes {where}{tail}."
    )


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
    p99, density = _scales(plan.sae)
    return controls(_prepared(plan), raised(plan), p99=p99, density=density, strength=strength, seed=plan.config.seed)


@cached_by_bundle(16, shared=True, spinner="Running thirteen strengths with controls …")
def _curve(plan: Plan) -> list[Dose]:
    steering, features = _prepared(plan), raised(plan)
    p99, density = _scales(plan.sae)
    others = {
        i: float(p99[i]) for i in matched_features(list(features), p99=p99, density=density, seed=plan.config.seed)
    }
    steered = dose_response(steering, features, STRENGTHS)
    random = [steering.run(others, strength=s, read=list(features)) for s in STRENGTHS]
    elsewhere = [_compared(plan, s).random_direction for s in STRENGTHS]
    return [
        Dose(s, a.after[0], b.after[0], c.after[0], a.n_changed, b.n_changed)
        for s, a, b, c in zip(STRENGTHS, steered, random, elsewhere, strict=True)
    ]


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
