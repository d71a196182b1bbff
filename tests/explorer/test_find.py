"""Find: every way to name a thing leads to it; what is not there is said."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from explorer.draw import outward, words
from explorer.services import data, searching

from .conftest import OpenPage, PageLink, followed, html_of, links_of, param, subheaders_of, text_of, views_of

ZINC = "GO:0008270"


def untoured(app: AppTest, page: str | None = None) -> list[PageLink]:
    """The page's links without that to the tour, which stands in the side bar."""
    return [link for link in links_of(app, page) if "tour" not in link.params]


def test_the_landing_page_shows_six_validated_features_and_one_protein(open_page: OpenPage) -> None:
    app = open_page("find")
    showcase = data.diverse()

    assert not app.exception
    assert app.title[0].value == "What does a protein language model know?"
    assert subheaders_of(app) == ["Features that hold up on unseen proteins"]
    hero, *cards = links_of(app, "feature")
    assert [link.params for link in cards] == [{"sae": row.sae, "feature": str(row.feature)} for row in showcase]
    assert hero.params in [link.params for link in cards]
    assert len(showcase) == 6
    assert {(row.sae, row.feature) for row in showcase} <= {(row.sae, row.feature) for row in data.validated()}
    assert len(html_of(app, "ps-strip")) == sum(len(data.typical(row, 3)) for row in showcase)
    for row in showcase:
        carriers = data.accessions_with_term(row.go_id)
        shown = data.typical(row, 3)
        assert all(one.accession in carriers for one in shown) or not data.examples(
            data.FeatureRef(row.sae, row.feature), "with"
        )
    assert len(views_of(app)) == 1


def test_the_picture_leads_to_its_feature_and_its_protein_and_names_both(open_page: OpenPage) -> None:
    app = open_page("find")
    hero, protein = links_of(app, "feature")[0], links_of(app, "protein")[0]
    feature = data.feature(data.FeatureRef(hero.params["sae"], int(hero.params["feature"])))
    known = data.protein(protein.params["accession"])
    assert feature is not None
    assert known is not None
    (strip,) = views_of(app)[0]["rows"]

    assert strip["label"] == f"{feature.label} #{feature.feature}"
    assert strip["href"].endswith(f"feature={feature.feature}")
    assert f"({known.accession}, {words.species(known.organism)})" in text_of(app).replace("\\", "")


def test_the_strips_of_a_card_name_their_protein(open_page: OpenPage) -> None:
    for block in html_of(open_page("find"), "ps-strip"):
        assert re.search(r"[^<>]+, \d+ residues</div>", block), block


def test_a_surprise_is_one_of_the_validated_features(open_page: OpenPage) -> None:
    app = open_page("find")
    next(button for button in app.button if button.label == "Surprise me").click().run()

    assert not app.exception
    assert followed(app).page == "feature"
    params = followed(app).params
    assert (params["sae"], int(params["feature"])) in {(row.sae, row.feature) for row in data.validated()}


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("zinc ion binding", ""),
        (ZINC, ""),
        ("Zn binding", "also called “Zn binding”"),
        ("zinc ion bindng", "close to what you typed"),
    ],
)
def test_a_term_is_found_first_by_name_id_synonym_and_typo(open_page: OpenPage, query: str, note: str) -> None:
    app = open_page("find", q=query)
    heads = html_of(app, "ps-term")
    pair = data.term_pair(ZINC)

    assert not app.exception
    assert "Zinc ion binding" in heads[0]
    assert ZINC in heads[0]
    assert note in heads[0]
    assert ("also called" in heads[0], "close to" in heads[0]) == (note.startswith("also"), note.startswith("close"))
    assert pair.guided is not None
    assert pair.baseline is not None
    assert [link.params for link in links_of(app, "feature")[:2]] == [
        {"sae": row.sae, "feature": str(row.feature)} for row in (pair.guided, pair.baseline)
    ]
    assert links_of(app, "compare")[0].params == {"go": ZINC}
    assert len(html_of(app, "ps-axis")) >= 2


def test_an_alternative_id_leads_to_the_term(open_page: OpenPage) -> None:
    heads = html_of(open_page("find", q="GO:0005904"), "ps-term")

    assert len(heads) == 1
    assert "Plasma membrane" in heads[0]
    assert "GO:0005886" in heads[0]


