"""Protein: who it is, what is known and called, all features as one picture, and what prefers marked residues."""

import base64
import hashlib
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.components.heat import HeatRow, heat_data
from explorer.draw import outward
from explorer.firing import ranges, starts
from explorer.protein import predictions
from explorer.protein_page import terms
from explorer.services import data, live, searching
from explorer.services.refs import FeatureRef
from explorer.shell import links
from protsae.store.rows import ProteinRow, ProteinTerm

from .conftest import OpenPage, components_of, html_of, links_of, param, subheaders_of, text_of, views_of


@pytest.fixture
def store(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))
    return tiny_bundle


def protein(place: int = 0) -> ProteinRow:
    row = data.protein(data.bundle().reader.sequence_index()["accession"][place])
    assert row is not None
    return row


def heats(app: AppTest) -> list[dict]:
    """What the page's pictures are drawn from."""
    return [found for found in components_of(app) if "lines" in found]


# --- who it is --------------------------------------------------------------------------------------------------------


def test_without_an_address_it_opens_on_a_telling_protein(open_page: OpenPage) -> None:
    app = open_page("protein")
    start = starts.true_examples()[0]

    assert not app.exception
    assert views_of(app)[0]["sequence"] == start.example.sequence
    first = views_of(app)[0]["rows"][0]["href"]
    assert first.endswith(f"sae={start.term.sae}&feature={start.term.feature}")
    assert subheaders_of(app) == ["All features that fire", "GO terms, known and called"]


@pytest.mark.parametrize("place", [0, 1, 2, 6])
def test_the_head_says_who_it_is_and_what_its_split_means(open_page: OpenPage, place: int) -> None:
    open_page("find")
    row = protein(place)
    app = open_page("protein", accession=row.accession)

    assert not app.exception
    assert app.title[0].value.replace("\\", "") == row.protein_name
    head = html_of(app, "ps-eyebrow")[0]
    assert row.accession in head
    assert row.organism.split(" (")[0] in head
    assert f"{row.split.capitalize()} split: " in text_of(app)
    out = "".join(html_of(app, "ps-out"))
    assert f"https://www.uniprot.org/uniprotkb/{row.accession}" in out
    assert outward.of_sequence(row.sequence)[0].url in out
    relatives = [hit for hit in data.bundle().reader.family(row.cluster) if hit.accession != row.accession]
    linked = [link.params.get("accession") for link in links_of(app, "protein")]
    assert all(hit.accession in linked for hit in relatives[:4])


def test_the_esm_atlas_is_asked_by_the_md5_of_the_sequence() -> None:
    (found,) = outward.of_sequence("mkv")

    assert found.url.rsplit("/", 1)[1] == hashlib.md5(b"MKV", usedforsecurity=False).hexdigest()
    assert outward.of_sequence("") == []


def test_a_protein_that_is_not_here_is_said_with_ways_on(open_page: OpenPage) -> None:
    app = open_page("protein", accession="P69905")

    assert not app.exception
    assert "“P69905” is not among the 40 proteins of this bundle" in text_of(app)
    assert "https://www.uniprot.org/uniprotkb/P69905" in "".join(html_of(app, "ps-out"))
    assert {"q": "P69905"} in [link.params for link in links_of(app, "find")]
    assert views_of(app) == []


def test_another_protein_is_found_by_name(open_page: OpenPage) -> None:
    app = open_page("protein")
    app.text_input(key="protein_box").set_value("transporter").run()
    hits = searching.search_proteins("transporter")

    linked = [link.params.get("accession") for link in links_of(app, "protein")]
    assert [hit.accession for hit in hits][:6] == [one for one in linked if one in {hit.accession for hit in hits}][:6]
    app.text_input(key="protein_box").set_value("qqqqqq").run()
    assert "No protein of this bundle is called “qqqqqq”" in text_of(app)


# --- all features -----------------------------------------------------------------------------------------------------


