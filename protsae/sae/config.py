"""What the configs of all architectures have in common, and the config of those that have nothing else.

A config is saved as `cfg.json` beside the weights, its fields in their order. Read `SizedConfig`.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

from protsae.errors import ConfigError

Normalise = Literal["scalar", "dimension", "token"]
"""How residues come into the SAE's own units: by one scale for all, by one for each dimension (its standard deviation
becomes 1), or each residue by its own (its root mean square becomes 1)."""


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

    @property
    def normalise(self) -> Normalise:
        """How residues come into the SAE's own units."""
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

    normalise: Normalise = "scalar"
    """How residues come into the SAE's own units; undone on the way out."""

    def __post_init__(self) -> None:
        """Refuse numbers outside their range."""
        check_shape(self.d_model, self.d_sae, self.k)
        check_normalise(self.normalise)


def check_shape(d_model: int, d_sae: int, k: int) -> None:
    """Check the numbers that every SAE has.

    Raises:
        ConfigError: one is out of its range.
    """
    if d_model < 1 or d_sae < 1:
        raise ConfigError(f"d_model and d_sae must be at least 1, got d_model={d_model}, d_sae={d_sae}")
    if not 0 < k <= d_sae:
        raise ConfigError(f"k must be in 1..d_sae={d_sae}, got {k}")


def check_normalise(normalise: str) -> None:
    """Check the name of a normalisation.

    Raises:
        ConfigError: there is no such one.
    """
    if normalise not in get_args(Normalise):
        raise ConfigError(f"normalise must be one of {', '.join(get_args(Normalise))}, got {normalise!r}")
