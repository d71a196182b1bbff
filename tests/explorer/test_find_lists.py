"""Find's list of all results, what lies around a term, organisms, and pasted sequences of several records."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer.components.thumbnails import outline, row_picture
from explorer.find import around as around_page
from explorer.find import filters, listing
from explorer.protein import plausible
from explorer.services import data, proteins, searching
from explorer.services.around import around
from explorer.services.refs import FeatureRef
from protsae.bundle.manifest import read_manifest, write_manifest
from protsae.store.analyses.confusion import CONFUSION, term_confusions

from .conftest import OpenPage, html_of, links_of, opener, param, subheaders_of, text_of

ZINC = "GO:0008270"


@pytest.fixture
def store(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))
    return tiny_bundle


def table(app, column: str) -> pd.DataFrame:
    """The page's table that has this column."""
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


# --- all results ------------------------------------------------------------------------------------------------------


def test_every_kind_of_result_is_listed_with_its_count(open_page: OpenPage) -> None:
    app = open_page("find", q="binding")
    found = searching.search("binding")

    assert not app.exception
    assert "All results, to filter and sort" in subheaders_of(app)
    assert f"{len(found.terms)} of {len(found.terms)} terms" in text_of(app)
    assert table(app, "Unguided F1")["Name"].tolist() == [hit.name for hit in found.terms][: listing.PAGE]


def test_terms_that_no_protein_carries_are_not_what_the_list_opens_on(store: Path) -> None:
    found = searching.search("binding")
    assert next(iter(listing.counted(found))) == "terms"
    bare = found._replace(terms=[hit._replace(n_test=0, n_shipped=0) for hit in found.terms])
    assert list(listing.counted(bare))[-1] == "terms"
    assert listing.counted(bare._replace(terms=[], proteins=[], annotations=[], features=[])) == {}


def test_pages_hold_all_proteins_once(open_page: OpenPage) -> None:
    hits = []
    for page in ("1", "2"):
        app = open_page("find", q="protein", list="proteins", at=page)
        hits += [url.rsplit("/", 1)[1] for url in table(app, "UniProt")["UniProt"]]

    assert hits == [hit.accession for hit in searching.search("protein").proteins]
    next(button for button in app.button if button.label == "Previous page").click().run()
    assert param(app, "at") is None


@pytest.mark.parametrize("page", ["0", "99", "x", "9" * 30])
def test_a_wrong_page_is_the_nearest_there_is(open_page: OpenPage, page: str) -> None:
    app = open_page("find", q="protein", list="proteins", at=page)

    assert not app.exception
    assert len(table(app, "UniProt")) == listing.PAGE


@pytest.mark.parametrize(
    ("params", "passes"),
    [
        ({"grade": "strong"}, lambda row: row["grade"] == "strong"),
        ({"grade": "confirmed", "sub": "MFO"}, lambda row: row["grade"] != "none" and row["namespace"] == "MFO"),
        ({"f1": "0.6"}, lambda row: row["f1"] >= 0.6),
        ({"origin": "free"}, lambda row: row["kind"] == "free"),
        ({"rare": "12"}, lambda row: 100 * row["density"] <= 12),
        ({"space": "yes"}, lambda row: row["in_space"]),
    ],
)
def test_filters_stand_in_the_address_and_say_how_many_pass(open_page: OpenPage, params, passes) -> None:
    app = open_page("find", q="binding", list="features", **params)
    rows = listing.table_of("binding", "features")
    expected = [bool(passes(row)) for row in rows.to_dict("records")]

    assert not app.exception
    assert f"{sum(expected)} of {len(rows)} features" in text_of(app)
    if any(expected):
        wanted = rows.loc[expected, "feature"].tolist()[: listing.PAGE]
        assert [int(url.rsplit("=", 1)[1]) for url in table(app, "Guided")["Feature"]] == wanted
    else:
        assert "none passes these filters" in text_of(app)


def test_rows_without_a_number_pass_no_limit_on_it(store: Path) -> None:
    rows = pd.DataFrame({"f1": [0.9, None, 0.2], "density": [0.5, None, 0.001], "name": list("cab")})

    assert filters.kept(rows, filters.Asked(f1=0.5)).index.tolist() == [0]
    assert filters.kept(rows, filters.Asked(rare=1.0)).index.tolist() == [2]
    assert filters.kept(rows, filters.Asked(sort="f1")).index.tolist() == [0, 2, 1]
    assert filters.kept(rows, filters.Asked(sort="name")).index.tolist() == [1, 2, 0]
    assert filters.kept(rows, filters.Asked()).index.tolist() == [0, 1, 2]


