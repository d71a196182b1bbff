"""The lists under a protein: features that fire alike are one row, and the terms that say most come first."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from streamlit.testing.v1 import AppTest

from explorer.firing import choosing
from explorer.protein import predictions, subject
from explorer.protein.reading import Stored
from explorer.services import alike, data, live
from explorer.services.live import ActiveFeature
from protsae.store.rows import ProteinRow

from .conftest import OpenPage, param, text_of, views_of


@pytest.fixture
def store(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))
    return tiny_bundle


def protein() -> ProteinRow:
    row = data.protein(data.bundle().reader.sequence_index()["accession"][0])
    assert row is not None
    return row


def active(feature: int, surprise: float = 1.0) -> ActiveFeature:
    return ActiveFeature(feature, 1.0, 1, 1, 10.0, surprise)


def tables_of(app: AppTest) -> list[pd.DataFrame]:
    return [element.value for element in app.dataframe]


def numbers(links: pd.Series) -> list[int]:
    return [int(link.rsplit("feature=", 1)[1]) for link in links]


# --- features that fire alike -----------------------------------------------------------------------------------------


def test_features_that_rise_and_fall_together_are_folded_under_the_first() -> None:
    rng = np.random.default_rng(0)
    wave, other = rng.random(60) * (rng.random(60) > 0.5), rng.random(60) * (rng.random(60) > 0.5)
    columns = [3 * wave, other, wave + 0.01, wave + 0.1 * other, np.zeros(60), np.ones(60), np.r_[np.zeros(59), 1.0]]
    order = [3, 1, 0, 2, 5, 6]
    under = alike.first_alike(sparse.csr_array(np.array(columns).T), order)

    for place, feature in enumerate(order):
        with np.errstate(invalid="ignore"):
            near = [p for p, f in enumerate(order[:place]) if np.corrcoef(columns[f], columns[feature])[0, 1] > 0.9]
        own = [p for p in near if under[p] == p]
        assert under[place] == (own[0] if own else place)
    assert under.tolist() == [0, 1, 0, 0, 4, 5]


def test_no_feature_is_folded_under_one_that_is_folded_itself(store: Path) -> None:
    leader_of = alike.leaders(protein().sequence, "vanilla")

    assert set(leader_of) == {a.feature for a in live.top_features(protein().sequence, "vanilla")}
    assert all(leader_of[leader] == leader for leader in leader_of.values())


def test_a_folded_list_keeps_its_order_and_says_how_many_it_folds() -> None:
    listed = [active(7), active(2), active(9), active(4)]
    leader_of = {7: 7, 2: 2, 9: 7, 4: 7}

    assert alike.fold(listed, leader_of, apart=False) == [
        alike.Row(active(7), 2, None), alike.Row(active(2), 0, None),
    ]  # fmt: skip
    apart = alike.fold(listed, leader_of, apart=True)
    assert [(row.feature.feature, row.leader) for row in apart] == [(7, None), (9, 7), (4, 7), (2, None)]


def test_the_strips_above_are_no_repetition(open_page: OpenPage, store: Path) -> None:
    app = open_page("sequence", accession=protein().accession)
    shown = [int(row["href"].rsplit("feature=", 1)[1]) for row in views_of(app)[0]["rows"]]
    leader_of = alike.leaders(protein().sequence, "protsae_mfo")

    assert len(shown) > 1
    assert len({leader_of[feature] for feature in shown}) == len(shown)


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_the_score_that_the_list_is_sorted_by_is_a_column(open_page: OpenPage) -> None:
    table = tables_of(open_page("sequence", accession=protein().accession))[0]

    assert table["Unusual"].tolist() == sorted(table["Unusual"], reverse=True)
    assert table["Unusual"].iloc[0] > 0


@pytest.mark.parametrize("evidence", ["all", "confirmed", "strong"])
def test_evidence_filters_list_and_strips(open_page: OpenPage, evidence: str) -> None:
    app = open_page("sequence", accession=protein().accession, evidence=evidence, apart="1")
    table = data.map_points("protsae_mfo")
    grades = dict(zip(table["feature"], table["label_grade"], strict=True))
    wanted = choosing.EVIDENCE[evidence]
    fires = [a.feature for a in live.top_features(protein().sequence, "protsae_mfo")]
    expected = [feature for feature in fires if not wanted or grades.get(feature) in wanted]

    assert not app.exception
    assert (
        sorted(numbers(tables_of(app)[0]["Feature"])) == sorted(expected)
        if expected
        else "of this kind" in text_of(app)
    )
    assert f"{len(expected):,} feature" in text_of(app)
    assert views_of(app)[0]["rows"]


def test_labels_are_searched_by_the_beginnings_of_words(open_page: OpenPage) -> None:
    app = open_page("sequence", accession=protein().accession, label="ion BIND")
    labels = tables_of(app)[0]["Label"]

    assert labels.str.contains("ion binding").all()
    app.text_input(key="sequence_label").set_value(" zinc ").run()
    assert param(app, "label") == "zinc"
    assert tables_of(app)[0]["Label"].str.contains("zinc").all()


def test_a_label_that_nothing_has_is_said_and_the_strips_stay(open_page: OpenPage) -> None:
    app = open_page("sequence", accession=protein().accession, label="qqqq")

    assert not app.exception
    assert "No feature that fires here is of this kind." in text_of(app)
    assert views_of(app)[0]["rows"]


def test_alike_ones_stand_apart_on_request(open_page: OpenPage) -> None:
    folded = open_page("sequence", accession=protein().accession)
    apart = open_page("sequence", accession=protein().accession, apart="1")
    fires = {a.feature for a in live.top_features(protein().sequence, "protsae_mfo")}
    leader_of = alike.leaders(protein().sequence, "protsae_mfo")

    assert set(numbers(tables_of(folded)[0]["Feature"])) == set(leader_of.values())
    assert set(numbers(tables_of(apart)[0]["Feature"])) == fires


# --- terms ------------------------------------------------------------------------------------------------------------


def test_terms_that_say_most_come_first_and_the_emptiest_last(store: Path) -> None:
    made = predictions.calls(protein().sequence)
    kinds = [(call.is_called, call.is_firm) for call in made]

    assert kinds == sorted(kinds, reverse=True)
    for kind in set(kinds):
        said = [call.information for call in made if (call.is_called, call.is_firm) == kind]
        assert said == sorted(said, reverse=True)
    assert {call.term.go_id: call.information for call in made} == {
        call.term.go_id: data.information()[call.term.go_id] for call in made
    }


def test_the_term_list_shows_what_it_is_sorted_by_and_leads_outward(open_page: OpenPage) -> None:
    app = open_page("sequence", accession=protein().accession)
    app.toggle(key="flag_all").set_value(True).run()
    table = tables_of(app)[1]
    called = table[table["Called"]]

    assert called["Information"].iloc[0] >= called["Information"].iloc[-1]
    assert table["QuickGO"].str.fullmatch(r"https://www\.ebi\.ac\.uk/QuickGO/term/GO:\d{7}").all()
    assert "Sorted by information content" in text_of(app)


def test_a_brushed_range_folds_too(store: Path) -> None:
    about = subject.learn(Stored(protein().accession), None)
    fires = live.top_features(about.sequence, "vanilla")
    rows = choosing.rows(about, "vanilla", fires[::-1], live.features("vanilla"), choosing.ALL)

    assert sum(1 + row.n_folded for row in rows) == len(fires)
    assert rows[0].feature == fires[-1]
