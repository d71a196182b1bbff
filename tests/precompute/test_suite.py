"""A suite from one command: one pass of the language model, a registry, SAEs by name, and every refusal."""

import gzip
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file

import protsae
from precompute import suite as precompute_suite
from precompute.__main__ import main
from precompute.evaluation import scoring
from precompute.pipeline.runner import Runner
from precompute.suite import go_release
from protsae.bundle.suite import FILE, METRICS, name_of, read_registry
from protsae.errors import BundleError, ConfigError, InputError
from protsae.plm import esm2
from protsae.plm.sites import Place
from protsae.sae.convert import to_jumprelu

NAMES = [f"{sae}-{place}-{width}" for place in ("R1", "A1") for sae in ("protsae", "vanilla") for width in (32, 48)]


@pytest.fixture(scope="module")
def suite(tiny_arguments: Callable[[Path], list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites of layer 1, two widths."""
    out = tmp_path_factory.mktemp("suite") / "scope"
    arguments = tiny_arguments(out)
    place = arguments.index("--d-sae")
    del arguments[place : place + 2]
    several = ["--layers", "1", "--sites", "R", "A", "--widths", "32", "48"]
    assert main(["run", "--quiet", *arguments, *several]) == 0
    return out


@pytest.fixture
def copied(suite: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    kept = shutil.ignore_patterns("*.work", "store.duckdb", "analyses")
    return Path(shutil.copytree(suite, tmp_path / "scope", ignore=kept))


def test_a_registry_stands_above_a_bundle_a_place(suite: Path, tiny_inputs: Path) -> None:
    registry = read_registry(suite)
    assert sorted(entry.name for entry in registry.entries) == sorted(NAMES)
    assert registry.bundles == ["R1", "A1"]
    assert (registry.num_layers, len(registry.go_sha256), len(registry.plm_sha256)) == (2, 64, 64)
    for entry in registry.entries:
        manifest = json.loads((suite / entry.bundle / "manifest.json").read_text())
        assert entry.sha256 == manifest["files"][f"sae/{entry.sae}/sae.safetensors"]
        assert manifest["inputs"]["ontology"] == registry.go_sha256
        metrics = entry.metrics
        assert set(metrics) == set(METRICS)
        assert metrics["l0"].value == pytest.approx(entry.k, abs=8)
        assert 0 <= (metrics["dead_share"].value or 0) <= 1
        loss = metrics["delta_loss"]
        assert loss.value is not None
        assert (loss.baseline_is, loss.split) == ("the mean residue in its place", "test")
        assert (metrics["guided_f1"].baseline is not None) == (entry.role == "guided")
    text = (suite / FILE).read_text()
    assert str(suite) not in text
    assert not any((suite / "A1" / name).is_symlink() for name in ("store.duckdb", "plm.safetensors"))


def test_all_places_are_embedded_in_one_pass(
    suite: Path, tiny_arguments: Callable[[Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six places, and every residue of the corpus goes through the language model once."""
    passed: list[int] = []
    embed = esm2.embed_tokens
    monkeypatch.setattr(esm2, "embed_tokens", lambda *a: passed.append(a[1].numel() - 2) or embed(*a))
    monkeypatch.setattr(precompute_suite, "write_suite", lambda *_: None)
    monkeypatch.setattr(Runner, "run", lambda self: self.run_stage(self.stage("embed")))
    out = tmp_path / "six"

    assert main(["run", "--quiet", *tiny_arguments(out), "--layers", "1", "2", "--sites", "R", "A", "M"]) == 0

    with protsae.open_bundle(suite / "R1") as bundle:
        lengths = bundle.reader.protein_table()["length"].tolist()
    assert sorted(passed) == sorted(lengths)
    done = [json.loads((out / f"{place}.work" / "embed" / "done.json").read_text()) for place in ("R1", "M2")]
    assert [each["numbers"]["layer"] for each in done] == [1, 2]
    assert (out / "A2.work" / "embed" / "shard-00000.npy").is_file()


def test_an_sae_is_loaded_by_name_bit_for_bit(suite: Path) -> None:
    opened = protsae.Suite.open(suite)
    assert sorted(opened.names) == sorted(NAMES)
    assert [entry.name for entry in opened.find(site="A", width=48)] == ["protsae-A1-48", "vanilla-A1-48"]
    assert len(opened.find(layer=1)) == 8
    assert opened.find(layer=2) == []
    for name in NAMES:
        entry = opened.entry(name)
        saved = load_file(suite / entry.bundle / "sae" / entry.sae / "sae.safetensors")
        loaded = opened.load(name).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in saved.items())
    with opened.bundle("vanilla-A1-32") as bundle:
        assert (bundle.plm.site, bundle.plm.layer) == ("attn_out", 1)


@pytest.mark.parametrize("name", ["vanilla-R1-48", "vanilla-A1-32"])
def test_jumprelu_keeps_the_mean_l0_within_two_percent(suite: Path, name: str) -> None:
    opened = protsae.Suite.open(suite)
    sae = opened.load(name)
    with opened.bundle(name, device="cpu") as bundle:
        x = torch.cat([bundle.embed(sequence) for sequence in bundle.reader.sequences_of("train", 60)])
    with torch.no_grad():
        before, after = ((each.encode(x) > 0).sum(dim=1).double().mean() for each in (sae, to_jumprelu(sae, x)))
    assert float(after) == pytest.approx(float(before), rel=0.02)


def test_a_bundle_alone_is_a_suite_of_its_own_saes(suite: Path) -> None:
    opened = protsae.Suite.open(suite / "A1")
    assert sorted(opened.names) == sorted(name for name in NAMES if "-A1-" in name)
    assert opened.load("vanilla-A1-48").d_sae == 48


def test_another_file_than_the_registry_lists_is_refused(copied: Path) -> None:
    name = "vanilla-R1-32"
    own = copied / "R1" / "sae" / read_registry(copied).entry(name).sae
    other = copied / "A1" / "sae" / own.name / "sae.safetensors"
    shutil.copyfile(other, own / "sae.safetensors")
    with pytest.raises(BundleError, match=r"sae.safetensors is not the file that the suite lists for vanilla-R1-32"):
        protsae.Suite.open(copied).load(name)
    assert protsae.Suite.open(copied).load("vanilla-A1-32").d_sae == 32


def change(folder: Path, name: str, **values: object) -> None:
    content = json.loads((folder / FILE).read_text())
    content |= {key: value for key, value in values.items() if key in content}
    for table in content["saes"]:
        table |= {key: value for key, value in values.items() if key in table and table["name"] == name}
    (folder / FILE).write_text(json.dumps(content))


def test_other_terms_or_another_ontology_are_refused(copied: Path, tiny_inputs: Path, tmp_path: Path) -> None:
    name = "protsae-R1-48"
    opened = protsae.Suite.open(copied)
    assert opened.load(name, ontology=tiny_inputs / "go.obo").d_sae == 48
    other = tmp_path / "go.obo"
    other.write_text((tiny_inputs / "go.obo").read_text() + "\n")
    with pytest.raises(BundleError, match="is not the Gene Ontology of this suite"):
        opened.load(name, ontology=other)
    with pytest.raises(InputError, match="There is no ontology at"):
        opened.load(name, ontology=tmp_path / "none.obo")
    change(copied, name, terms_sha256="0" * 64)
    with pytest.raises(BundleError, match="is not guided by the terms, in the order, that the suite lists"):
        protsae.Suite.open(copied).load(name)
    change(copied, "", go_sha256="1" * 64)
    with pytest.raises(BundleError, match="was built with another Gene Ontology"):
        protsae.Suite.open(copied).load("vanilla-R1-48")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": 9}, "is of format 9, this program reads 1"),
        ({"bundle": "../elsewhere"}, "the bundle '../elsewhere' leads out of the suite"),
        ({"layer": "one"}, "layer is 'one'"),
        ({"site": "mlp"}, "names the site 'mlp'"),
        ({"plm": 3}, "plm is 3"),
        ({"metrics": {"beauty": {}}}, "holds the metric 'beauty', which is unknown"),
    ],
)
def test_a_damaged_registry_is_refused(copied: Path, changes: dict[str, object], sentence: str) -> None:
    change(copied, "vanilla-R1-48", **changes)
    with pytest.raises(BundleError, match=sentence):
        protsae.Suite.open(copied)


