"""ESM-2 in Hugging Face's files: its names are fair-esm's parameters, and its own class gives the same states."""

import json
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from esm2_files import random_model, weights_of
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.testing import assert_close

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ArtifactError, InputError
from protsae.plm.registry import load_plm, outline_of

CONFIG = {
    "model_type": "esm",
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "position_embedding_type": "rotary",
    "vocab_size": 33,
    "layer_norm_eps": 1e-05,
    "emb_layer_norm_before": None,
    "token_dropout": True,
}
BACK = (
    (r"^layers\.(\d+)\.self_attn\.([qkv])_proj", r"esm.encoder.layer.\1.attention.self.\2"),
    (r"^layers\.(\d+)\.self_attn\.out_proj", r"esm.encoder.layer.\1.attention.output.dense"),
    (r"^layers\.(\d+)\.self_attn_layer_norm", r"esm.encoder.layer.\1.attention.LayerNorm"),
    (r"^layers\.(\d+)\.fc1", r"esm.encoder.layer.\1.intermediate.dense"),
    (r"^layers\.(\d+)\.fc2", r"esm.encoder.layer.\1.output.dense"),
    (r"^layers\.(\d+)\.final_layer_norm", r"esm.encoder.layer.\1.LayerNorm"),
    (r"^emb_layer_norm_after", "esm.encoder.emb_layer_norm_after"),
    (r"^embed_tokens", "esm.embeddings.word_embeddings"),
    (r"self\.q\b", "self.query"),
    (r"self\.k\b", "self.key"),
    (r"self\.v\b", "self.value"),
)
SEQUENCES = ["MKTAYIAKQRQISFVKSHFSRQ", "GGGPW"]


def theirs(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Parameters under Hugging Face's names, with what else its files hold."""
    found = {}
    for name, value in state.items():
        new = name
        for pattern, replacement in BACK:
            new = re.sub(pattern, replacement, new)
        found[new] = value.contiguous()
    found["esm.contact_head.regression.bias"] = torch.ones(1)
    found["esm.embeddings.position_ids"] = torch.arange(5)
    return found


def folder(path: Path, state: dict[str, Tensor], **changes: object) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps(CONFIG | changes))
    save_file(state, path / "model.safetensors")
    return path


def test_its_names_are_fair_esms_parameters(tmp_path: Path) -> None:
    state = weights_of(random_model())
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "config.json").write_text(
        json.dumps({"num_layers": 2, "embed_dim": 32, "attention_heads": 4, "token_dropout": True})
    )
    save_file(state, tmp_path / "own" / "model.safetensors")
    here = folder(tmp_path / "theirs", theirs(state))

    assert outline_of(here) == (2, ("resid_mid", "resid_post", "attn_out", "mlp_out"), 32)
    ours, again = (load_plm(path, device="cpu") for path in (tmp_path / "own", here))
    for site in again.sites:
        assert torch.equal(again.embed(SEQUENCES[0], layer=1, site=site), ours.embed(SEQUENCES[0], layer=1, site=site))
    assert torch.equal(again.logits(SEQUENCES[0]), ours.logits(SEQUENCES[0]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "bert"}, "model_type is 'bert' where an ESM-2 has 'esm'"),
        ({"position_embedding_type": "absolute"}, "position_embedding_type is 'absolute'"),
        ({"vocab_size": 30}, "vocab_size is 30"),
        ({"intermediate_size": 64}, "intermediate_size is 64"),
        ({"emb_layer_norm_before": True}, "emb_layer_norm_before is True"),
    ],
)
def test_another_model_of_hugging_faces_is_refused(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        load_plm(folder(tmp_path / "a", theirs(weights_of(random_model())), **changes))


def test_a_model_without_its_head_is_named(tmp_path: Path) -> None:
    state = {n: v for n, v in theirs(weights_of(random_model())).items() if not n.startswith("lm_head")}
    with pytest.raises(ArtifactError, match=r"lacks parameter lm_head\."):
        load_plm(folder(tmp_path / "a", state))


def test_its_own_class_gives_the_same_states(tmp_path: Path) -> None:
    missing = "an independent implementation to compare with: `make parity` installs it"
    required = os.environ.get("PROTSAE_PARITY") == "required"
    transformers: Any = (
        import_module("transformers")
        if required
        else pytest.importorskip("transformers", reason=missing, exc_type=ImportError)
    )
    torch.manual_seed(0)
    cfg = transformers.EsmConfig(**CONFIG, mask_token_id=32, pad_token_id=1, max_position_embeddings=1026)
    model = transformers.EsmForMaskedLM(cfg).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    model.save_pretrained(tmp_path)
    assert load_file(tmp_path / "model.safetensors")
    plm = load_plm(tmp_path, device="cpu")

    for sequence in SEQUENCES:
        tokens = plm.tokenise(sequence)[None]
        with torch.no_grad():
            found = model(tokens, attention_mask=torch.ones_like(tokens), output_hidden_states=True)
        states = found.hidden_states[1][0, 1:-1]
        assert_close(plm.embed(sequence, layer=1, site="resid_post"), states, rtol=1e-4, atol=1e-4)
        letters = [plm.tokenise(letter)[1] for letter in AMINO_ACIDS]
        assert_close(plm.logits(sequence), found.logits[0, 1:-1][:, torch.stack(letters)], rtol=1e-3, atol=1e-3)
