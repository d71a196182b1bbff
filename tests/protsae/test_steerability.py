"""Steerability on a toy whose answer is known: what a feature writes is what its direction reads."""

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_plm import D_MODEL, LAYERS, MASK, ToyPLM

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ConfigError
from protsae.measures.probes import LogisticProbe
from protsae.steering.directions import difference_of_means
from protsae.steering.steer import SteerConfig, Steering
from protsae.steering.steerability import (
    Outcome,
    SteerabilityConfig,
    Trial,
    draw_trials,
    run_trials,
    steerability_of,
)

CONFIG = SteerabilityConfig(seed=1, strength=1.0, how=SteerConfig(mask_choice="low_activation", mask_ratio=0.3))
P99 = np.full(D_MODEL, 8.0)
SPREAD = np.ones(2 * D_MODEL)
DENSITY = np.full(D_MODEL, 0.1)


class TiedPLM(ToyPLM):
    """Its head is its embedding table, so a push along a direction writes residues that lie along it."""

    def __init__(self) -> None:
        super().__init__()
        self._head = self._table[:MASK].T


class OrthonormalSAE:
    """As many features as dimensions, at right angles."""

    d_sae = D_MODEL

    def __init__(self) -> None:
        drawn = torch.randn(D_MODEL, D_MODEL, generator=torch.Generator().manual_seed(3))
        self.rows = torch.linalg.qr(drawn)[0]

    def encode(self, x: Tensor) -> Tensor:
        return (x @ self.rows.T).relu()

    def decode(self, acts: Tensor, _x: Tensor | None = None) -> Tensor:
        return acts @ self.rows


@pytest.fixture(scope="module")
def sequences() -> list[str]:
    rng = np.random.default_rng(0)
    return ["".join(rng.choice(list(AMINO_ACIDS), int(rng.integers(25, 40)))) for _ in range(30)]


@pytest.fixture(scope="module")
def probe() -> LogisticProbe:
    """Concept f reads along feature f, concept D_MODEL + f against it."""
    along = OrthonormalSAE().rows.numpy().astype(np.float64)
    weight = np.concatenate([along, -along])
    return LogisticProbe(weight, np.zeros(len(weight)), np.zeros(D_MODEL), np.ones(D_MODEL), 1.0)


def outcomes_of(sequences: list[str], probe: LogisticProbe, trials: list[Trial]) -> list[Outcome]:
    plm = TiedPLM()
    spec = plm.spec(layer=LAYERS, site="resid_post")
    return run_trials(
        plm, spec, OrthonormalSAE(), trials, probe=probe, spread=SPREAD, sequences=sequences, config=CONFIG
    )


def drawn(feature: int, concept: int, p99: np.ndarray = P99) -> list[Trial]:
    return draw_trials(feature, concept, np.arange(30), p99=p99, density=DENSITY, config=CONFIG)


def test_a_feature_that_lies_along_the_probe_raises_its_concept(sequences: list[str], probe: LogisticProbe) -> None:
    along = [steerability_of(outcomes_of(sequences, probe, drawn(f, f))) for f in range(D_MODEL)]
    other = [steerability_of(outcomes_of(sequences, probe, drawn(f, (f + 5) % D_MODEL))) for f in range(D_MODEL)]
    against = [steerability_of(outcomes_of(sequences, probe, drawn(f, D_MODEL + f))) for f in range(D_MODEL)]

    assert all(row.n_proteins == 12 for row in along)
    assert all(row.effect > 0 and row.difference > 0 for row in along)
    assert sum(row.p_value < 0.05 and row.difference_low > 0 for row in along) >= D_MODEL // 2
    assert min(row.p_value for row in along) == 2**-12
    assert np.mean([row.specificity for row in along]) > 0.65
    assert all(row.difference < 0 and row.p_value > 0.8 for row in against)
    assert np.mean([row.specificity for row in against]) < 0.35
    raised = np.mean([row.difference for row in along])
    assert abs(np.mean([row.difference for row in other])) < raised / 5
    assert abs(np.mean([row.specificity for row in other]) - 0.5) < 0.1


