"""TopK SAEs through their active features: the same numbers as the dense formulas, at a fraction of the work (CPU).

    codes = select(u @ W_enc + b_enc)         one dense product, then k features a row
    acts  = those of TopK with gradient, those that were set by force without
    x_hat = sum of acts * W_dec[feature] + b_dec

Tests hold the result and its gradients equal to autograd on the dense formula.

Read `autograd.py` first, then `training_pass`. The compiled loops are in `kernels.py`.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from protsae.sae.fast import kernels
from protsae.sae.fast.autograd import Decode, Encode, Linear, Rows, even, in_threads, linear
from protsae.sae.passes import ForcingRule, TrainingPass


class Codes(NamedTuple):
    """Activations that are not zero, as compressed sparse rows; features ascend within a row."""

    indptr: np.ndarray
    """[n + 1] int64: row i holds the entries indptr[i]:indptr[i + 1]"""

    features: np.ndarray
    """int32"""

    acts: np.ndarray
    """float32, positive"""

    origins: np.ndarray
    """uint8: TOPK, RAISED or FORCED of `kernels.py`"""


def training_pass(
    x_in: Float[Tensor, "n d_model"],
    *,
    encoder: tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]],
    decoder: tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_model"]],
    predictor: tuple[Float[Tensor, "m d_model"], Float[Tensor, " m"]] | None,
    k: int,
    rule: ForcingRule | None,
) -> TrainingPass:
    """`SAE.training_pass` through the active features only.

    Args:
        x_in: residues in the SAE's own units.
        encoder: directions and biases.
        decoder: W_dec and b_dec.
        predictor: directions and biases of the concept predictor, None where there is none.
        k: features that TopK keeps per row.
        rule: how predicted concepts force their features, None where they never do.
    """
    (weight, bias), (w_dec, b_dec) = encoder, decoder
    d_sae = len(weight)
    logits = x_in.new_zeros(len(x_in), 0) if predictor is None else Linear.apply(x_in, *predictor)
    with torch.no_grad():
        u = x_in - b_dec
        pre_acts = linear(u, weight, bias)
        codes = select(pre_acts, logits, k=k, rule=rule)
    rows = Rows(codes.indptr, codes.features, d_sae)
    chosen = torch.from_numpy(codes.acts)
    acts = Encode.apply(u, weight, bias, b_dec, chosen, rows)
    if rule is not None:
        acts = torch.where(torch.from_numpy(codes.origins == kernels.TOPK), acts, chosen)
    x_hat = Decode.apply(acts, w_dec, rows) + b_dec
    is_predicted = (logits.detach() > 0).numpy()
    is_defined = codes.features < logits.shape[1]
    residues = np.repeat(np.arange(len(x_in)), np.diff(codes.indptr))[is_defined]
    return TrainingPass(
        x_hat=x_hat,
        logits=logits,
        n_fired=torch.from_numpy(np.bincount(codes.features, minlength=d_sae)),
        n_forced=int((codes.origins == kernels.FORCED).sum()),
        n_predicted=int(is_predicted.sum()),
        n_participating=int(is_predicted[residues, codes.features[is_defined]].sum()),
        penalty=x_in.new_zeros(()),
    )


def select(
    pre_acts: Float[Tensor, "n d_sae"],
    logits: Float[Tensor, "n m"] | None,
    *,
    k: int,
    rule: ForcingRule | None,
) -> Codes:
    """TopK and forced activation of every row.

    Args:
        pre_acts: before ReLU, float32 on the CPU.
        logits: of the concept predictor; needed where there is a `rule`.
        k: features that TopK keeps per row.
        rule: how predicted concepts force their features, None where they never do.
    """
    n, d_sae = pre_acts.shape
    forcing, over_all, graded = kernels.NO_FORCING, False, False
    gates = np.zeros((n, 0), np.float32)
    capacity, n_competing = k, d_sae
    if rule is not None and logits is not None:
        forcing = kernels.FORCE_BEFORE if rule.before_topk else kernels.FORCE_AFTER
        over_all, graded = rule.mean_over_all, rule.graded
        gates = logits.detach().contiguous().numpy()
        capacity = k if rule.before_topk else min(k + rule.n_defined, d_sae)
        if rule.apart:
            forcing, n_competing = kernels.APART, d_sae - rule.n_defined
            capacity = k + int((pre_acts[:, : rule.n_defined] > 0).sum(1).max()) if n else k
    padded = tuple(np.empty((n, capacity), dtype) for dtype in (np.int32, np.float32, np.uint8))
    counts = np.empty(n, np.int64)
    width = min(n_competing, max(4 * k, d_sae // 10))
    pre = pre_acts.contiguous().numpy()
    in_threads(kernels.select_rows, even(n), pre, gates, k, width, forcing, over_all, graded, *padded, counts)
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    packed = tuple(np.empty(indptr[-1], part.dtype) for part in padded)
    in_threads(kernels.pack_rows, even(n), indptr, padded, packed)
    return Codes(indptr, *packed)
