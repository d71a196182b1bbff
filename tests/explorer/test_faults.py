"""What may go wrong on a page: one sentence, the rest of the app stands, and our own faults can be traced."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from explorer.draw import words
from explorer.protein.reading import Hits
from explorer.services import data, live

from .conftest import OpenPage, opener, text_of, views_of


@pytest.fixture
def edited(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., OpenPage]:
    """`edited(sql, ...)`: opens pages of a bundle whose store was changed so."""

    def open_edited(*statements: str) -> OpenPage:
        folder = Path(shutil.copytree(tiny_bundle, tmp_path / "edited"))
        with duckdb.connect(str(folder / "store.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)
        return opener(folder, monkeypatch)

    return open_edited


@pytest.mark.parametrize(
    ("page", "params", "sentence"),
    [
        ("feature", {"sae": "vanilla", "feature": "9" * 5000}, "is no feature of vanilla; its features are numbered"),
        ("steer", {"sae": "vanilla", "feature": "9" * 5000}, "is no feature of vanilla; its features are numbered"),
        ("steer", {"strength": "9" * 5000, "from": "9" * 5000}, "Residues changed"),
        ("find", {"q": "#" + "9" * 5000}, "Nothing matches"),
        ("find", {"q": "9" * 5000}, "Nothing matches"),
        ("find", {"q": "zinc " * 1500}, "has 1,500 words, at most 80 can be searched for"),
        ("sequence", {"accession": "zinc " * 1500}, "is not among the 40 proteins of this bundle"),
        ("map", {"find": "zinc " * 1500}, "0 marked"),
        ("compare", {"go": "9" * 5000}, "is not a term of this bundle"),
    ],
)
def test_an_address_beyond_measure_is_answered_with_a_sentence(
    open_page: OpenPage, page: str, params: dict[str, str], sentence: str
) -> None:
    app = open_page(page, **params)

    assert not app.exception
    assert sentence in text_of(app) + " ".join(metric.label for metric in app.metric)


def test_compare_says_where_no_protein_can_be_shown(edited: Callable[..., OpenPage]) -> None:
    app = edited("DELETE FROM protein_go", "DELETE FROM example_band")("compare", go="GO:0008270")

    assert not app.exception
    assert "No protein of this bundle carries the term" in text_of(app)
    assert views_of(app) == []
    assert len(app.dataframe) == 1  # the table of all terms stands


def test_compare_says_where_no_term_was_scored(edited: Callable[..., OpenPage]) -> None:
    app = edited("DELETE FROM feature_go", "DELETE FROM protein_go", "DELETE FROM go_edge", "DELETE FROM go_term")(
        "compare"
    )

    assert not app.exception
    assert "No term of this bundle has a scored feature" in text_of(app)


def test_steer_says_where_nothing_fires(edited: Callable[..., OpenPage]) -> None:
    app = edited("UPDATE feature SET p99_act = 0 WHERE sae = 'vanilla'")("steer", sae="vanilla", feature="3")

    assert not app.exception
    assert "No feature of Vanilla fires on any residue of this corpus" in text_of(app)
    assert not app.slider


def test_steer_asks_for_a_sequence_where_no_protein_is_stored(edited: Callable[..., OpenPage]) -> None:
    app = edited(
        "DELETE FROM example",
        "DELETE FROM structure",
        "DELETE FROM annotation",
        "DELETE FROM protein_go",
        "DELETE FROM protein",
    )("steer")

    assert not app.exception
    assert app.selectbox(key="steer_protein").value == "A sequence of my own"
    assert [area.key for area in app.text_area] == ["steer_own"]


def test_a_feature_without_a_score_is_listed_without_one(edited: Callable[..., OpenPage]) -> None:
    unscored = "UPDATE feature SET label_grade = 'none', label_f1 = NULL"
    app = edited("DELETE FROM feature_go", "DELETE FROM feature_annotation", unscored)(
        "steer", sae="vanilla", feature="3"
    )
    listed = " ".join(app.selectbox(key="steer_feature").options)

    assert not app.exception
    assert "#3" in listed
    assert "F1" not in listed
    assert "nan" not in listed


def test_a_readers_words_stay_plain_text_in_a_label(open_page: OpenPage) -> None:
    app = open_page("sequence")
    app.session_state["sequence_hits"] = Hits("[zinc](https://x) *y*", data.bundle().reader.search_proteins("protein"))
    app.run()
    label = next(box.label for box in app.selectbox if box.key == "sequence_hit")

    assert words.md("[zinc](https://x) *y*") in label
    assert "[zinc](" not in label


def break_the_feature_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise KeyError("our own fault")

    monkeypatch.setattr(words, "feature_lead", broken)


def test_a_fault_of_our_own_is_one_sentence_and_says_how_to_trace_it(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    break_the_feature_page(monkeypatch)
    monkeypatch.delenv("PROTSAE_DEBUG")
    app = open_page("feature", sae="vanilla", feature="3")

    assert not app.exception
    assert "The explorer itself has a fault here (KeyError)" in text_of(app)
    assert "-- --debug" in text_of(app)
    assert "our own fault" not in text_of(app)
    assert "our own fault" in caplog.text
    assert "Traceback" in caplog.text


def test_with_debug_the_traceback_is_on_the_page(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    break_the_feature_page(monkeypatch)
    app = open_page("feature", sae="vanilla", feature="3")

    assert [error.message for error in app.exception] == ["'our own fault'"]
    assert any("break_the_feature_page" in line or "feature_lead" in line for line in app.exception[0].stack_trace)


def test_a_fault_in_a_part_that_reruns_by_itself_is_said_in_its_place(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list:
        raise ZeroDivisionError

    accession = open_page("find") and data.bundle().reader.sequence_index()["accession"].iloc[0]
    monkeypatch.delenv("PROTSAE_DEBUG")
    monkeypatch.setattr(live, "top_features", broken)
    app = open_page("sequence", accession=accession)

    assert not app.exception
    assert "The explorer itself has a fault here (ZeroDivisionError)" in text_of(app)