def test_what_is_not_there_is_named(suite: Path) -> None:
    opened = protsae.Suite.open(suite)
    with pytest.raises(BundleError, match="There is no 'protsae-Q9-1' in this suite; it has protsae-R1-32"):
        opened.load("protsae-Q9-1")
    with pytest.raises(ConfigError, match="there is no site 'mlp'"):
        opened.find(site="mlp")


def test_names_follow_one_rule() -> None:
    place = Place(4, "resid_post")
    assert name_of("protsae", place, 4096) == "protsae-R4-4096"
    assert name_of("protsae_w2560", place, 2560) == "protsae-R4-2560"
    assert name_of("my_topk_w2560_s3", Place(33, "mlp_out"), 2560) == "my_topk-M33-2560-s3"
    assert name_of("vanilla_s1", Place(1, "resid_mid"), 64) == "vanilla-H1-64-s1"


def test_the_release_stands_in_the_head_of_the_ontology(tmp_path: Path) -> None:
    text = "format-version: 1.2\ndata-version: releases/2026-03-01\nontology: go\n"
    (tmp_path / "go.obo").write_text(text)
    with gzip.open(tmp_path / "go.obo.gz", "wt") as handle:
        handle.write(text)
    (tmp_path / "bare.obo").write_text("format-version: 1.2\n")
    assert [go_release(tmp_path / n) for n in ("go.obo", "go.obo.gz", "bare.obo")] == ["2026-03-01", "2026-03-01", ""]


def test_a_model_that_only_reads_recovers_no_loss() -> None:
    """Not measured is nan, as where an ablation does no damage; the bench is not even built."""

    class Reads:
        predicts = False

    context = SimpleNamespace(plm=Reads())
    found = scoring._loss_recovered(cast("Any", context), torch.zeros_like)
    assert len(found) == 4
    assert all(math.isnan(value) for value in found.values())
