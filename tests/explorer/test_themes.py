"""The page Themes, and the line about a theme on the Feature page, on made-up themes."""

import shutil
from html import unescape
from pathlib import Path

import pytest
from tiny_themes import UNCOUPLED

from explorer.services import themes
from explorer.services.refs import FeatureRef
from explorer.shell import links
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.themes import mixture_of, theme_of, themes_of

from .conftest import OpenPage, html_of, links_of, opener, subheaders_of, text_of


def test_the_first_theme_is_open_and_its_numbers_are_the_stores(open_page: OpenPage) -> None:
    app = open_page("themes", sae="vanilla")
    text = text_of(app)

    assert "1,234 words of 5,678 training proteins" in text
    assert "2.0 times as likely" in text
    assert "another protein's features, 0.5 times" in text
    assert "Mean coherence of the 6 themes there: 0.30, with features joined at random -0.40" in text
    every, words, features, proteins = (frame.value for frame in app.dataframe)
    assert every["Theme"].tolist() == [f"0000004 {theme}" for theme in range(6)]
    assert words["Times usual"].tolist() == [4.0]
    assert words["Open"][0] == links.find("GO:0000004").url
    assert features["Feature"].tolist() == [row.feature for row in themes.one("vanilla", 6, 0).features]
    assert set(proteins["Share"].round(3)) == {0.8, 0.2}
    assert "words go together" in text


def test_the_slider_joins_anew_and_the_address_keeps_it(open_page: OpenPage) -> None:
    app = open_page("themes", sae="vanilla", number="3", theme="1")

    assert len(app.dataframe[0].value) == 3
    assert "0000004 1 · 0000006 1" in " ".join(subheaders_of(app))
    app.select_slider[0].set_value(6).run()
    assert len(app.dataframe[0].value) == 6
    assert "number" not in app.query_params
    assert "theme" not in app.query_params
    app.select_slider[0].set_value(3).run()
    assert app.query_params["number"] in ("3", ["3"])


@pytest.mark.parametrize(
    ("params", "said", "instead"),
    [
        ({"theme": "999"}, "theme='999' does not lie in 0 to 5.", "Shown instead: 0000004 5"),
        ({"theme": "first"}, "theme='first' is no number.", "Shown instead: 0000004 0"),
        ({"theme": "1.5"}, "theme='1.5' is no whole number.", "Shown instead: 0000004 1"),
        ({"number": "many"}, "number='many' is no number.", "Shown instead: 6 themes."),
    ],
)
def test_a_theme_that_is_none_is_quoted_back(
    open_page: OpenPage, params: dict[str, str], said: str, instead: str
) -> None:
    app = open_page("themes", sae="vanilla", **params)

    assert not app.exception
    (block,) = html_of(app, "ps-empty")
    assert said in unescape(block)
    assert instead in block


def test_a_theme_whose_words_do_not_go_together_says_so(open_page: OpenPage) -> None:
    text = text_of(open_page("themes", sae="vanilla", theme=str(UNCOUPLED)))

    assert "no better than chance" in text
    assert "with -0.50; features joined at random -0.40, 95 % of them below -0.10" in text


def test_a_protein_is_a_mixture(open_page: OpenPage) -> None:
    opened = open_page("themes", sae="vanilla")
    accessions = sorted({row.accession for row in themes.one("vanilla", 6, 1).proteins})
    app = open_page("themes", sae="vanilla", accession=accessions[0].lower())

    assert "share of the protein's mixture" in text_of(app)
    assert links_of(app, "protein")[0].params["accession"] == accessions[0]
    assert [one.share for one in themes.mixture("vanilla", 6, accessions[0])] == pytest.approx([0.8, 0.2])
    assert "share of the protein's mixture" not in text_of(opened)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"accession": "<b>zz"}, "&lt;b&gt;zz"),
        ({"number": "abc", "theme": "999"}, "0000004 5"),
        ({"number": "1e9"}, "0000004 0"),
        ({"theme": "-3"}, "0000004 0"),
    ],
)
def test_an_address_that_asks_for_nothing_there_is_shown_something(
    open_page: OpenPage, params: dict[str, str], said: str
) -> None:
    app = open_page("themes", sae="vanilla", **params)

    shown = " ".join([*(element.proto.body for element in app.get("html")), text_of(app), *subheaders_of(app)])
    assert said in shown or said.replace("&lt;", "<").replace("&gt;", ">") in shown
    assert not app.exception


def test_a_feature_names_its_theme(open_page: OpenPage) -> None:
    app = open_page("feature", sae="vanilla", feature="7")

    (link,) = links_of(app, "themes")
    assert link.text == "Theme: 0000004 1"
    assert link.params["theme"] == "1"
    assert themes.theme_of(FeatureRef("vanilla", 7), 6) == 1


def test_a_bundle_without_themes_says_so(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    shutil.rmtree(bundle / "analyses" / "themes")
    open_at = opener(bundle, monkeypatch)

    assert "Not computed for this bundle: themes" in text_of(open_at("themes"))
    assert not links_of(open_at("feature", sae="vanilla", feature="7"), "themes")


def test_a_bundle_that_was_closed_and_opened_again_is_asked_at_once(tiny_bundle: Path) -> None:
    ref = FeatureRef("vanilla", 0)
    for ask in (
        lambda reader: theme_of(reader, ref.sae, 6, ref.feature),
        lambda reader: themes_of(reader, ref.sae, 6),
        lambda reader: mixture_of(reader, ref.sae, 6, "P1"),
    ):
        with open_bundle(tiny_bundle) as opened:
            ask(opened.reader)  # its tables are read by the question itself, whoever has asked another reader before
