"""Bounds on how often free features fire."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from tiny_training import config, make, planted

from protsae.training.firing_rates import RISE, SILENT_STEPS, SINK, bound_rates
from protsae.training.loop import train


def test_biases_sink_where_features_are_dense_and_rise_where_they_are_silent() -> None:
    biases = torch.zeros(4)
    n_rows = 1000
    silent = torch.tensor([0, 0, SILENT_STEPS, SILENT_STEPS + 1])
    bound_rates(biases, torch.tensor([300, 50, 0, 0]), n_rows, silent, 0.1)

    torch.testing.assert_close(biases, torch.tensor([-2 * SINK, 0.0, 0.0, RISE]))


@pytest.mark.parametrize("architecture", ["topk", "protsae"])
def test_bounds_leave_fewer_features_silent(architecture: str, tmp_path: Path) -> None:
    data = planted(tmp_path / "embed")
    alive = {}
    for bound in (0.0, 0.08):
        settings = config(epochs=40, lr=1e-2, lr_drop_epoch=30, rate_bound=bound, log_every=100, checkpoint_seconds=600)
        alive[bound] = train(make(architecture), data, settings, tmp_path / str(bound)).best.share_alive

    assert alive[0.08] > alive[0.0]