def test_the_picture_holds_every_feature_that_fires_with_its_activations(open_page: OpenPage) -> None:
    open_page("find")
    row = protein()
    app = open_page("protein", accession=row.accession, apart="1", group="none")
    (heat,) = heats(app)
    fires = live.top_features(row.sequence, "protsae_mfo")

    assert sorted(line["number"] for line in heat["lines"]) == sorted(f"#{one.feature}" for one in fires)
    assert heat["columns"] == len(row.sequence)
    at = np.frombuffer(base64.b64decode(heat["at"]), "<u2")
    for place, line in enumerate(heat["lines"]):
        residues, _ = live.by_feature(row.sequence, "protsae_mfo").of(int(line["number"][1:]))
        assert at[heat["starts"][place] : heat["starts"][place + 1]].tolist() == residues.tolist()


def test_levels_are_shares_of_full_colour_and_long_chains_share_columns() -> None:
    row = HeatRow(
        label="a",
        code="1",
        number="#1",
        href="./",
        residues=np.array([0, 1, 2999]),
        values=np.array([0.001, 2.0, 9.0]),
        scale=2.0,
    )
    short, long = heat_data("M" * 3000, [row]), heat_data("M" * 10, [row, row][:0])

    assert np.frombuffer(base64.b64decode(short["levels"]), "u1").tolist() == [255, 255]  # the first two share one
    assert np.frombuffer(base64.b64decode(short["at"]), "<u2").tolist() == [0, 1399]
    assert (long["starts"], long["at"]) == ([0], "")


@pytest.mark.parametrize("kind", ["defined", "free"])
def test_guided_and_free_ones_stand_apart_on_request(open_page: OpenPage, kind: str) -> None:
    open_page("find")
    app = open_page("protein", accession=protein().accession, kind=kind, apart="1")
    kinds = live.features("protsae_mfo")["kind"].tolist()
    fires = [one.feature for one in live.top_features(protein().sequence, "protsae_mfo")]

    assert not app.exception
    numbers = [int(line["number"][1:]) for heat in heats(app) for line in heat["lines"]]
    assert sorted(numbers) == sorted(feature for feature in fires if kinds[feature] == kind)


def test_groups_are_titled_and_ranked_within(open_page: OpenPage) -> None:
    open_page("find")
    app = open_page("protein", accession=protein().accession)
    (heat,) = heats(app)
    groups = [line["group"] for line in heat["lines"]]
    surprise = {one.feature: one.surprise for one in live.top_features(protein().sequence, "protsae_mfo")}

    assert list(dict.fromkeys(groups)) == [
        t for t in ("Strong label", "Weak label", "No confirmed label") if t in groups
    ]
    for title in set(groups):
        own = [surprise[int(line["number"][1:])] for line in heat["lines"] if line["group"] == title]
        assert own == sorted(own, reverse=True)


def test_features_of_every_autoencoder_can_stand_in_one_list(open_page: OpenPage) -> None:
    open_page("find")
    app = open_page("protein", accession=protein().accession, of="all", group="none")
    (heat,) = heats(app)
    codes = [line["code"] for line in heat["lines"]]

    assert not app.exception
    assert {code.split(":")[0] for code in codes if ":" in code} == {"protsae_bpo", "protsae_cco", "vanilla"}
    assert [code for code in codes if ":" not in code]
    picked = next(code for code in codes if code.startswith("vanilla:"))
    shown = open_page("protein", accession=protein().accession, rows=f"{picked}.3.nonsense.vanilla:99999")
    rows = views_of(shown)[0]["rows"]
    assert [row["code"] for row in rows] == [picked.replace(":", " "), "protsae_mfo 3"]
    assert rows[0]["label"].startswith("Vanilla ")


