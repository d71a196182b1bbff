"""Opening a bundle, the rule of colour, what is exported, and what a comparison chooses."""

import csv
import io
import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.compare import comparison
from explorer.components.strips import strip_thumbnail
from explorer.draw import exports, markup, views
from explorer.services import bundle
from protsae.errors import BundleError
from protsae.store.rows import AnnotationRow, ExampleRow, FeatureRow

from .conftest import APP, text_of


def feature(**changes: object) -> FeatureRow:
    """A feature whose maximum is 8 and 99.9th percentile 4."""
    nothing = np.zeros(20)
    row = FeatureRow(
        sae="vanilla", feature=3, kind="free", go_id=None, term_name=None, density=0.1, protein_density=0.5,
        max_act=8.0, mean_act=1.0, p99_act=3.0, p999_act=4.0, histogram=np.array([1]), aa_effect=nothing,
        aa_enrichment=nothing, umap_x=0.0, umap_y=0.0, label="=zinc", label_id="GO:0008270",
        label_origin="go", label_grade="weak", label_f1=0.5, label_null_f1=0.1,
    )  # fmt: skip
    return row._replace(**changes)


def test_the_bundle_comes_from_argument_then_environment_then_the_embedded_one() -> None:
    environment = {"PROTSAE_BUNDLE": "/b"}

    assert bundle.find_bundle(["--bundle", "/a"], environment) == Path("/a")
    assert bundle.find_bundle(["--other", "x"], environment) == Path("/b")
    assert bundle.find_bundle([], {}) == bundle.DEFAULT
    assert bundle.find_bundle(["--bundle"], environment) == Path("/b")


def test_the_made_up_bundle_opens(tiny_bundle: Path) -> None:
    opened = bundle.open_bundle(tiny_bundle)

    assert opened.plm.embed_dim == opened.reader.saes()[0].d_model
    opened.reader.close()


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle to spoil."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def truncate_store(folder: Path) -> None:
    with (folder / "store.duckdb").open("r+b") as file:
        file.truncate(20_000)


def raise_version(folder: Path) -> None:
    connection = duckdb.connect(str(folder / "store.duckdb"))
    connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()


def shorten_weights(folder: Path) -> None:
    weights = folder / json.loads((folder / "plm.json").read_text())["weights"]
    weights.write_bytes(weights.read_bytes()[:-8])


SPOILT = {
    "no folder": (shutil.rmtree, "There is no bundle at"),
    "no store": (lambda folder: (folder / "store.duckdb").unlink(), "store"),
    "a truncated store": (truncate_store, "store.duckdb"),
    "another schema": (raise_version, "99"),
    "no plm.json": (lambda folder: (folder / "plm.json").unlink(), "plm.json is missing"),
    "a broken plm.json": (lambda folder: (folder / "plm.json").write_text("{"), "cannot be read as JSON"),
    "another PLM": (lambda folder: edit_json(folder / "plm.json", name="esm2_t33_650M_UR50D"), "esm2_t33_650M_UR50D"),
    "a wider PLM": (lambda folder: edit_json(folder / "plm.json", embed_dim=1280), "must come from one bundle"),
    "other weights": (shorten_weights, "is not the file this bundle was built with"),
    "a missing autoencoder": (lambda folder: shutil.rmtree(folder / "sae" / "vanilla"), "cfg.json is missing"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_bundle_is_refused_in_one_sentence(copy: Path, what: str) -> None:
    spoil, sentence = SPOILT[what]
    spoil(copy)

    with pytest.raises(BundleError) as caught:
        bundle.open_bundle(copy)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("what", ["no folder", "a truncated store", "another schema", "a wider PLM"])
def test_the_app_stays_up_without_a_bundle(copy: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil, sentence = SPOILT[what]
    spoil(copy)
    monkeypatch.setenv("PROTSAE_BUNDLE", str(copy))
    app = AppTest.from_file(str(APP), default_timeout=30).run()

    assert not app.exception
    assert app.title[0].value == "The bundle cannot be opened"
    assert sentence in text_of(app)


def test_full_colour_is_never_taken_from_one_protein() -> None:
    one, other = feature(), feature(max_act=10.0, p999_act=1.0)

    assert views.full_colour([one, other], "normalised") == [4.0, 1.0]
    assert views.full_colour([one, other], "raw") == [10.0, 10.0]


def test_annotations_become_tracks_with_the_smallest_kind_first() -> None:
    rows = [
        AnnotationRow("P1", "Helix", "", 1, 50, "uniprot"),
        AnnotationRow("P1", "Active site", "Zn", 7, 7, "uniprot"),
    ]

    assert [(track.name, list(track.regions)) for track in views.tracks(rows)] == [
        ("Active site", [(7, 7, "Zn")]),
        ("Helix", [(1, 50, "")]),
    ]


def test_a_ribbon_places_regions_by_residue_and_escapes_labels() -> None:
    rows = [AnnotationRow("P1", "Site", '"><script>', 11, 20, "uniprot")]
    html = markup.ribbon(rows, 100, markup.kind_colours(rows))

    assert "left:10.00%;width:10.00%" in html
    assert "<script>" not in html


def test_thumbnails_leave_silent_residues_out() -> None:
    assert strip_thumbnail(np.array([0.0, 0.0, 4.0, 0.0]), 4.0).count("<i ") == 1


def test_exports_are_complete_and_safe_in_a_spreadsheet() -> None:
    example = ExampleRow(
        "P1", "protein, one", 4, "MKVA", "test", True, "top", 1, 2.0, 2.0, 3, np.array([2, 3]), np.array([1.0, 2.0])
    )
    row = next(csv.DictReader(io.StringIO(exports.examples_csv(feature(), [[example]]))))

    assert row["positions"] == "2 3"
    assert row["activations"] == "1 2"
    assert row["protein_name"] == "protein, one"
    assert row["label"] == "'=zinc"


def test_proteins_are_drawn_evenly() -> None:
    assert comparison.evenly([1, 2, 3, 4, 5], 3) == [1, 3, 5]
    assert comparison.evenly([1], 3) == [1]
    assert comparison.evenly([], 3) == []
