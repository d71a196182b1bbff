"""Pre-activations above a threshold, as a vector: how the SAEs of `sae/threshold.py` run once they are sparse (CPU).

Read `sae/entries.py` and `autograd.py` first, then `SparseEntries`. The compiled loops are in `kernels_threshold.py`.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.parallel.ranks import ALONE, Ranks
from protsae.sae.entries import Entries
from protsae.sae.fast import kernels_threshold
from protsae.sae.fast.autograd import Decode, Encode, Rows, as_numpy, even, in_threads


class Above(NamedTuple):
    """Pre-activations above their floor, as compressed sparse rows; features ascend within a row."""

    indptr: np.ndarray
    """[n + 1] int64: row i holds the entries indptr[i]:indptr[i + 1]"""

    features: np.ndarray
    """int32"""

    values: np.ndarray
    """float32"""


def above(pre_acts: Float[Tensor, "n d_sae"], floor: Tensor) -> Above:
    """The pre-activations (float32 on the CPU) that exceed their floor, which is one number or one of each feature."""
    n, d_sae = pre_acts.shape
    pre = pre_acts.contiguous().numpy()
    floors = np.ascontiguousarray(np.broadcast_to(as_numpy(floor.float()), d_sae))
    counts = np.empty(n, np.int64)
    in_threads(kernels_threshold.count_above, even(n), pre, floors, counts)
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    features, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    in_threads(kernels_threshold.fill_above, even(n), pre, floors, indptr, features, values)
    return Above(indptr, features, values)


def nth_largest(pre_acts: Float[Tensor, "n d_sae"], n_kept: int, likely: float, ranks: Ranks = ALONE) -> float:
    """The n_kept-th largest of all `pre_acts`, 0 if it is not positive; fast where `likely` is a bit below it.

    Args:
        pre_acts: of this process.
        n_kept: over all processes.
        likely: guess, not negative; of all processes the same.
        ranks: that have pre-activations of one batch.
    """
    for floor in (likely, 0.0):
        values = above(pre_acts, torch.tensor(floor)).values
        if int(ranks.total(torch.tensor(len(values)))) >= n_kept:
            everyone = ranks.gathered(torch.from_numpy(_largest(values, n_kept))).numpy()
            return float(_largest(everyone, n_kept).min())
    return 0.0


def _largest(values: Float[np.ndarray, " n"], n_kept: int) -> Float[np.ndarray, " n_at_most_n_kept"]:
    """The n_kept largest, in any order; all where there are fewer."""
    left_out = len(values) - n_kept
    return values if left_out <= 0 else np.partition(values, left_out)[left_out:]


class SparseEntries(Entries):
    """The pre-activations above their floor, as a vector [n_entries]."""

    def __init__(self, found: Above, u: Tensor, weight: Tensor, bias: Tensor, b_dec: Tensor) -> None:
        """Give what was found in u @ weight.T + bias, for u = x_in - b_dec, its gradients."""
        self._rows = Rows(found.indptr, found.features, len(weight))
        self._features = torch.from_numpy(found.features)
        self.pre = Encode.apply(u, weight, bias, b_dec, torch.from_numpy(found.values), self._rows)
        self.is_above = torch.ones(len(self.pre), dtype=torch.bool)
        self.n_rows = len(u)

    def at(self, per_feature: Float[Tensor, " d_sae"]) -> Tensor:
        """The value of each entry's feature."""
        return per_feature.index_select(0, self._features)

    def decode(self, acts: Tensor, decoder: Float[Tensor, "d_sae d_model"]) -> Float[Tensor, "n d_model"]:
        """Sum of acts * decoder[feature] over the entries of each row."""
        return Decode.apply(acts, decoder, self._rows)

    def n_fired(self, acts: Tensor) -> Int[Tensor, " d_sae"]:
        """Rows on which each feature's activation is not zero."""
        return torch.from_numpy(np.bincount(self._rows.features[as_numpy(acts) > 0], minlength=self._rows.d_sae))

    @torch.no_grad()
    def peaks(self) -> Tensor:
        """The largest pre-activation of each feature, 0 where none is positive."""
        return torch.zeros(self._rows.d_sae).scatter_reduce_(0, self._features.long(), self.pre.relu(), "amax")