def test_a_filter_goes_back_to_the_first_page(open_page: OpenPage) -> None:
    app = open_page("find", q="protein", list="proteins", at="2")
    app.selectbox(key="choice_space").set_value("yes").run()

    assert (param(app, "space"), param(app, "at")) == ("yes", None)
    hits = [hit for hit in searching.search("protein").proteins if hit.has_structure]
    assert f"{len(hits)} of 40 proteins" in text_of(app)


def test_another_search_drops_filters(open_page: OpenPage) -> None:
    app = open_page("find", q="protein", list="proteins", space="yes", at="2")
    app.text_input(key="find_box").set_value("transporter").run()

    assert {name: param(app, name) for name in ("list", "space", "at")} == dict.fromkeys(("list", "space", "at"))


def test_a_wrong_filter_is_said_and_filters_nothing(open_page: OpenPage) -> None:
    app = open_page("find", q="binding", list="features", grade="best", f1="much")

    assert not app.exception
    assert "grade='best' is not known here" in text_of(app)
    n = len(searching.search("binding").features)
    assert f"{n} of {n} features" in text_of(app)


def test_rows_with_a_structure_show_it(open_page: OpenPage) -> None:
    app = open_page("find", q="protein", list="proteins")
    shown = table(app, "UniProt")
    hits = searching.search("protein").proteins[: listing.PAGE]

    assert [isinstance(picture, str) for picture in shown["Structure"]] == [hit.has_structure for hit in hits]
    assert all(one.startswith("data:image/svg+xml;base64,") for one in shown["Structure"] if isinstance(one, str))


def test_a_features_picture_is_violet_where_it_fires(store: Path) -> None:
    import base64

    from protsae import palette

    ref = next(iter(proteins.in_space()))
    (drawn,) = proteins.pictures_of_features([ref])
    text = base64.b64decode(drawn.split(",")[1]).decode()
    silent = base64.b64decode(proteins.pictures_of_proteins([proteins.in_space()[ref]])[0].split(",")[1]).decode()

    assert palette.STILL_CHAIN["silent"] in silent
    assert silent.count("<path") == 1
    assert text.count("<path") > 1
    assert proteins.pictures_of_features([FeatureRef("vanilla", 15)]) == [""]


def test_an_outline_is_broken_where_the_chain_is_and_placed_by_number() -> None:
    pdb = "\n".join(
        f"ATOM  {i:5d}  CA  ALA A{i:4d}    {x:8.3f}{0.0:8.3f}{0.0:8.3f}  1.00 20.00           C"
        for i, x in ((1, 0.0), (2, 3.8), (4, 30.0), (5, 33.8))
    )
    shape = outline(pdb, np.array([11, 12, 0, 14, 15]))

    assert shape.positions.tolist() == [11, 12, 14, 15]
    assert shape.breaks.tolist() == [1]
    assert row_picture(outline("", np.array([1]))) == ""


# --- around a term ----------------------------------------------------------------------------------------------------


def test_what_lies_around_a_term_is_listed_with_its_features(open_page: OpenPage) -> None:
    app = open_page("find", q="GO:0046914")
    rows = table(app, "Relation")

    assert not app.exception
    assert rows.loc[rows["Relation"] == "broader", "Term"].tolist() == ["metal ion binding"]
    assert set(rows.loc[rows["Relation"] == "narrower", "Term"]) == {"zinc ion binding", "iron ion binding"}
    zinc = rows.loc[rows["Term"] == "zinc ion binding"].iloc[0]
    own = data.term_pair(ZINC).guided
    assert own is not None
    assert zinc["F1"] == own.test_f1
    assert zinc["QuickGO"].endswith(ZINC)


