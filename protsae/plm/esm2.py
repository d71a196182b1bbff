"""ESM-2's forward pass over fair-esm's own weights, opened where a sparse autoencoder sits.

Each block is two residual updates:

    resid_mid  = x + attention(layer_norm(x))          # the paper's site
    resid_post = resid_mid + mlp(layer_norm(resid_mid))

fair-esm computes the same with an attention that is several times slower; `tests/protsae/test_plm.py` holds the two
equal to 1e-5. Layers count from 1, as in fair-esm's `repr_layers`.

Read `run_blocks` first.

Source: Lin et al. 2023 (doi:10.1126/science.ade2574); parameter names from fair-esm 2.0.0.
"""

from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from esm.model.esm2 import ESM2
from esm.modules import TransformerLayer
from torch import Tensor

Attention = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]

MASK_RATIO_TRAIN = 0.15 * 0.8
"""Share of <mask> tokens in ESM-2's training; token dropout rescales the embeddings to it."""


def blocks(model: ESM2) -> list[TransformerLayer]:
    """The model's blocks, first to last."""
    return cast("list[TransformerLayer]", list(model.layers))


def embed_tokens(model: ESM2, tokens: Tensor) -> Tensor:
    """Token embeddings after ESM-2's token dropout: tokens [batch, length] -> x [batch, length, d_model]."""
    x = model.embed_tokens(tokens)
    is_pad = tokens == model.padding_idx
    if model.token_dropout:
        is_mask = tokens == model.mask_idx
        x = x.masked_fill(is_mask[..., None], 0.0)
        observed = is_mask.sum(-1) / (~is_pad).sum(-1)
        x = x * ((1 - MASK_RATIO_TRAIN) / (1 - observed))[:, None, None].to(x.dtype)
    return x.masked_fill(is_pad[..., None], 0.0)


def rotary_tables(model: ESM2, length: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the rotary position embedding, each [length, head_dim]."""
    inv_freq = blocks(model)[0].get_buffer("self_attn.rot_emb.inv_freq")
    angles = torch.outer(torch.arange(length, device=inv_freq.device, dtype=inv_freq.dtype), inv_freq)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def sdpa(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Fused attention: the fastest forward pass."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


def explicit_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Attention written out: its backward pass on a CPU is about twice as fast as the fused one's."""
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if bias is not None:
        scores = scores + bias
    return scores.softmax(-1) @ v


def padding_bias(is_pad: Tensor, dtype: torch.dtype) -> Tensor:
    """Additive mask [batch, 1, 1, length] that hides padded keys."""
    return torch.zeros(is_pad.shape, dtype=dtype, device=is_pad.device).masked_fill(is_pad, float("-inf"))[
        :, None, None
    ]


def attention_update(
    layer: TransformerLayer, x: Tensor, rope: tuple[Tensor, Tensor], bias: Tensor | None, attention: Attention = sdpa
) -> Tensor:
    """First half of a block: x -> resid_mid, both [batch, length, d_model]."""
    attn = layer.self_attn
    normed = layer.self_attn_layer_norm(x)
    q, k, v = (
        projection(normed).unflatten(-1, (attn.num_heads, attn.head_dim)).transpose(1, 2)
        for projection in (attn.q_proj, attn.k_proj, attn.v_proj)
    )
    mixed = attention(rotate(q, rope), rotate(k, rope), v, bias)
    return x + attn.out_proj(mixed.transpose(1, 2).flatten(-2))


def mlp_update(layer: TransformerLayer, resid_mid: Tensor) -> Tensor:
    """Second half of a block: resid_mid -> resid_post."""
    return resid_mid + mlp(layer, resid_mid)


def mlp(layer: TransformerLayer, resid_mid: Tensor) -> Tensor:
    """What a block's MLP adds to the residual stream."""
    return layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(resid_mid))))


def run_blocks(
    model: ESM2,
    x: Tensor,
    bias: Tensor | None,
    *,
    first: int = 1,
    last: int | None = None,
    attention: Attention = sdpa,
) -> Tensor:
    """Residual stream after block `last`, from x as it enters block `first` (both count from 1, both included)."""
    cos, sin = rotary_tables(model, x.shape[1])
    rope = (cos.to(x.dtype), sin.to(x.dtype))
    for layer in blocks(model)[first - 1 : last]:
        x = mlp_update(layer, attention_update(layer, x, rope, bias, attention))
    return x


def lm_logits(model: ESM2, x: Tensor) -> Tensor:
    """Logits over the alphabet [..., 33] from the last block's residual stream [..., d_model]."""
    return model.lm_head(model.emb_layer_norm_after(x))


def rotate(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = rope
    low, high = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-high, low], dim=-1) * sin
