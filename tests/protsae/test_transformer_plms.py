"""ProtT5 and ESM-C against the library's own forward pass, on random weights in its own classes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from protsae.alphabet import AMINO_ACIDS, RESIDUES
from protsae.errors import ArtifactError, ConfigError, InputError
from protsae.measures.fidelity import FidelityBench
from protsae.plm import prot_t5, transformer
from protsae.plm.base import PLM
from protsae.plm.esmc import ESMC
from protsae.plm.prot_t5 import check_vocabulary, pieces
from protsae.plm.registry import fetch_plm, load_plm, model_names, open_plm, outline_of, weights_file
from protsae.plm.sites import SITES, Place
from protsae.plm.spec import FILE

SEQUENCES = ["MKTAYIAKQR", "GGWHXBUZOE", "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF", "ACDEF"]
LAYERS, WIDTH, HEADS = 3, 24, 2


def spiece(letters: str = prot_t5.LETTERS) -> bytes:
    """A vocabulary as SentencePiece writes it, one message a piece."""
    found = b""
    for piece in ("<pad>", "</s>", "<unk>", *(f"▁{letter}" for letter in letters)):
        text = piece.encode()
        inner = b"\n" + bytes([len(text)]) + text + b"\x15\x00\x00\x80\xbf"
        found += b"\n" + bytes([len(inner)]) + inner
    return found


def write_t5(folder: Path) -> Any:
    modeling, configuration = transformer.library("t5")
    torch.manual_seed(0)
    shape = {"d_model": WIDTH, "d_kv": 8, "d_ff": 48, "num_layers": LAYERS, "num_heads": HEADS, "vocab_size": 128}
    model = modeling.T5EncoderModel(configuration.T5Config(**shape, dropout_rate=0.0)).eval()
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter) * 0.1
    state = {n: t.contiguous() for n, t in model.state_dict().items() if n != "encoder.embed_tokens.weight"}
    return _written(folder, model, state, {**shape, "model_type": "t5", "feed_forward_proj": "relu"})


def write_esmc(folder: Path) -> Any:
    modeling, configuration = transformer.library("esmc")
    torch.manual_seed(0)
    shape = {"hidden_size": WIDTH, "intermediate_size": 40, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    model = modeling.EsmcForMaskedLM(configuration.EsmcConfig(**shape, vocab_size=64)).eval()
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter) * 0.1
    return _written(
        folder, model, {n: t.contiguous() for n, t in model.state_dict().items()}, {**shape, "model_type": "esmc"}
    )


def _written(folder: Path, model: Any, state: dict[str, torch.Tensor], config: dict[str, Any]) -> Any:
    folder.mkdir()
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "spiece.model").write_bytes(spiece())
    return model


WRITE: dict[str, Callable[[Path], Any]] = {"t5": write_t5, "esmc": write_esmc}


@pytest.fixture(params=["t5", "esmc"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[PLM, Any]:
    """Ours, and the library's model with the same weights."""
    pytest.importorskip(f"transformers.models.{request.param}", reason="needs the extra `plms`")
    theirs = WRITE[request.param](tmp_path / request.param)
    return load_plm(tmp_path / request.param, device="cpu"), theirs


