"""TopK SAEs through their active features: the same numbers as the dense formulas, at a fraction of the work (CPU).

    forward   codes = select(u @ W_enc + b_enc)         one dense product, then k features a row
              x_hat = sum of acts * W_dec[feature] + b_dec
    backward  d acts  = d x_hat . W_dec[feature]        none for activations that were set by force
              d W_dec = acts^T d x_hat,  d W_enc = (d acts)^T u       feature by feature

`SparseAutoencode` is the autograd function; tests hold it equal to autograd on the dense formula.

Read `training_pass`, then `SparseAutoencode`. The compiled loops are in `kernels.py`.

Source: sparse kernels of Gao et al. 2024 (arXiv:2406.04093), appendix D.2; here for the CPU.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from protsae.sae import kernels
from protsae.sae.base import SAE, ForcingRule, TrainingPass


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
    sae: SAE, x_in: Float[Tensor, "n d_model"], weight: Float[Tensor, "d_sae d_model"], bias: Float[Tensor, " d_sae"]
) -> TrainingPass:
    """`SAE.training_pass` through the active features only; `weight` and `bias` are `sae.encoder()`."""
    predictor = sae.concept_predictor()
    logits = x_in.new_zeros(len(x_in), 0) if predictor is None else Linear.apply(x_in, *predictor)
    with torch.no_grad():
        u = x_in - sae.b_dec
        pre_acts = linear(u, weight, bias)
        codes = select(pre_acts, logits, k=sae.cfg.k, rule=sae.forcing_rule())
    x_hat = SparseAutoencode.apply(u, weight, bias, sae.W_dec, sae.b_dec, codes)
    is_predicted = (logits.detach() > 0).numpy()
    is_defined = codes.features < logits.shape[1]
    rows = np.repeat(np.arange(len(x_in)), np.diff(codes.indptr))[is_defined]
    return TrainingPass(
        x_hat=x_hat,
        logits=logits,
        n_fired=torch.from_numpy(np.bincount(codes.features, minlength=sae.d_sae)),
        n_forced=int((codes.origins == kernels.FORCED).sum()),
        n_predicted=int(is_predicted.sum()),
        n_participating=int(is_predicted[rows, codes.features[is_defined]].sum()),
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
    forcing, over_all = kernels.NO_FORCING, False
    gates = np.zeros((n, 0), np.float32)
    capacity = k
    if rule is not None and logits is not None:
        forcing = kernels.FORCE_BEFORE if rule.before_topk else kernels.FORCE_AFTER
        over_all = rule.mean_over_all
        gates = logits.detach().contiguous().numpy()
        capacity = k if rule.before_topk else min(k + rule.n_defined, d_sae)
    padded = tuple(np.empty((n, capacity), dtype) for dtype in (np.int32, np.float32, np.uint8))
    counts = np.empty(n, np.int64)
    width = min(d_sae, max(4 * k, d_sae // 10))
    pre = pre_acts.contiguous().numpy()
    in_threads(kernels.select_rows, _even(n), pre, gates, k, width, forcing, over_all, *padded, counts)
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    packed = tuple(np.empty(indptr[-1], part.dtype) for part in padded)
    in_threads(kernels.pack_rows, _even(n), indptr, padded, packed)
    return Codes(indptr, *packed)


class SparseAutoencode(torch.autograd.Function):
    """x_hat from codes, with the gradients of relu and TopK; `u` = x_in - b_dec is data and gets none."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Tensor:
        """args: u, weight, bias, W_dec, b_dec, codes."""
        u, weight, _, decoder, b_dec, codes = args
        ctx.save_for_backward(u, weight, decoder)
        ctx.codes = codes
        x_hat = torch.empty_like(u)
        rows = _even(len(u))
        in_threads(kernels.sum_rows, rows, codes.indptr, codes.features, codes.acts, _np(decoder), _np(x_hat))
        return x_hat.add_(b_dec)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of weight, bias, W_dec and b_dec."""
        u, weight, decoder = ctx.saved_tensors
        codes: Codes = ctx.codes
        grad = grads[0].contiguous()
        d_sae = len(decoder)
        d_acts = np.empty(len(codes.acts), np.float32)
        in_threads(kernels.dot_rows, _even(len(u)), codes.indptr, codes.features, _np(grad), _np(decoder), d_acts)
        d_acts[codes.origins != kernels.TOPK] = 0

        starts, rows = np.empty(d_sae + 1, np.int64), np.empty(len(d_acts), np.int32)
        order = np.empty(len(d_acts), np.int64)
        kernels.order_by_feature(codes.indptr, codes.features, starts, rows, order)
        by_work = _balanced(starts)
        d_acts = d_acts[order]
        d_decoder, d_weight = torch.empty_like(decoder), torch.empty(weight.shape)
        in_threads(kernels.sum_rows, by_work, starts, rows, codes.acts[order], _np(grad), _np(d_decoder))
        in_threads(kernels.sum_rows, by_work, starts, rows, d_acts, _np(u), _np(d_weight))
        fired = np.flatnonzero(np.diff(starts))
        d_bias = torch.zeros(d_sae)
        if len(fired):
            sums = np.add.reduceat(d_acts, starts[fired], dtype=np.float64)
            d_bias[torch.from_numpy(fired)] = torch.from_numpy(sums).float()
        return None, d_weight, d_bias, d_decoder, grad.sum(0) - d_bias @ weight, None


class Linear(torch.autograd.Function):
    """A product with weights where the rows are data and get no gradient."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Tensor:
        """args: x, weight, bias."""
        x, weight, bias = args
        ctx.save_for_backward(x)
        return linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of weight and bias."""
        (x,) = ctx.saved_tensors
        return None, linear(grads[0].T, x.T, None), grads[0].sum(0)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Product of rows x with the rows of `weight`, plus `bias`, in float32 and without gradient.

    oneDNN's product, which torch.compile uses too, is called directly where it is there: plain `torch.mm` goes to
    MKL, which is half as fast on CPUs of another maker.
    """
    product = _onednn_linear()
    if product is None or x.device.type != "cpu":
        return torch.nn.functional.linear(x, weight, bias)
    return product(x.detach(), weight.detach(), None if bias is None else bias.detach(), "none", [], "")


@functools.cache
def _onednn_linear() -> Callable[..., Tensor] | None:
    if not torch.backends.mkldnn.is_available():
        return None
    product = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    return None if product is None else product.default


def in_threads(kernel: Callable[..., None], bounds: np.ndarray, *args: Any) -> None:
    """Run kernel(start, stop, *args) for consecutive bounds, at once; the kernels release the interpreter's lock."""
    spans = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
    jobs = [_pool().submit(kernel, start, stop, *args) for start, stop in spans[1:]]
    kernel(*spans[0], *args)
    for job in jobs:
        job.result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="protsae-sparse")


def _even(n: int) -> np.ndarray:
    """Bounds that cut n rows into one part per thread of torch."""
    return np.linspace(0, n, torch.get_num_threads() + 1).astype(np.int64)


def _balanced(starts: np.ndarray) -> np.ndarray:
    """Bounds that cut the features so that every thread has about as many entries."""
    parts = torch.get_num_threads()
    bounds = np.searchsorted(starts, np.linspace(0, starts[-1], parts + 1)).clip(0, len(starts) - 1)
    bounds[0], bounds[-1] = 0, len(starts) - 1
    return np.maximum.accumulate(bounds)


def _np(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()