def test_an_unknown_id_is_said_and_nothing_is_listed(open_page: OpenPage) -> None:
    app = open_page("find", q="GO:9999999")

    assert not app.exception
    assert len(html_of(app, "ps-empty")) == 1
    assert "GO:9999999 is not in this bundle's ontology" in html_of(app, "ps-empty")[0].replace("&#x27;", "'")
    assert subheaders_of(app) == []
    assert [link.text for link in untoured(app)] == ["Open a validated feature", "Search"]


def test_a_term_without_proteins_is_said_and_has_no_feature(open_page: OpenPage) -> None:
    app = open_page("find", q="GO:0000006")

    assert "No protein of this corpus carries the term" in text_of(app)
    assert links_of(app, "compare") == []
    assert html_of(app, "ps-axis") == []


def test_nothing_found_is_said(open_page: OpenPage) -> None:
    app = open_page("find", q="qqqqqqqqxx")

    assert "Nothing matches “qqqqqqqqxx”." in html_of(app, "ps-empty")[0]
    assert subheaders_of(app) == []


def test_a_long_query_is_repeated_in_short(open_page: OpenPage) -> None:
    app = open_page("find", q="qx" * 300)

    assert len(app.title[0].value) < 120
    assert len(html_of(app, "ps-empty")[0]) < 400
    assert app.text_input(key="find_box").value == "qx" * 300


def test_narrower_terms_on_request(open_page: OpenPage) -> None:
    below = data.rolled_up("GO:0005488") if open_page("find", q="GO:0005488") else {}
    without, rolled = open_page("find", q="GO:0005488"), open_page("find", q="GO:0005488", roll="1")
    first = [link.params["q"] for link in links_of(rolled, "find") if link.params.get("q") in list(below)[:6]]

    assert below
    assert "Narrower terms with scored features" not in text_of(without)
    assert f"Narrower terms with scored features** · {len(below)}" in text_of(rolled)
    assert first[: min(6, len(below))] == list(below)[:6]
    assert rolled.toggle(key="flag_roll").value
    assert not without.toggle(key="flag_roll").value


def test_relatives_are_linked(open_page: OpenPage) -> None:
    app = open_page("find", q="GO:0046914")

    assert [element.value for element in app.caption if element.value.endswith(":")] == ["Broader:", "Narrower:"]
    assert [link.params["q"] for link in untoured(app, "find") if "q" in link.params] == [
        row.go_id for row in (*data.parents("GO:0046914"), *data.children("GO:0046914"))
    ]
    assert untoured(app, "find")[1].text == f"zinc ion binding ({data.children('GO:0046914')[0].n_shipped})"


def test_a_protein_is_found_by_accession(open_page: OpenPage) -> None:
    open_page("find")
    row = data.protein(data.bundle().reader.sequence_index()["accession"].iloc[0])
    assert row is not None
    app = open_page("find", q=row.accession)

    assert subheaders_of(app)[0] == "Proteins"
    assert links_of(app, "protein")[0].params == {"accession": row.accession}
    assert links_of(app, "protein")[0].text.removesuffix("…").rstrip() in (row.protein_name or row.accession)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("vanilla #3", [("vanilla", "3")]),
        ("mfo 5", [("protsae_mfo", "5")]),
        ("#3", [("protsae_mfo", "3"), ("protsae_bpo", "3"), ("protsae_cco", "3"), ("vanilla", "3")]),
    ],
)
def test_a_feature_is_found_by_number(open_page: OpenPage, query: str, found: list[tuple[str, str]]) -> None:
    app = open_page("find", q=query)
    linked = links_of(app, "feature")

    assert [(link.params["sae"], link.params["feature"]) for link in linked[: len(found)]] == found
    assert all(f"#{number} · " in link.text for link, (_, number) in zip(linked, found, strict=False))


def test_a_kind_of_site_is_found_with_its_features(open_page: OpenPage) -> None:
    app = open_page("find", q="Binding site")
    best = data.annotation_features("Binding site")
    linked = [(link.params["sae"], int(link.params["feature"])) for link in links_of(app, "feature")]

    assert not app.exception
    assert "Kinds of annotated sites" in subheaders_of(app)
    assert best
    assert [(row.sae, row.feature) for row in best] == linked[: len(best)]


def test_the_counts_above_the_results_are_those_of_the_search(open_page: OpenPage) -> None:
    app = open_page("find", q="binding")
    found = searching.search("binding")

    assert app.caption[0].value == " · ".join(
        f"{name} {len(rows):,}"
        for name, rows in (
            ("Terms", found.terms),
            ("Proteins", found.proteins),
            ("Annotations", found.annotations),
            ("Features", found.features),
        )
    )
    assert len(html_of(app, "ps-term")) == min(4, len(found.terms))


