"""What a weights file is that is not fair-esm's ESM-2, and what its owner can do with it.

People give what their training left: a bare state_dict, one inside a checkpoint, with Hugging Face's names, an older
model of fair-esm's. Each is named, as far as its tensors show. Nobody is advised to delete a file: it may be the only
copy.

Read `what_it_is`.
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

_OLDER = {
    "roberta_large": "an ESM-1b or ESM-1v model",
    "protein_bert_base": "an ESM-1 model",
    "msa_transformer": "an MSA Transformer",
    "gvp_transformer": "an ESM-IF1 model",
}
"""fair-esm's other architectures, by the name in the file."""

_FOLDER = (
    "a folder with config.json (num_layers, embed_dim, attention_heads) and the parameters as one .safetensors file"
)


def what_it_is(saved: Any) -> str:
    """The rest of a sentence that begins with the file's path: what it holds, and what to do."""
    if not isinstance(saved, Mapping):
        return f"holds {type(saved).__name__}, no ESM-2 of fair-esm's: give {_FOLDER}."
    older = _OLDER.get(str(getattr(saved.get("args"), "arch", "")))
    if older is not None or "args" in saved:
        return f"is {older or 'an older model of fair-esm'}, which is not supported: give an ESM-2."
    if _is_state_dict(saved):
        return _bare(saved, "")
    for key, value in saved.items():
        if isinstance(value, Mapping) and _is_state_dict(value):
            return _bare(value, str(key))
    return f"is no ESM-2 file of fair-esm's (it holds {_names(saved)}): give one, or {_FOLDER}."


def _bare(state: Mapping[Any, Any], key: str) -> str:
    where = f"has a bare state_dict under {key!r}" if key else "is a bare state_dict"
    names = [str(name) for name in state]
    if all("contact_head" in name for name in names):
        return f"{where} of a contact head alone, without a language model: give the ESM-2 that it belongs to."
    if any(".attention.self.query." in name for name in names):
        return (
            f"{where} with Hugging Face's parameter names, without the model's shape: give {_FOLDER}, as "
            "save_pretrained writes them."
        )
    return (
        f"{where}, parameters without the model's shape: give {_FOLDER}, parameters named as fair-esm does"
        f"{_shape(state)}."
    )


def _shape(state: Mapping[Any, Any]) -> str:
    """What config.json would hold, as far as the tensors show it."""
    found: dict[str, int] = {}
    layers = {int(match[1]) for name in state if (match := re.search(r"(?:^|\.)layers\.(\d+)\.", str(name)))}
    if layers:
        found["num_layers"] = max(layers) + 1
    for name, value in state.items():
        if isinstance(value, Tensor) and str(name).endswith("embed_tokens.weight") and value.ndim == 2:
            found["embed_dim"] = value.shape[1]
    for name, value in state.items():
        if isinstance(value, Tensor) and str(name).endswith("rot_emb.inv_freq") and found.get("embed_dim"):
            found["attention_heads"] = found["embed_dim"] // (2 * len(value))
            break
    if not found:
        return ""
    return "; its own say " + ", ".join(f"{name} {value}" for name, value in found.items())


def _is_state_dict(value: Mapping[Any, Any]) -> bool:
    return bool(value) and all(isinstance(item, Tensor) for item in value.values())


def _names(saved: Mapping[Any, Any]) -> str:
    return ", ".join(repr(str(name)[:40]) for name in list(saved)[:5]) or "nothing"