def test_confusion_is_told_beside_the_null_and_the_recall(open_page: OpenPage) -> None:
    app = open_page("find", q=ZINC)
    counted = {row.sae: row for row in term_confusions(data.bundle().reader, ZINC)}
    rows = table(app, "Relation")
    iron = rows.loc[rows["Relation"] == "sibling"].iloc[0]

    assert set(counted) == {"protsae_mfo", "vanilla"}
    assert iron["Term"] == "iron ion binding"
    assert iron["Called by ProtSAE MFO"] == "75 % of 8 (null 15 %, clear)"
    recall = around(ZINC).features["protsae_mfo"].test_recall
    said = f"confuses the term with iron ion binding (75 % of its other proteins called); it calls {100 * recall:.0f} %"
    assert said in text_of(app)


def test_a_bundle_without_the_analysis_says_so_and_lists_all_the_same(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, folder)
    shutil.rmtree(folder / "analyses" / CONFUSION.name)
    write_manifest(folder, read_manifest(folder))
    app = opener(folder, monkeypatch)("find", q=ZINC)

    assert not app.exception
    assert "Not computed for this bundle: which sibling terms' proteins" in text_of(app)
    assert "iron ion binding" in table(app, "Relation")["Term"].tolist()
    assert around_page.sentences(around(ZINC)) == []


# --- organisms, sequences, residues -----------------------------------------------------------------------------------


def test_an_organism_is_found_with_its_proteins_and_terms(open_page: OpenPage) -> None:
    app = open_page("find", q="escherichia")
    (name,) = proteins.organisms_called("escherichia")
    terms = proteins.organism_terms(name)

    assert not app.exception
    assert name in subheaders_of(app)
    assert "14 proteins of it ship with this bundle." in text_of(app)
    assert {"q": "escherichia", "list": "proteins", "organism": name} in [link.params for link in links_of(app, "find")]
    if len(terms):
        assert table(app, "Share elsewhere")["Term"].tolist() == terms["name"].tolist()
        assert (terms["share_here"] > terms["share_elsewhere"]).all()
    filtered = open_page("find", q="escherichia", list="proteins", organism=name)
    assert "14 of 14 proteins" in text_of(filtered)


@pytest.mark.parametrize("text", ["", "esc", "zinc", "coli"])
def test_no_organism_is_called_so(store: Path, text: str) -> None:
    assert proteins.organisms_called(text) == []


def test_the_chance_of_a_term_is_that_of_a_draw(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted term that an organism alone has is sure, one that all have alike is no term of its own."""
    rows = pd.DataFrame(
        {"go_id": ["GO:1", "GO:2"], "name": ["own", "even"], "namespace": ["MFO"] * 2, "n_here": [20, 10],
         "n_all": [20, 50], "here": [20, 20], "everywhere": [100, 100]}
    )  # fmt: skip
    monkeypatch.setattr(type(data.bundle().reader), "organism_terms", lambda *_: rows)
    found = proteins.organism_terms("planted")

    assert found["name"].tolist() == ["own"]
    assert found["p_value"].iloc[0] < 1e-15


A, B = "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSF", "GLSDGEWQLVLNVWGKVEADIPGHGQEVLIRLFKGHPE"


@pytest.mark.parametrize("text", [f">one first\n{A}\n>two\n{B}", f">one first {A} >two {B}", f">one first {A}>two {B}"])
def test_several_records_are_read_whether_or_not_their_lines_were_lost(open_page: OpenPage, text: str) -> None:
    found = plausible.sequence_in(text)
    app = open_page("find", q=text)

    assert found == f">one first\n{A}\n>two\n{B}"
    assert "These are 2 protein sequences, not a name; the first “one" in html_of(app, "ps-empty")[0]


def test_a_pasted_sequence_that_is_stored_leads_to_its_own_page(open_page: OpenPage) -> None:
    open_page("find")
    row = data.protein(data.bundle().reader.sequence_index()["accession"][0])
    assert row is not None
    app = open_page("find", q=row.sequence)

    assert {"accession": row.accession} in [link.params for link in links_of(app, "protein")]
    assert not links_of(open_page("find", q=row.sequence[::-1]), "protein")


def test_the_landing_page_leads_to_a_search_by_residues(open_page: OpenPage) -> None:
    app = open_page("find")
    link = next(link for link in links_of(app, "protein") if "range" in link.params)
    first, last = map(int, link.params["range"].split("-"))
    opened = open_page("protein", **link.params)

    assert not opened.exception
    assert 1 <= first <= last
    assert f"Ranked for residues {first} to {last}" in text_of(opened)
