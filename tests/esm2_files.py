"""A random ESM-2, and files of it as fair-esm writes them."""

import argparse
from pathlib import Path

import torch
from esm.model.esm2 import ESM2
from torch import Tensor


def random_model(layers: int = 2, width: int = 32, heads: int = 4) -> ESM2:
    """The same for the same shape."""
    torch.manual_seed(0)
    model = ESM2(layers, width, heads, "ESM-1b").eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def weights_of(model: ESM2) -> dict[str, Tensor]:
    """What a safetensors file of it holds."""
    skipped = ("contact_head", "lm_head.weight", "inv_freq")
    return {k: v.contiguous() for k, v in model.state_dict().items() if not any(s in k for s in skipped)}


def write_pt(path: Path, model: ESM2) -> None:
    """fair-esm's own kind of file."""
    prefix = {
        name: ("encoder." if name.startswith("lm_head") else "encoder.sentence_encoder.") for name in model.state_dict()
    }
    cfg = argparse.Namespace(
        encoder_layers=model.num_layers,
        encoder_embed_dim=model.embed_dim,
        encoder_attention_heads=model.attention_heads,
        token_dropout=True,
        arch="esm2",
    )
    state = {prefix[name] + name: v for name, v in model.state_dict().items() if "contact_head" not in name}
    torch.save({"cfg": {"model": cfg}, "model": state}, path)
