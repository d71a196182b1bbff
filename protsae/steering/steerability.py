"""Steerability: does raising a feature raise what it stands for, more than a random feature and a random direction do?

    effect     = log-odds of the feature's term on the steered protein - log-odds on the original one
    difference = mean over proteins of (effect - effect of the control on the same protein)

The log-odds are a linear probe's on the mean PLM state of the whole sequence, embedded anew: the probe knows neither
the SAE nor its concept predictor. Proteins lack the term, so that there is room to rise. All arms share the mask and
the seed: nothing is pushed (the original comes back, effect 0), the feature is raised, a random feature of matched
density is raised (another one on every protein), a random direction is pushed as far.

Where they are asked for, three more are told: the same feature lowered as far, a push along the difference of means
(CAA) that is as long, and what 3-mers make of the feature's sequence beside the random feature's.

`p_value` is the larger of two exact sign-flip tests, against the random feature and against the random direction: a
small one says that both are beaten. Whether the feature raises its own function or just any is told by `specificity`:
the share of the other terms that it raises less, .5 by chance.

Read `draw_trials`, then `run_trials` and `steerability_of`.

Source: this project's design; the paper reports no controls.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from protsae.errors import ConfigError
from protsae.measures.paired import MOST_PAIRS, bootstrap_mean, sign_flip_p
from protsae.measures.probes import LogisticProbe
from protsae.plm.base import PLM
from protsae.plm.spec import PLMSpec
from protsae.steering.controls import nearest_in_density
from protsae.steering.judges import KmerJudge
from protsae.steering.steer import SteerableSAE, SteerConfig, Steering
from protsae.steering.types import TESTED_STRENGTH, Rewritten


@dataclass(frozen=True, kw_only=True)
class SteerabilityConfig:
    """How steerability is measured."""

    n_proteins: int = 12
    """Held-out proteins a feature; with n of them no p is below 2^-n, so 8 are too few for hundreds of features."""

    pool: int = 64
    """They are drawn from so many of the proteins that lack the term: features share the passes that none changes."""

    max_residues: int = 200
    """Longer proteins are not taken."""

    strength: float = TESTED_STRENGTH
    """In units of the feature's p99_act."""

    how: SteerConfig = field(default_factory=SteerConfig)
    """How each protein is steered: the explorer's default; the feature alone is raised."""

    seed: int = 0
    """Of proteins, control features, directions and bootstrap."""

    def __post_init__(self) -> None:
        if not 1 <= self.n_proteins <= MOST_PAIRS:
            raise ConfigError(f"n_proteins must be 1 to {MOST_PAIRS}, got {self.n_proteins}.")
        if self.pool < self.n_proteins:
            raise ConfigError(f"pool must be at least n_proteins ({self.n_proteins}), got {self.pool}.")
        if self.max_residues < 1:
            raise ConfigError(f"max_residues must be at least 1, got {self.max_residues}.")

    @property
    def steering(self) -> SteerConfig:
        """How each protein is steered, the strength and the seed put in."""
        return replace(self.how, strength=self.strength, include_ancestors=False, seed=self.seed)


class MoreArms(NamedTuple):
    """What three more read-outs need, by column of the probe."""

    directions: Float[np.ndarray, "m d_model"]
    """Differences of means."""
    kmers: Mapping[int, tuple[KmerJudge, float]]
    """Judge of a term and its spread over proteins; of the terms that are steered."""


class Trial(NamedTuple):
    """One feature raised in one protein, with its controls."""

    feature: int
    p99: float
    """The feature's p99_act."""

    concept: int
    """Column of the probe."""

    protein: int
    """Row among the sequences."""

    control: int
    """The random feature."""

    control_p99: float
    seed: int
    """Of the random direction."""


