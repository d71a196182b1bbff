"""Autograd through the active features of a batch, on the CPU: the two ends of a sparse autoencoder.

    Encode   pre   = u . W_enc[feature] + bias[feature]     for each entry (residue, feature), u = x_in - b_dec
    Decode   x_hat = sum over a residue's entries of acts * W_dec[feature]
    backward d acts  = d x_hat . W_dec[feature]
             d W_dec = acts^T d x_hat,  d W_enc = (d pre)^T u        feature by feature

What stands between them, from pre-activations to activations, is plain torch on a vector of entries.

Read `Rows`, then `Encode` and `Decode`. The compiled loops are in `kernels.py`.

Source: sparse kernels of Gao et al. 2024 (arXiv:2406.04093), appendix D.2; here for the CPU.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from protsae.sae.fast import kernels


class Rows:
    """Which features of which residue count: compressed sparse rows without their values."""

    def __init__(self, indptr: np.ndarray, features: np.ndarray, d_sae: int) -> None:
        """Row i holds features[indptr[i]:indptr[i + 1]]; the arrays are kept, not copied."""
        self.indptr, self.features, self.d_sae = indptr, features, d_sae

    @functools.cached_property
    def by_feature(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """starts, rows, order: for starts[f] <= j < starts[f + 1], entry order[j] is of feature f and row rows[j]."""
        n = len(self.features)
        starts, rows, order = np.empty(self.d_sae + 1, np.int64), np.empty(n, np.int32), np.empty(n, np.int64)
        kernels.order_by_feature(self.indptr, self.features, starts, rows, order)
        return starts, rows, order


class Encode(torch.autograd.Function):
    """Pre-activations [n_entries] at some entries, (x_in - b_dec) . weight[feature] + bias[feature]."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Tensor:
        """args: u = x_in - b_dec (data, gets no gradient), weight, bias, b_dec, the values (known already), rows."""
        u, weight, _, _, values, rows = args
        ctx.save_for_backward(u, weight)
        ctx.rows = rows
        return values.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of weight, bias and b_dec."""
        u, weight = ctx.saved_tensors
        starts, rows, order = ctx.rows.by_feature
        grad = as_numpy(grads[0].contiguous())[order]
        d_weight, d_bias = torch.empty(weight.shape), torch.zeros(len(weight))
        in_threads(kernels.sum_rows, _balanced(starts), starts, rows, grad, as_numpy(u), as_numpy(d_weight))
        fired = np.flatnonzero(np.diff(starts))
        if len(fired):
            sums = np.add.reduceat(grad, starts[fired], dtype=np.float64)
            d_bias[torch.from_numpy(fired)] = torch.from_numpy(sums).float()
        return None, d_weight, d_bias, -(d_bias @ weight), None, None


class Decode(torch.autograd.Function):
    """Sum of acts * W_dec[feature] over the entries of each row: [n, d_model], without b_dec."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Tensor:
        """args: acts [n_entries], W_dec, rows."""
        acts, decoder, rows = args
        ctx.save_for_backward(acts, decoder)
        ctx.rows = rows
        out = torch.empty(len(rows.indptr) - 1, decoder.shape[1])
        in_threads(
            kernels.sum_rows,
            even(len(out)),
            rows.indptr,
            rows.features,
            as_numpy(acts),
            as_numpy(decoder),
            as_numpy(out),
        )
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of acts, and of W_dec where it is asked for."""
        acts, decoder = ctx.saved_tensors
        rows, grad = ctx.rows, as_numpy(grads[0].contiguous())
        d_acts = torch.empty_like(acts)
        in_threads(
            kernels.dot_rows, even(len(grad)), rows.indptr, rows.features, grad, as_numpy(decoder), as_numpy(d_acts)
        )
        if not ctx.needs_input_grad[1]:
            return d_acts, None, None
        starts, owners, order = rows.by_feature
        d_decoder = torch.empty_like(decoder)
        in_threads(
            kernels.sum_rows, _balanced(starts), starts, owners, as_numpy(acts)[order], grad, as_numpy(d_decoder)
        )
        return d_acts, d_decoder, None


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


def even(n: int) -> np.ndarray:
    """Bounds that cut n rows into one part per thread of torch."""
    return np.linspace(0, n, torch.get_num_threads() + 1).astype(np.int64)


def _balanced(starts: np.ndarray) -> np.ndarray:
    """Bounds that cut the features so that every thread has about as many entries."""
    parts = torch.get_num_threads()
    bounds = np.searchsorted(starts, np.linspace(0, starts[-1], parts + 1)).clip(0, len(starts) - 1)
    bounds[0], bounds[-1] = 0, len(starts) - 1
    return np.maximum.accumulate(bounds)


def as_numpy(tensor: Tensor) -> np.ndarray:
    """The tensor's own memory, without gradient."""
    return tensor.detach().numpy()
