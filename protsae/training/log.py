"""The log of a training: one line of JSON for some steps, how fast they were and how long the rest will take.

Both training loops, the one of the SAEs and the one of an embedded PLM, log through this file. Read `LogWindow`.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

LOG_NAME = "log.jsonl"

Terms = Mapping[str, Tensor | float]
"""Every loss term of a step, and the counts that are logged beside them."""


class Line(NamedTuple):
    """What a window of steps comes to."""

    losses: dict[str, float]
    """Mean over the steps."""
    seconds_per_step: float
    """Mean of the recent windows, the latest weighing most."""
    per_second: float
    """Items (residues, tokens) per second, at this pace."""

    def seconds_left(self, steps: int) -> float:
        """Seconds that so many steps will take at this pace."""
        return steps * self.seconds_per_step


class LogWindow:
    """The steps since the last line of the log."""

    def __init__(self) -> None:
        """Start with no step."""
        self._steps: list[dict[str, Tensor | float]] = []
        self._items = 0
        self._started = time.monotonic()
        self._seconds_per_step: float | None = None

    def __len__(self) -> int:
        """Steps since the last line."""
        return len(self._steps)

    def restart_clock(self) -> None:
        """Leave out what was done since the last line, a validation for instance."""
        self._started = time.monotonic()

    def add(self, terms: Terms, n_items: int) -> None:
        """Note one step over so many items; tensors stay where they are, without gradient."""
        self._steps.append({name: v.detach() if isinstance(v, torch.Tensor) else v for name, v in terms.items()})
        self._items += n_items

    def close(self) -> Line:
        """Mean of the steps (at least one); the next window begins."""
        n, items = len(self._steps), self._items
        losses = {name: sum(float(terms[name]) for terms in self._steps) / n for name in self._steps[0]}
        now = time.monotonic()
        recent, held = (now - self._started) / n, self._seconds_per_step
        seconds = self._seconds_per_step = recent if held is None else 0.8 * held + 0.2 * recent
        self._steps, self._items, self._started = [], 0, now
        return Line(losses, seconds, items / n / max(seconds, 1e-9))


def begin(folder: Path) -> None:
    """Start an empty log."""
    (folder / LOG_NAME).write_bytes(b"")


def append(folder: Path, row: Mapping[str, object]) -> None:
    """Write one line to the log of a training."""
    with (folder / LOG_NAME).open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(row) + "\n")


def length(folder: Path) -> int:
    """Bytes of the log."""
    return (folder / LOG_NAME).stat().st_size


def cut(folder: Path, n_bytes: int) -> None:
    """Remove what was logged after the checkpoint was written; a log that is shorter stays as it is."""
    with (folder / LOG_NAME).open("ab") as handle:
        handle.truncate(min(n_bytes, handle.tell()))