def library_states(model: Any, tokens: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Hidden states before every block and the last output, by the library's own forward pass."""
    trunk = getattr(model, "esmc", model)
    with torch.no_grad():
        out = trunk(input_ids=tokens[None], output_hidden_states=True)
    return [state[0] for state in out.hidden_states], out.last_hidden_state[0]


def test_every_block_equals_the_librarys_forward_pass(both: tuple[PLM, Any]) -> None:
    plm, theirs = both
    for sequence in SEQUENCES:
        tokens = plm.tokenise(sequence)
        states, last = library_states(theirs, tokens)
        before = slice(1, -1) if len(tokens) == len(sequence) + 2 else slice(0, -1)
        for layer in range(1, LAYERS):
            assert_close(plm.embed(sequence, layer=layer), states[layer][before], rtol=1e-5, atol=1e-5)
        top = plm.embed(sequence, layer=LAYERS)
        trunk = getattr(theirs, "esmc", None)
        norm = theirs.encoder.final_layer_norm if trunk is None else trunk.norm
        assert_close(norm(top), last[before], rtol=1e-5, atol=1e-5)


def test_the_updates_are_what_the_stream_gains(both: tuple[PLM, Any]) -> None:
    plm, _ = both
    assert set(plm.sites) == set(SITES)
    assert plm.sites[0] == "resid_post"
    places = [Place(2, site) for site in ("attn_out", "resid_mid", "mlp_out", "resid_post")]
    below = plm.embed(SEQUENCES[2], layer=1)
    added, mid, more, post = next(iter(plm.harvest_at(SEQUENCES[2:3], places)))[1]
    assert_close(below + added, mid)
    assert_close(mid + more, post)


def test_a_sequence_alone_equals_itself_among_others(both: tuple[PLM, Any]) -> None:
    plm, _ = both
    for budget in (30, 8192):
        for index, state in plm.harvest(SEQUENCES, layer=LAYERS, tokens_per_batch=budget):
            assert len(state) == len(SEQUENCES[index])
            assert_close(state, plm.embed(SEQUENCES[index], layer=LAYERS), rtol=1e-5, atol=1e-5)


def test_a_state_taken_further_is_the_state_there(both: tuple[PLM, Any]) -> None:
    plm, _ = both
    for site in SITES:
        low = plm.state(SEQUENCES[0], layer=1, site=site)
        high = plm.onward(low, layer=3, site="mlp_out")
        assert_close(high.activations, plm.embed(SEQUENCES[0], layer=3, site="mlp_out"), rtol=1e-5, atol=1e-5)


def test_a_bundle_holds_the_model_without_its_configuration(both: tuple[PLM, Any], tmp_path: Path) -> None:
    plm, _ = both
    assert plm.weights is not None
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "plm.safetensors").write_bytes(plm.weights.read_bytes())
    plm.spec(layer=2, site="resid_post", weights="plm.safetensors").write(bundle / FILE)
    opened, spec = open_plm(bundle, device="cpu")
    assert spec.predicts == opened.predicts == plm.predicts
    assert torch.equal(opened.embed(SEQUENCES[0], layer=2), plm.embed(SEQUENCES[0], layer=2))
    assert outline_of(bundle) == outline_of(plm.weights.parent) == (LAYERS, plm.sites, WIDTH)
    assert weights_file(plm.weights.parent) == plm.weights


def test_a_letter_that_is_none_and_an_empty_sequence_are_refused(both: tuple[PLM, Any]) -> None:
    plm, _ = both
    assert len(plm.tokenise(RESIDUES)) in {len(RESIDUES) + 1, len(RESIDUES) + 2}
    with pytest.raises(InputError, match="has 'J' at position 3"):
        plm.tokenise("MKJ")
    with pytest.raises(InputError, match="is empty"):
        plm.tokenise("")


def test_damaged_weights_are_named(both: tuple[PLM, Any]) -> None:
    plm, _ = both
    assert plm.weights is not None
    state = transformer.tensors(plm.weights)
    del state[next(name for name in state if name.endswith("norm.weight") or "layer_norm" in name)]
    save_file(state, plm.weights)
    with pytest.raises(ArtifactError, match="it lacks parameter"):
        load_plm(plm.weights.parent)
    plm.weights.write_bytes(b"no tensors")
    with pytest.raises(ArtifactError, match="cannot be read as safetensors"):
        load_plm(plm.weights.parent)


