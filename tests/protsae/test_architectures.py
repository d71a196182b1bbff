"""ReLU, Gated, JumpReLU and BatchTopK SAEs: hand-worked values; the sparse pass against the dense one."""

import math
import sys
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
from tiny_saes import CLASSES, NAMES, gradients, shaken

from protsae.errors import ConfigError
from protsae.parallel.ranks import Share
from protsae.sae import (
    BatchTopKSAE,
    GatedSAE,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    ReLUSAE,
    ReLUSAEConfig,
    TopKSAE,
    TopKSAEConfig,
)
from protsae.sae.entries import Entries
from protsae.sae.fast.threshold import SparseEntries, above, nth_largest
from protsae.sae.losses import reconstruction_loss
from protsae.sae.threshold import ThresholdSAE

pytestmark = pytest.mark.usefixtures("one_thread")

Kind = TypeVar("Kind", bound=ThresholdSAE)


def identity(sae_class: type[Kind], d_model: int, k: int = 1) -> Kind:
    """Feature i reads and writes dimension i."""
    sae = sae_class(sae_class.config_class(d_model=d_model, d_sae=d_model, k=k))
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(d_model))
        sae.W_dec.copy_(torch.eye(d_model))
    return sae


@pytest.fixture(params=["dense", "sparse"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of a training pass give the hand-worked values."""
    monkeypatch.setattr(ThresholdSAE, "_is_sparse", lambda *_, **__: request.param == "sparse")
    return request.param


def test_relu_by_hand(path: str) -> None:
    sae = ReLUSAE(ReLUSAEConfig(d_model=2, d_sae=3, k=1))
    with torch.no_grad():
        sae.W_enc.copy_(torch.tensor([[1.0, 0, -1], [0, 1, 0]]))
        sae.W_dec.copy_(sae.W_enc.T)
        sae.b_enc.copy_(torch.tensor([0.0, -1, 0]))
        sae.b_dec.copy_(torch.tensor([1.0, 0]))
        sae.sparsity_coef.fill_(0.5)
    x = torch.tensor([[3.0, 2], [0, 0]])

    passed = sae.training_pass(x)

    assert sae.encode(x).tolist() == [[2, 1, 0], [0, 0, 1]]
    assert passed.x_hat.tolist() == [[3, 1], [0, 0]]
    assert passed.n_fired.tolist() == [1, 1, 1]
    assert passed.penalty.item() == 0.5 * (3 + 1) / 2
    passed.penalty.backward()
    found = gradients(sae)
    assert found["b_enc"].tolist() == [0.25, 0.25, 0.25]
    assert found["W_enc"].tolist() == [[0.5, 0.5, -0.25], [0.5, 0.5, 0]]
    assert found["b_dec"].tolist() == [0, -0.25]
    assert not found["W_dec"].any()


def test_gated_by_hand(path: str) -> None:
    sae = identity(GatedSAE, 2)
    with torch.no_grad():
        sae.b_gate.fill_(-1)
        sae.r_mag.copy_(torch.tensor([math.log(2), 0]))
        sae.b_mag.copy_(torch.tensor([1.0, -3]))
        sae.sparsity_coef.fill_(0.5)
    x = torch.tensor([[2.0, 2], [0.5, 4]])  # gates [[1, 1], [-0.5, 3]], magnitudes [[5, -1], [2, 1]]

    passed = sae.training_pass(x)

    assert_close(sae.encode(x), torch.tensor([[5.0, 0], [0, 1]]))
    assert_close(passed.x_hat, torch.tensor([[5.0, 0], [0, 1]]))
    assert passed.n_fired.tolist() == [1, 1]
    error_of_gates = ((1 + 1) + (0.5**2 + 1)) / 2
    assert passed.penalty.item() == pytest.approx(0.5 * (2 + 3) / 2 + error_of_gates)
    passed.penalty.backward()
    found = gradients(sae)
    assert_close(found["b_gate"], torch.tensor([(0.5 - 2) / 2, (0.5 - 2 + 0.5 - 2) / 2]))
    assert_close(found["b_dec"], -found["b_gate"])  # through the encoder only
    for name in ("W_dec", "r_mag", "b_mag"):
        assert not found[name].any()
    sae.training_pass(x).x_hat.sum().backward()
    found = gradients(sae)
    assert_close(found["r_mag"], torch.tensor([4.0, 4.0]))  # exp(r) h
    assert found["b_mag"].tolist() == [1, 1]
    assert not found["b_gate"].any()
    assert_close(found["b_dec"], torch.tensor([2.0 - 2, 2 - 1]))


def test_jumprelu_by_hand(path: str) -> None:
    sae = JumpReLUSAE(JumpReLUSAEConfig(d_model=4, d_sae=4, k=2, bandwidth=0.4, l0_weight=3.0))
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(4))
        sae.W_dec.copy_(torch.eye(4))
        sae.threshold_unit.copy_(torch.tensor([0.5, 0.25, 9, 9]))  # theta = 1, 0.5, 18, 18
    x = torch.tensor([[1.1, 0.1, 0, 0], [0.9, 0.6, 0, 0]])  # only 0.1 is further than 0.2 from its threshold

    passed = sae.training_pass(x)

    assert_close(sae.encode(x), torch.tensor([[1.1, 0, 0, 0], [0, 0.6, 0, 0]]))
    assert_close(passed.x_hat, sae.encode(x))
    assert passed.n_fired.tolist() == [1, 1, 0, 0]
    assert passed.penalty.item() == pytest.approx(3 * 4 * (1 / 2 - 1) ** 2)
    passed.penalty.backward(retain_graph=True)
    found = gradients(sae)
    l0_by_theta = torch.tensor([-2 / 2, -1 / 2, 0, 0]) / 0.4
    assert_close(found.pop("threshold_unit"), 3 * 4 * 2 * (1 / 2 - 1) / 2 * l0_by_theta * 4**0.5)
    assert not any(value.any() for value in found.values())
    passed.x_hat.sum().backward()
    found = gradients(sae)
    assert_close(found["threshold_unit"], torch.tensor([-1 / 0.4 * 2, -0.5 / 0.4, 0, 0]) * 4**0.5)
    assert found["b_enc"].tolist() == [1, 1, 0, 0]


def test_thresholds_of_jumprelu_stay_positive() -> None:
    sae = identity(JumpReLUSAE, 4)
    with torch.no_grad():
        sae.threshold_unit.copy_(torch.tensor([-1.0, 0, 1, 2]))

    sae.after_step(sae.training_pass(torch.ones(2, 4)), 2)

    assert sae.threshold.tolist() == [0, 0, 2, 4]


def test_batchtopk_by_hand(path: str) -> None:
    sae = identity(BatchTopKSAE, 2)
    x = torch.tensor([[5.0, 4], [1, 0.5], [3, -1]])

    passed = sae.training_pass(x)

    assert passed.x_hat.tolist() == [[5, 4], [0, 0], [3, 0]]
    assert passed.n_fired.tolist() == [2, 1]
    assert passed.penalty.item() == 0
    passed.x_hat.sum().backward()
    assert gradients(sae)["b_enc"].tolist() == [2, 1]
    assert sae.encode(x).tolist() == [[5, 4], [1, 0.5], [3, 0]]  # no threshold is learnt yet
    sae.after_step(passed, 3)
    assert sae.threshold.item() == pytest.approx(3)
    assert sae.encode(x).tolist() == [[5, 4], [0, 0], [3, 0]]
    assert sae.training_pass(x[1:], inference=True).n_fired.tolist() == [1, 0]
    sae.after_step(sae.training_pass(x[1:]), 2)  # keeps 3 and 1
    assert sae.threshold.item() == pytest.approx(0.9 * 3 + 0.1 * 1)


def test_batchtopk_keeps_nothing_that_is_not_positive(path: str) -> None:
    passed = identity(BatchTopKSAE, 2).training_pass(torch.tensor([[1.0, -1], [-2, 0]]))

    assert passed.n_fired.tolist() == [1, 0]
    assert passed.floor == 0


@pytest.mark.parametrize("likely", [0.0, 0.5, 100.0])
def test_the_nth_largest_needs_no_good_guess(likely: float) -> None:
    x = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))

    assert nth_largest(x, 100, likely) == x.flatten().sort(descending=True).values[99]


def test_entries_above_a_floor_of_each_feature() -> None:
    generator = torch.Generator().manual_seed(0)
    pre, floor = torch.randn(50, 70, generator=generator), torch.randn(70, generator=generator)

    found = above(pre, floor)

    rows, features = (pre > floor).nonzero(as_tuple=True)
    assert found.features.tolist() == features.tolist()
    assert found.values.tolist() == pre[rows, features].tolist()
    assert np.diff(found.indptr).tolist() == (pre > floor).sum(1).tolist()


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_sparse_pass_equals_a_dense_one(name: str, inference: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    sae, x = shaken(name)
    x_in = x * sae.scale
    weight, bias = sae.encoder()
    trained = None if inference else Share.whole(len(x_in))
    assert isinstance(sae._entries(x_in, weight, bias, trained)[0], SparseEntries)

    found = []
    for _ in range(2):
        passed = sae.training_pass(x_in, inference=inference)
        if not inference:
            (reconstruction_loss(x_in, passed.x_hat) + passed.penalty).backward()
        found.append((passed, gradients(sae)))
        monkeypatch.setattr(sae, "_is_sparse", lambda *_, **__: False)
        assert type(sae._entries(x_in, weight, bias, trained)[0]) is Entries

    (sparse, by_sparse), (dense, by_dense) = found
    assert sparse.n_fired.tolist() == dense.n_fired.tolist()
    assert_close(sparse.x_hat, dense.x_hat, rtol=1e-5, atol=1e-5)
    assert_close(sparse.penalty, dense.penalty, rtol=1e-5, atol=1e-6)
    assert (sparse.penalty > 0) == (sae.has_penalty and not inference)
    for part, value in by_dense.items():
        assert_close(by_sparse[part], value, rtol=1e-4, atol=2e-6 * float(value.abs().max()) + 1e-9)
    assert by_dense["W_enc"].any() != inference
    assert dense.x_hat.requires_grad != inference


@pytest.mark.parametrize("name", NAMES)
def test_sparse_codes_equal_dense_ones_and_those_of_a_validation(name: str) -> None:
    sae, x = shaken(name)

    codes, dense = sae.encode_sparse(x), sae.encode(x).detach()

    assert codes.has_canonical_format
    assert 100 < codes.nnz < 300 * 500 / 6
    assert (codes.data > 0).all()
    np.testing.assert_allclose(codes.toarray(), dense.numpy(), rtol=1e-5, atol=1e-5)
    assert_close(sae.decode(dense), sae(x).x_hat)
    passed = sae.training_pass(x * sae.scale, inference=True)
    assert_close(passed.x_hat / sae.scale, sae(x).x_hat, rtol=1e-5, atol=1e-5)
    assert passed.penalty.item() == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_residue_is_encoded_alone(name: str) -> None:
    sae, x = shaken(name)

    assert_close(sae.encode(x)[5:6], sae.encode(x[5:6]), rtol=1e-5, atol=1e-5)


def test_a_topk_sae_has_no_penalty() -> None:
    sae = TopKSAE(TopKSAEConfig(d_model=4, d_sae=60, k=2))

    passed = sae.training_pass(torch.ones(3, 4))

    assert not sae.has_penalty
    assert passed.penalty.item() == 0
    assert passed.floor is None


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        *((name, {"k": 0}, "k must be in 1..d_sae=8, got 0") for name in NAMES),
        ("jumprelu", {"bandwidth": 0.0}, "bandwidth must be above 0, got 0"),
        ("jumprelu", {"l0_weight": -1.0}, "l0_weight must be above 0, got -1"),
    ],
)
def test_a_config_outside_its_range_is_refused(name: str, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        CLASSES[name][1](**{"d_model": 4, "d_sae": 8, "k": 2, **changes})
