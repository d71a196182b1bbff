"""The fast path through active features equals the dense formula and its autograd."""

import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
from tiny_saes import settled

from protsae.sae import SAE, ProtSAE, ProtSAEConfig, TopKSAE, TopKSAEConfig
from protsae.sae.fast.sparse import linear, select
from protsae.sae.losses import annotation_loss, reconstruction_loss
from protsae.sae.topk import keep_top_k

N, D_MODEL, D_SAE, M, K = 200, 24, 300, 30, 8


def protsae(**changes: object) -> ProtSAE:
    settings = {"d_model": D_MODEL, "d_sae": D_SAE, "k": K, "namespace": "MFO", **changes}
    return ProtSAE(ProtSAEConfig(concepts=tuple(f"GO:{i:07d}" for i in range(M)), **settings))


def saes() -> list[SAE]:
    switches = product(("after", "before"), ("active", "all"))
    guided = [protsae(forcing=forcing, forcing_mean=mean) for forcing, mean in switches]
    guided += [protsae(forcing=forcing, forcing_strength="graded") for forcing in ("after", "before")]
    guided += [protsae(selection="apart"), protsae(selection="apart", detector=True, rescale=False)]
    plain = protsae(forced_activation=False, rescale=False, detach=False)
    return [TopKSAE(TopKSAEConfig(d_model=D_MODEL, d_sae=D_SAE, k=K)), *guided, plain]


@pytest.fixture(
    params=saes(),
    ids=lambda sae: f"{sae.architecture}-{getattr(sae.cfg, 'selection', '')}-{getattr(sae.cfg, 'forcing', '')}",
)
def sae(request: pytest.FixtureRequest) -> SAE:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in request.param.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        if isinstance(request.param, ProtSAE):
            request.param.b_offset.sub_(1)
    return request.param


@pytest.fixture
def x(sae: SAE) -> Tensor:
    found = settled(sae, torch.randn(N, D_MODEL, generator=torch.Generator().manual_seed(1)))
    assert len(found) > N / 2
    return found


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest) -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def gradients(sae: SAE, x_hat: Tensor, logits: Tensor | None, x: Tensor) -> dict[str, Tensor]:
    loss = reconstruction_loss(x, x_hat)
    if logits is not None and logits.shape[1]:
        labels = torch.rand(len(x), M, generator=torch.Generator().manual_seed(2)) > 0.8
        loss = loss + 10 * annotation_loss(logits, labels)
    sae.zero_grad()
    loss.backward()
    return {name: value.grad.clone() for name, value in sae.named_parameters() if value.grad is not None}


def test_a_training_pass_equals_autograd_on_the_dense_formula(sae: SAE, x: Tensor, threads: int) -> None:
    assert sae.runs_sparse
    dense = sae(x)
    expected = gradients(sae, dense.x_hat, None if dense.extra is None else dense.extra.logits, x)

    passed = sae.training_pass(x)
    found = gradients(sae, passed.x_hat, passed.logits, x)

    assert_close(passed.x_hat, dense.x_hat, rtol=1e-5, atol=1e-5)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(
            found[name], value, rtol=1e-4, atol=1e-6 * float(value.abs().max()), msg=lambda m, n=name: f"{n}: {m}"
        )
    assert passed.n_fired.tolist() == (dense.acts > 0).sum(0).tolist()
    if dense.extra is not None:
        is_predicted = dense.extra.logits > 0
        assert passed.n_forced == dense.extra.is_forced.sum()
        assert passed.n_predicted == is_predicted.sum()
        assert passed.n_participating == (is_predicted & (dense.acts[:, :M] > 0)).sum()


def test_the_dense_training_pass_gives_the_same(sae: SAE, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = sae.training_pass(x)
    monkeypatch.setattr(type(sae), "runs_sparse", False)
    dense = sae.training_pass(x)

    assert_close(sparse.x_hat, dense.x_hat, rtol=1e-5, atol=1e-5)
    assert_close(sparse.logits, dense.logits, rtol=1e-5, atol=1e-5)
    assert sparse.n_fired.tolist() == dense.n_fired.tolist()
    assert sparse[3:] == dense[3:]


def test_sparse_codes_equal_dense_ones(sae: SAE, x: Tensor) -> None:
    sae.fit_input(x.mean(0), 3.0)
    x = settled(sae, x)

    codes = sae.encode_sparse(x)

    assert codes.has_canonical_format
    np.testing.assert_allclose(codes.toarray(), sae.encode(x).detach().numpy(), rtol=1e-5, atol=1e-6)
    assert (codes.data > 0).all()


@pytest.mark.parametrize(("d_sae", "k"), [(1, 1), (7, 7), (33, 1), (100, 12), (257, 20), (1000, 5)])
def test_topk_of_any_shape(d_sae: int, k: int) -> None:
    pre_acts = torch.randn(50, d_sae, generator=torch.Generator().manual_seed(d_sae))

    codes = select(pre_acts, None, k=k, rule=None)

    expected = keep_top_k(pre_acts.relu(), k)
    assert np.diff(codes.indptr).tolist() == (expected > 0).sum(1).tolist()
    assert codes.acts.tolist() == expected[expected > 0].tolist()
    assert codes.features.tolist() == expected.nonzero()[:, 1].tolist()


def test_ties_go_to_the_lower_index() -> None:
    pre_acts = torch.tensor([[1.0, 2, 2, 2, 3, 2] + 30 * [2.0], 36 * [0.5], 36 * [-1.0]])

    codes = select(pre_acts, None, k=3, rule=None)

    assert codes.features.tolist() == [1, 2, 4, 0, 1, 2]
    assert codes.indptr.tolist() == [0, 3, 6, 6]


def test_nothing_active_has_no_gradient_but_that_of_b_dec() -> None:
    sae = TopKSAE(TopKSAEConfig(d_model=D_MODEL, d_sae=D_SAE, k=K))
    with torch.no_grad():
        sae.b_enc.fill_(-100)

    passed = sae.training_pass(torch.ones(3, D_MODEL))
    passed.x_hat.sum().backward()

    assert sae.b_dec.grad is not None
    assert sae.b_dec.grad.tolist() == [3.0] * D_MODEL
    assert sae.W_enc.grad is not None
    assert not sae.W_enc.grad.any()


def test_linear_equals_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(shape, generator=generator) for shape in ((50, 24), (70, 24), (70,)))

    assert_close(linear(x, weight, bias), x @ weight.T + bias, rtol=1e-5, atol=1e-5)
    assert_close(linear(x, weight.T.contiguous().T, None), x @ weight.T, rtol=1e-5, atol=1e-5)
