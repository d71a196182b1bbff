"""ESM-2 as Hugging Face's transformers write it: config.json and model.safetensors, read without that package.

The model is fair-esm's, its parameters have other names, so both sites of every block are there. Read `shape_of`, then
`renamed`.

Source: transformers 4 and 5, `models/esm/modeling_esm.py` (names and settings only).
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

_LAYER = re.compile(r"esm\.encoder\.layer\.(\d+)\.(.+)\.(weight|bias|gamma|beta)")
_PARTS = {
    "attention.self.query": "self_attn.q_proj",
    "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj",
    "attention.output.dense": "self_attn.out_proj",
    "attention.LayerNorm": "self_attn_layer_norm",
    "intermediate.dense": "fc1",
    "output.dense": "fc2",
    "LayerNorm": "final_layer_norm",
}
_ENDS = {"gamma": "weight", "beta": "bias"}
_SAME = {"esm.embeddings.word_embeddings.weight": "embed_tokens.weight"}
_AFTER = "esm.encoder.emb_layer_norm_after."
_NOT_NEEDED = re.compile(
    r"esm\.contact_head\.|lm_head\.decoder\.|.*position_(ids|embeddings)|.*inv_freq$|esm\.pooler\."
)

_NEEDED = {
    "model_type": "esm",
    "position_embedding_type": "rotary",
    "vocab_size": 33,
    "emb_layer_norm_before": False,
    "layer_norm_eps": 1e-5,
}
"""Settings of every ESM-2, and their values."""


def is_one(config: Any) -> bool:
    """Whether a config.json is Hugging Face's, of any model."""
    keys = {"num_hidden_layers", "hidden_size", "num_attention_heads"}
    return isinstance(config, Mapping) and keys <= config.keys() and "num_layers" not in config


def shape_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Blocks, width, heads and token dropout, by our names.

    Raises:
        ValueError: it is no ESM-2, with the setting that says so.
    """
    for name, value in _NEEDED.items():
        found = config.get(name, value)
        if found != value and not (name == "emb_layer_norm_before" and not found):
            raise ValueError(f"{name} is {found!r} where an ESM-2 has {value!r}")
    if config.get("intermediate_size", 4 * config["hidden_size"]) != 4 * config["hidden_size"]:
        raise ValueError(f"intermediate_size is {config['intermediate_size']!r} where an ESM-2 has 4 hidden_size")
    return {
        "num_layers": config["num_hidden_layers"],
        "embed_dim": config["hidden_size"],
        "attention_heads": config["num_attention_heads"],
        "token_dropout": config.get("token_dropout", False),
    }


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Parameters by fair-esm's names; those of another origin as they are."""
    if not any(name.startswith("esm.") for name in state):
        return dict(state)
    return {_name(name): value for name, value in state.items() if not _NOT_NEEDED.match(name)}


def _name(name: str) -> str:
    found = _LAYER.fullmatch(name)
    if found is not None and found[2] in _PARTS:
        return f"layers.{found[1]}.{_PARTS[found[2]]}.{_ENDS.get(found[3], found[3])}"
    if name.startswith(_AFTER):
        end = name.removeprefix(_AFTER)
        return f"emb_layer_norm_after.{_ENDS.get(end, end)}"
    if name.startswith("lm_head.layer_norm."):
        head, _, end = name.rpartition(".")
        return f"{head}.{_ENDS.get(end, end)}"
    return _SAME.get(name, name)
