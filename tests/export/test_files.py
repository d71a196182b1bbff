"""A bundle in other tools' files comes back as it was: Neuronpedia's bodies, ProtSpace's map, Parquet, cards."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precompute.__main__ import main
from protsae.api.opened import OpenBundle, open_bundle
from protsae.errors import InputError
from protsae.export import neuronpedia, protspace
from protsae.export.registry import TARGETS, export
from protsae.store.schema import SORTED_BY


@pytest.fixture
def bundle(tiny_bundle: Path) -> Iterator[OpenBundle]:
    with open_bundle(tiny_bundle, device="cpu") as opened:
        yield opened


def test_every_firing_feature_is_in_one_body_of_neuronpedia(
    bundle: OpenBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neuronpedia, "FEATURES", 25)
    bodies = [json.loads(path.read_text()) for path in export(bundle, "neuronpedia", tmp_path, ["vanilla"])]

    table = bundle.reader.feature_table("vanilla")
    found = [feature for body in bodies for feature in body["features"]]
    assert [f["index"] for f in found] == table.loc[table["max_act"] > 0, "feature"].tolist()
    assert max(len(body["features"]) for body in bodies) == 25
    assert {(body["modelId"], body["source"]) for body in bodies} == {("tiny_esm2", "1-vanilla")}
    one = found[0]
    example = bundle.examples("vanilla", one["index"], limit=1)[0]
    first = one["activations"][0]
    assert "".join(first["tokens"]) == example.sequence
    assert np.flatnonzero(first["values"]).tolist() == (example.positions - 1).tolist()
    assert max(first["values"]) == pytest.approx(example.peak_act, abs=1e-4)
    row = bundle.feature("vanilla", one["index"])
    assert one["topLogits"][0]["value"] == pytest.approx(float(row.aa_effect.max()), abs=1e-4)
    assert one["bottomLogits"][0]["value"] == pytest.approx(float(row.aa_effect.min()), abs=1e-4)
    assert len(one["topLogits"]) <= 20


def test_a_long_protein_is_cut_about_its_peak(bundle: OpenBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neuronpedia, "TOKENS", 12)
    table = bundle.reader.feature_table("vanilla")
    index = int(table.loc[table["max_act"] > 0, "feature"].iloc[0])
    body = next(neuronpedia.batches(bundle.reader, "vanilla", "m", "s"))
    example = bundle.examples("vanilla", index, limit=1)[0]
    first = body["features"][0]["activations"][0]
    assert len(first["tokens"]) == 12
    assert "".join(first["tokens"]) in example.sequence
    assert max(first["values"]) == pytest.approx(example.peak_act, abs=1e-4)


def test_protspace_shows_every_place_and_label(bundle: OpenBundle, tmp_path: Path) -> None:
    (path,) = export(bundle, "protspace", tmp_path, ["protsae_mfo"])
    parts = path.read_bytes().split(protspace.DELIMITER)
    known, projections, places = (pd.read_parquet(io.BytesIO(part)) for part in parts)

    points = bundle.reader.map_points("protsae_mfo").dropna(subset=["umap_x"])
    assert known["identifier"].tolist() == places["identifier"].tolist() == [f"f{n}" for n in points["feature"]]
    assert np.allclose(places[["x", "y"]], points[["umap_x", "umap_y"]])
    assert projections[["projection_name", "dimensions"]].to_numpy().tolist() == [[places["projection_name"][0], 2]]
    assert known["label_grade"].tolist() == points["label_grade"].tolist()
    labels = [label or "no label" for label in points["label"]]
    assert [label.replace("%3B", ";").replace("%7C", "|").replace("%25", "%") for label in known["label"]] == labels


def test_protspace_reads_its_bundle(bundle: OpenBundle, tmp_path: Path) -> None:
    theirs = pytest.importorskip("protspace.data.io.bundle", reason="protspace is not installed: pip install protspace")
    (path,) = export(bundle, "protspace", tmp_path, ["protsae_mfo"])

    parts, settings = theirs.read_bundle(path)
    known, projections, places = (pd.read_parquet(io.BytesIO(part)) for part in parts)
    assert settings is None
    assert known["identifier"].tolist() == places["identifier"].tolist()
    assert len(projections) == 1


def test_parquet_holds_every_table_and_row(bundle: OpenBundle, tmp_path: Path) -> None:
    written = export(bundle, "parquet", tmp_path)

    assert {path.stem for path in written if path.parent == tmp_path} == set(SORTED_BY)
    for table, order in SORTED_BY.items():
        stored = bundle.reader.frame(f"SELECT * FROM {table} ORDER BY {', '.join(order)}")
        again = pd.read_parquet(tmp_path / f"{table}.parquet")
        assert list(again) == list(stored)
        assert len(again) == len(stored)
        assert again[order[0]].tolist() == stored[order[0]].tolist()
    assert (tmp_path / "analyses" / "families").is_dir()


def test_cards_tell_the_bundles_own_numbers(bundle: OpenBundle, tmp_path: Path) -> None:
    export(bundle, "cards", tmp_path)

    corpus = bundle.reader.corpus()
    data = (tmp_path / "DATA.md").read_text()
    assert f"| train | {corpus.n_train:,} |" in data
    assert f"| test | {corpus.n_test:,} |" in data
    for row in bundle.saes():
        card = (tmp_path / f"{row.name}.md").read_text()
        assert f"| explained variance (test) | {row.explained_variance:.3f} |" in card
        assert ("guided by terms" in card) == (row.role == "guided")
        strong = bundle.reader.feature_table(row.name)["label_grade"].eq("strong").sum()
        assert f"| labels that hold strongly | {strong} |" in card


@pytest.mark.parametrize("target", TARGETS)
def test_the_command_lists_what_it_wrote(
    target: str, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(tiny_bundle), "--to", target, "--out", str(tmp_path / "o"), "--sae", "vanilla"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said
    assert all(Path(line).exists() for line in said)


def test_what_cannot_be_exported_is_one_sentence(
    bundle: OpenBundle, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="no SAE 'none'"):
        export(bundle, "cards", tmp_path, ["none"])
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is no folder"):
        export(bundle, "cards", tmp_path / "file")
    assert main(["export", str(tiny_bundle), "--to", "word", "--out", str(tmp_path)]) == 2
    assert "word" in capsys.readouterr().err
