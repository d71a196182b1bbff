"""Processes that train one SAE: each has its share of every batch, and what is said of a batch is said of all of it.

    loss of the batch = sum over processes of the part that each makes of its own rows, proteins, bags
    its gradient      = sum of theirs, one exchange a step

What is no such sum is made of sums that are exchanged before it is taken: the squared error of a mean L0, the log of a
mean over proteins, the n-th largest of all pre-activations, the counts that move thresholds and biases. So N processes
come to what one comes to, but for the order in which floating-point sums are taken. One process is `ALONE`, where every
exchange gives back what it was given.

Read `Ranks`, then `Share`. Several processes are in `together.py`.

Source: synchronous data-parallel training as in torch's DistributedDataParallel (Li et al. 2020, arXiv:2006.15704);
gradients are summed here, not averaged, as each process's loss is a part of the whole one's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Ranks:
    """One process among those that train together; this class is the one that trains alone."""

    rank: int = 0
    """Number of this process, from 0."""
    size: int = 1
    """Processes in all."""

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def part(self, n: int) -> slice:
        """The share that this process has of n things in a row; shares differ by at most one."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def owns(self, numbers: Int[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Which of some numbered things are always this process's."""
        return numbers % self.size == self.rank

    def on(self, device: torch.device) -> torch.device:
        """The device of this process, where all compute on devices of this kind."""
        return device

    def total(self, x: Tensor) -> Tensor:
        """Sum over processes, elementwise and without gradient."""
        return x

    def total_with_gradient(self, x: Tensor) -> Tensor:
        """The same with gradient: what every process's loss says of the sum reaches every process's part."""
        return x

    def largest(self, x: Tensor) -> Tensor:
        """Largest over processes, elementwise and without gradient."""
        return x

    def gathered(self, x: Float[Tensor, " n"]) -> Float[Tensor, " n_all"]:
        """The vectors of all processes, which may differ in length, one behind the other in the processes' order."""
        return x

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Replace every gradient by the sum over processes; one that no process has stays away."""

    def told(self, content: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """What the first process gives, as JSON; the others' own counts for nothing."""
        return None if content is None else dict(content)

    def check_same(self, what: str, content: str) -> None:
        """See that every process has the same.

        Args:
            what: is compared, for the error.
            content: of this process.

        Raises:
            ConfigError: another has something else.
        """

    def follow_first(self, tensors: Sequence[Tensor]) -> None:
        """Fill some tensors, in place, with the first process's."""

    def wait(self) -> None:
        """Go on when all have come here."""


ALONE = Ranks()
"""The only process."""


@dataclass(frozen=True)
class Share:
    """What one process has of a batch."""

    ranks: Ranks
    n_rows: int
    """Of the whole batch."""

    @classmethod
    def whole(cls, n_rows: int) -> "Share":
        """All of it."""
        return cls(ALONE, n_rows)

    @property
    def rows(self) -> slice:
        """Places of this process's rows in the batch."""
        return self.ranks.part(self.n_rows)

    @property
    def weight(self) -> float:
        """Share of the rows, 0 to 1; a mean over these rows, times this, is their part of the mean over all."""
        rows = self.rows
        return (rows.stop - rows.start) / max(1, self.n_rows)
