"""Ordered SAEs: what is cut, what is not, and that a planted Zipf dictionary comes back in its order."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
import tiny_training as tiny

from protsae.errors import ConfigError
from protsae.measures.stability import best, matched, random_best, random_directions
from protsae.sae import SAE, OrderedSAE, OrderedSAEConfig, TopKSAE, TopKSAEConfig, load_sae
from protsae.sae.losses import reconstruction_loss
from protsae.training.loop import train

D_MODEL, N_PLANTED, N_ACTIVE = 30, 40, 4


@pytest.fixture(scope="module")
def zipf() -> torch.Tensor:
    """Residues that use few of forty directions each, the first the most often."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, N_PLANTED + 1) ** 1.2
    keys = rng.exponential(size=(10_000, N_PLANTED)) / share
    code = np.zeros(keys.shape, dtype=np.float32)
    chosen = np.argsort(keys, axis=1)[:, :N_ACTIVE]
    np.put_along_axis(code, chosen, rng.uniform(0.5, 1.5, chosen.shape).astype(np.float32), axis=1)
    return torch.from_numpy(code @ planted())


def planted() -> np.ndarray:
    return random_directions(N_PLANTED, D_MODEL, 0)


def learnt(sae: SAE, x: torch.Tensor, steps: int = 2500, lr: float = 4e-3) -> np.ndarray:
    sae.fit_input(torch.zeros(D_MODEL), float(x.pow(2).sum(1).mean()))
    optimizer = torch.optim.Adam(sae.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * min(1.0, (steps - step) / (0.3 * steps))
        x_in = sae.rescaled(x[torch.randint(len(x), (200,), generator=generator)])
        passed = sae.training_pass(x_in)
        optimizer.zero_grad()
        reconstruction_loss(x_in, passed.x_hat).backward()
        sae.project_decoder_gradient()
        optimizer.step()
        sae.after_step(passed, len(x_in))
    return sae.W_dec.detach().numpy()


def ordered(seed: int = 0, **changes: int) -> OrderedSAE:
    shape = {"d_model": D_MODEL, "d_sae": N_PLANTED, "k": N_ACTIVE}
    settings: dict[str, Any] = {**shape, "first_k": 30, "warm_steps": 1500, **changes}
    return OrderedSAE(OrderedSAEConfig(**settings), seed=seed)


def test_a_zipf_dictionary_comes_back_in_order_and_not_without_the_cuts(zipf: torch.Tensor) -> None:
    in_order = [learnt(ordered(seed), zipf) for seed in (0, 1)]
    plain = [
        learnt(TopKSAE(TopKSAEConfig(d_model=D_MODEL, d_sae=N_PLANTED, k=N_ACTIVE), seed=seed), zipf) for seed in (0, 1)
    ]

    to_truth, over_seeds, without = matched(in_order[0], planted()), matched(*in_order), matched(*plain)
    luck = matched(random_directions(N_PLANTED, D_MODEL, 3), random_directions(N_PLANTED, D_MODEL, 4))
    assert to_truth.orderedness > 0.7
    assert over_seeds.orderedness > 0.7
    assert abs(without.orderedness) < 0.35
    assert over_seeds.stability > luck.stability + 0.3


@pytest.mark.parametrize("d_sae", [40, 400])
def test_a_pass_keeps_the_first_features_of_each_residue(d_sae: int) -> None:
    sae = OrderedSAE(OrderedSAEConfig(d_model=D_MODEL, d_sae=d_sae, k=4, warm_steps=0))
    x_in = torch.randn(50, D_MODEL, generator=torch.Generator().manual_seed(0))

    passed = sae.training_pass(x_in)

    acts = sae.sparsify((x_in - sae.b_dec) @ sae.W_enc + sae.b_enc, None)[0]
    kept = torch.arange(d_sae) < torch.from_numpy(sae.cuts(50))[:, None]
    assert_close(passed.x_hat, (acts * kept) @ sae.W_dec + sae.b_dec)
    assert passed.n_fired.sum() == 200
    assert_close(sae.training_pass(x_in, inference=True).x_hat, acts @ sae.W_dec + sae.b_dec)


def test_both_paths_give_equal_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for share in (1.0, 0.0):
        monkeypatch.setattr("protsae.sae.ordered.DENSE_ABOVE", share)
        sae = OrderedSAE(OrderedSAEConfig(d_model=D_MODEL, d_sae=200, k=4))
        x_in = torch.randn(50, D_MODEL, generator=torch.Generator().manual_seed(0))
        sae.training_pass(x_in).x_hat.pow(2).sum().backward()
        found.append({name: value.grad for name, value in sae.named_parameters()})
    assert_close(found[0], found[1], rtol=1e-4, atol=1e-4)


def test_every_index_is_cut_at_as_often_and_k_falls() -> None:
    sae = ordered(first_k=20, warm_steps=100)
    cuts = sae.cuts(40_000)
    assert (cuts.min(), cuts.max()) == (1, N_PLANTED)
    assert np.bincount(cuts)[1:].min() > 850
    levels = []
    for step in (0, 50, 100, 900):
        sae.step.fill_(step)
        levels.append(sae.k_now)
    assert levels == [20, 9, 4, 4]


def test_a_training_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    data, config = tiny.planted(tmp_path / "embed"), OrderedSAEConfig(d_model=tiny.D_MODEL, d_sae=tiny.D_SAE, k=tiny.K)

    def interrupt(now: object) -> None:
        if now.step >= 35:  # type: ignore[attr-defined]
            raise InterruptedError

    train(OrderedSAE(config), data, tiny.config(), tmp_path / "whole")
    with pytest.raises(InterruptedError):
        train(OrderedSAE(config), data, tiny.config(), tmp_path / "cut", interrupt)
    train(OrderedSAE(config), data, tiny.config(), tmp_path / "cut")

    for file in ("sae.safetensors", "log.jsonl"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert float(load_sae(tmp_path / "cut").get_buffer("step")) > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"first_k": 2}, "first_k must be in k=4..d_sae=40, got 2"),
        ({"warm_steps": -1}, "warm_steps must be at least 0"),
    ],
)
def test_a_config_outside_its_range_is_refused(changes: dict[str, int], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ordered(**changes)


def test_measures_of_stability_by_hand() -> None:
    first = np.eye(4, dtype=np.float32)
    second = first[[1, 0, 2, 3]]

    found = matched(first, second)

    assert found.second.tolist() == [1, 0, 2, 3]
    assert found.stability == 1
    assert found.orderedness == pytest.approx(0.8)
    assert matched(first, first).orderedness == 1
    assert best(first, second)[0].tolist() == [1, 0, 2, 3]
    assert random_best(random_directions(50, 300, 1), 50, 2).mean() < 0.2
