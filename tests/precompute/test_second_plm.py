"""The seam of language models: one that is no ESM-2, and hands out block ends only, goes all the way."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_plm import D_MODEL, NAME, ToyPLM, folder_of, toy_architecture

import protsae
from precompute.__main__ import main
from precompute.corpus.codes import code_path, read_codes
from precompute.corpus.proteins import read_corpus
from precompute.corpus.trained import read_trained
from protsae.errors import ArtifactError, ConfigError
from protsae.measures.fidelity import FidelityBench
from protsae.plm import spec as spec_module
from protsae.plm.base import PLM
from protsae.plm.registry import ARCHITECTURES, fetch_plm, load_plm, open_plm, outline_of
from protsae.plm.spec import PLMSpec
from protsae.sae import TopKSAE, TopKSAEConfig
from protsae.shards import ShardReader
from protsae.steering.steer import SteerConfig, Steering


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "toy", toy_architecture())


def stages(tiny_arguments, out: Path, site: str, *names: str) -> int:
    arguments = [*tiny_arguments(out), "--plm", NAME, "--site", site, "--quiet"]
    return next((code for name in names if (code := main(["stage", name, *arguments]))), 0)


def test_it_goes_through_embed_train_and_encode(tiny_arguments, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    done = ("proteins", "embed", "train", "activations", "structures", "statistics")
    assert stages(tiny_arguments, out, "resid_post", *done) == 0

    work = tmp_path / "bundle.work"
    plm, corpus, reader = ToyPLM(), read_corpus(work), ShardReader(work / "embed")
    spec = PLMSpec.read(work / "embed" / "plm.json")
    assert (spec.architecture, spec.name, spec.layer, spec.site, spec.embed_dim) == ("toy", NAME, 2, "resid_post", 12)
    for row in (0, 7):
        expected = plm.embed(corpus.sequence[row], layer=2).numpy()
        stored = reader.protein(reader.row_of(corpus.accession[row]))
        np.testing.assert_allclose(stored, expected, atol=1e-2)
    trained = read_trained(work)
    assert trained
    for sae in trained:
        assert sae.load().d_model == D_MODEL
        x = torch.from_numpy(reader.shard(0).astype(np.float32))
        codes = read_codes(code_path(work / "activations" / sae.name, 0)).toarray()
        np.testing.assert_allclose(codes, sae.load().encode(x).detach().numpy(), atol=1e-4)


def test_a_site_that_it_does_not_offer_is_refused_before_anything_is_read(
    tiny_arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stages(tiny_arguments, tmp_path / "bundle", "resid_mid", "proteins") == 2
    assert "site must be one of resid_post for this language model, got 'resid_mid'" in capsys.readouterr().err
    assert not (tmp_path / "bundle.work").exists()
    with pytest.raises(ConfigError, match="must be one of resid_post"):
        ToyPLM().state("MK", layer=1, site="resid_mid")


def test_every_door_finds_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "local")
    for source in (NAME, folder):
        assert outline_of(source) == (3, ("resid_post",), None)
        assert isinstance(load_plm(source), ToyPLM)
        fetch_plm(source)
    ToyPLM().spec(layer=2, site="resid_post").write(tmp_path / "plm.json")
    plm, spec = open_plm(tmp_path)
    assert isinstance(plm, PLM)
    assert (plm.name, spec.layer) == (NAME, 2)


def test_a_bundle_of_an_unknown_architecture_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ToyPLM().spec(layer=2, site="resid_post").write(tmp_path / "plm.json")
    monkeypatch.delitem(ARCHITECTURES, "toy")
    with pytest.raises(ArtifactError, match=r"plm.json names the architecture 'toy', which this version does not know"):
        open_plm(tmp_path)


@pytest.fixture
def sae() -> TopKSAE:
    made = TopKSAE(TopKSAEConfig(d_model=D_MODEL, d_sae=24, k=4), seed=0)
    made.fit_input(torch.zeros(D_MODEL), float(D_MODEL))
    return made


SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQ"


def test_an_edit_is_spliced_in_between_its_halves(sae: TopKSAE) -> None:
    plm = ToyPLM()
    plain = plm.logits(SEQUENCE, layer=2)
    assert torch.equal(plm.logits(SEQUENCE, layer=2, edit=torch.clone), plain)
    assert plm.logits(SEQUENCE, layer=2, edit=torch.zeros_like).shape == plain.shape == (len(SEQUENCE), 20)
    assert not torch.equal(plm.logits(SEQUENCE, layer=2, edit=torch.zeros_like), plain)


def test_fidelity_and_steering_take_it(sae: TopKSAE) -> None:
    plm = ToyPLM()
    spec = plm.spec(layer=2, site="resid_post")
    bench = FidelityBench(plm, [SEQUENCE], layer=2, site="resid_post", mean_state=torch.zeros(D_MODEL))
    same = bench.measure(lambda x: x).masked
    assert same.sae == pytest.approx(same.clean)
    assert same.zero != pytest.approx(same.clean)
    steering = Steering(plm, spec, sae, SEQUENCE, SteerConfig())
    assert steering.run({3: 1.0}, strength=0.0).steered == SEQUENCE
    assert len(steering.run({3: 1.0}, strength=5.0).steered) == len(SEQUENCE)


def test_a_model_that_only_reads_makes_a_bundle_without_what_a_head_is_for(
    tiny_arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statistics, alignments and examples; no effects on letters, no loss, and one sentence where one is asked for."""
    monkeypatch.setattr(ToyPLM, "predicts", False)
    monkeypatch.setattr(ToyPLM, "amino_acid_effect", lambda *_, **__: pytest.fail("it has no head"))
    monkeypatch.setattr(ToyPLM, "logits_from", lambda *_, **__: pytest.fail("it has no head"))
    monkeypatch.setattr(spec_module, "READS_ONLY", frozenset({"toy"}))
    out = tmp_path / "suite"

    assert main(["run", *tiny_arguments(out), "--plm", NAME, "--site", "resid_post", "--layers", "2", "--quiet"]) == 0

    with protsae.open_bundle(out / "R2") as bundle:
        assert not bundle.plm.predicts
        sae = bundle.saes()[0].name
        row = bundle.feature(sae, 0)
        assert len(row.aa_effect) == 0
        assert len(row.aa_enrichment) == 20
        assert bundle.features("GO:0000001")
        assert {tag for (tag,) in bundle.reader.tuples("SELECT DISTINCT label_origin FROM feature")}
    metrics = protsae.Suite.open(out).entry("protsae-R2-48").metrics
    assert metrics["delta_loss"].value is None
    assert metrics["guided_f1"].value is not None
