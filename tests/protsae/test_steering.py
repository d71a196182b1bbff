"""Steering on a toy model: known answers, strength 0, and controls that must not do the same."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from esm.model.esm2 import ESM2
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ConfigError, InputError
from protsae.plm import esm2
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.spec import PLMSpec
from protsae.steering.controls import controls, matched_sets, rank
from protsae.steering.steer import SteerConfig, Steering, dose_response

D = 32
SEQUENCE = "MLSDEDFKAVFGMTRSAFANLPLXKQQNLKKEKGLF"
TARGET = "C"


class DictionarySAE:
    """Orthonormal features; the first pushes the logit of one residue. Its reconstruction drops negative parts."""

    d_sae = D

    def __init__(self, first: Tensor, n_defined: int = 2) -> None:
        basis = torch.randn(D, D, generator=torch.Generator().manual_seed(3))
        basis[0] = first
        self.rows = torch.linalg.qr(basis.T)[0].T
        self.rows *= torch.sign(self.rows @ first)[:1, None]
        self.n_defined = n_defined

    def encode(self, x: Tensor) -> Tensor:
        return (x @ self.rows.T).relu()

    def decode(self, acts: Tensor, _x: Tensor | None = None) -> Tensor:
        return acts @ self.rows

    def concept_probs(self, x: Tensor) -> Tensor:
        return (x @ self.rows[: self.n_defined].T).sigmoid()


@pytest.fixture(scope="module")
def plm() -> ESM2PLM:
    torch.manual_seed(0)
    model = ESM2(2, D, 4, "ESM-1b").eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return ESM2PLM(model, name="toy", device="cpu")


@pytest.fixture(scope="module")
def spec(plm: ESM2PLM) -> PLMSpec:
    return plm.spec(layer=2, site="resid_post")


@pytest.fixture(scope="module")
def sae(plm: ESM2PLM) -> DictionarySAE:
    """Its first feature is, of many directions, the one that writes TARGET most surely where nothing else is left."""
    candidates = torch.randn(5000, D, generator=torch.Generator().manual_seed(4))
    sure = esm2.lm_logits(plm._model, 100 * candidates)[:, plm._amino_acids].log_softmax(-1)
    return DictionarySAE(candidates[sure[:, AMINO_ACIDS.index(TARGET)].argmax()])


Make = Callable[..., Steering]


@pytest.fixture
def make(plm: ESM2PLM, spec: PLMSpec, sae: DictionarySAE) -> Make:
    paper = {"mask_choice": "low_activation", "mask_ratio": 0.3}
    return lambda sequence=SEQUENCE, **config: Steering(plm, spec, sae, sequence, SteerConfig(**(paper | config)))


def test_a_feature_that_writes_one_residue_writes_it(make: Make) -> None:
    steering = make(mask_choice="random", mask_ratio=0.4)

    result = steering.run({0: 5.0}, strength=6)
    others = controls(steering, {0: 5.0}, strength=6)
    ((stand_in,), *_) = matched_sets([0], p99=np.full(D, 5.0), density=np.full(D, 0.1))
    random_feature = steering.run({stand_in: 5.0}, strength=6, read=[0])

    assert len(result.masked) == 14
    assert {result.steered[p] for p in result.masked} == {TARGET}
    assert result.n_changed == len(result.changed) > 10
    assert all(result.log_odds > 0)
    untouched = set(range(len(SEQUENCE))) - set(result.masked.tolist())
    assert all(result.steered[p] == SEQUENCE[p] for p in untouched)
    for control in (others.no_push, random_feature, others.random_direction):
        assert np.array_equal(control.masked, result.masked)
        assert sum(control.steered[p] == TARGET for p in control.masked) < 4
        assert [r.feature for r in control.after] == [0]
    assert stand_in != 0


def test_a_stronger_push_never_lowers_the_target(make: Make) -> None:
    steering = make(mask_choice="random")

    results = dose_response(steering, {0: 5.0}, [0, 0.5, 1, 2, 4, 8])

    column = AMINO_ACIDS.index(TARGET)
    means = [result.logp_after[:, column].mean() for result in results]
    assert means == sorted(means)
    assert [result.strength for result in results] == [0, 0.5, 1, 2, 4, 8]
    assert results[0].n_changed == 0


@pytest.mark.parametrize(
    ("add_error", "rounds", "temperature", "mask_choice"),
    list(itertools.product([True, False], [1, 3], [0.0, 1.0], ["low_activation", "random"])),
)
def test_strength_zero_changes_nothing_exactly(
    make: Make, add_error: bool, rounds: int, temperature: float, mask_choice: str
) -> None:
    steering = make(
        add_error=add_error, rounds=rounds, temperature=temperature, mask_choice=mask_choice, mask_ratio=0.6
    )

    result = steering.run({0: 5.0, 3: 1.0}, strength=0)

    assert result.steered == SEQUENCE
    assert result.n_changed == 0
    np.testing.assert_allclose(result.logp_after, result.logp_before, atol=1e-5)
    for before, after in zip(result.before, result.after, strict=True):
        assert after.feature == before.feature
        assert (after.max_act, after.mean_act) == pytest.approx((before.max_act, before.mean_act), abs=1e-5)
    assert result.perplexity_after == pytest.approx(result.perplexity_before, rel=1e-5)


def test_without_the_error_term_the_model_sees_the_reconstruction(make: Make, plm: ESM2PLM, sae: DictionarySAE) -> None:
    steering = make(add_error=False)
    result = steering.run({0: 5.0}, strength=0)

    def reconstruct(x: Tensor) -> Tensor:
        return sae.decode(sae.encode(x))

    logits = plm.logits(SEQUENCE, masked=steering.masked.tolist(), layer=2, site="resid_post", edit=reconstruct)
    assert np.allclose(result.logp_after, logits.log_softmax(-1).numpy()[steering.masked], atol=1e-6)


def test_log_probabilities_are_those_of_the_masked_and_edited_model(
    make: Make, plm: ESM2PLM, sae: DictionarySAE
) -> None:
    steering = make()
    result = steering.run({1: 2.0}, strength=1.5)

    masked = steering.masked.tolist()
    plain = plm.logits(SEQUENCE, masked=masked).log_softmax(-1).numpy()
    after = plm.logits(
        SEQUENCE, masked=masked, layer=2, site="resid_post", edit=lambda x: x + 3.0 * sae.rows[1]
    ).log_softmax(-1)

    assert np.allclose(result.logp_before, plain[masked], atol=1e-5)
    assert np.allclose(result.logp_after, after.numpy()[masked], atol=1e-4)
    original = [plain[p, AMINO_ACIDS.index(SEQUENCE[p])] for p in masked]
    assert result.perplexity_before == pytest.approx(np.exp(-np.mean(original)), rel=1e-4)


def test_readings_encode_the_new_sequence(make: Make, plm: ESM2PLM, sae: DictionarySAE) -> None:
    result = make(mask_choice="random").run({0: 5.0, 7: 1.0}, strength=8)

    for sequence, readings in ((SEQUENCE, result.before), (result.steered, result.after)):
        x = plm.embed(sequence, layer=2, site="resid_post")
        acts = sae.encode(x)
        assert [r.feature for r in readings] == [0, 7]
        assert readings[0].max_act == pytest.approx(float(acts[:, 0].max()), rel=1e-4)
        assert readings[1].mean_act == pytest.approx(float(acts[:, 7].mean()), rel=1e-4)
        assert readings[0].mean_pi == pytest.approx(float(sae.concept_probs(x)[:, 0].mean()), rel=1e-4)
        assert readings[1].mean_pi is None


def test_a_negative_strength_stops_at_zero_activation(make: Make, plm: ESM2PLM, sae: DictionarySAE) -> None:
    steering = make()
    result = steering.run({0: 1e6}, strength=-1)

    def without(x: Tensor) -> Tensor:
        return x - (x @ sae.rows[0]).relu()[:, None] * sae.rows[0]

    logits = plm.logits(SEQUENCE, masked=steering.masked.tolist(), layer=2, site="resid_post", edit=without)
    assert np.allclose(result.logp_after, logits.log_softmax(-1).numpy()[steering.masked], atol=1e-4)


def test_a_range_confines_mask_and_push(make: Make, plm: ESM2PLM, sae: DictionarySAE) -> None:
    steering = make(residues=(5, 15), mask_ratio=0.5)
    result = steering.run({0: 5.0}, strength=3)

    assert len(result.masked) == 5
    assert 5 <= result.masked.min() <= result.masked.max() < 15

    def push(x: Tensor) -> Tensor:
        x = x.clone()
        x[5:15] += 15.0 * sae.rows[0]
        return x

    logits = plm.logits(SEQUENCE, masked=result.masked.tolist(), layer=2, site="resid_post", edit=push)
    assert np.allclose(result.logp_after, logits.log_softmax(-1).numpy()[result.masked], atol=1e-4)


def test_low_activation_masks_the_shortest_states_and_no_odd_letter(make: Make, plm: ESM2PLM) -> None:
    masked = make(mask_ratio=0.3).masked
    everywhere = make(mask_ratio=1.0).masked

    lengths = plm.embed(SEQUENCE, layer=2, site="resid_post").norm(dim=-1).numpy()
    assert lengths[masked].max() <= np.delete(lengths, [*masked, SEQUENCE.index("X")]).min()
    assert len(everywhere) == len(SEQUENCE) - 1
    assert SEQUENCE.index("X") not in everywhere


def test_refilling_all_is_the_models_own_choice(make: Make) -> None:
    result = make(refill="all", mask_choice="random").run({0: 5.0}, strength=1)

    for row, position in zip(result.logp_after, result.masked, strict=True):
        assert result.steered[position] == AMINO_ACIDS[row.argmax()]


def test_the_same_seed_gives_the_same_answer_and_another_one_another(make: Make) -> None:
    config = {"temperature": 1.5, "rounds": 2, "mask_choice": "random", "refill": "all"}
    first, again, other = (make(seed=seed, **config).run({0: 5.0}, strength=0.3) for seed in (1, 1, 2))

    assert first.steered == again.steered
    np.testing.assert_allclose(first.logp_after, again.logp_after, atol=1e-5)
    assert first.steered != other.steered


def test_later_rounds_see_what_earlier_ones_wrote(make: Make, plm: ESM2PLM) -> None:
    result = make(rounds=2, mask_choice="random", refill="all").run({0: 5.0}, strength=0.0)
    single = make(rounds=1, mask_choice="random", refill="all").run({0: 5.0}, strength=0.0)

    certain = np.argsort(-single.logp_after.max(axis=1), kind="stable")
    early, late = certain[: -(-len(certain) // 2)], certain[-(-len(certain) // 2) :]
    np.testing.assert_allclose(result.logp_after[early], single.logp_after[early], atol=1e-5)
    letters = list(SEQUENCE)
    for i in early:
        letters[result.masked[i]] = AMINO_ACIDS[single.logp_after[i].argmax()]
    expected = plm.logits("".join(letters), masked=result.masked[late].tolist()).log_softmax(-1).numpy()
    assert np.allclose(result.logp_after[late], expected[result.masked[late]], atol=1e-5)


def test_a_random_direction_pushes_as_far_as_the_features(make: Make, plm: ESM2PLM, sae: DictionarySAE) -> None:
    steering = make()
    direction = torch.arange(D, dtype=torch.float32)
    result = steering.run({0: 3.0, 1: 4.0}, direction=direction)

    unit = direction / direction.norm()
    logits = plm.logits(
        SEQUENCE, masked=steering.masked.tolist(), layer=2, site="resid_post", edit=lambda x: x + 5.0 * unit
    )
    assert np.allclose(result.logp_after, logits.log_softmax(-1).numpy()[steering.masked], atol=1e-4)


def test_random_features_fire_about_as_often_and_none_stands_in_twice() -> None:
    density = np.geomspace(1e-4, 1e-1, 100)
    p99 = np.ones(100)
    p99[50] = 0

    sets = matched_sets([49, 51], p99=p99, density=density, seed=5)

    assert len(sets) == 20
    assert len({first for first, _ in sets}) == 20
    for chosen in sets:
        assert len(set(chosen)) == 2
        assert not {49, 50, 51} & set(chosen)
        assert all(abs(c - f) <= 13 for c, f in zip(chosen, [49, 51], strict=True))
    assert matched_sets([49, 51], p99=p99, density=density, number=1, seed=5) == sets[:1]
    assert matched_sets([0], p99=[1.0, 1.0, 1.0], density=[0.1, 0.1, 0.1]) in ([(1,), (2,)], [(2,), (1,)])
    with pytest.raises(InputError, match="No feature is left to compare feature 0"):
        matched_sets([0], p99=[1.0, 0.0], density=[0.1, 0.0])


def test_a_rank_takes_many_random_features_to_say_much() -> None:
    assert rank(1.0, [0.0] * 20).p_value == pytest.approx(1 / 21)
    assert rank(1.0, [0.0] * 19 + [1.0]).p_value == pytest.approx(2 / 21)
    assert rank(1.0, [0.0, 0.5]).p_value == pytest.approx(1 / 3)
    assert rank(0.0, [0.0] * 20) == (0, 20)
    assert rank(1.0, []).p_value == 1


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"strength": float("nan")}, "strength must be a finite number, got nan"),
        ({"mask_ratio": 0}, "mask_ratio .* got 0"),
        ({"mask_ratio": 1.5}, "mask_ratio .* got 1.5"),
        ({"residues": (4, 4)}, r"residues .* got \(4, 4\)"),
        ({"rounds": 0}, "rounds .* got 0"),
        ({"temperature": -1}, "temperature .* got -1"),
    ],
)
def test_settings_out_of_range_are_quoted_back(config: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        SteerConfig(**config)


def test_what_cannot_be_steered_is_said(make: Make) -> None:
    with pytest.raises(InputError, match="at least one"):
        make().run({})
    with pytest.raises(InputError, match="no feature 99: this SAE has features 0 to 31"):
        make().run({99: 1.0})
    with pytest.raises(InputError, match="Feature 3 has no natural strength"):
        make().run({3: 0.0})
    with pytest.raises(InputError, match="finite number, got inf"):
        make().run({3: 1.0}, strength=float("inf"))
    with pytest.raises(InputError, match="Residues 31 to 40 were chosen, but the sequence has only 36"):
        make(residues=(30, 40))
    with pytest.raises(InputError, match="'XXXXX' is a standard"):
        make("XXXXX")
    with pytest.raises(InputError, match="1,023 residues"):
        make("M" * 1023)
