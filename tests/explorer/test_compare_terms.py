"""Compare, one term: curves, what features share, residues, all terms; also where an analysis is absent."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer.compare import at_residues, comparison, curves, sharing, term_charts, term_table
from explorer.compare.term_table import MEASURES, Wanted
from explorer.services import cached, comparing, data
from explorer.services.comparing import Versus
from protsae.store.analyses.curves import AreaDifference

from .conftest import OpenPage, figures_of, html_of, links_of, opener, param, subheaders_of, text_of, traces

GO = "GO:0008270"


def compared() -> comparison.Sides:
    found = comparison.sides("MFO", data.saes()[0].name, {})
    assert found is not None
    return found


def test_the_page_holds_every_part_in_order(open_page: OpenPage) -> None:
    app = open_page("compare", go=GO)

    assert not app.exception
    assert subheaders_of(app) == [
        "The same proteins under both features",
        "Precision against recall, at every threshold",
        "What else each feature serves",
        "At the residues that carry the function",
        "All terms",
    ]


def test_curves_are_the_stored_points_with_their_numbers_in_a_sentence(open_page: OpenPage) -> None:
    app = open_page("compare", go=GO)
    guided, other = data.term_pair(GO)
    assert guided is not None
    assert other is not None
    areas = comparing.areas(guided, other)
    assert areas is not None
    figure = next(f for f in figures_of(app) if "recall" in str(f["layout"]["xaxis"].get("title")))
    ours, threshold = figure["data"][0], figure["data"][1]
    here = [point for point in areas.guided.points if point.is_threshold]

    assert ours["y"] == pytest.approx([point.hits / point.called for point in areas.guided.points])
    assert threshold["x"] == pytest.approx([p.hits / areas.guided.area.n_positive for p in here])
    assert figure["data"][4]["y"] == pytest.approx([areas.guided.area.prevalence] * 2)
    assert curves.sentence(areas, compared()) in text_of(app)
    assert f"{areas.guided.area.ap:.2f} guided" in text_of(app)
    assert curves.as_csv(areas, compared()).count("\n") == 1 + len(areas.guided.points) + len(areas.baseline.points)


def test_who_is_ahead_over_all_thresholds_follows_the_interval() -> None:
    assert "neither is ahead" in curves.verdict(AreaDifference(0.1, -0.01, 0.2), "unguided")
    assert "the guided feature is ahead" in curves.verdict(AreaDifference(0.1, 0.01, 0.2), "unguided")
    assert "the unguided feature is ahead" in curves.verdict(AreaDifference(-0.1, -0.2, -0.01), "unguided")
    assert "not measured" in curves.verdict(None, "unguided")


def test_terms_that_share_a_feature_are_told_from_relatives(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page("find")
    guided, other = data.term_pair(GO)
    term = data.term(GO)
    assert guided is not None
    assert other is not None
    assert term is not None
    also = {"GO:0046914": "transition metal ion binding", "GO:0005524": "ATP binding", "GO:0005886": "plasma membrane"}
    rows = [guided._replace(go_id=go_id, term_name=name, grade="weak") for go_id, name in also.items()]
    monkeypatch.setattr(comparing, "holding", lambda ref: rows if ref.sae == guided.sae else [])
    found = sharing.served(term, guided, other)

    assert [(row.go_id, row.relation) for row in found] == [
        (GO, "this term"),
        ("GO:0005524", "unrelated"),
        ("GO:0005886", "unrelated"),
        ("GO:0046914", "broader"),
    ]
    assert found[0].baseline == other
    assert all(row.baseline is None for row in found[1:])
    assert "the guided feature also serves 2 unrelated terms" in sharing.sentence(found, compared())
    assert "the unguided feature serves no unrelated term" in sharing.sentence(found, compared())
    assert "opacity:0.4" in sharing.bar(guided, "guided", "broader")
    assert "opacity:1" in sharing.bar(guided, "guided", "unrelated")


def test_the_page_links_the_terms_that_a_feature_also_serves(open_page: OpenPage) -> None:
    app = open_page("compare", go=GO)
    pair = data.term_pair(GO)
    assert pair.guided is not None
    assert pair.baseline is not None
    term = data.term(GO)
    assert term is not None
    others = [row.go_id for row in sharing.served(term, pair.guided, pair.baseline)[1:]]
    linked = [link.params["go"] for link in links_of(app, "compare") if "protein" not in link.params]

    assert linked == others
    assert "Stricter, among test proteins that do not carry this term" in text_of(app)
    assert any("unrelated terms each" in block for block in html_of(app, "ps-rows"))


def test_residues_stand_beside_what_else_finds_them(open_page: OpenPage) -> None:
    app = open_page("compare", go=GO)
    two = compared()
    rows = comparing.site_terms(two.guided.name, two.baseline.name)
    row = rows.loc[rows["go_id"] == GO].iloc[0]
    figure = next(f for f in figures_of(app) if "inside proteins" in str(f["layout"]["xaxis"].get("title")))

    assert sorted(figure["data"][0]["x"]) == pytest.approx(
        sorted(row[f"{name}_site"] for name in ("guided", "baseline", "letter", "window", "neuron", "probe")), abs=1e-6
    )
    assert at_residues.sentence(row, two) in text_of(app)
    assert "No residues are named for" in text_of(open_page("compare", go="GO:0006508"))


def test_losing_at_residues_is_said() -> None:
    rows = pd.DataFrame({"guided_site": [0.1, 0.2, 0.3, 0.9], "baseline_site": [0.4, 0.5, 0.6, 0.4]})
    found = at_residues.standing(rows)

    assert (found.n, found.ahead, found.behind) == (4, 1, 3)
    assert found.difference == pytest.approx(-0.1)
    assert found.p == pytest.approx(0.625)
    assert "the unguided features find residues better" in at_residues.read("BPO", found, compared())
    assert "not by more than chance" in at_residues.read("BPO", found, compared())
    assert np.isnan(at_residues.standing(rows.head(2)).low)


def table_rows() -> pd.DataFrame:
    return comparing.all_terms([Versus("MFO", "protsae_mfo", "vanilla"), Versus("CCO", "protsae_cco", "vanilla")])


def test_all_sub_ontologies_stand_in_one_table_with_differences_and_intervals(open_page: OpenPage) -> None:
    app = open_page("compare", go=GO)
    shown = app.dataframe[0].value

    assert set(shown["ontology"]) == {"molecular function", "biological process", "cellular component"}
    assert shown["gain"].to_numpy() == pytest.approx(
        (shown["guided_f1"] - shown["baseline_f1"]).to_numpy(), nan_ok=True
    )
    assert shown["ap_gain"].notna().any()
    assert shown["site_gain"].notna().sum() == 2
    row = shown.loc[shown["go_id"] == GO].iloc[0]
    gap = data.difference(data.term_pair(GO))
    assert gap is not None
    assert row["gain_interval"] == f"{gap.difference_low:+.2f} to {gap.difference_high:+.2f}"


def test_filters_and_brush_stand_in_the_address(open_page: OpenPage) -> None:
    everything = len(open_page("compare", go=GO).dataframe[0].value)
    of_cco = open_page("compare", go=GO, terms="CCO").dataframe[0].value
    named = open_page("compare", go=GO, find="ion zinc").dataframe[0].value
    brushed = open_page("compare", go=GO, gap="0.00_1.00").dataframe[0].value
    clear = open_page("compare", go=GO, clear="1").dataframe[0].value

    assert 0 < len(of_cco) < everything
    assert set(of_cco["ontology"]) == {"cellular component"}
    assert named["go_id"].tolist() == [GO]
    assert (brushed["gain"] >= 0).all()
    assert 0 < len(brushed) < everything
    assert len(clear) < everything
    assert all(text[0] == text.split(" to ")[1][0] for text in clear["gain_interval"])


def test_the_measure_decides_what_is_counted_and_drawn(open_page: OpenPage) -> None:
    app = open_page("compare", go=GO)
    app.segmented_control(key="choice_by").set_value("site").run()

    assert not app.exception
    assert param(app, "by") == "site"
    assert len(app.dataframe[0].value) == 2
    assert app.dataframe[0].value["guided_site"].notna().all()
    assert "No interval is stored for a single term" in text_of(app)


def test_a_slider_brushes_for_those_who_cannot_drag(open_page: OpenPage) -> None:
    app = open_page("compare", go=GO)
    app.slider(key="terms_gap").set_range(0.1, 0.5).run()

    assert param(app, "gap") == "0.10_0.50"
    assert app.dataframe[0].value["gain"].between(0.1, 0.5).all()


@pytest.mark.parametrize("gap", ["x", "1", "nan_1", "0_1_2"])
def test_a_range_that_cannot_be_read_is_none(gap: str) -> None:
    assert term_table.read_gap(gap) is None


def test_wins_ties_losses_and_what_chance_would_show() -> None:
    rows = pd.DataFrame(
        {
            "guided_f1": [0.8, 0.5, 0.2, 0.4, np.nan],
            "baseline_f1": [0.4, 0.45, 0.6, 0.4, 0.1],
            "difference_low": [0.2, -0.1, -0.6, -0.1, np.nan],
            "difference_high": [0.6, 0.2, -0.2, 0.1, np.nan],
        }
    )
    said = term_table.summary(rows, MEASURES["f1"], "unguided")

    assert "of 4 terms scored for both the guided feature is ahead on 2, the unguided feature on 1, 1 level" in said
    assert "1 are won, 1 lost and 2 undecided" in said
    assert "about 0 would look won and 0 lost" in said
    assert "No term that is left" in term_table.summary(rows.tail(1), MEASURES["f1"], "unguided")


def test_evidence_filters_by_the_grade_of_the_guided_feature(open_page: OpenPage) -> None:
    open_page("find")
    rows = table_rows()
    for evidence, grades in (("validated", {"strong", "weak"}), ("strong", {"strong"})):
        kept = term_table.filtered(rows, Wanted("all", "f1", evidence, "", clear=False, gap=None))
        assert set(kept["guided_grade"]) <= grades
        assert len(kept) == int(rows["guided_grade"].isin(grades).sum())


@pytest.fixture
def without_analyses(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    for name in ("curves", "sites"):
        shutil.rmtree(bundle / "analyses" / name)
    return opener(bundle, monkeypatch)


def test_a_bundle_without_curves_and_sites_says_so_and_shows_the_rest(without_analyses: OpenPage) -> None:
    app = without_analyses("compare", go=GO)
    said = text_of(app)
    cached.forget()

    assert not app.exception
    assert "`python -m precompute analyse BUNDLE curves` adds it." in said
    assert "`python -m precompute analyse BUNDLE sites` adds it." in said
    assert len(app.dataframe) == 1
    assert list(app.segmented_control(key="choice_by").options) == ["Held-out F1"]


def test_figures_bear_the_colours_of_the_roles(open_page: OpenPage) -> None:
    open_page("find")
    guided, other = data.term_pair(GO)
    assert guided is not None
    assert other is not None
    areas = comparing.areas(guided, other)
    assert areas is not None
    drawn = traces(term_charts.precision_recall(areas, compared(), "light"))

    assert drawn[0]["line"]["color"] != drawn[2]["line"]["color"]
    assert drawn[0]["line"]["dash"] != drawn[2]["line"]["dash"]
