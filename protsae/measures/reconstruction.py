"""How well residues are reconstructed, from sums that add up over batches, shards and machines.

    error               = sum |x - x_hat|^2
    variance            = sum |x|^2 - |sum x|^2 / n             about the mean residue, per dimension
    explained variance  = 1 - error / variance = 1 - FVU        1 is perfect, 0 predicts the mean residue

x may be shifted by any vector, x_hat with it: a shift near the mean keeps digits where the mean is large.

Read `ErrorSums`.

Source: Gao et al. 2024 (arXiv:2406.04093), "normalized MSE", for the FVU.
"""

from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float


class ErrorSums(NamedTuple):
    """Sums over n residues, in double precision."""

    n: int
    squared_error: float
    squared_norm: float
    """Of x."""
    sum_x: Float[np.ndarray, " d_model"]

    @classmethod
    def of(cls, x: Float[np.ndarray, "n d_model"], x_hat: Float[np.ndarray, "n d_model"]) -> Self:
        """Sums over one batch."""
        x = x.astype(np.float64)
        return cls(len(x), float(np.square(x - x_hat).sum()), float(np.square(x).sum()), x.sum(axis=0))

    @classmethod
    def zeros(cls, d_model: int) -> Self:
        """No residue yet."""
        return cls(0, 0.0, 0.0, np.zeros(d_model))

    def plus(self, other: Self) -> Self:
        """Sums over the residues of both."""
        return type(self)(
            self.n + other.n,
            self.squared_error + other.squared_error,
            self.squared_norm + other.squared_norm,
            self.sum_x + other.sum_x,
        )

    @property
    def fvu(self) -> float:
        """Share of the variance that is not explained; NaN where all residues are equal, or there is none."""
        variance = self.squared_norm - float(self.sum_x @ self.sum_x) / max(1, self.n)
        return self.squared_error / variance if variance > 0 else float("nan")

    @property
    def explained_variance(self) -> float:
        """1 - FVU, at most 1; NaN as there."""
        return 1 - self.fvu
