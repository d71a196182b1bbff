"""Ways to bring residues into an SAE's own units: the same reconstruction by every path, and no trace of it outside."""

import json
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
import tiny_training as tiny
from tiny_saes import NAMES, settled

from precompute.corpus.trained import plm_directions
from protsae.errors import ConfigError
from protsae.sae import SAE, ProtSAE, ProtSAEConfig, SpLiCESAE, load_sae
from protsae.sae.base import ARCHITECTURES
from protsae.sae.config import Normalise
from protsae.training.batches import BatchStream, fit_input
from protsae.training.config import TrainConfig
from protsae.training.loop import train

D_MODEL = 24
WAYS: tuple[Normalise, ...] = get_args(Normalise)
ALL = ["topk", "protsae", "ordered", "gba", *NAMES]


def residues(n: int = 200) -> torch.Tensor:
    """Residues whose dimensions differ in mean and spread, and which differ in norm."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, D_MODEL, generator=generator) * torch.linspace(0.5, 4, D_MODEL) + torch.linspace(-3, 3, D_MODEL)
    return x * (0.5 + torch.rand(n, 1, generator=generator))


def fitted(name: str, normalise: Normalise, x: torch.Tensor) -> SAE:
    """An SAE whose input is fitted to x, with parameters that are nowhere trivial."""
    guided = {"concepts": tuple("ABC"), "namespace": "MFO"} if name == "protsae" else {}
    made: Any = ARCHITECTURES[name]
    sae: SAE = made(made.config_class(d_model=D_MODEL, d_sae=400, k=8, normalise=normalise, **guided))
    unit = x / torch.linalg.vector_norm(x, dim=1, keepdim=True) * D_MODEL**0.5
    sae.fit_input(x.mean(0), float(x.pow(2).sum(1).mean()), deviation=x.std(0, correction=0), unit_mean=unit.mean(0))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    sae.normalize_decoder()
    if name == "batchtopk":
        sae.get_buffer("threshold").fill_(1.5)
    return sae


@pytest.mark.parametrize("normalise", WAYS)
@pytest.mark.parametrize("name", ALL)
def test_every_path_gives_the_same_in_the_plms_own_units(name: str, normalise: Normalise) -> None:
    sae = fitted(name, normalise, residues())
    x = settled(sae, residues())
    assert len(x) > 50
    found = sae(x)

    codes = sae.encode_sparse(x)
    passed = sae.training_pass(sae.rescaled(x), inference=True)

    np.testing.assert_allclose(codes.toarray(), found.acts.detach().numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(sae.decode_sparse(codes, x), found.x_hat.detach().numpy(), rtol=1e-4, atol=1e-4)
    assert_close(passed.x_hat / sae.gain(x), found.x_hat, rtol=1e-4, atol=1e-4)
    assert_close(sae.decode(found.acts, x), found.x_hat)


def test_each_way_brings_residues_to_its_own_size() -> None:
    x = residues()

    scalar, dimension, token = (fitted("topk", way, x).rescaled(x) for way in WAYS)

    assert_close(scalar.pow(2).sum(1).mean(), torch.tensor(float(D_MODEL)))
    assert_close(dimension.std(0, correction=0), torch.ones(D_MODEL))
    assert_close(token.pow(2).sum(1), torch.full((len(x),), float(D_MODEL)))


def test_a_code_without_its_residue_is_decoded_at_the_typical_norm() -> None:
    x = residues()
    sae = fitted("topk", "token", x)
    acts = sae.encode(x)

    typical = x.pow(2).sum(1).mean().sqrt()

    assert_close(sae.decode(acts) / typical, sae.decode(acts, x) / x.norm(dim=1, keepdim=True))
    assert_close(sae.encode(7 * x), acts)
    assert_close(sae(7 * x).x_hat, 7 * sae(x).x_hat)


@pytest.mark.parametrize("normalise", WAYS)
def test_a_unit_of_activation_adds_its_plm_direction(normalise: Normalise) -> None:
    sae = fitted("topk", normalise, residues())
    acts = torch.zeros(1, 400)
    acts[0, 5] = 1

    assert_close((sae.decode(acts) - sae.decode(torch.zeros(1, 400)))[0], plm_directions(sae)[5])


@pytest.mark.parametrize("normalise", WAYS)
def test_the_stream_gives_what_the_input_is_fitted_to(normalise: Normalise, tmp_path: Path) -> None:
    data = tiny.planted(tmp_path)
    stream = BatchStream(data.reader, data.train, batch_size=64, drop_last=False)
    x = torch.cat([batch.x for batch in stream.epoch(0)])
    made: Any = ARCHITECTURES["topk"]
    sae: SAE = made(made.config_class(d_model=tiny.D_MODEL, d_sae=32, k=2, normalise=normalise))

    fit_input(sae, stream)

    x_in = sae.rescaled(x)
    assert_close(sae.b_dec.detach(), x_in.mean(0), rtol=1e-4, atol=1e-4)
    spread = x_in.var(0, correction=0).sum() if normalise == "dimension" else x_in.pow(2).sum(1).mean()
    assert_close(spread, torch.tensor(float(tiny.D_MODEL)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("normalise", "missing"), [("dimension", "deviation"), ("token", "unit_mean")])
def test_what_a_way_needs_must_be_given(normalise: Normalise, missing: str) -> None:
    made: Any = ARCHITECTURES["topk"]
    sae: SAE = made(made.config_class(d_model=2, d_sae=4, k=1, normalise=normalise))

    with pytest.raises(ValueError, match=f"normalise='{normalise}' needs .* give {missing}"):
        sae.fit_input(torch.zeros(2), 1.0)


@pytest.mark.parametrize("normalise", ["scalar", "dimension"])
@pytest.mark.parametrize("name", [name for name in ALL if name != "gba"])
def test_folded_weights_need_no_scale(name: str, normalise: Normalise) -> None:
    sae = fitted(name, normalise, residues())
    x = settled(sae, residues())

    folded = sae.folded()

    assert folded.scale.tolist() == 1
    assert folded.cfg.normalise == "scalar"
    assert_close(folded(x).acts, sae(x).acts, rtol=1e-4, atol=1e-4)
    assert_close(folded(x).x_hat, sae(x).x_hat, rtol=1e-4, atol=1e-4)
    assert_close(folded.W_dec.detach(), plm_directions(sae))


def test_what_cannot_be_folded_says_why() -> None:
    with pytest.raises(ConfigError, match="normalise='token' is not linear in the residue"):
        fitted("topk", "token", residues()).folded()
    means = torch.tensor([[5.0, 1.0], [1.0, -2.0]])
    splice = SpLiCESAE.fit(means, torch.ones(2), mean_square_norm=8.0, concepts=("A", "B"), k=1)
    with pytest.raises(ConfigError, match="a splice SAE has no encoder of its own"):
        splice.folded()


@pytest.mark.parametrize("normalise", WAYS)
def test_the_way_is_saved_with_the_weights(normalise: Normalise, tmp_path: Path) -> None:
    sae = fitted("topk", normalise, residues())
    sae.save(tmp_path)

    found = load_sae(tmp_path)

    assert found.cfg.normalise == normalise
    assert_close(found(residues()).x_hat, sae(residues()).x_hat)


def test_weights_of_an_earlier_version_have_one_scale(tmp_path: Path) -> None:
    sae = fitted("topk", "scalar", residues())
    sae.save(tmp_path)
    path = tmp_path / "cfg.json"
    settings = json.loads(path.read_text())
    del settings["normalise"]
    path.write_text(json.dumps(settings))

    found = load_sae(tmp_path)

    assert found.cfg == sae.cfg
    assert_close(found(residues()).x_hat, sae(residues()).x_hat)


def test_the_decoders_gradient_leaves_the_length_of_its_rows() -> None:
    x = residues()
    sae = fitted("topk", "scalar", x)
    sae.training_pass(sae.rescaled(x)).x_hat.pow(2).sum().backward()
    grad = sae.W_dec.grad
    assert grad is not None
    before = grad.clone()

    sae.project_decoder_gradient()

    along = (grad * sae.W_dec).sum(1)
    assert float(along.detach().abs().max()) < 1e-3 * float(before.norm(dim=1).max())
    assert_close(before - grad, (before * sae.W_dec).sum(1, keepdim=True) * sae.W_dec, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("normalise", ["dimension", "token"])
def test_an_sae_learns_planted_directions_whatever_the_way(normalise: Normalise, tmp_path: Path) -> None:
    data = tiny.planted(tmp_path / "embed")
    made: Any = ARCHITECTURES["topk"]
    sae: SAE = made(made.config_class(d_model=tiny.D_MODEL, d_sae=tiny.D_SAE, k=tiny.K, normalise=normalise))
    config = tiny.config(epochs=8, lr=0.01, schedule="linear", auxk=8, auxk_dead_steps=20)

    result = train(sae, data, config, tmp_path / "topk")

    x = torch.from_numpy(np.concatenate([data.reader.protein(row) for row in data.valid.tolist()])).float()
    unexplained = (x - sae(x).x_hat.detach()).pow(2).sum() / (x - x.mean(0)).pow(2).sum()
    assert result.best.explained_variance > 0.7
    assert float(unexplained) == pytest.approx(1 - result.best.explained_variance, abs=0.05)
    assert 0 <= result.best.share_dense <= result.best.share_live <= result.best.share_alive <= 1


def test_the_linear_schedule_rises_holds_and_falls_to_nothing() -> None:
    config = TrainConfig(lr=0.1, schedule="linear")

    rates = [config.learning_rate(step, 1000, epoch=0) for step in (0, 9, 19, 500, 800, 900, 999)]

    assert rates == pytest.approx([0.005, 0.05, 0.1, 0.1, 0.1, 0.05, 0.0005])


def test_unknown_ways_and_schedules_are_refused() -> None:
    made: Any = ARCHITECTURES["topk"]
    with pytest.raises(ConfigError, match="normalise must be one of scalar, dimension, token, got 'batch'"):
        made.config_class(d_model=2, d_sae=4, k=1, normalise="batch")
    with pytest.raises(ConfigError, match="schedule must be one of drop, linear, got 'cosine'"):
        tiny.config(schedule="cosine")
    settings: Any = {"d_model": 2, "d_sae": 4, "k": 1, "concepts": ("A",), "namespace": "MFO"}
    with pytest.raises(ConfigError, match="annotation='protein' cannot take the logit of a mean residue"):
        ProtSAE(ProtSAEConfig(**settings, normalise="token", annotation="protein"))
