"""Bounds on how often free features fire."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from tiny_training import config, make, planted

from protsae.training.firing_rates import AIM, RISE, SILENT_STEPS, SINK, bound_rates
from protsae.training.loop import train


def test_biases_sink_where_features_are_dense_and_rise_where_they_are_silent() -> None:
    biases = torch.zeros(4)
    n_rows = 1000
    dense = round(3 * AIM * n_rows)
    bound_rates(biases, torch.tensor([dense, 50, 0, 0]), n_rows, torch.tensor([0, 0, SILENT_STEPS, SILENT_STEPS + 1]))

    torch.testing.assert_close(biases, torch.tensor([-2 * SINK, 0.0, 0.0, RISE]))


@pytest.mark.parametrize("architecture", ["topk", "protsae"])
def test_bounds_leave_fewer_features_silent(architecture: str, tmp_path: Path) -> None:
    data = planted(tmp_path / "embed")
    alive = {}
    for bounded in (False, True):
        settings = config(
            epochs=40, lr=1e-2, lr_drop_epoch=30, bound_rates=bounded, log_every=100, checkpoint_seconds=600
        )
        alive[bounded] = train(make(architecture), data, settings, tmp_path / str(bounded)).best.share_alive

    assert alive[True] > alive[False]
