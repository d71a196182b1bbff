"""How many features are active and how well residues are reconstructed, summed shard by shard.

L0 is that of the valid residues, the explained variance that of the test residues.

Read `measure`, then `Quality.explained_variance`.
"""

from typing import NamedTuple, Self

import numpy as np

from protsae.measures.reconstruction import ErrorSums


class Quality(NamedTuple):
    """Sums over residues; they add up over shards."""

    n_valid: float
    active: float
    """Active features, over valid residues."""

    forced: float
    """Of these, beyond the k of TopK."""

    test: ErrorSums
    """Over test residues."""

    def to_array(self) -> np.ndarray:
        """One row of numbers, as saved beside a shard's codes."""
        numbers = [self.n_valid, self.active, self.forced, *self.test[:-1]]
        return np.concatenate([np.array(numbers, dtype=np.float64), self.test.sum_x])

    @classmethod
    def from_array(cls, values: np.ndarray) -> Self:
        """The reverse of `to_array`; rows of several shards may have been added up."""
        n_valid, active, forced, n_test, squared_error, squared_norm = values[:6].tolist()
        return cls(n_valid, active, forced, ErrorSums(int(n_test), squared_error, squared_norm, values[6:]))

    @property
    def l0(self) -> float:
        """Mean active features per valid residue, forced ones included."""
        return float(self.active / max(1, self.n_valid))

    @property
    def l0_forced(self) -> float:
        """Mean features per valid residue beyond the k of TopK: forced, or with thresholds of their own."""
        return float(self.forced / max(1, self.n_valid))

    @property
    def explained_variance(self) -> float:
        """At most 1; 0 for predicting the mean residue; NaN where there is no test residue."""
        return self.test.explained_variance


def measure(x: np.ndarray, x_hat: np.ndarray, active: np.ndarray, *, k: int, split: np.ndarray) -> Quality:
    """Sums over a batch of residues.

    Args:
        x: [n_test, d_model] activations of the PLM, of the test residues only.
        x_hat: [n_test, d_model] their reconstruction.
        active: [n] active features of each residue.
        k: features that TopK keeps; what is active beyond it was forced or fires apart.
        split: [n] train, valid or test.
    """
    valid = active[split == "valid"]
    forced = np.maximum(valid - k, 0).sum()
    return Quality(float(len(valid)), float(valid.sum()), float(forced), ErrorSums.of(x, x_hat))
