"""The log of a training: one line of JSON for some steps, and how fast they were. Read `LogWindow`."""

import json
import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from protsae.training.checkpoints import LOG_NAME

Terms = dict[str, Tensor | float]
"""Every loss term of a step, and the counts that are logged beside them."""


class Line(NamedTuple):
    """What a window of steps comes to."""

    losses: dict[str, float]
    """Mean over the steps."""
    seconds_per_step: float
    """Mean of the recent windows, the latest weighing most."""


class LogWindow:
    """The steps since the last line of the log."""

    def __init__(self) -> None:
        """Start with no step."""
        self._steps: list[Terms] = []
        self._started = time.monotonic()
        self._seconds_per_step: float | None = None

    def __len__(self) -> int:
        """Steps since the last line."""
        return len(self._steps)

    def restart_clock(self) -> None:
        """Leave out what was done since the last line, a validation for instance."""
        self._started = time.monotonic()

    def add(self, terms: Terms) -> None:
        """Note one step; tensors stay where they are, without gradient."""
        self._steps.append({name: v.detach() if isinstance(v, torch.Tensor) else v for name, v in terms.items()})

    def close(self) -> Line:
        """Mean of the steps (at least one); the next window begins."""
        n = len(self._steps)
        losses = {name: sum(float(terms[name]) for terms in self._steps) / n for name in self._steps[0]}
        now = time.monotonic()
        recent, held = (now - self._started) / n, self._seconds_per_step
        self._seconds_per_step = recent if held is None else 0.8 * held + 0.2 * recent
        self._steps, self._started = [], now
        return Line(losses, self._seconds_per_step)


def append(folder: Path, row: dict[str, object]) -> None:
    """Write one line to the log of a training."""
    with (folder / LOG_NAME).open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(row) + "\n")