def test_a_section_shows_more_on_request_and_the_address_says_how_much(open_page: OpenPage) -> None:
    app = open_page("find", q="protein")
    hits = searching.search("protein").proteins
    first = [link.params["accession"] for link in links_of(app, "protein")]

    assert len(hits) == 40
    assert "Proteins 40" in app.caption[0].value
    assert first == [hit.accession for hit in hits[:8]]
    app.button(key="more_proteins").click().run()
    assert param(app, "proteins") == "32"
    assert [link.params["accession"] for link in links_of(app, "protein")] == [hit.accession for hit in hits[:32]]
    app.button(key="more_proteins").click().run()
    assert [link.params["accession"] for link in links_of(app, "protein")] == [hit.accession for hit in hits]
    assert not [button for button in app.button if button.key == "more_proteins"]
    again = open_page("find", q="protein", proteins="32")
    assert len(links_of(again, "protein")) == 32


@pytest.mark.parametrize("asked", ["x", "-3", "0", "9" * 30, "1e9"])
def test_a_wrong_number_of_rows_shows_the_first_ones(open_page: OpenPage, asked: str) -> None:
    app = open_page("find", q="protein", proteins=asked)

    assert not app.exception
    assert len(links_of(app, "protein")) == 8


def test_another_search_begins_with_the_first_rows(open_page: OpenPage) -> None:
    app = open_page("find", q="protein", proteins="32")
    app.text_input(key="find_box").set_value("transporter").run()

    assert param(app, "proteins") is None


@pytest.mark.parametrize("name", ["P69905", "Q0T085", "HBA1", "p53", "haemoglobin", "insulin"])
def test_a_protein_that_is_not_there_is_said_and_none_stands_in_for_it(open_page: OpenPage, name: str) -> None:
    app = open_page("find", q=name)

    assert not app.exception
    assert (
        f"“{name}” is not among the 40 proteins of this bundle (Fabula ficta 26, Escherichia exempli 14)."
        in text_of(app)
    )
    assert "The explorer is offline" in text_of(app)
    assert "Proteins" not in subheaders_of(app)


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("ampD88", "Other proteins, near in spelling"),
        ("transprter", "Other proteins, near in spelling"),
        ("Q0T0", "Proteins whose accession begins so"),
        ("Q0T081", "Proteins"),
        ("transporter", "Proteins"),
    ],
)
def test_near_misses_stand_under_a_title_that_says_so(open_page: OpenPage, query: str, title: str) -> None:
    titles = [text for text in subheaders_of(open_page("find", q=query)) if "roteins" in text]

    assert titles == [title]


@pytest.mark.parametrize("query", ["zinc ion binding", "Binding site", "membrane", "#3", "GO:0005904", "Q0T081"])
def test_what_is_there_is_not_called_absent(open_page: OpenPage, query: str) -> None:
    assert "is not among" not in text_of(open_page("find", q=query))


def test_what_proteins_carry_stands_before_terms_that_none_carries(open_page: OpenPage) -> None:
    app = open_page("find", q="zinc")
    found = searching.search("zinc")
    unused = [hit for hit in found.terms if hit.n_test + hit.n_shipped == 0]

    assert unused
    assert subheaders_of(app)[-1] == "Terms that no protein here carries"
    assert {"Proteins", "Kinds of annotated sites"} <= set(subheaders_of(app)) or found.proteins
    assert untoured(app, "find")[-len(unused) :] == [
        PageLink("find", {"q": hit.go_id}, f"{hit.name} · {hit.go_id} · 0 proteins") for hit in unused
    ]


def test_an_annotation_found_by_its_label_says_what_its_scores_are_of(open_page: OpenPage) -> None:
    by_label, by_kind = text_of(open_page("find", q="zn(2")), text_of(open_page("find", q="binding site"))

    assert "**Binding site** “Zn" in by_label
    assert "scored for any Binding site, whatever its name:" in by_label
    assert "whatever its name" not in by_kind


