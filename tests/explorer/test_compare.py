"""Compare: the same proteins under both features; all terms in a table; bad terms are said."""

import numpy as np
import pytest

from explorer.compare import comparison
from explorer.draw import words
from explorer.protein.predictions import pooled
from explorer.services import cached, data, live
from explorer.services.refs import FeatureRef
from protsae.store.rows import DifferenceRow

from .conftest import OpenPage, chosen, html_of, links_of, param, subheaders_of, text_of, views_of


def test_it_opens_on_a_term_that_shows_something(open_page: OpenPage) -> None:
    app = open_page("compare")
    term = data.term(chosen(app, "choice_go"))
    assert term is not None

    assert not app.exception
    assert dict(app.query_params) == {}
    assert app.title[0].value == words.capitalised(term.name)
    assert None not in data.term_pair(term.go_id)
    assert subheaders_of(app)[0] == "The same proteins under both features"
    assert len(app.dataframe) == 1
    assert term.go_id in app.dataframe[0].value["go_id"].tolist()


def test_a_term_by_its_address(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")
    pair = [row for row in data.term_pair("GO:0008270") if row is not None]

    assert not app.exception
    assert app.title[0].value == "Zinc ion binding"
    assert app.selectbox(key="choice_go").value == "GO:0008270"
    assert len(html_of(app, "ps-axis")) == len(pair) == 2
    assert [link.params for link in links_of(app, "feature")] == [
        {"sae": row.sae, "feature": str(row.feature)} for row in pair
    ]


def test_the_page_shows_each_chosen_protein_once_with_both_strips(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")
    guided, other = data.term_pair("GO:0008270")
    assert guided is not None
    assert other is not None
    chosen = comparison.proteins("GO:0008270", guided, other)
    linked = [link.params["protein"] for link in links_of(app, "compare") if "protein" in link.params]

    assert sorted(linked) == sorted(picked.accession for picked in chosen)
    assert len(html_of(app, "ps-strip")) == 2 * len(chosen)
    assert [len(view["rows"]) for view in views_of(app)] == [2]


def test_proteins_with_the_term_are_ordered_by_the_score_of_the_guided_features_card(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")
    guided, other = data.term_pair("GO:0008270")
    assert guided is not None
    assert other is not None
    carriers = [picked.accession for picked in comparison.proteins("GO:0008270", guided, other) if picked.carries]
    linked = [link.params["protein"] for link in links_of(app, "compare") if "protein" in link.params]
    ref = FeatureRef(guided.sae, guided.feature)
    scores = {
        accession: pooled(live.feature_rows(protein.sequence, [ref])[0], guided.pooling)
        for accession in carriers
        if (protein := data.protein(accession)) is not None
    }

    assert len(carriers) > 1
    assert linked[: len(carriers)] == sorted(carriers, key=lambda accession: -scores[accession])
    assert f"its {guided.pooling} over residues" in text_of(app)


def test_it_opens_on_a_term_on_whose_proteins_the_guided_feature_fires(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page("find")
    compared = comparison.Sides(data.guided_saes("MFO")[0], data.baseline_saes()[0])
    faint = [row.go_id for row in data.validated() if row.is_guiding and row.sae == compared.guided.name]
    peaks = dict.fromkeys(faint, 0.1) | {faint[2]: 0.5, faint[3]: 0.9, faint[4]: 1.0}
    tried: list[str] = []

    def firing(go_id: str, _: comparison.Sides) -> float:
        tried.append(go_id)
        return peaks[go_id]

    monkeypatch.setattr(comparison, "firing", firing)
    cached.forget()
    assert comparison.default_term(compared, "MFO") == faint[3]
    assert tried == faint[:4]
    peaks[faint[3]] = peaks[faint[4]] = 0.2
    cached.forget()
    assert comparison.default_term(compared, "MFO") == faint[2]
    cached.forget()


def test_how_far_a_feature_fires_is_told_in_its_own_full_colour(open_page: OpenPage) -> None:
    open_page("find")
    guided, other = data.term_pair("GO:0008270")
    assert guided is not None
    assert other is not None
    compared = comparison.Sides(data.sae(guided.sae), data.sae(other.sae))
    ref = FeatureRef(guided.sae, guided.feature)
    feature = data.feature(ref)
    assert feature is not None
    carriers = [picked for picked in comparison.proteins("GO:0008270", guided, other) if picked.carries]
    peaks = [rows[0].max() for rows in comparison.activations(carriers, [ref]).values()]

    assert comparison.firing("GO:0008270", compared) == pytest.approx(np.median(peaks) / feature.p999_act)


def test_a_protein_of_the_address_is_shown_in_full(open_page: OpenPage) -> None:
    wanted = links_of(open_page("compare", go="GO:0008270"), "compare")[-1].params["protein"]
    app = open_page("compare", go="GO:0008270", protein=wanted)
    row = data.protein(wanted)
    assert row is not None

    assert views_of(app)[0]["sequence"] == row.sequence


@pytest.mark.parametrize("go_id", ["GO:9999999", "zinc"])
def test_an_unknown_term_is_said(open_page: OpenPage, go_id: str) -> None:
    app = open_page("compare", go=go_id)

    assert not app.exception
    assert f"&#x27;{go_id}&#x27; is not a term of this bundle" in html_of(app, "ps-empty")[0]
    ways_on = [link.text for link in links_of(app) if "tour" not in link.params]
    assert ways_on == ["Open a validated feature", "Search"]
    assert views_of(app) == []


def test_another_namespace_loads_one_of_its_terms(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")
    app.segmented_control(key="choice_ns").set_value("CCO").run()
    term = data.term(chosen(app, "choice_go"))

    assert not app.exception
    assert term is not None
    assert term.namespace == "CCO"
    assert "cellular component" in html_of(app, "ps-eyebrow")[0]
    assert param(app, "ns") == "CCO"
    assert param(app, "go") is None


def test_both_features_are_shown_on_the_same_proteins_in_the_same_order(open_page: OpenPage) -> None:
    open_page("find")
    pair = data.term_pair("GO:0005488")
    assert pair.guided is not None
    assert pair.baseline is not None
    chosen = comparison.proteins("GO:0005488", pair.guided, pair.baseline)
    carriers = data.accessions_with_term("GO:0005488")

    assert [picked.accession in carriers for picked in chosen] == [picked.carries for picked in chosen]
    assert len({picked.accession for picked in chosen}) == len(chosen)


def test_the_reading_of_a_pair(open_page: OpenPage) -> None:
    open_page("find")
    row = data.validated()[0]
    ahead = row._replace(test_f1=0.8, test_f1_low=0.7, test_f1_high=0.9)
    behind = row._replace(sae="vanilla", test_f1=0.4, test_f1_low=0.3, test_f1_high=0.5)

    gap = DifferenceRow(row.go_id, row.sae, row.feature, "vanilla", 1, 0.4, 0.1, 0.6)

    assert words.comparison(ahead, behind, gap) == (
        "The guided feature is ahead: held-out F1 0.80 guided, 0.40 unguided; difference +0.40, 95 % interval +0.10 to "
        "+0.60 over the same resampled proteins."
    )
    behind_it = gap._replace(difference=-0.4, difference_low=-0.6, difference_high=-0.1)
    assert words.comparison(behind, ahead, behind_it).startswith("The unguided feature is ahead")
    unclear = gap._replace(difference_low=-0.01)
    assert words.comparison(ahead, behind, unclear).startswith("Neither is ahead by more than chance")
    assert "was not measured" in words.comparison(ahead, behind, None)
    assert "nothing to compare" in words.comparison(ahead, None, None)


def test_a_lead_is_told_from_the_paired_difference_of_the_store(open_page: OpenPage) -> None:
    said = text_of(open_page("compare", go="GO:0008270"))
    pair = data.term_pair("GO:0008270")
    gap = data.difference(pair)

    assert gap is not None
    assert words.comparison(*pair, gap) in said
    assert f"{gap.difference_low:+.2f} to {gap.difference_high:+.2f}" in said