def test_effects_are_differences_of_the_probes_log_odds(sequences: list[str], probe: LogisticProbe) -> None:
    plm, trials = TiedPLM(), drawn(2, 2)
    found = outcomes_of(sequences, probe, trials)

    spec, sae = plm.spec(layer=LAYERS, site="resid_post"), OrthonormalSAE()
    for trial, outcome in zip(trials[:3], found[:3], strict=True):
        steering = Steering(plm, spec, sae, sequences[trial.protein], CONFIG.steering)
        result = steering.run({2: 8.0})
        means = [plm.embed(s, layer=LAYERS).numpy().mean(axis=0) for s in (result.original, result.steered)]
        before, after = probe.logits(np.stack(means))[:, 2]
        assert outcome.effect == pytest.approx(after - before, abs=1e-5)
        assert outcome.n_changed == result.n_changed
        change = np.log(result.perplexity_after) - np.log(result.perplexity_before)
        assert outcome.surprisal_change == pytest.approx(change, abs=1e-4)


@pytest.mark.parametrize(("feature", "direction"), [(0.0, 2.0), (2.0, 0.0), (2.0, 2.0)])
def test_both_controls_must_be_beaten(feature: float, direction: float) -> None:
    def outcome(place: int) -> Outcome:
        noise = 0.01 * place
        return Outcome(
            2 + noise, feature, direction, n_changed=1, n_changed_random=1, surprisal_change=0, specificity=0.5
        )

    beaten = [outcome(place)._replace(random_feature=0.0, random_direction=0.0) for place in range(12)]
    assert steerability_of(beaten).p_value == 2**-12
    unsure = [outcome(place)._replace(effect=2 + 0.01 * (-1) ** place) for place in range(12)]
    assert steerability_of(unsure).p_value > 0.3


def test_a_push_of_no_strength_does_nothing_and_is_not_called_anything(
    sequences: list[str], probe: LogisticProbe
) -> None:
    row = steerability_of(outcomes_of(sequences, probe, drawn(4, 4, np.full(D_MODEL, 1e-9))))

    assert (row.effect, row.random_feature, row.random_direction, row.n_changed) == (0, 0, 0, 0)
    assert (row.p_value, row.difference_low, row.difference_high, row.surprisal_change) == (1, 0, 0, 0)
    assert row.specificity == 0.5


def test_the_order_of_trials_does_not_matter_and_the_same_seed_repeats(
    sequences: list[str], probe: LogisticProbe
) -> None:
    trials = [*drawn(1, 1), *drawn(7, 7)]
    found = outcomes_of(sequences, probe, trials)

    assert outcomes_of(sequences, probe, trials) == found
    assert outcomes_of(sequences, probe, trials[::-1]) == found[::-1]


