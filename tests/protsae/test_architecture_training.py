"""ReLU, Gated, JumpReLU and BatchTopK SAEs in the training loop: L0, files, restarts, dead features."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
import tiny_saes
import tiny_training as tiny
from tiny_saes import NAMES, gradients, settled, shaken

from protsae.sae import load_sae
from protsae.sae.threshold import ThresholdSAE
from protsae.shard_writer import ShardWriter
from protsae.shards import ShardReader
from protsae.training.batches import BatchStream
from protsae.training.config import TrainingData
from protsae.training.loop import Progress, train
from protsae.training.validation import validate

pytestmark = pytest.mark.usefixtures("one_thread")


def make(name: str) -> ThresholdSAE:
    return tiny_saes.make(name, tiny.D_MODEL, tiny.D_SAE, tiny.K)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return tiny.planted(tmp_path_factory.mktemp("embed"))


def test_the_controller_raises_the_coefficient_until_l0_is_k() -> None:
    sae, x = shaken("relu")
    passed = sae.training_pass(x * sae.scale)
    coefficient = sae.get_buffer("sparsity_coef")
    before = coefficient.item()
    at_twice = passed._replace(n_fired=torch.tensor([2 * 8 * 300]))
    e = 2 * math.tanh(math.log(2) / 2)

    sae.after_step(at_twice, 300)
    assert coefficient.item() == pytest.approx(before * math.exp(1.02 * e))
    sae.after_step(at_twice, 300)
    assert coefficient.item() == pytest.approx(before * math.exp(1.04 * e))
    for _ in range(2):
        sae.after_step(passed._replace(n_fired=torch.tensor([8 * 300])), 300)
    assert coefficient.item() == pytest.approx(before * math.exp(0.04 * e))
    sae.after_step(passed._replace(n_fired=torch.tensor([0])), 300)
    assert 0 < coefficient.item() < before


@pytest.fixture(scope="module")
def plenty(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """Sparse sums of 60 directions in enough residues for held-out ones to look the same."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(60, tiny.D_MODEL)) / tiny.D_MODEL**0.5
    folder = tmp_path_factory.mktemp("plenty")
    with ShardWriter(folder, max_rows=10_000) as writer:
        for number in range(120):
            code = rng.exponential(size=(100, 60)) * (rng.random((100, 60)) < 0.06)
            writer.add(f"P{number}", torch.from_numpy(5 * code @ directions + 2).float())
    return TrainingData(ShardReader(folder), np.arange(100), np.arange(100, 120))


@pytest.mark.parametrize("name", NAMES)
def test_l0_lands_at_k(name: str, plenty: TrainingData, tmp_path: Path) -> None:
    sae = make(name)
    config = tiny.config(epochs=10, lr=5e-3, lr_drop_epoch=8, batch_size=200, best_from_epoch=10)
    result = train(sae, plenty, config, tmp_path)

    assert result.best.l0 == pytest.approx(tiny.K, rel=0.1)
    assert result.best.explained_variance > 0.6
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    steps = [row for row in rows if row["kind"] == "step"]
    assert all(("penalty" in row) == sae.has_penalty for row in steps)
    for row in steps:
        assert row["total"] == pytest.approx(row["rec"] + row.get("penalty", 0), rel=1e-5)
    loaded = load_sae(tmp_path)
    x = settled(sae, torch.from_numpy(plenty.reader.protein(0).astype(np.float32)))
    assert_close(loaded.encode(x), sae.encode(x), rtol=1e-5, atol=1e-5)
    assert_close(loaded.state_dict(), sae.state_dict(), rtol=0, atol=0)
    assert_close(loaded.W_dec.norm(dim=1), torch.ones(tiny.D_SAE))


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_training_goes_on_to_the_same_bits(name: str, data: TrainingData, tmp_path: Path) -> None:
    def interrupt(now: Progress) -> None:
        if now.step >= 35:
            raise InterruptedError

    train(make(name), data, tiny.config(epochs=2), tmp_path / "whole")
    with pytest.raises(InterruptedError):
        train(make(name), data, tiny.config(epochs=2), tmp_path / "cut", interrupt)
    train(make(name), data, tiny.config(epochs=2), tmp_path / "cut")

    for file in ("sae.safetensors", "log.jsonl"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_a_validation_sees_the_learnt_threshold(data: TrainingData) -> None:
    sae = make("batchtopk")
    sae.fit_input(torch.zeros(tiny.D_MODEL), 100.0)
    stream = BatchStream(data.reader, data.valid, batch_size=64, drop_last=False)
    sae.get_buffer("threshold").fill_(1e6)

    found = validate(sae, stream, None)

    assert found.l0 == 0
    assert found.share_alive == 0


@pytest.mark.parametrize("name", NAMES)
def test_dead_features_learn_through_auxk(name: str, data: TrainingData, tmp_path: Path) -> None:
    sae, x = shaken(name)
    x_in, bias = x * sae.scale, {"gated": "b_gate"}.get(name, "b_enc")
    with torch.no_grad():
        sae.get_parameter(bias)[:20] = -9 if name in {"relu", "gated"} else -1  # below every threshold
    dead = torch.arange(20)

    sae.reconstruct_with(x_in, dead, 4).sum().backward()

    found = gradients(sae)
    assert found["W_enc"][:, :20].any()
    assert found["W_dec"][:20].any()
    assert not found["W_dec"][20:].any()
    train(make(name), data, tiny.config(epochs=1, auxk=4, auxk_dead_steps=1), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert any(row.get("aux", 0) > 0 for row in rows)
