"""ESM-2 over packed sequences: tokens of many sequences in one row, without padding.

Every matrix product runs over all tokens at once, queries, keys and values in one; only attention goes sequence by
sequence. Nothing is computed for padding and nothing needs a mask: about twice as fast as padded batches on a CPU, and
a sequence's states do not depend on what else is in the batch.

Read `Packed`, then `walk`. The blocks' halves are those of `protsae/plm/esm2.py`.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import torch
import torch.nn.functional as F
from esm.model.esm2 import ESM2
from esm.modules import TransformerLayer
from jaxtyping import Float, Int
from torch import Tensor, nn

from protsae.plm import esm2
from protsae.plm.sites import Place
from protsae.plm.walked import Step


class Packed(NamedTuple):
    """A residual stream of several sequences, end to end, special tokens included."""

    x: Float[Tensor, "n_tokens d_model"]
    lengths: tuple[int, ...]
    """Tokens of each sequence."""

    rope: tuple[Tensor, Tensor]
    """Cosine and sine of every token's own position, each [n_tokens, 1, 1, head_dim]."""

    @classmethod
    def embed(cls, model: ESM2, tokens: Sequence[Int[Tensor, " _"]]) -> "Packed":
        """Token embeddings of sequences of any lengths."""
        lengths = tuple(len(sequence) for sequence in tokens)
        x = torch.cat([esm2.embed_tokens(model, sequence[None])[0] for sequence in tokens])
        return cls(x, lengths, _rope(model, lengths))

    @classmethod
    def resume(cls, model: ESM2, streams: Sequence[Float[Tensor, "_ d_model"]]) -> "Packed":
        """Residual streams of sequences, taken up where they were left."""
        lengths = tuple(len(x) for x in streams)
        return cls(torch.cat(list(streams)), lengths, _rope(model, lengths))


def fuse_qkv(model: ESM2) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each block's query, key and value in one; the model's own become views of them."""
    fused = []
    for layer in esm2.blocks(model):
        attn = layer.self_attn
        projections = (attn.q_proj, attn.k_proj, attn.v_proj)
        weight = torch.cat([p.weight for p in projections])
        bias = torch.cat([p.bias for p in projections])
        for projection, w, b in zip(projections, weight.chunk(3), bias.chunk(3), strict=True):
            projection.weight = nn.Parameter(w, requires_grad=False)
            projection.bias = nn.Parameter(b, requires_grad=False)
        fused.append((weight, bias))
    return fused


def walk(
    model: ESM2, fused: Sequence[tuple[Tensor, Tensor]], packed: Packed, *, start: Place | None = None
) -> Iterator[Step]:
    """Every site above `start`, in the order of the forward pass; nothing is computed before it is asked for.

    Args:
        model: ESM-2.
        fused: what `fuse_qkv` made of it.
        packed: the stream to go on from.
        start: where in the residual stream `packed` stands; None before the first block.
    """
    x = packed.x
    first, begin = start or Place(0, "resid_post")
    for number, layer in enumerate(esm2.blocks(model), start=1):
        if number > first:
            added = _attention(layer, fused[number - 1], packed._replace(x=x))
            yield Step(Place(number, "attn_out"), added, x)
            x = x + added
            yield Step(Place(number, "resid_mid"), x)
        if number > first or (number == first and begin == "resid_mid"):
            added = esm2.mlp(layer, x)
            yield Step(Place(number, "mlp_out"), added, x)
            x = x + added
            yield Step(Place(number, "resid_post"), x)


def _attention(layer: TransformerLayer, qkv: tuple[Tensor, Tensor], packed: Packed) -> Tensor:
    """What a block's attention adds to the residual stream."""
    attn = layer.self_attn
    mixed = F.linear(layer.self_attn_layer_norm(packed.x), *qkv).unflatten(-1, (3, attn.num_heads, attn.head_dim))
    turned = esm2.rotate(mixed[:, :2], packed.rope)
    q, k, v = turned[:, 0], turned[:, 1], mixed[:, 2]
    parts = []
    begin = 0
    for length, group in groupby(packed.lengths):
        count = len(list(group))
        end = begin + count * length
        qs, ks, vs = (part[begin:end].unflatten(0, (count, length)).transpose(1, 2) for part in (q, k, v))
        parts.append(_mixed(qs, ks, vs).transpose(1, 2).flatten(0, 1))
        begin = end
    return attn.out_proj(torch.cat(parts).flatten(-2))


def _mixed(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention; on a CPU in single precision, where it is faster than in half."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v)
    with torch.autocast("cpu", enabled=False):
        return F.scaled_dot_product_attention(q.float(), k.float(), v.float())


def _rope(model: ESM2, lengths: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    cos, sin = esm2.rotary_tables(model, max(lengths))
    positions = torch.cat([torch.arange(length, device=cos.device) for length in lengths])
    return cos[positions][:, None, None], sin[positions][:, None, None]