def test_esmc_predicts_as_the_library_does(tmp_path: Path) -> None:
    pytest.importorskip("transformers.models.esmc", reason="needs the extra `plms`")
    theirs = write_esmc(tmp_path / "esmc")
    plm = load_plm(tmp_path / "esmc", device="cpu")
    assert isinstance(plm, ESMC)
    tokens = plm.tokenise(SEQUENCES[2], masked=[3, 7])
    assert tokens[[4, 8]].tolist() == [32, 32]
    with torch.no_grad():
        expected = theirs(input_ids=tokens[None]).logits[0, 1:-1]
    vocabulary = transformer.import_module("transformers.models.esmc.tokenization_esmc").SEQUENCE_VOCAB
    columns = [vocabulary.index(letter) for letter in AMINO_ACIDS]
    assert plm.tokenise(RESIDUES)[1:-1].tolist() == [vocabulary.index(letter) for letter in RESIDUES]
    assert_close(plm.logits(SEQUENCES[2], masked=[3, 7]), expected[:, columns], rtol=1e-5, atol=1e-5)
    plain = plm.logits(SEQUENCES[2], layer=2)
    for site in SITES:
        assert torch.equal(plm.logits(SEQUENCES[2], layer=2, site=site, edit=torch.clone), plain)
    bench = FidelityBench(plm, SEQUENCES[:1], layer=2, site="attn_out", mean_state=torch.zeros(WIDTH))
    assert bench.measure(lambda x: x).masked.ce_sae == bench.measure(lambda x: x).masked.ce_clean

    direction, step = torch.randn(1, WIDTH), 1e-3
    top = [plm.embed(SEQUENCES[2], layer=LAYERS)]
    moved = [plm.head(torch.cat(top) + sign * step * direction).mean(0) for sign in (1, -1)]
    slope = (moved[0] - moved[1]) / (2 * step)
    effect = plm.amino_acid_effect(direction, reference=SEQUENCES[2:3])
    assert_close(effect[0], slope - slope.mean(), rtol=2e-2, atol=2e-3)


def test_prot_t5_reads_rare_letters_as_x_and_predicts_nothing(tmp_path: Path) -> None:
    pytest.importorskip("transformers.models.t5", reason="needs the extra `plms`")
    write_t5(tmp_path / "t5")
    plm = load_plm(tmp_path / "t5", device="cpu")
    assert plm.tokenise("AETCZAO").tolist() == [3, 9, 11, 22, 23, 3, 23, 1]
    assert plm.tokenise("MK", masked=[1]).tolist() == [19, 127, 1]
    assert not plm.predicts
    state = plm.state("MKTAY", layer=1)
    for asked in (
        lambda: plm.logits("MKTAY"),
        lambda: plm.logits_from(state),
        lambda: plm.amino_acid_effect(torch.eye(WIDTH)),
    ):
        with pytest.raises(ConfigError, match="only reads: it has no head that predicts amino acids"):
            asked()


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spiece.model"
    path.write_bytes(spiece())
    assert pieces(spiece())[:4] == ["<pad>", "</s>", "<unk>", "▁A"]
    check_vocabulary(path)
    path.write_bytes(spiece("LAGVSERTIDPKQNFYMHWCXBUZO"))
    with pytest.raises(ArtifactError, match="numbers letters otherwise"):
        check_vocabulary(path)
    path.write_bytes(b"\xff\x00")
    with pytest.raises(ArtifactError, match="numbers letters otherwise"):
        check_vocabulary(path)
    path.unlink()
    with pytest.raises(InputError, match="is missing, which says how letters are numbered"):
        check_vocabulary(path)


def test_models_go_by_name_and_are_downloaded_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert {"prot_t5_xl_half_uniref50-enc", "ESMC-300M", "ESMC-600M"} <= set(model_names())
    assert outline_of("ESMC-600M") == (36, transformer.OFFERED, 1152)
    with pytest.raises(InputError, match=r"fetch them once with `python -m protsae\.plm ESMC-300M`"):
        load_plm("ESMC-300M")
    asked: list[tuple[str, str, str]] = []
    monkeypatch.setattr(
        transformer, "download", lambda url, path, *, sha256, **_: asked.append((url, path.name, sha256))
    )
    fetch_plm("ESMC-300M", sha256="ab")
    home = "https://huggingface.co/biohub/ESMC-300M/resolve/main/"
    assert asked == [(f"{home}config.json", "config.json", ""), (f"{home}model.safetensors", "model.safetensors", "ab")]


def test_without_the_package_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(transformer, "import_module", missing)
    with pytest.raises(InputError, match=r"needs the package transformers .*`pip install 'protsae-explorer\[plms\]'"):
        transformer.library("esmc")


def test_a_configuration_that_says_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5", "num_layers": "many", "d_model": 3}))
    with pytest.raises(InputError, match="gives 'many' as num_layers"):
        outline_of(tmp_path)
