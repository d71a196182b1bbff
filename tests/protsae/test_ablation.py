"""Ablation: what is silent changes nothing, what is read changes where it fires, and by what the formula says."""

from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_plm import ToyPLM

from protsae.errors import InputError
from protsae.sae.topk import TopKSAE, TopKSAEConfig
from protsae.steering.ablation import Ablation

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQ"


class Planted:
    """Feature 0 fires on K and writes what the head reads; 1 fires on K, too, and writes nothing; 2 never fires."""

    d_sae = 3

    def __init__(self, plm: ToyPLM) -> None:
        self._keys = plm._table
        self.directions = torch.stack([plm._head[:, 8], torch.zeros(12), plm._head[:, 3]])

    def encode(self, x: Tensor, /) -> Tensor:
        is_k = (x - self._keys[11]).abs().sum(dim=1) < 1e-5
        return torch.stack([2.0 * is_k, 3.0 * is_k, 0.0 * is_k], dim=1)

    def decode(self, acts: Tensor, _x: Tensor | None = None, /) -> Tensor:
        return acts @ self.directions + 0.7


class LastLayer(ToyPLM):
    """Read at its last layer, which holds the letter alone, so that a residue's prediction is its own affair."""

    def _run(self, x: Tensor, first: int, last: int) -> Tensor:
        del first, last
        return x


def planted() -> tuple[Ablation, LastLayer, Planted]:
    plm = LastLayer()
    sae = Planted(plm)
    return Ablation(plm, plm.spec(layer=3, site="resid_post"), sae, SEQUENCE), plm, sae


def test_a_planted_direction_changes_the_predictions_where_it_fires_and_nowhere_else() -> None:
    ablation, plm, sae = planted()
    bits = ablation.without(0)
    fires = [place for place, letter in enumerate(SEQUENCE) if letter == "K"]

    assert np.flatnonzero(bits > 1e-9).tolist() == fires
    x = plm._table[11]
    p, q = ((y @ plm._head).double().softmax(dim=0) for y in (x, x - 2.0 * sae.directions[0]))
    assert bits[fires] == pytest.approx([float((p * (p / q).log2()).sum())] * len(fires), rel=1e-4)


def test_what_writes_nothing_or_never_fires_changes_nothing() -> None:
    ablation, _, _ = planted()

    assert not ablation.without(1).any()
    assert not ablation.without(2).any()
    assert not ablation.random_direction(2).any()


def test_a_random_direction_moves_the_same_residues() -> None:
    ablation, _, _ = planted()

    assert np.array_equal(ablation.random_direction(0, seed=3) > 1e-9, ablation.without(0) > 1e-9)
    assert not np.allclose(ablation.random_direction(0, seed=3), ablation.random_direction(0, seed=4))


@pytest.mark.parametrize("normalise", ["scalar", "token"])
def test_with_a_real_sae_only_the_chosen_feature_goes_and_later_residues_hear_of_it(
    normalise: Literal["scalar", "token"],
) -> None:
    plm = ToyPLM()
    sae = TopKSAE(TopKSAEConfig(d_model=12, d_sae=24, k=3, normalise=normalise), seed=1)
    spec = plm.spec(layer=1, site="resid_post")
    ablation = Ablation(plm, spec, sae, SEQUENCE)
    count = (ablation.acts > 0).sum(dim=0)
    feature = int(torch.where((count > 0) & (count < 6), count, 0).argmax())
    bits = ablation.without(feature)

    x = plm.embed(SEQUENCE, layer=1)
    left = ablation.acts.clone()
    left[:, feature] = 0
    with torch.no_grad():
        edited = x + sae.decode(left, x) - sae.decode(ablation.acts, x)
    state = plm.state(SEQUENCE, layer=1)
    p, q = (plm.logits_from(state, edit=e).double().softmax(dim=1) for e in (None, lambda _: edited))
    assert bits == pytest.approx((p * (p / q).log2()).sum(dim=1).clamp(min=0).numpy(), abs=1e-5)
    assert bits.max() > 1e-3
    silent = int((count == 0).nonzero()[0])
    assert not ablation.without(silent).any()


def test_an_unknown_feature_is_said() -> None:
    with pytest.raises(InputError, match="There is no feature 3: this SAE has features 0 to 2"):
        planted()[0].without(3)
