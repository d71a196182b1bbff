"""Group Bias Adaptation: biases follow rates, not gradients; the right rates find a planted dictionary."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
import tiny_training as tiny

from protsae.errors import ConfigError
from protsae.measures.stability import best, random_best, random_directions
from protsae.sae import GBASAE, GBASAEConfig, load_sae
from protsae.sae.losses import reconstruction_loss
from protsae.training.loop import train

D_MODEL, N_PLANTED, D_SAE, RATE = 32, 64, 256, 0.03


@pytest.fixture(scope="module")
def residues() -> torch.Tensor:
    """Each uses 3 % of 64 directions."""
    rng = np.random.default_rng(0)
    code = (rng.random((20_000, N_PLANTED)) < RATE) * rng.uniform(0.5, 1.5, (20_000, N_PLANTED))
    return torch.from_numpy(code.astype(np.float32) @ random_directions(N_PLANTED, D_MODEL, 0))


def learnt(x: torch.Tensor, rate: float, steps: int = 1800, lr: float = 3e-3) -> GBASAE:
    sae = GBASAE(GBASAEConfig(d_model=D_MODEL, d_sae=D_SAE, k=round(rate * D_SAE), groups=1, span=1))
    sae.fit_input(x.mean(0), float(x.pow(2).sum(1).mean()))
    optimizer = torch.optim.Adam(sae.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * min(1.0, (steps - step) / (0.3 * steps))
        x_in = sae.rescaled(x[torch.randint(len(x), (300,), generator=generator)])
        passed = sae.training_pass(x_in)
        optimizer.zero_grad()
        reconstruction_loss(x_in, passed.x_hat).backward()
        sae.project_decoder_gradient()
        before = sae.bias.clone()
        optimizer.step()
        assert_close(sae.bias, before, rtol=0, atol=0)
        sae.after_step(passed, len(x_in))
    return sae


def test_right_rates_find_a_planted_dictionary_and_wrong_ones_do_not(residues: torch.Tensor) -> None:
    planted, recovered, l0 = random_directions(N_PLANTED, D_MODEL, 0), {}, {}
    for rate in (RATE, 5 * RATE):
        sae = learnt(residues, rate)
        recovered[rate] = (best(planted, sae.W_dec.detach().numpy())[1] > 0.9).mean()
        l0[rate] = float((sae.encode(residues[:2000]) > 0).sum() / 2000)
        (group,) = sae.group_rates()
        assert group.achieved == pytest.approx(l0[rate] / D_SAE, rel=0.3)
        assert -(D_MODEL**0.5) <= float(sae.bias.min()) <= float(sae.bias.max()) <= 0

    assert recovered[RATE] >= 0.95
    assert recovered[5 * RATE] < 0.5
    assert l0[RATE] < RATE * D_SAE < l0[5 * RATE]
    assert (random_best(planted, D_SAE, 1) > 0.9).mean() == 0


def test_a_move_by_hand() -> None:
    sae = GBASAE(GBASAEConfig(d_model=4, d_sae=4, k=1, groups=2, span=3, every=1, pace=0.5))
    assert_close(sae.rates, torch.tensor([0.375, 0.375, 0.125, 0.125]))
    sae.bias.copy_(torch.tensor([-0.1, -0.1, -1.9, -0.6]))
    sae.fired.copy_(torch.tensor([8.0, 3.0, 9.0, 0.0]))
    sae.peak.copy_(torch.tensor([2.0, 1.0, 1.0, 0.0]))
    passed = sae.training_pass(torch.zeros(10, 4), inference=True)
    assert passed.n_fired.sum() == 0

    sae.after_step(passed, 10)

    assert_close(sae.bias, torch.tensor([-1.1, -0.1, -2.0, -0.1]))  # at most sqrt(4) down, half a peak of the group up
    assert_close(sae.achieved, torch.tensor([0.8, 0.3, 0.9, 0.0]))
    assert [(row.n_features, row.share_silent) for row in sae.group_rates()] == [(2, 0.0), (2, 0.5)]
    assert not sae.fired.any()


def test_biases_have_no_gradient_and_both_paths_note_equal_peaks(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = []
    for share in (1.0, 0.0):
        monkeypatch.setattr("protsae.sae.threshold.DENSE_ABOVE", share)
        monkeypatch.setattr("protsae.sae.base.DENSE_ABOVE", share)
        sae = GBASAE(GBASAEConfig(d_model=D_MODEL, d_sae=D_SAE, k=8))
        x_in = torch.randn(60, D_MODEL, generator=torch.Generator().manual_seed(0))
        sae.training_pass(x_in).x_hat.pow(2).sum().backward()
        assert "bias" not in dict(sae.named_parameters())
        assert sae.log_scale.grad is not None
        peaks.append(sae.peak)
    assert_close(peaks[0], peaks[1])


def test_a_training_goes_on_where_it_was_cut_and_is_saved_whole(tmp_path: Path) -> None:
    data, config = tiny.planted(tmp_path / "embed"), GBASAEConfig(d_model=tiny.D_MODEL, d_sae=tiny.D_SAE, k=tiny.K)

    def interrupt(now: object) -> None:
        if now.step >= 35:  # type: ignore[attr-defined]
            raise InterruptedError

    train(GBASAE(config), data, tiny.config(), tmp_path / "whole")
    with pytest.raises(InterruptedError):
        train(GBASAE(config), data, tiny.config(), tmp_path / "cut", interrupt)
    train(GBASAE(config), data, tiny.config(), tmp_path / "cut")

    for file in ("sae.safetensors", "log.jsonl"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    loaded = load_sae(tmp_path / "cut")
    assert isinstance(loaded, GBASAE)
    assert sum(row.n_features for row in loaded.group_rates()) == tiny.D_SAE
    with pytest.raises(ConfigError, match="transpose"):
        loaded.folded()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"groups": 0}, "groups must be in 1..d_sae=8, got 0"),
        ({"span": 0.5}, "span must be at least 1, got 0.5"),
        ({"every": 0}, "every must be at least 1, got 0"),
        ({"pace": 1.0}, "pace must be above 0 and below 1, got 1"),
    ],
)
def test_a_config_outside_its_range_is_refused(changes: dict[str, float], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        GBASAEConfig(**{"d_model": 4, "d_sae": 8, "k": 2, "groups": 2, **changes})
