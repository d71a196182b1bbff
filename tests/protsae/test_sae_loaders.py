"""Checkpoints of SAEs by their format: our own is read, those that are not read are named; see `test_imported.py`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from protsae.errors import ArtifactError, ConfigError
from protsae.sae import SAE, ImportedSAEConfig, TopKSAE, TopKSAEConfig, load_sae
from protsae.sae.loaders import Foreign, Format, Stated, Told, load_foreign, registry, tensors

WEIGHTS = {"W_enc": torch.ones(4, 8), "W_dec": torch.ones(8, 4), "b_enc": torch.zeros(8), "b_dec": torch.zeros(4)}


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


OF_OTHERS = {
    "sparsify": ("cfg.json", {"expansion_factor": 2, "k": 2, "d_in": 4}, "sae.safetensors", "a sparsify checkpoint,"),
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
    ("file", "kind"), [("mine.pt", "a .pt file of an unknown program"), ("params.npz", "a Gemma Scope checkpoint")]
)
def test_the_file_itself_may_be_given(file: str, kind: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "sae", None, None, file, WEIGHTS)
    with pytest.raises(ArtifactError, match=f"{file} is {kind}"):
        load_sae(folder / file)


def test_weights_without_their_configuration_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "sae", None, None, "sae_weights.safetensors", WEIGHTS)
    for path in (folder, folder / "sae_weights.safetensors"):
        with pytest.raises(ArtifactError, match=r"cfg\.json is missing or damaged"):
            load_sae(path)


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
    with pytest.raises(ConfigError, match="no format 'sailens' of SAEs: the formats are own, interplm"):
        load_sae(tmp_path, "sailens")
    with pytest.raises(ArtifactError, match="no SAE of a known format; say which it is: interplm"):
        load_foreign(tmp_path)


def test_a_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "sae", "cfg.json", {"num_latents": 8, "k": 2}, "sae.safetensors", WEIGHTS)

    def load(path: Path, told: Told) -> Foreign:
        found: dict[str, Any] = {**tensors.read_tensors(path / "sae.safetensors")}
        return Foreign(tensors.assembled(path, **found, activation="topk", k=told.k or 2), Stated())

    sparsify = Format(lambda path: (path / "sae.safetensors").is_file(), load)
    monkeypatch.setitem(registry.FOREIGN, "sparsify", sparsify)

    assert load_sae(folder).cfg == ImportedSAEConfig(d_model=4, d_sae=8, activation="topk", k=2)
    assert load_sae(folder, "sparsify", Told(k=3)).cfg.k == 3
    own(tmp_path / "own")
    assert load_sae(tmp_path / "own").d_model == 4