class Outcome(NamedTuple):
    """What one trial did; effects are changes of the term's log-odds against the unpushed protein."""

    effect: float
    random_feature: float
    """Effect of the control."""

    random_direction: float
    """Effect of the control."""

    n_changed: int
    """Residues that differ after the feature was raised."""

    n_changed_random: int
    """The same for the random feature."""

    surprisal_change: float
    """Mean of -ln p over the masked residues, after the feature was raised minus before; of the untouched PLM, nats."""

    specificity: float
    """Share of the other terms that the feature raises less than its own, each against the random feature and in units
    of its own spread over proteins; ties count half."""

    opposite: float = math.nan
    """Effect of lowering the feature as far; nan where it was not asked for, as below."""

    difference_of_means: float = math.nan
    """Effect of a push along the difference of means."""

    kmers: float = math.nan
    """Change of the 3-mers' similarity to carriers, less the random feature's, in units of its spread over proteins."""


class Steerability(NamedTuple):
    """One feature over all its proteins; effects in log-odds, means over proteins."""

    n_proteins: int
    effect: float
    random_feature: float
    random_direction: float
    difference: float
    """effect - random_feature"""

    difference_low: float
    """95 % bootstrap interval over proteins."""

    difference_high: float
    p_value: float
    """One-sided, that the feature does no more than one of the controls: the larger of the two tests."""

    n_changed: float
    n_changed_random: float
    surprisal_change: float
    specificity: float
    opposite: float
    difference_of_means: float
    kmers: float
    kmers_p_value: float
    """One-sided sign-flip, that 3-mers are no nearer to carriers' than after the random feature."""


def draw_trials(
    feature: int,
    concept: int,
    eligible: Int[np.ndarray, " n"],
    *,
    p99: Float[np.ndarray, " d_sae"],
    density: Float[np.ndarray, " d_sae"],
    config: SteerabilityConfig,
) -> list[Trial]:
    """The trials of one feature: proteins and random features by the seed; fewer where fewer proteins are eligible.

    Args:
        feature: which.
        concept: column of its term in the probe.
        eligible: rows of proteins that may be taken, in an order that all features share; the first `pool` are used.
        p99: p99_act of all features of the SAE.
        density: share of residues on which each of them fires.
        config: how many.

    Raises:
        InputError: no other feature fires.
    """
    rng = np.random.default_rng([config.seed, feature])
    pool = eligible[: config.pool]
    proteins = np.sort(rng.choice(pool, min(config.n_proteins, len(pool)), replace=False))
    near = nearest_in_density(feature, p99=p99, density=density, without=())
    controls = rng.choice(near, len(proteins), replace=len(near) < len(proteins))
    seeds = rng.integers(2**31, size=len(proteins))
    return [
        Trial(feature, float(p99[feature]), concept, protein, control, float(p99[control]), seed)
        for protein, control, seed in zip(proteins.tolist(), controls.tolist(), seeds.tolist(), strict=True)
    ]


def run_trials(
    plm: PLM,
    spec: PLMSpec,
    sae: SteerableSAE,
    trials: Sequence[Trial],
    *,
    probe: LogisticProbe,
    spread: Float[np.ndarray, " m"],
    sequences: Sequence[str],
    config: SteerabilityConfig,
    more: MoreArms | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Outcome]:
    """Steer and read out, protein by protein; a sequence that several arms have written is embedded once.

    Args:
        plm: the language model.
        spec: the layer and site that the SAE reads.
        sae: on the PLM's device.
        trials: in any order.
        probe: of the terms, on mean states at that place.
        spread: standard deviation of each term's log-odds over proteins, above 0; the unit in which terms are compared.
        sequences: of the proteins, at most `plm.max_residues` long.
        config: how to steer.
        more: what further read-outs need; None leaves them out.
        progress: takes the number of trials just done.

    Raises:
        InputError: a sequence or feature cannot be steered.
    """
    outcomes: dict[int, Outcome] = {}
    for protein in sorted({trial.protein for trial in trials}):
        here = [place for place, trial in enumerate(trials) if trial.protein == protein]
        steering = Steering(plm, spec, sae, sequences[protein], config.steering)
        written = {place: _arms(steering, trials[place], more) for place in here}
        texts = sorted({sequences[protein], *(arm.steered for arms in written.values() for arm in arms)})
        log_odds = dict(zip(texts, _read_out(plm, spec, probe, texts), strict=True))
        for place, arms in written.items():
            moved = [log_odds[arm.steered] - log_odds[sequences[protein]] for arm in arms]
            concept = trials[place].concept
            outcome = _outcome(arms, moved, spread, concept)
            if more is not None:
                judge, unit = more.kmers[concept]
                near = judge.similarity(arms[0].steered) - judge.similarity(arms[1].steered)
                opposite, means = (float(change[concept]) for change in moved[3:])
                outcome = outcome._replace(opposite=opposite, difference_of_means=means, kmers=near / unit)
            outcomes[place] = outcome
        if progress:
            progress(len(here))
    return [outcomes[place] for place in range(len(trials))]


