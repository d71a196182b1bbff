"""Loss recovered by known answers, and cross-entropy against the language model's own logits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from esm.model.esm2 import ESM2

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ConfigError, InputError
from protsae.measures import fidelity
from protsae.measures.fidelity import Fidelity, FidelityBench, Losses
from protsae.plm.base import PLM, REFERENCE_PROTEINS
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.registry import open_plm
from protsae.plm.spec import PLMSpec
from protsae.sae.base import load_sae
from protsae.sae.topk import TopKSAE

DEMO = Path(__file__).parents[2] / "assets/demo"
TOY_SEQUENCES = ["MKTAYIAKQRQISFVKSHFSRQ", "XXMLSDEDFKAVFGXX", "ACDEF"]


@pytest.fixture(scope="module")
def toy() -> ESM2PLM:
    torch.manual_seed(0)
    model = ESM2(2, 32, 4, "ESM-1b")
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return ESM2PLM(model, name="toy", device="cpu", max_residues=40)


@pytest.fixture(scope="module")
def demo() -> tuple[PLM, PLMSpec]:
    return open_plm(DEMO, device="cpu")


@pytest.fixture(scope="module")
def mean_state(demo: tuple[PLM, PLMSpec]) -> torch.Tensor:
    plm, spec = demo
    return torch.cat([plm.embed(s, layer=spec.layer, site=spec.site) for s in REFERENCE_PROTEINS]).mean(dim=0)


@pytest.fixture(scope="module")
def bench(demo: tuple[PLM, PLMSpec], mean_state: torch.Tensor) -> FidelityBench:
    plm, spec = demo
    return FidelityBench(plm, REFERENCE_PROTEINS, layer=spec.layer, site=spec.site, mean_state=mean_state)


def toy_bench(
    plm: ESM2PLM, sequences: list[str] | None = None, *, mask_share: float = 0.15, seed: int = 0
) -> FidelityBench:
    return FidelityBench(
        plm,
        sequences or TOY_SEQUENCES,
        layer=1,
        site="resid_mid",
        mean_state=torch.ones(32),
        mask_share=mask_share,
        seed=seed,
    )


def of(clean: float, sae: float, zero: float, mean: float) -> Losses:
    """Losses of one sequence with one scored residue."""
    return Losses(np.array([clean]), np.array([sae]), np.array([zero]), np.array([mean]), np.array([1]))


def test_loss_recovered_by_hand() -> None:
    found = Fidelity(masked=of(2.0, 2.5, 4.0, 3.0), unmasked=of(1.0, 5.0, 3.0, 2.0))

    assert (found.lr_masked, found.lr_masked_mean) == (0.75, 0.5)
    assert (found.lr_unmasked, found.lr_unmasked_mean) == (-1, -3), "worse than the ablation: not clipped"


def test_an_ablation_that_does_no_damage_leaves_nothing_to_recover() -> None:
    found = of(2.0, 2.5, 2.0, 3.0)

    assert np.isnan(found.recovered("zero"))
    assert found.recovered("mean") == 0.5


def test_losses_weigh_residues_alike_and_not_sequences() -> None:
    found = Losses(
        np.array([1.0, 6.0]), np.array([2.0, 6.0]), ablated := np.array([3.0, 8.0]), ablated, np.array([1, 3])
    )

    assert (found.ce_clean, found.ce_sae, found.ce_zero, found.ce_mean) == (7 / 4, 2.0, 11 / 4, 11 / 4)
    assert found.recovered() == 0.75


def test_identity_recovers_all_and_each_ablation_nothing(bench: FidelityBench, mean_state: torch.Tensor) -> None:
    identity, zero = bench.measure(lambda x: x), bench.measure(torch.zeros_like)
    mean = bench.measure(mean_state.expand_as)

    assert (identity.lr_masked, identity.lr_masked_mean, identity.lr_unmasked, identity.lr_unmasked_mean) == (1,) * 4
    assert zero.lr_masked == zero.lr_unmasked == 0
    assert mean.lr_masked_mean == mean.lr_unmasked_mean == 0


def test_a_random_dictionary_keeps_far_less(bench: FidelityBench, mean_state: torch.Tensor) -> None:
    trained = load_sae(DEMO / "sae/vanilla")
    random = TopKSAE(trained.cfg, seed=0)
    random.W_dec.data.copy_(TopKSAE(trained.cfg, seed=1).W_dec)  # a fresh SAE decodes along its encoder: far too good
    random.scale.copy_(trained.scale)
    random.b_dec.data.copy_(mean_state * trained.scale)
    good, poor = (bench.measure(lambda x, sae=sae: sae(x).x_hat) for sae in (trained, random))

    assert good.lr_masked > 0.95
    assert good.lr_unmasked > 0.95
    assert good.lr_masked_mean > poor.lr_masked_mean + 0.3
    assert good.lr_unmasked_mean > poor.lr_unmasked_mean + 0.5


def test_copying_is_easier_than_predicting(bench: FidelityBench) -> None:
    found = bench.measure(lambda x: x)

    assert found.unmasked.ce_clean < found.masked.ce_clean < np.log(20)
    assert found.unmasked.n_scored.tolist() == [len(s) for s in REFERENCE_PROTEINS]
    assert found.masked.n_scored.tolist() == [round(0.15 * len(s)) for s in REFERENCE_PROTEINS]


def test_unmasked_losses_are_the_language_models_own(toy: ESM2PLM) -> None:
    found = toy_bench(toy).measure(lambda x: 2 * x).unmasked
    for index, sequence in enumerate(TOY_SEQUENCES):
        places = [i for i, letter in enumerate(sequence) if letter != "X"]
        for edit, loss in ((None, found.clean), (lambda x: 2 * x, found.sae), (torch.zeros_like, found.zero)):
            log_p = toy.logits(sequence, edit=edit, layer=1).double().log_softmax(dim=-1)
            assert loss[index] == pytest.approx(-sum(float(log_p[i, AMINO_ACIDS.index(sequence[i])]) for i in places))
    assert found.n_scored.tolist() == [22, 12, 5]


def test_masks_follow_the_seed_and_skip_letters_outside_the_twenty(
    toy: ESM2PLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, list[int]]] = []
    state = ESM2PLM.state

    def spy(self: ESM2PLM, sequence: str, *, masked: list[int], **options: Any) -> object:
        seen.append((sequence, list(masked)))
        return state(self, sequence, masked=masked, **options)

    monkeypatch.setattr(ESM2PLM, "state", spy)

    def masks(seed: int, sequences: list[str] | None = None) -> list[list[int]]:
        seen.clear()
        toy_bench(toy, sequences, mask_share=0.5, seed=seed)
        return [masked for _, masked in seen if masked]

    found = masks(0)
    assert [len(places) for places in found] == [11, 6, 2]
    assert set(found[1]) <= set(range(2, 14)), "X is never masked"
    assert masks(0) == found
    assert masks(0, TOY_SEQUENCES[:2]) == found[:2], "further sequences change no mask"
    assert masks(1) != found


@pytest.mark.parametrize(
    ("sequences", "options", "error", "sentence"),
    [
        (["A" * 41], {}, InputError, "41 residues"),
        (["ACDEF", "XBZ"], {}, InputError, "'XBZ' holds none of the twenty"),
        (["AC-"], {}, InputError, "'-' at position 3"),
        (["ACDEF"], {"mask_share": 0.0}, ConfigError, "between 0 and 1, got 0.0"),
    ],
)
def test_refuses_in_one_sentence(
    toy: ESM2PLM, sequences: list[str], options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        toy_bench(toy, sequences, **options)


def test_refuses_no_sequences_too_many_and_a_mean_of_another_width(
    toy: ESM2PLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="0 sequences"):
        FidelityBench(toy, [], layer=1, site="resid_mid", mean_state=torch.ones(32))
    with pytest.raises(ConfigError, match=r"32 dimensions of toy, got shape \(16,\)"):
        FidelityBench(toy, ["ACDEF"], layer=1, site="resid_mid", mean_state=torch.ones(16))
    monkeypatch.setattr(fidelity, "MAX_RESIDUES", 9)
    with pytest.raises(InputError, match="2 sequences hold 10 residues together, but the states of at most 9"):
        toy_bench(toy, ["ACDEF", "ACDEF"])
