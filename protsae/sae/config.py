"""What the configs of all architectures have in common, and the config of those that have nothing else.

A config is saved as `cfg.json` beside the weights, its fields in their order. Read `SizedConfig`.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from protsae.errors import ConfigError


@runtime_checkable
class SAEConfig(Protocol):
    """What all configs have in common."""

    @property
    def d_model(self) -> int:
        """Width of the residual stream that is read."""
        ...

    @property
    def d_sae(self) -> int:
        """Number of features."""
        ...

    @property
    def k(self) -> int:
        """Active features per residue: exactly with TopK, else the mean that the training aims at."""
        ...


@dataclass(frozen=True, kw_only=True)
class SizedConfig:
    """Shape and sparsity of an SAE."""

    d_model: int
    """Width of the residual stream that is read, e.g. 1280 for ESM-2 650M."""

    d_sae: int
    """Number of features."""

    k: int = 64
    """Active features per residue: exactly with TopK, else the mean that the training aims at."""

    def __post_init__(self) -> None:
        """Refuse numbers outside their range."""
        check_shape(self.d_model, self.d_sae, self.k)


def check_shape(d_model: int, d_sae: int, k: int) -> None:
    """Check the numbers that every SAE has.

    Raises:
        ConfigError: one is out of its range.
    """
    if d_model < 1 or d_sae < 1:
        raise ConfigError(f"d_model and d_sae must be at least 1, got d_model={d_model}, d_sae={d_sae}")
    if not 0 < k <= d_sae:
        raise ConfigError(f"k must be in 1..d_sae={d_sae}, got {k}")
