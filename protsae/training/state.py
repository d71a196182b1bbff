"""What the training of an SAE needs to go on as if nothing had happened. Read `State`."""

from typing import Any, NamedTuple

from torch import Tensor


class Best(NamedTuple):
    """The best epoch so far."""

    epoch: int
    """From 1."""
    rank: tuple[float, ...]
    """Lower is better, compared from the first number on."""
    weights: dict[str, Tensor]


class State(NamedTuple):
    """A training between two steps."""

    model: dict[str, Any]
    geometry: dict[str, Any] | None
    optimizer: dict[str, Any]
    epoch: int
    """Epochs that are done."""
    batch: int
    """Batches of the next epoch that are done."""
    step: int
    last_fired: Tensor
    """[d_sae] step at which each feature last fired."""
    best: Best | None
    history: list[dict[str, Any]]
    seconds: float
    log_bytes: int
    """Length of the log when the checkpoint was written."""

    def content(self) -> dict[str, Any]:
        """As plain values and tensors, for a checkpoint."""
        return {**self._asdict(), "best": None if self.best is None else tuple(self.best)}

    @classmethod
    def of(cls, content: dict[str, Any]) -> "State":
        """From the content of a checkpoint."""
        best = content.pop("best")
        return cls(**content, best=None if best is None else Best(*best))
