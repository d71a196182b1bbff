"""The picker of layer, site and width, the suite on Results, and that a bundle alone shows neither."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from tiny_suite import build_tiny_suite

from explorer.draw import suite as drawn
from explorer.findings import suite_view
from protsae.bundle.suite import read_registry
from protsae.plm import spec

from .conftest import OpenPage, components_of, figures_of, html_of, links_of, opener, param, subheaders_of, text_of

PICKER = "choice_place"


@pytest.fixture(scope="session")
def tiny_suite(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_suite(tiny_bundle, tmp_path_factory.mktemp("suite") / "scope")


@pytest.fixture
def open_suite(tiny_suite: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    return opener(tiny_suite, monkeypatch)


def picked(app: AppTest) -> str:
    value = app.selectbox(key=PICKER).value
    assert isinstance(value, str)
    return value


def test_a_bundle_alone_shows_no_picker_and_no_suite(open_page: OpenPage) -> None:
    app = open_page("results")
    assert PICKER not in [box.key for box in app.selectbox]
    assert suite_view.TITLE not in subheaders_of(app)
    assert "place" not in app.query_params


def test_the_picker_opens_another_bundle_and_stands_in_the_address(open_suite: OpenPage) -> None:
    app = open_suite("find")
    box = app.selectbox(key=PICKER)
    assert len(box.options) == 4
    assert picked(app) == "R1-64"
    assert param(app, "place") is None
    assert "Layer 1 of 2, the block's end; 64 features" in text_of(app)

    box.set_value("A2-64").run()

    assert param(app, "place") == "A2"
    assert picked(app) == "A2-64"
    assert "Layer 2 of 2, what attention adds; 64 features" in text_of(app)
    assert all(link.params["place"] == "A2" for link in links_of(app))
    app.selectbox(key=PICKER).set_value("R1-64").run()
    assert param(app, "place") is None


def test_an_address_brings_the_place_back_and_keeps_the_feature(open_suite: OpenPage) -> None:
    app = open_suite("feature", place="R2", sae="vanilla", feature="3")
    assert picked(app) == "R2-64"
    assert "3" in app.title[0].value
    assert not app.exception
    app.selectbox(key=PICKER).set_value("A1-64").run()
    assert (param(app, "place"), param(app, "sae"), param(app, "feature")) == ("A1", "vanilla", None)


def test_links_in_drawings_and_tables_keep_the_place(open_suite: OpenPage) -> None:
    app = open_suite("protein", place="A2")
    drawn_links = re.findall(r"\./feature[?][^\"]*", json.dumps(components_of(app)))
    assert drawn_links
    assert all("place=A2" in link for link in drawn_links)


def test_a_page_without_a_place_keeps_the_one_that_was_chosen(open_suite: OpenPage) -> None:
    app = open_suite("find", place="A2")
    app.query_params.clear()
    app.switch_page("app_pages/map.py").run()
    assert picked(app) == "A2-64"


def test_a_place_that_the_suite_lacks_is_one_sentence(open_suite: OpenPage) -> None:
    app = open_suite("find", place="<b>Q7")
    assert "This suite has no place '<b>Q7'; it has R1, A1, R2, A2." in text_of(app)
    assert "<b>Q7" not in " ".join(html_of(app, "ps-empty"))
    assert picked(app) == "R1-64"


def test_results_show_the_registrys_numbers_beside_their_baselines(open_suite: OpenPage, tiny_suite: Path) -> None:
    app = open_suite("results", measure="delta_loss")
    assert suite_view.TITLE in subheaders_of(app)
    entries = read_registry(tiny_suite).entries
    assert [row["Name"] for row in table_of(app)] == [entry.name for entry in entries]
    first = table_of(app)[0]
    assert first["Loss added"] == entries[0].metrics["delta_loss"].value
    assert first["Loss added: the mean residue in its place"] == 0.75
    text = text_of(app)
    assert "Less is better. The mean residue in its place alone: 0.75." in text
    assert "measured on test proteins, of families that neither trained nor chose anything" in text
    drawing = next(f for f in figures_of(app) if f["data"][0]["type"] == "heatmap")["data"][0]
    assert drawing["x"] == ["layer 1", "layer 2"]
    assert drawing["y"] == [drawn.SITE_WORDS["resid_post"], drawn.SITE_WORDS["attn_out"]]
    assert drawing["text"] == [["0.125", "0.25"], ["0.125", "0.25"]]


def test_a_wrong_measure_is_one_sentence(open_suite: OpenPage) -> None:
    assert "measure='beauty' is not known here" in text_of(open_suite("results", measure="beauty"))


def test_a_damaged_registry_is_one_sentence(tiny_suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "suite.json").write_text(json.dumps({"format": 7}))
    app = opener(tmp_path, monkeypatch)("find")
    assert "is of format 7, this program reads 1" in text_of(app)


def test_one_bundle_with_two_widths_has_a_choice_too(tiny_suite: Path) -> None:
    entries = read_registry(tiny_suite).entries[:2]
    wide = entries[0]._replace(name=entries[0].name.replace("-64", "-128"), sae="wide", width=128)
    both = [entries[0], wide]
    found = drawn.choices(both)
    assert [choice.code for choice in found] == ["R1-64", "R1-128"]
    assert drawn.sibling(entries[0], found[1], both) == wide
    assert drawn.title(found[1], both).startswith("L1 block's end · 128")


def table_of(app: AppTest) -> list[dict]:
    frame = next(element.value for element in app.dataframe if "Name" in element.value.columns)
    return frame.to_dict("records")


@pytest.fixture
def open_reader(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """The made-up bundle as if its language model had no head."""
    monkeypatch.setattr(spec, "READS_ONLY", frozenset({"esm2"}))
    return opener(tiny_bundle, monkeypatch)


@pytest.mark.parametrize(
    ("page", "params"),
    [
        ("steer", {}),
        ("feature", {"sae": "vanilla", "feature": "3"}),
        ("sequence", {"sequence": "MKTAYIAKQRQISFVKSHFSRQ", "tab": "mutations"}),
        ("sequence", {"sequence": "MKTAYIAKQRQISFVKSHFSRQ", "tab": "relies"}),
    ],
)
def test_a_model_that_only_reads_is_one_sentence(open_reader: OpenPage, page: str, params: dict[str, str]) -> None:
    app = open_reader(page, **params)
    assert "only reads: it has no head that predicts amino acids" in text_of(app)
    assert not app.exception
