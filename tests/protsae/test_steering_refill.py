"""How letters are chosen: Gibbs sampling of a known distribution, locked residues, shares, seeds."""

import itertools
from collections import Counter

import numpy as np
import pytest

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ConfigError, InputError
from protsae.steering import refill
from protsae.steering.steer import SteerConfig, Steering
from protsae.steering.types import TESTED_STRENGTH, Predictions

from .test_steering import SEQUENCE, Make, make, plm, sae, spec  # noqa: F401

COUPLED = 3
"""Letters that the toy's two residues may have."""


def coupled() -> np.ndarray:
    """A joint distribution of two residues in which equal letters are likelier, and the first letter is favoured."""
    weight = np.exp(1.2 * np.eye(COUPLED) + 0.4 * np.eye(1, COUPLED))
    return weight / weight.sum()


def conditional(joint: np.ndarray, letters: str, _hidden: np.ndarray) -> Predictions:
    """What a perfect masked model of the joint distribution predicts of either residue given the other."""
    first, second = (AMINO_ACIDS.index(letter) for letter in letters)
    rows = np.full((2, 20), -np.inf)
    rows[0, :COUPLED] = np.log(joint[:, second] / joint[:, second].sum())
    rows[1, :COUPLED] = np.log(joint[first] / joint[first].sum())
    return Predictions(np.zeros_like(rows), np.zeros_like(rows), rows)


def test_gibbs_draws_from_the_distribution_whose_conditionals_the_model_knows() -> None:
    joint = coupled()
    config = SteerConfig(method="gibbs", refill="all", temperature=1.0, rounds=12, at_once=0.01, mask_ratio=1.0)

    def predict(letters: str, hidden: np.ndarray) -> Predictions:  # the third never differs, so no share is enough
        found = conditional(joint, letters[:2].replace("W", AMINO_ACIDS[0]), hidden)
        still = np.full((1, 20), -np.inf)
        still[0, AMINO_ACIDS.index("W")] = 0
        return Predictions(*(np.concatenate([part, still]) for part in found))

    drawn = Counter(refill.gibbs(predict, "WWW", np.arange(3), config, seed).steered[:2] for seed in range(4000))

    for a, b in itertools.product(range(COUPLED), repeat=2):
        assert drawn[AMINO_ACIDS[a] + AMINO_ACIDS[b]] / 4000 == pytest.approx(joint[a, b], abs=0.025)


def test_gibbs_stops_where_the_share_differs() -> None:
    certain = np.full((10, 20), -9.0)
    certain[:, AMINO_ACIDS.index("C")] = 0
    config = SteerConfig(method="gibbs", refill="all", mask_ratio=0.4, at_once=0.2, rounds=3)

    written = refill.gibbs(lambda *_: Predictions(certain, certain, certain), "A" * 10, np.arange(10), config, 0)

    assert len(written.changed) == 4
    assert set(written.steered) == {"A", "C"}


def test_nothing_hidden_takes_the_substitutions_that_the_push_favours_most() -> None:
    before = np.log(np.full((4, 20), 0.05))
    after = before.copy()
    after[1, AMINO_ACIDS.index("C")] += 2.0
    after[2, AMINO_ACIDS.index("D")] += 1.0
    after[3, AMINO_ACIDS.index("A")] += 3.0  # what is there already
    config = SteerConfig(method="unmasked", mask_ratio=0.5)

    def predict(*_: object) -> Predictions:
        return Predictions(before, before, after)

    assert refill.unmasked(predict, "AAAA", np.arange(4), config, 0).steered == "ACDA"
    fewer = SteerConfig(method="unmasked", mask_ratio=0.25)
    assert refill.unmasked(predict, "AAAA", np.arange(4), fewer, 0).steered == "ACAA"


