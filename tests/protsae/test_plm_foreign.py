"""Weight files that people have and that are no fair-esm ESM-2: each is named, and what is advised works."""

import json
import re
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from esm2_files import random_model, weights_of
from safetensors.torch import save_file

from protsae.errors import ArtifactError
from protsae.plm.registry import load_plm, outline_of

STATE = random_model().state_dict()
HUGGING_FACE = {"esm.encoder.layer.0.attention.self.query.weight": torch.ones(2, 2)}
NAMES = r"parameters named as fair-esm does; its own say num_layers 2, embed_dim 32, attention_heads 4"

KINDS = {
    "as torch.save(model.state_dict()) leaves it": (STATE, rf"is a bare state_dict, .*{NAMES}"),
    "without buffers": (weights_of(random_model()), r"is a bare state_dict, .*num_layers 2, embed_dim 32\."),
    "under a wrapper's prefix": ({f"module.{k}": v for k, v in STATE.items()}, rf"is a bare state_dict, .*{NAMES}"),
    "in a training checkpoint": ({"epoch": 3, "model_state_dict": STATE}, r"has a bare state_dict under 'model_state_"),
    "in Lightning's checkpoint": ({"state_dict": STATE, "hyper": {}}, r"has a bare state_dict under 'state_dict'"),
    "with Hugging Face's names": (HUGGING_FACE, r"is a bare state_dict with Hugging Face's parameter names"),
    "a contact head": ({"model": {"contact_head.regression.bias": torch.ones(1)}}, r"has .* of a contact head alone"),
    "ESM-1b": (
        {"args": Namespace(arch="roberta_large"), "model": STATE},
        r"is an ESM-1b or ESM-1v model, which",
    ),
    "ESM-1": ({"args": Namespace(arch="protein_bert_base"), "model": STATE}, r"is an ESM-1 model, which"),
    "MSA": ({"args": Namespace(arch="msa_transformer"), "model": STATE}, r"is an MSA Transformer, which"),
    "older": ({"args": Namespace(arch="x"), "model": STATE}, r"is an older model of fair-esm, which"),
    "optimizer only": ({"step": 3, "lr": 0.1}, r"is no ESM-2 .*it holds 'step', 'lr'"),
    "a tensor": (torch.ones(3), r"holds Tensor, no ESM-2"),
    "a list": ([1, 2], r"holds list, no ESM-2"),
    "nothing": ({}, r"is no ESM-2 .*it holds nothing"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_foreign_file_is_named(kind: str, tmp_path: Path) -> None:
    saved, sentence = KINDS[kind]
    torch.save(saved, tmp_path / "mine.pt")

    for door in (load_plm, outline_of):
        with pytest.raises(ArtifactError, match=rf"mine\.pt {sentence}") as caught:
            door(tmp_path / "mine.pt")
        text = str(caught.value)
        assert "\n" not in text
        assert not re.search(r"delete|remove", text)
        assert "ESM-2" in text or "config.json" in text


def test_what_a_bare_state_dict_is_advised_to_become_loads(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "mine.pt")
    with pytest.raises(ArtifactError) as caught:
        load_plm(tmp_path / "mine.pt")
    shape = {
        name: int(value) for name, value in re.findall(r"(\w+) (\d+)", str(caught.value).rpartition("its own say")[2])
    }

    (tmp_path / "config.json").write_text(json.dumps(shape))
    state = torch.load(tmp_path / "mine.pt", weights_only=True)
    save_file({name: value.clone() for name, value in state.items()}, tmp_path / "mine.safetensors")

    assert (load_plm(tmp_path, device="cpu").num_layers, shape["attention_heads"]) == (2, 4)


def test_a_damaged_file_is_not_advised_away(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "mine.pt")
    whole = (tmp_path / "mine.pt").read_bytes()
    for content in (b"", b"no weights", whole[:1000], whole[:-100]):
        (tmp_path / "mine.pt").write_bytes(content)
        with pytest.raises(ArtifactError, match=r"mine\.pt is") as caught:
            load_plm(tmp_path / "mine.pt")
        assert "delete" not in str(caught.value)
