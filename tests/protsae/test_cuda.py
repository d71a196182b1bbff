"""On a GPU everything comes to what it comes to on the CPU, to rounding; skipped where there is none."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from esm2_files import random_model

sys.path.insert(0, str(Path(__file__).parent))
import tiny_saes
import tiny_training

from protsae.plm.esm2_plm import ESM2PLM
from protsae.sae import TopKSAE, TopKSAEConfig
from protsae.steering.steer import SteerConfig, Steering
from protsae.training.loop import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")

SEQUENCES = ["MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF", "ACDEF", "MKTAYIAKQR"]


def test_the_language_model_gives_the_same_states() -> None:
    here, there = (ESM2PLM(random_model(), name="toy", device=device) for device in ("cpu", "cuda"))
    layer, site = 1, here.sites[0]
    expected = dict(here.harvest(SEQUENCES, layer=layer, site=site))
    found = dict(there.harvest(SEQUENCES, layer=layer, site=site))
    for place, states in expected.items():  # bfloat16 products: 8 bits of each factor
        assert float((found[place] - states).norm() / states.norm()) < 0.01


@pytest.mark.parametrize("name", tiny_saes.NAMES)
def test_threshold_saes_give_the_same_codes(name: str) -> None:
    sae, x = tiny_saes.shaken(name)
    expected = sae.encode_sparse(x)
    found = sae.to("cuda").encode_sparse(x.to("cuda"))
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.indptr, expected.indptr)
    np.testing.assert_allclose(found.data, expected.data, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("architecture", ["topk", "protsae"])
def test_a_training_comes_to_the_same(tmp_path: Path, architecture: str) -> None:
    data, losses = tiny_training.planted(tmp_path / "embed"), {}
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        sae = tiny_training.make(architecture).to(device)
        losses[device] = train(sae, data, tiny_training.config(), tmp_path / device).best.fvu
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=0.03)


def test_steering_comes_to_the_same_letters() -> None:
    sae = TopKSAE(TopKSAEConfig(d_model=random_model().embed_dim, d_sae=64, k=4))
    found = {}
    for device in ("cpu", "cuda"):
        plm = ESM2PLM(random_model(), name="toy", device=device)
        spec = plm.spec(layer=1, site=plm.sites[0])
        steering = Steering(plm, spec, sae.to(device), SEQUENCES[0], SteerConfig(seed=0))
        found[device] = steering.run({3: 2.0}).steered
    assert found["cuda"] == found["cpu"]
