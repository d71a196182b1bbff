"""One feature's activation under TopK without sorting the others: they are counted (CPU).

    own    = relu(u . w[feature] + b[feature])
    acts   = own where fewer than k features come before it, else 0

Only rows where it is positive need the others, and of these most are settled by a product in bfloat16, where the CPU
multiplies those several times as fast: with e = HALF_ERROR |u| |w[f]|, more than any of its values can be off by, the
counts of features that are surely above, and of those that may be, bound the place from both sides. In rows between the
bounds those that may be are computed in single precision, so the answer is always that of single precision.

Read `acts_of`. The compiled loops are in `kernels_placing.py`.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from protsae.device import multiplies_halves
from protsae.sae.fast import kernels_placing
from protsae.sae.fast.autograd import as_numpy, even, in_threads

HALF_ERROR = 0.0060
"""Both factors are rounded to 8 bits (2^-9 of each at most), sums are kept in single precision, and their result is
rounded once more (2^-9): .00586 together; the rest is for single precision."""


@torch.no_grad()
def acts_of(
    u: Float[Tensor, "n d_model"],
    weight: Float[Tensor, "n_features d_model"],
    bias: Float[Tensor, " n_features"],
    feature: int,
    k: int,
) -> Float[Tensor, " n"]:
    """One column of `keep_top_k(relu(u @ weight.T + bias), k)`; no gradients.

    Args:
        u: input of the encoder, float32.
        weight: rows of the features that compete.
        bias: theirs.
        feature: row of the one that is asked for.
        k: features kept per residue.
    """  # fmt: skip
    own = (u @ weight[feature] + bias[feature]).relu()
    rows = own.nonzero()[:, 0]
    if not len(rows):
        return own
    place = _is_kept if multiplies_halves() else _is_kept_precisely
    own[rows] *= place(u[rows], weight, bias, own[rows], feature, k=k)
    return own


def _is_kept(
    u: Tensor, weight: Tensor, bias: Tensor, own: Float[Tensor, " n"], feature: int, *, k: int
) -> Bool[Tensor, " n"]:
    """Whether fewer than k features come before it, from products in half precision where these tell."""
    rounded = (u.bfloat16() @ weight.bfloat16().T).float()
    slack = HALF_ERROR * torch.linalg.vector_norm(u, dim=1)
    norms = weight.square().sum(dim=1).sqrt()
    kept = np.empty(len(u), np.bool_)
    given = [as_numpy(part) for part in (rounded, u, weight, bias, own, slack, norms)]
    in_threads(kernels_placing.keep, even(len(u)), *given, feature, k, kept)
    return torch.from_numpy(kept)


def _is_kept_precisely(
    u: Tensor, weight: Tensor, bias: Tensor, own: Float[Tensor, " n"], feature: int, *, k: int
) -> Bool[Tensor, " n"]:
    """The same from products in single precision."""
    counts = np.empty(len(u), np.int32)
    given = [as_numpy(part) for part in (u @ weight.T, bias, own)]
    in_threads(kernels_placing.count_before, even(len(u)), *given, feature, counts)
    return torch.from_numpy(counts) < k