def test_a_click_on_a_line_colours_by_it_and_a_second_one_takes_it_away(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    from explorer.protein_page import chosen

    written: dict[str, str | None] = {}
    monkeypatch.setattr(chosen.address, "write", written.update)
    a, b, c = (FeatureRef("vanilla", number) for number in (1, 2, 3))

    chosen.pick(c, [a, b], 0, "vanilla")
    assert written == {"rows": "3.1.2", "row": None}
    chosen.pick(b, [a, b], 0, "protsae")
    assert written == {"rows": "vanilla:1.vanilla:2", "row": "2"}
    chosen.pick(b, [a, b], 1, "vanilla")
    assert written == {"rows": "1", "row": None}


def test_a_wrong_feature_in_the_address_is_said(open_page: OpenPage) -> None:
    open_page("find")
    app = open_page("protein", accession=protein().accession, feature="99999")

    assert not app.exception
    assert "'99999' is no feature of protsae_mfo" in text_of(app)
    assert views_of(app)[0]["rows"]


def test_nothing_of_the_kind_is_said_and_the_strips_go(open_page: OpenPage) -> None:
    open_page("find")
    app = open_page("protein", accession=protein().accession, label="qqqq")

    assert not app.exception
    assert "No feature that fires here is of this kind." in text_of(app)
    assert heats(app) == []


# --- marked residues --------------------------------------------------------------------------------------------------


def test_a_planted_feature_prefers_its_stretch_and_an_even_one_does_not() -> None:
    planted, even = np.zeros(100), np.full(100, 0.5)
    planted[20:30] = 2.0
    first, second = ranges.preferences(np.stack([planted, even]), (21, 30), [7, 8], np.array([0.02, 1.0]))

    assert (first.feature, first.inside, first.fold, first.n_firing) == (7, 1.0, 10.0, 10)
    assert first.n_expected == pytest.approx(0.2)
    assert first.p_shift == pytest.approx(0.01)  # of a hundred stretches only this one holds all of it
    assert second.fold == pytest.approx(1.0)
    assert second.p_shift == 1.0
    assert second.gain == pytest.approx(0.0)


def test_shifted_stretches_of_noise_hold_as_much_as_often_as_chance_says() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((400, 120)) * (rng.random((400, 120)) < 0.2) + 1e-9
    found = [one.p_shift for one in ranges.preferences(values, (31, 50), list(range(400)), np.full(400, 0.2))]

    assert abs(np.mean(np.array(found) <= 0.05) - 0.05) < 0.03


def test_a_stretch_over_the_whole_chain_is_preferred_by_nothing() -> None:
    (one,) = ranges.preferences(np.ones((1, 9)), (1, 9), [0], np.array([1.0]))

    assert (one.inside, one.fold, one.p_shift, one.gain) == (1.0, 1.0, 1.0, 0.0)


def test_marked_residues_rank_the_list_with_their_statistics(open_page: OpenPage) -> None:
    open_page("find")
    row = protein()
    app = open_page("protein", accession=row.accession, range="20-35", group="none", apart="1")
    (heat,) = heats(app)
    expected = ranges.of_protein(row.sequence, "protsae_mfo", (20, 35))

    assert not app.exception
    assert heat["span"] == [20, 35]
    assert [int(line["number"][1:]) for line in heat["lines"]] == list(expected)
    table = next(frame.value for frame in app.dataframe if "Shifted" in frame.value.columns)
    assert table["Inside"].tolist() == [one.inside for one in expected.values()]
    assert table["Shifted"].tolist() == [one.p_shift for one in expected.values()]
    assert "of the shifted stretches; if none preferred these residues" in text_of(app)


def test_a_range_is_typed_or_cleared_and_a_wrong_one_is_said(open_page: OpenPage) -> None:
    open_page("find")
    app = open_page("protein", accession=protein().accession)
    app.text_input(key="protein_range").set_value("5 - 12").run()

    assert param(app, "range") == "5-12"
    next(button for button in app.button if button.label == "Clear").click().run()
    assert param(app, "range") is None
    app.text_input(key="protein_range").set_value("9999").run()
    assert not app.exception
    assert "range='9999' is no range of this chain" in text_of(app)


def test_an_annotated_region_is_marked_by_choice(open_page: OpenPage) -> None:
    open_page("find")
    row = protein()
    app = open_page("protein", accession=row.accession)
    box = app.selectbox(key="protein_region")
    one = data.annotations(row.accession)[0]
    box.set_value(f"{one.start_pos}-{one.end_pos}").run()

    assert param(app, "range") == f"{one.start_pos}-{one.end_pos}"
    assert heats(app)[0]["span"] == [one.start_pos, one.end_pos]


# --- terms ------------------------------------------------------------------------------------------------------------


def annotation(go_id: str = "GO:1", *, direct: bool = True) -> ProteinTerm:
    return ProteinTerm(go_id, "a term", "MFO", direct, "EXP" if direct else "", 3.0)


def test_a_status_says_what_is_known_and_called(store: Path) -> None:
    made = predictions.calls(protein().sequence)
    firm = next(call for call in made if call.is_firm)
    loose = firm._replace(term=firm.term._replace(grade="none"))
    called, silent = (firm._replace(score=firm.term.threshold + step) for step in (1.0, -1.0))

    assert terms.status(annotation(), called) == terms.BOTH
    assert terms.status(annotation(), silent) == terms.MISSED
    assert terms.status(annotation(), None) == terms.KNOWN
    assert terms.status(None, called) == terms.CANDIDATE
    assert terms.status(None, loose._replace(score=loose.term.threshold + 1)) == terms.UNFIRM
    assert terms.status(None, silent) == terms.SILENT


def test_the_table_holds_known_and_called_terms_once_each(open_page: OpenPage) -> None:
    open_page("find")
    row = protein()
    app = open_page("protein", accession=row.accession, all="1")
    table = next(frame.value for frame in app.dataframe if "Status" in frame.value.columns)
    known = {one.go_id for one in data.protein_terms(row.accession)}
    guided = {call.term.go_id for call in predictions.calls(row.sequence, "protsae_mfo")}

    ids = [f"GO:{url.rsplit('%3A', 1)[1]}" for url in table["Term"]]
    assert sorted(ids) == sorted(known | guided)
    assert {i for i, status in zip(ids, table["Status"], strict=True) if status.startswith("known")} == known
    information = table["Information"].fillna(0).tolist()
    assert information == sorted(information, reverse=True)


@pytest.mark.parametrize("which", ["known", "called", "candidates"])
def test_terms_are_filtered_by_the_address(open_page: OpenPage, which: str) -> None:
    open_page("find")
    row = protein()
    app = open_page("protein", accession=row.accession, terms=which)
    found = terms.kept(
        terms.rows(data.protein_terms(row.accession), predictions.calls(row.sequence, "protsae_mfo")),
        which,
        everything=False,
    )

    assert not app.exception
    tables = [frame.value for frame in app.dataframe if "Status" in frame.value.columns]
    assert (tables[0]["Name"].tolist() if tables else []) == [row.name for row in found]
    assert found or "No term of this kind." in text_of(app)


# --- ways to it -------------------------------------------------------------------------------------------------------


def test_what_is_stored_stands_there_where_the_model_is_missing(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from protsae.errors import ArtifactError

    def missing(*_: object) -> None:
        raise ArtifactError("The weights are not on this machine.")

    open_page("find")
    row = protein(1)
    monkeypatch.setattr("explorer.services.alike.leaders", missing)
    app = open_page("protein", accession=row.accession)

    assert not app.exception
    assert "The weights are not on this machine." in text_of(app)
    assert views_of(app)[0]["sequence"] == row.sequence
    assert "GO terms, known and called" in subheaders_of(app)
    assert any("Status" in frame.value.columns for frame in app.dataframe)


def test_links_to_stored_proteins_lead_here(open_page: OpenPage) -> None:
    assert links.protein("P1", FeatureRef("vanilla", 3), span=(2, 9)).params == {
        "accession": "P1", "sae": "vanilla", "feature": "3", "range": "2-9",
    }  # fmt: skip
    assert links_of(open_page("find", q=protein_name(open_page)), "protein")
    app = open_page("sequence", accession=protein().accession)
    assert {"accession": protein().accession} in [link.params for link in links_of(app, "protein")]


def protein_name(open_page: OpenPage) -> str:
    open_page("find")
    return protein().protein_name
