"""All substitutions of one residue through the first block's attention, at little more than the cost of one sequence.

Below the first block's mixing a substitution changes one token only. Every other token i attends to the same keys but
one, so that with a_i and Z_i, its attention and partition sum over all tokens but t, the mutant's is

    a_i + w_i (v'_t - a_i),   w_i = exp(s'_it) / (Z_i + exp(s'_it)) = sigmoid(s'_it - log Z_i)

which is exact, and stable whatever the scores: nothing is subtracted from a sum. The token t itself attends anew.

Read `after_first_attention`; `packed.walk` goes on from there.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from esm.model.esm2 import ESM2
from esm.modules import TransformerLayer
from jaxtyping import Float, Int
from torch import Tensor

from protsae.plm import esm2
from protsae.plm.sites import Place

REACHED = Place(1, "resid_mid")
"""Where the streams stand."""


class _Shared(NamedTuple):
    """What every mutant shares: the first block's view of all tokens, t's key left out."""

    q: Float[Tensor, "n_tokens heads head_dim"]
    k: Float[Tensor, "n_tokens heads head_dim"]
    v: Float[Tensor, "n_tokens heads head_dim"]
    mixed: Float[Tensor, "n_tokens heads head_dim"]
    """Attention over all tokens but t."""

    log_z: Float[Tensor, "n_tokens heads"]
    """Logarithm of its partition sum."""


def after_first_attention(
    model: ESM2,
    qkv: tuple[Tensor, Tensor],
    tokens: Int[Tensor, " n_tokens"],
    at: int,
    others: Int[Tensor, " m"],
    *,
    at_once: int,
) -> Iterator[Float[Tensor, "n n_tokens d_model"]]:
    """Residual streams halfway through the first block, of a sequence with one token replaced.

    Args:
        model: ESM-2.
        qkv: weight and bias of its first block's query, key and value in one.
        tokens: of the sequence, special tokens included; none of them is the mask token.
        at: place of the token that is replaced.
        others: what replaces it, one a mutant.
        at_once: mutants in one step.
    """
    layer = esm2.blocks(model)[0]
    cos, sin = (table[:, None, None] for table in esm2.rotary_tables(model, len(tokens)))
    x = esm2.embed_tokens(model, tokens[None])[0]
    new = esm2.embed_tokens(model, others[:, None])[:, 0]
    shared = _shared(*_projected(layer, qkv, x, (cos, sin)), at)
    q, k, v = _projected(layer, qkv, new, (cos[at], sin[at]))
    for part in torch.arange(len(others), device=x.device).split(at_once):
        added = layer.self_attn.out_proj(_mixed(shared, q[part], k[part], v[part], at).flatten(-2))
        stream = x + added
        stream[:, at] = new[part] + added[:, at]
        yield stream


def _projected(
    layer: TransformerLayer, qkv: tuple[Tensor, Tensor], x: Float[Tensor, "n d_model"], rope: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries and keys, turned, and values, each [n, heads, head_dim] in single precision."""
    attn = layer.self_attn
    found = F.linear(layer.self_attn_layer_norm(x), *qkv).unflatten(-1, (3, attn.num_heads, attn.head_dim)).float()
    turned = esm2.rotate(found[:, :2], rope)
    return turned[:, 0], turned[:, 1], found[:, 2]


def _shared(q: Tensor, k: Tensor, v: Tensor, at: int) -> _Shared:
    with _single_precision(q):
        scores = torch.einsum("ihd,jhd->hij", q, k) * _scale(q)
        scores[..., at] = -torch.inf
        log_z = scores.logsumexp(-1)
        mixed = torch.einsum("hij,jhd->ihd", (scores - log_z[..., None]).exp(), v)
    return _Shared(q, k, v, mixed, log_z.T)


def _mixed(shared: _Shared, q: Tensor, k: Tensor, v: Tensor, at: int) -> Float[Tensor, "n n_tokens heads head_dim"]:
    """Attention of each mutant at every token, from the mutants' own query, key and value at `at`."""
    with _single_precision(q):
        scores = torch.einsum("ihd,mhd->mih", shared.q, k) * _scale(q)
        weight = (scores - shared.log_z).sigmoid()[..., None]
        mixed = torch.lerp(shared.mixed, v[:, None], weight)
        own = torch.einsum("mhd,jhd->mhj", q, shared.k) * _scale(q)
        own[..., at] = (q * k).sum(-1) * _scale(q)
        own = own.softmax(-1)
        from_others = torch.einsum("mhj,jhd->mhd", own, shared.v)
        mixed[:, at] = from_others + own[..., at, None] * (v - shared.v[at])
    return mixed


def _scale(q: Tensor) -> float:
    return q.shape[-1] ** -0.5


def _single_precision(x: Tensor) -> torch.autocast:
    return torch.autocast(x.device.type, enabled=False)
