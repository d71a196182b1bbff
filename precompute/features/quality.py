"""How many features are active and how well residues are reconstructed, summed shard by shard.

    explained variance = 1 - sum |x - x_hat|^2 / sum |x - mean|^2          test split; the mean is per dimension

Read `measure`, then `Quality.explained_variance`.
"""

from typing import NamedTuple, Self

import numpy as np


class Quality(NamedTuple):
    """Sums over residues; they add up over shards."""

    n_valid: float
    active: float
    """Active features, over valid residues."""

    forced: float
    """Of these, forced beyond the k of TopK."""

    n_test: float
    squared_error: float
    """Over test residues."""

    squared_norm: float
    """Over test residues."""

    sum_x: np.ndarray
    """[d_model] over test residues."""

    def to_array(self) -> np.ndarray:
        """One row of numbers, as saved beside a shard's codes."""
        return np.concatenate([np.array(self[:-1], dtype=np.float64), self.sum_x])

    @classmethod
    def from_array(cls, values: np.ndarray) -> Self:
        """The reverse of `to_array`; rows of several shards may have been added up."""
        n_valid, active, forced, n_test, squared_error, squared_norm = values[:6].tolist()
        return cls(n_valid, active, forced, n_test, squared_error, squared_norm, values[6:])

    @property
    def l0(self) -> float:
        """Mean active features per valid residue, forced ones included."""
        return float(self.active / max(1, self.n_valid))

    @property
    def l0_forced(self) -> float:
        """Mean features per valid residue that were forced beyond TopK."""
        return float(self.forced / max(1, self.n_valid))

    @property
    def explained_variance(self) -> float:
        """At most 1; 0 for predicting the mean residue; NaN where there is no test residue."""
        total = self.squared_norm - float(self.sum_x @ self.sum_x) / max(1, self.n_test)
        return float(1 - self.squared_error / total) if total > 0 else float("nan")


def measure(x: np.ndarray, x_hat: np.ndarray, active: np.ndarray, *, k: int, split: np.ndarray) -> Quality:
    """Sums over a batch of residues.

    Args:
        x: [n_test, d_model] activations of the PLM, of the test residues only.
        x_hat: [n_test, d_model] their reconstruction.
        active: [n] active features of each residue.
        k: features that TopK keeps; what is active beyond it was forced.
        split: [n] train, valid or test.
    """
    valid = active[split == "valid"]
    x, error = x.astype(np.float64), x_hat.astype(np.float64) - x
    return Quality(
        float(len(valid)),
        float(valid.sum()),
        float(np.maximum(valid - k, 0).sum()),
        float(len(x)),
        float((error**2).sum()),
        float((x**2).sum()),
        x.sum(axis=0),
    )