def test_trials_are_drawn_from_the_pool_with_controls_of_equal_density() -> None:
    density = np.geomspace(1e-4, 1e-1, 100)
    p99 = np.ones(100)
    p99[51] = 0
    eligible = np.arange(500)[::-1]
    trials = draw_trials(50, 3, eligible, p99=p99, density=density, config=CONFIG)

    assert len({trial.protein for trial in trials}) == CONFIG.n_proteins
    assert {trial.protein for trial in trials} <= set(eligible[: CONFIG.pool].tolist())
    controls = {trial.control for trial in trials}
    assert len(controls) == CONFIG.n_proteins
    assert not controls & {50, 51}
    assert all(abs(control - 50) <= 12 for control in controls)
    assert len({trial.seed for trial in trials}) == CONFIG.n_proteins
    assert draw_trials(50, 3, eligible, p99=p99, density=density, config=CONFIG) == trials
    few = draw_trials(50, 3, eligible[:4], p99=p99, density=density, config=CONFIG)
    assert sorted(trial.protein for trial in few) == sorted(eligible[:4].tolist())


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"n_proteins": 0}, "n_proteins must be 1 to 20, got 0"),
        ({"n_proteins": 21}, "n_proteins must be 1 to 20, got 21"),
        ({"pool": 3}, r"pool must be at least n_proteins \(12\), got 3"),
        ({"max_residues": 0}, "max_residues must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_quoted_back(config: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        SteerabilityConfig(**config)


class HalfBlindPLM(TiedPLM):
    """Its head does not see the last dimension, so nothing along it writes a residue."""

    def __init__(self) -> None:
        super().__init__()
        self._head = self._head.clone()
        self._head[-1] = 0


class CauseAndSign:
    """Two features that fire alike: the first decodes to the direction that both read, the second where no head looks.

    The error term keeps the rest of the state, so they need not reconstruct it.
    """

    d_sae = D_MODEL

    def __init__(self, direction: Tensor) -> None:
        drawn = torch.cat([direction[None], OrthonormalSAE().rows[1:]])
        self.reads = torch.linalg.qr(drawn.T)[0].T
        self.reads[0] = self.reads[1] = direction
        self.writes = self.reads.clone()
        self.writes[1] = torch.eye(D_MODEL)[-1]

    def encode(self, x: Tensor) -> Tensor:
        return (x @ self.reads.T).relu()

    def decode(self, acts: Tensor, _x: Tensor | None = None) -> Tensor:
        return acts @ self.writes


def test_of_two_features_that_predict_a_concept_only_the_one_that_causes_it_steers(sequences: list[str]) -> None:
    plm = HalfBlindPLM()
    spec = plm.spec(layer=LAYERS, site="resid_post")
    direction = plm._head[:, AMINO_ACIDS.index("C")]
    direction = direction / direction.norm()
    sae = CauseAndSign(direction)
    means = torch.stack([plm.embed(s, layer=LAYERS).mean(dim=0) for s in sequences])
    carried = (means @ direction).numpy() > np.median((means @ direction).numpy())
    pooled = means @ sae.reads[:2].T
    probe = LogisticProbe(direction.numpy()[None].astype(float), np.zeros(1), np.zeros(D_MODEL), np.ones(D_MODEL), 1.0)

    found = []
    for feature in (0, 1):
        trials = draw_trials(feature, 0, np.flatnonzero(~carried), p99=P99, density=DENSITY, config=CONFIG)
        trials = [trial._replace(control=5) for trial in trials]
        outcomes = run_trials(
            plm, spec, sae, trials, probe=probe, spread=np.ones(1), sequences=sequences, config=CONFIG
        )
        found.append(steerability_of(outcomes))

    for feature in (0, 1):
        called = pooled[:, feature].numpy() > np.median(pooled[:, feature].numpy())
        f1 = 2 * (called & carried).sum() / (called.sum() + carried.sum())
        assert f1 == 1
    cause, sign = found
    assert cause.effect > 0.05
    assert cause.p_value < 0.01
    assert (sign.effect, sign.n_changed) == (0, 0)
    assert sign.p_value > 0.05


def test_the_difference_of_means_finds_a_planted_direction_and_steers_along_it(sequences: list[str]) -> None:
    plm, rng = TiedPLM(), np.random.default_rng(0)
    planted = plm._head[:, AMINO_ACIDS.index("C")]
    x = rng.normal(size=(400, D_MODEL))
    carried = np.arange(400) < 150
    x[carried] += 2 * (planted / planted.norm()).numpy()

    caa, null = difference_of_means(x, np.stack([carried, rng.permutation(carried)], axis=1))

    def alignment(direction: np.ndarray) -> float:
        return float(direction @ planted.numpy() / np.linalg.norm(direction) / planted.norm())

    assert np.linalg.norm(caa) == pytest.approx(2, rel=0.15)
    assert alignment(caa) > 0.95
    assert np.linalg.norm(null) < 0.6
    np.testing.assert_allclose(caa, x[carried].mean(axis=0) - x[~carried].mean(axis=0))
    spec, written = plm.spec(layer=LAYERS, site="resid_post"), []
    for direction in (caa, null):
        steering = Steering(plm, spec, OrthonormalSAE(), sequences[0], SteerConfig(mask_choice="random"))
        written.append(steering.rewrite({0: 1.0}, strength=30, direction=torch.from_numpy(direction)).steered)
    assert written[0].count("C") > sequences[0].count("C") + 4
    assert written[1].count("C") < written[0].count("C")
