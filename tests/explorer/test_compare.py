"""Compare: the same proteins under both features; all terms in a table; bad terms are said."""

import pandas as pd
import pytest

from explorer.compare import comparison
from explorer.draw import words
from explorer.services import data

from .conftest import OpenPage, text_of


def test_it_opens_on_a_term_that_shows_something(open_page: OpenPage) -> None:
    app = open_page("compare")
    said = text_of(app)

    assert not app.exception
    assert dict(app.query_params) == {}
    assert "The same proteins under both features" in said
    assert "terms scored for both" in said
    assert len(app.dataframe) == 1


def test_a_term_by_its_address(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")

    assert not app.exception
    assert app.title[0].value == "Zinc ion binding"
    assert "ProtSAE MFO" in text_of(app)


@pytest.mark.parametrize("go_id", ["GO:9999999", "zinc"])
def test_an_unknown_term_is_said(open_page: OpenPage, go_id: str) -> None:
    app = open_page("compare", go=go_id)

    assert not app.exception
    assert "is not a term of this bundle" in text_of(app)


def test_another_namespace_loads_one_of_its_terms(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")
    app.segmented_control(key="choice_ns").set_value("CCO").run()

    assert not app.exception
    assert "cellular component" in text_of(app)


def test_both_features_are_shown_on_the_same_proteins_in_the_same_order(open_page: OpenPage) -> None:
    open_page("find")
    pair = data.term_pair("GO:0005488")
    assert pair.guided is not None
    assert pair.vanilla is not None
    chosen = comparison.proteins("GO:0005488", pair.guided, pair.vanilla)
    carriers = data.accessions_with_term("GO:0005488")

    assert [picked.accession in carriers for picked in chosen] == [picked.carries for picked in chosen]
    assert len({picked.accession for picked in chosen}) == len(chosen)


def test_the_reading_of_a_pair(open_page: OpenPage) -> None:
    open_page("find")
    row = data.validated()[0]
    ahead = row._replace(test_f1=0.8, test_f1_low=0.7, test_f1_high=0.9)
    behind = row._replace(sae="vanilla", test_f1=0.4, test_f1_low=0.3, test_f1_high=0.5)

    assert words.comparison(ahead, behind).endswith("0.80 against 0.40; the intervals do not overlap.")
    assert words.comparison(behind, ahead).startswith("The vanilla feature is ahead")
    assert "overlap, so the lead is not certain" in words.comparison(ahead, behind._replace(test_f1_high=0.75))
    assert words.comparison(ahead, ahead).startswith("A tie")
    assert "nothing to compare" in words.comparison(ahead, None)


def test_the_summary_counts_wins_and_clear_wins() -> None:
    scored = pd.DataFrame(
        {
            "protsae_f1": [0.8, 0.5, 0.2],
            "protsae_low": [0.7, 0.4, 0.1],
            "protsae_high": [0.9, 0.6, 0.3],
            "vanilla_f1": [0.4, 0.45, 0.6],
            "vanilla_low": [0.3, 0.3, 0.5],
            "vanilla_high": [0.5, 0.6, 0.7],
        }
    )

    said = comparison.summary(scored)

    assert "ahead on 2 (clear of the other's interval on 1)" in said
    assert "vanilla feature on 1 (clear on 1)" in said
    assert "median difference is +0.05" in said
