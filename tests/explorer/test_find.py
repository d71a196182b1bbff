"""Find: every way to name a thing leads to it; what is not there is said."""

import pytest

from .conftest import OpenPage, text_of


def test_the_landing_page_shows_validated_features(open_page: OpenPage) -> None:
    app = open_page("find")
    said = text_of(app)

    assert not app.exception
    assert app.title[0].value == "What does a protein language model know?"
    assert "Features that hold up on unseen proteins" in said
    assert "held-out F1" in said
    assert 'class="ps-strip"' in said


@pytest.mark.parametrize("query", ["zinc ion binding", "GO:0008270", "Zn binding", "zinc ion bindng"])
def test_a_term_is_found_by_name_id_synonym_and_typo(open_page: OpenPage, query: str) -> None:
    app = open_page("find", q=query)
    said = text_of(app)

    assert not app.exception
    assert "GO:0008270" in said
    assert "held-out F1" in said
    assert "ProtSAE MFO" in said
    assert "vanilla" in said


def test_an_alternative_id_leads_to_the_term(open_page: OpenPage) -> None:
    assert "plasma membrane" in text_of(open_page("find", q="GO:0005904")).lower()


def test_an_unknown_id_is_said(open_page: OpenPage) -> None:
    app = open_page("find", q="GO:9999999")

    assert not app.exception
    assert "GO:9999999 is not in this bundle's ontology" in text_of(app)


def test_a_term_without_proteins_is_said(open_page: OpenPage) -> None:
    assert "No protein of this corpus carries the term" in text_of(open_page("find", q="GO:0000006"))


def test_nothing_found_is_said(open_page: OpenPage) -> None:
    assert "Nothing matches" in text_of(open_page("find", q="qqqqqqqqxx"))


def test_narrower_terms_on_request(open_page: OpenPage) -> None:
    assert "Narrower terms with scored features" not in text_of(open_page("find", q="GO:0005488"))
    assert "Narrower terms with scored features" in text_of(open_page("find", q="GO:0005488", roll="1"))


def test_relatives_are_linked(open_page: OpenPage) -> None:
    said = text_of(open_page("find", q="GO:0046914"))

    assert "Broader:" in said
    assert "zinc ion binding" in said


def test_a_protein_is_found_by_accession(open_page: OpenPage) -> None:
    from explorer.services import data

    open_page("find")
    accession = data.bundle().reader.sequence_index()["accession"].iloc[0]
    app = open_page("find", q=accession)

    assert "Proteins" in [element.value for element in app.subheader]
    assert accession in text_of(app)


def test_a_feature_is_found_by_number(open_page: OpenPage) -> None:
    assert "vanilla" in text_of(open_page("find", q="vanilla #3"))


def test_a_kind_of_site_is_found_with_its_features(open_page: OpenPage) -> None:
    app = open_page("find", q="Binding site")

    assert not app.exception
    assert "Kinds of annotated sites" in [element.value for element in app.subheader]


def test_typing_writes_the_address(open_page: OpenPage) -> None:
    app = open_page("find")
    app.text_input(key="find_box").set_value("iron").run()

    assert app.query_params["q"] in ("iron", ["iron"])
    assert "Results for" in app.title[0].value


def test_markup_in_a_query_stays_text(open_page: OpenPage) -> None:
    app = open_page("find", q="<script>alert(1)</script>")

    assert not app.exception
    assert "<script>" not in "".join(str(element.proto.body) for element in app.get("html"))


def test_the_default_choices_stay_out_of_the_address(open_page: OpenPage) -> None:
    assert dict(open_page("find").query_params) == {}


def test_raw_scale_is_part_of_the_address(open_page: OpenPage) -> None:
    app = open_page("find", scale="raw")

    assert app.session_state["settings"].scale == "raw"
    assert not app.exception
    assert "scale=raw" in "".join(link.proto.query_string for link in app.get("page_link"))