def steerability_of(outcomes: Sequence[Outcome], *, seed: int = 0) -> Steerability:
    """One feature's outcomes, put together.

    Args:
        outcomes: one a protein, at least one and at most 20.
        seed: of the bootstrap.
    """
    effect, feature, direction, *others = np.array(outcomes, dtype=np.float64).T
    low, high = bootstrap_mean(effect - feature, seed=seed)
    kmers = others[-1]
    return Steerability(
        len(outcomes),
        float(effect.mean()),
        float(feature.mean()),
        float(direction.mean()),
        float((effect - feature).mean()),
        low,
        high,
        max(sign_flip_p(effect - feature), sign_flip_p(effect - direction)),
        *(float(values.mean()) for values in others),
        kmers_p_value=math.nan if np.isnan(kmers).any() else sign_flip_p(kmers),
    )


def _arms(steering: Steering, trial: Trial, more: MoreArms | None) -> tuple[Rewritten, ...]:
    """The feature, the random feature and the random direction; the opposite and the difference of means if asked."""
    feature = {trial.feature: trial.p99}
    direction = torch.randn(steering.d_model, generator=torch.Generator().manual_seed(trial.seed))
    arms = (
        steering.rewrite(feature),
        steering.rewrite({trial.control: trial.control_p99}),
        steering.rewrite(feature, direction=direction),
    )
    if more is None:
        return arms
    means = torch.from_numpy(more.directions[trial.concept])
    opposite = steering.rewrite(feature, strength=-steering.config.strength)
    return (*arms, opposite, steering.rewrite(feature, direction=means))


def _outcome(
    arms: Sequence[Rewritten], moved: Sequence[Float[np.ndarray, " m"]], spread: Float[np.ndarray, " m"], concept: int
) -> Outcome:
    """What one trial did.

    Args:
        arms: the feature, the random feature and the random direction, then others.
        moved: change of every term's log-odds in each of them.
        spread: unit of each term.
        concept: the feature's own.
    """
    raised, random = arms[0], arms[1]
    against = (moved[0] - moved[1]) / spread
    others = np.delete(against, concept)
    below = (others < against[concept]).sum() + 0.5 * (others == against[concept]).sum()
    return Outcome(
        *(float(change[concept]) for change in moved[:3]),
        n_changed=len(raised.changed),
        n_changed_random=len(random.changed),
        surprisal_change=raised.surprisal_after - raised.surprisal_before,
        specificity=float(below / len(others)) if len(others) else 0.5,
    )


def _read_out(plm: PLM, spec: PLMSpec, probe: LogisticProbe, sequences: Sequence[str]) -> Float[np.ndarray, "n m"]:
    """Log-odds of every concept on mean states."""
    means = np.empty((len(sequences), plm.d_model))
    for index, x in plm.harvest(sequences, layer=spec.layer, site=spec.site):
        means[index] = x.double().mean(dim=0).numpy()
    return probe.logits(means)