SEQUENCE = "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSF"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (SEQUENCE, ""),
        (SEQUENCE.lower(), ""),
        ("MVLSPADKTN VKAAWGKVGA HAGEYGAEAL ERMFLSF", ""),
        (f">sp|P69905|HBA_HUMAN Hemoglobin OS=Homo sapiens OX=9606 SV=2 {SEQUENCE}", "sp|P69905|HBA_HUMAN"),
        (f">sp|P69905|HBA_HUMAN Hemoglobin OS=Homo sapiens OX=9606 SV=2{SEQUENCE}", "sp|P69905|HBA_HUMAN"),
        (f">mine\n{SEQUENCE}", "mine"),
    ],
)
def test_a_pasted_sequence_leads_to_the_sequence_page(open_page: OpenPage, typed: str, name: str) -> None:
    app = open_page("find", q=typed)

    assert not app.exception
    assert app.title[0].value == "A protein sequence"
    assert f"of {len(SEQUENCE)} residues, not a name" in html_of(app, "ps-empty")[0]
    app = read_it(app)
    assert param(app, "sequence") == SEQUENCE
    assert views_of(app)[0]["sequence"] == SEQUENCE
    assert name in html_of(app, "ps-understood")[0]


def read_it(app: AppTest) -> AppTest:
    """The Sequence page to which the button leads."""
    next(button for button in app.button if button.label == "Read it as a sequence").click().run()
    link = followed(app)
    assert link.page == "sequence"
    app.switch_page("app_pages/sequence.py")
    app.query_params.clear()
    for name, value in link.params.items():
        app.query_params[name] = value
    return app.run()


def test_a_long_pasted_sequence_arrives_whole(open_page: OpenPage) -> None:
    letters = SEQUENCE * 50
    app = open_page("find", q=f">long one\n{letters}")
    app = read_it(app)

    assert param(app, "sequence") is None
    assert views_of(app)[0]["sequence"] == letters


def test_where_the_whole_text_finds_nothing_its_words_are_offered(open_page: OpenPage) -> None:
    app = open_page("find", q="my membrane qqqqqq")

    assert {"q": "membrane"} in [link.params for link in links_of(app, "find")]
    assert {"q": "qqqqqq"} not in [link.params for link in links_of(app, "find")]


def test_terms_and_proteins_lead_outward_in_a_tab_of_their_own(open_page: OpenPage) -> None:
    term = "".join(html_of(open_page("find", q=ZINC), "ps-out"))
    protein = "".join(html_of(open_page("find", q="Q0T081"), "ps-out"))

    for url in (
        "https://www.ebi.ac.uk/QuickGO/term/GO:0008270",
        "https://amigo.geneontology.org/amigo/term/GO:0008270",
    ):
        assert f'href="{url}" target="_blank" rel="noopener noreferrer"' in term
    assert 'href="https://www.uniprot.org/uniprotkb/Q0T081" target="_blank" rel="noopener noreferrer"' in protein


@pytest.mark.parametrize("text", ["", "P0033", "P00330X", "x/../y", '"><script>', "GO:12"])
def test_an_id_that_is_none_gets_no_link(text: str) -> None:
    assert outward.of_protein(text, text) == []
    assert outward.of_term(text) == []


def test_the_bundle_says_what_its_corpus_holds(open_page: OpenPage) -> None:
    facts = "".join(html_of(open_page("find"), "ps-facts"))

    for part in ("tiny_esm2", "40 proteins", "Fabula ficta", "26", "Escherichia exempli", "14"):
        assert part in facts


def test_typing_writes_the_address(open_page: OpenPage) -> None:
    app = open_page("find")
    app.text_input(key="find_box").set_value(" iron ").run()

    assert param(app, "q") == "iron"
    assert app.title[0].value == "Results for “iron”"
    app.text_input(key="find_box").set_value("").run()
    assert param(app, "q") is None
    assert app.title[0].value == "What does a protein language model know?"


def test_markup_in_a_query_stays_text(open_page: OpenPage) -> None:
    app = open_page("find", q="<script>alert(1)</script>")

    assert not app.exception
    assert app.text_input(key="find_box").value == "<script>alert(1)</script>"
    assert "<script>" not in "".join(str(element.proto.body) for element in app.get("html"))


def test_the_default_choices_stay_out_of_the_address(open_page: OpenPage) -> None:
    app = open_page("find")

    assert dict(app.query_params) == {}
    assert all("scale" not in link.params for link in links_of(app))


def test_raw_scale_is_part_of_every_link(open_page: OpenPage) -> None:
    app = open_page("find", scale="raw")

    assert not app.exception
    assert app.session_state["settings"].scale == "raw"
    assert app.segmented_control(key="choice_scale").value == "raw"
    assert links_of(app)
    assert all(link.params["scale"] == "raw" for link in links_of(app))


def test_links_are_compared_by_where_they_lead(open_page: OpenPage) -> None:
    assert PageLink("find", {}, "Search") in links_of(open_page("find", q="qqqqqqqqxx"))