WAYS = [
    {"method": "masked"},
    {"method": "masked", "mask_choice": "responsive"},
    {"method": "masked", "reach": "above"},
    {"method": "masked", "by": "logits"},
    {"method": "gibbs", "rounds": 2},
    {"method": "unmasked"},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_strength_zero_is_the_identity_bit_for_bit(make: Make, way: dict, temperature: float) -> None:  # noqa: F811
    steering = make(temperature=temperature, mask_ratio=0.6, **way)

    written = steering.rewrite({0: 5.0, 3: 1.0}, strength=0, always={4: 0.0})

    assert written.steered == SEQUENCE
    assert np.array_equal(written.after, written.before)
    scan = steering.scan({0: 5.0}, strength=0)
    assert np.array_equal(scan.after, scan.plain)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_locked_residues_never_change_and_a_strong_push_changes_others(make: Make, way: dict) -> None:  # noqa: F811
    locked = (0, 3, 4, 11, 20)
    steering = make(mask_ratio=1.0, locked=locked, temperature=1.0, refill="all", **way)

    written = [steering.rewrite({0: 5.0}, strength=6, seed=seed) for seed in range(5)]

    assert all(one.steered[p] == SEQUENCE[p] for one in written for p in (*locked, SEQUENCE.index("X")))
    assert all(len(one.changed) > 3 for one in written)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_same_seed_gives_the_same_samples(make: Make, way: dict) -> None:  # noqa: F811
    config = {"temperature": 1.5, "refill": "all", "mask_ratio": 0.5, **way}
    first, again = (
        [make(**config).rewrite({0: 5.0}, strength=1, seed=seed).steered for seed in range(3)] for _ in range(2)
    )

    assert first == again
    assert len(set(first)) == 3


def test_a_feature_of_a_dose_of_its_own_is_raised_whatever_the_strength(make: Make) -> None:  # noqa: F811
    steering = make()
    together = steering.rewrite({0: 5.0, 3: 2.0}, strength=2)
    apart = steering.rewrite({0: 5.0}, strength=2, always={3: 4.0})

    assert np.allclose(together.after, apart.after, atol=1e-5)
    assert not np.array_equal(apart.after, steering.rewrite({0: 5.0}, strength=2).after)


def test_amplified_logits_are_a_multiple_of_what_a_small_push_changes(make: Make) -> None:  # noqa: F811
    small = make().rewrite({0: 5.0}, strength=0.5)
    amplified = make(by="logits").rewrite({0: 5.0}, strength=2)

    expected = small.before + 4 * (small.after - small.before)
    expected -= np.log(np.exp(expected).sum(axis=1, keepdims=True))
    assert np.allclose(amplified.after, expected, atol=1e-4)
    assert np.allclose(make(by="logits").rewrite({0: 5.0}, strength=0.5).after, small.after, atol=1e-5)


def test_a_push_above_is_made_at_every_layer_from_the_first_on(plm, spec, sae) -> None:  # noqa: F811
    lower = plm.spec(layer=1, site="resid_post")
    config = SteerConfig(reach="above", mask_choice="random")
    steering = Steering(plm, lower, sae, SEQUENCE, config)
    written = steering.rewrite({1: 2.0}, strength=1)

    def push(x):
        return x + 2.0 * sae.rows[1]

    state = plm.state(SEQUENCE, layer=1, site="resid_post", masked=steering.masked.tolist())
    expected = plm.logits_from(plm.onward(state, layer=2, site="resid_post", edit=push), edit=push).log_softmax(-1)
    assert np.allclose(written.after, expected.numpy()[steering.masked], atol=1e-4)


def test_the_most_responsive_residues_are_hidden(make: Make) -> None:  # noqa: F811
    steering = make(mask_choice="responsive", mask_ratio=0.2)
    scan = steering.scan({0: 5.0}, strength=TESTED_STRENGTH)
    written = steering.rewrite({0: 5.0}, strength=3)

    moved = (np.exp(scan.after) * (scan.after - scan.before)).sum(axis=1)
    free = np.delete(np.arange(len(SEQUENCE)), SEQUENCE.index("X"))
    assert moved[written.masked].min() >= np.delete(moved, [*written.masked, SEQUENCE.index("X")]).max()
    assert len(written.masked) == round(0.2 * len(free))
    assert np.array_equal(written.masked, steering.rewrite({0: 5.0}, strength=0.5).masked)
    others = [steering.rewrite({feature: 5.0}, strength=3) for feature in range(1, 8)]
    assert any(not np.array_equal(written.masked, other.masked) for other in others)
    again = make(mask_choice="responsive", mask_ratio=0.2).rewrite({0: 5.0}, strength=3)
    assert again.steered == steering.rewrite({0: 5.0}, strength=3).steered == written.steered


def test_settings_that_leave_nothing_or_are_out_of_range_are_quoted_back(make: Make) -> None:  # noqa: F811
    with pytest.raises(InputError, match="All of residues 1 to 36 are locked"):
        make(locked=tuple(range(36)))
    with pytest.raises(ConfigError, match=r"at_once .* got 0"):
        SteerConfig(at_once=0)
    with pytest.raises(ConfigError, match=r"locked .* got -2"):
        SteerConfig(locked=(3, -2))
    with pytest.raises(InputError, match="added to feature 3 must be a finite number, got nan"):
        make().rewrite({0: 1.0}, always={3: float("nan")})
    with pytest.raises(InputError, match="no feature 99"):
        make().rewrite({0: 1.0}, always={99: 1.0})
