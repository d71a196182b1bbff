"""Checkpoints of SAEs by their format: our own is read, those of other programs are named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from protsae.errors import ArtifactError, ConfigError
from protsae.sae import SAE, TopKSAE, TopKSAEConfig, load_sae
from protsae.sae.loaders import Format, registry

WEIGHTS = {"W_enc": torch.ones(4, 8), "W_dec": torch.ones(8, 4), "b_enc": torch.zeros(8), "b_dec": torch.zeros(4)}
LENS = "sae_weights.safetensors"


def write(folder: Path, config: str | None, content: Any, weights: str, tensors: dict[str, torch.Tensor]) -> Path:
    folder.mkdir()
    if config is not None:
        (folder / config).write_text(json.dumps(content))
    if weights.endswith(".safetensors"):
        save_file(tensors, folder / weights)
    elif weights.endswith(".npz"):
        arrays: dict[str, Any] = {name: value.numpy() for name, value in tensors.items()}
        np.savez(folder / weights, **arrays)
    else:
        torch.save(tensors, folder / weights)
    return folder


def saelens(architecture: str | None, **more: Any) -> dict[str, Any]:
    named = {} if architecture is None else {"architecture": architecture}
    return {**named, "d_in": 4, "d_sae": 8, "dtype": "float32", "apply_b_dec_to_input": True, **more}


OF_OTHERS = {
    "SAELens standard": (
        "cfg.json",
        saelens("standard"),
        LENS,
        "an SAELens checkpoint (standard)",
    ),
    "SAELens topk": ("cfg.json", saelens("topk", k=2), LENS, "an SAELens checkpoint (topk)"),
    "SAELens jumprelu": (
        "cfg.json",
        saelens("jumprelu"),
        LENS,
        "an SAELens checkpoint (jumprelu)",
    ),
    "SAELens gated": ("cfg.json", saelens("gated"), LENS, "an SAELens checkpoint (gated)"),
    "SAELens of old": ("cfg.json", saelens(None, hook_point="x"), LENS, "an SAELens checkpoint,"),
    "SAELens, weights only": (None, None, LENS, "an SAELens checkpoint,"),
    "dictionary_learning": (
        "config.json",
        {"trainer": {"dict_class": "AutoEncoderTopK", "activation_dim": 4}, "buffer": {}},
        "ae.pt",
        "a dictionary_learning checkpoint (AutoEncoderTopK)",
    ),
    "dictionary_learning, weights only": (None, None, "ae.pt", "a dictionary_learning checkpoint,"),
    "sparsify": ("cfg.json", {"expansion_factor": 2, "k": 2, "d_in": 4}, "sae.safetensors", "checkpoint"),
    "sparsify of old": ("cfg.json", {"num_latents": 8, "k": 2}, "sae.safetensors", "a sparsify checkpoint,"),
    "Gemma Scope": (None, None, "params.npz", "a Gemma Scope checkpoint,"),
}


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_checkpoint_of_another_program_is_named(name: str, tmp_path: Path) -> None:
    config, content, weights, kind = OF_OTHERS[name]
    folder = write(tmp_path / "sae", config, content, weights, WEIGHTS)

    with pytest.raises(ArtifactError) as caught:
        load_sae(folder)

    text = str(caught.value)
    assert text.startswith(f"{folder} is a")
    assert kind in text
    assert "precompute run" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("sae_weights.safetensors", "an SAELens checkpoint"),
        ("ae.pt", "a dictionary_learning checkpoint"),
        ("mine.pt", "a .pt file of an unknown program"),
        ("params.npz", "a Gemma Scope checkpoint"),
    ],
)
def test_the_file_itself_may_be_given(file: str, kind: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "sae", None, None, file, WEIGHTS)
    with pytest.raises(ArtifactError, match=f"{file} is {kind}"):
        load_sae(folder / file)


@pytest.mark.parametrize("content", ["", "[1]", "{", '"x"', '{"trainer": 3}', '{"architecture": 3}'])
def test_what_shows_nothing_gets_our_own_loaders_sentence(content: str, tmp_path: Path) -> None:
    for name in ("cfg.json", "config.json"):
        (tmp_path / name).write_text(content)
    with pytest.raises(ArtifactError, match=r"cfg\.json"):
        load_sae(tmp_path)
    with pytest.raises(ArtifactError, match=r"cfg\.json does not exist"):
        load_sae(tmp_path / "nowhere")


def own(folder: Path) -> SAE:
    sae = TopKSAE(TopKSAEConfig(d_model=4, d_sae=8, k=2), seed=0)
    sae.save(folder)
    return sae


def test_our_own_is_detected_or_asked_for(tmp_path: Path) -> None:
    sae = own(tmp_path)
    for found in (load_sae(tmp_path), load_sae(tmp_path, "own")):
        assert torch.equal(found.W_dec, sae.W_dec)
    with pytest.raises(ConfigError, match="no format 'saelens' of SAEs: the formats are own"):
        load_sae(tmp_path, "saelens")


def test_a_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "sae", "cfg.json", saelens("topk", k=2), "sae_weights.safetensors", WEIGHTS)

    def load(path: Path) -> SAE:
        cfg = json.loads((path / "cfg.json").read_text())
        return TopKSAE(TopKSAEConfig(d_model=cfg["d_in"], d_sae=cfg["d_sae"], k=cfg["k"]), seed=0)

    saelens_format = Format(lambda path: (path / "sae_weights.safetensors").is_file(), load)
    monkeypatch.setitem(registry.FORMATS, "saelens", saelens_format)

    assert load_sae(folder).cfg == TopKSAEConfig(d_model=4, d_sae=8, k=2)
    assert load_sae(folder, "saelens").d_sae == 8
    own(tmp_path / "own")
    assert load_sae(tmp_path / "own").d_model == 4
