"""Map: two maps side by side, coloured, brushed and marked by the address."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.atlas import colours, zoom
from explorer.atlas.clusters import clusters
from explorer.components.atlas import Drawn, Seen
from explorer.draw import regions
from explorer.services import data, maps
from protsae import palette
from protsae.store.analyses.maps import Layout

from .conftest import OpenPage, html_of, links_of, opener, text_of

KINDS = {"features": "<i4", "called": "<i4", "terms": "<i4", "counterpart": "<i4"}


def parts(app: AppTest, part: str) -> list[dict[str, Any]]:
    """What the page's maps, histograms or features in the browser are drawn from, in order."""
    sent = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    return [one for one in sent if one.get("part") == part]


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def bits(text: str, n: int) -> np.ndarray:
    return np.unpackbits(unpacked(text, "u1"), bitorder="little")[:n].astype(bool)


def points(sae: str, other: str = "vanilla") -> Any:
    return maps.points(sae, other)


def test_both_maps_are_drawn_with_every_feature_that_fires(open_page: OpenPage) -> None:
    app = open_page("map")
    guided = data.default_feature().sae
    (sent,) = parts(app, "features")
    drawn = parts(app, "map")

    assert not app.exception
    assert [side["name"] for side in sent["sides"]] == [guided, "vanilla"]
    assert [(one["side"], one["token"], one["marked"], one["here"]) for one in drawn] == [
        (0, sent["token"], None, None), (1, sent["token"], None, None)
    ]  # fmt: skip
    for side in sent["sides"]:
        table = data.map_points(side["name"])
        features = unpacked(side["features"], "<i4")
        assert features.tolist() == table.loc[table["density"] > 0, "feature"].tolist()
        assert len(unpacked(side["places"]["directions"], "<f4")) == 2 * len(features)
    captions = [block for block in html_of(app, "ps-dot") if " features, " in block]
    assert len(captions) == 2
    assert "Vanilla · unguided" in captions[1]
    assert ", 0 of them guided" in captions[1]
    assert " marked" not in text_of(app)


def test_what_the_browser_holds_of_a_feature_is_what_is_stored(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_mfo")
    (sent,) = parts(app, "features")
    own, other = sent["sides"]
    theirs = unpacked(other["features"], "<i4")
    stored = {row["feature"]: row for row in data.map_points("protsae_mfo").to_dict("records")}

    for row, feature in enumerate(unpacked(own["features"], "<i4").tolist()):
        known = stored[feature]
        assert unpacked(own["values"]["density"], "<f4")[row] == np.float32(known["density"])
        assert unpacked(own["values"]["f1"], "<f4")[row] == pytest.approx(known["label_f1"], nan_ok=True)
        near = [one for one in data.neighbours(data.FeatureRef("protsae_mfo", feature)) if one.other_sae == "vanilla"]
        place = unpacked(own["counterpart"], "<i4")[row]
        assert (theirs[place] if place >= 0 else None) == (near[0].other_feature if near else None)
        correlation = unpacked(own["values"]["correlation"], "<f4")[row]
        assert correlation == pytest.approx(near[0].correlation if near else np.nan, abs=1e-6, nan_ok=True)


def test_features_with_no_place_on_a_map_are_told(open_page: OpenPage) -> None:
    for layout, why in (("activations", "fire in no protein that the map is made from"), ("directions", "never fire")):
        app = open_page("map", sae="protsae_mfo", layout=layout)
        places = unpacked(parts(app, "features")[0]["sides"][0]["places"][layout], "<f4").reshape(-1, 2)
        placed = int((~np.isnan(places[:, 0])).sum())
        (told,) = [block for block in html_of(app, "ps-dot") if "ProtSAE MFO" in block]

        assert f"{placed} features" in told
        assert f"; {64 - placed} more {why} and have no place" in told


def test_the_better_layout_is_the_default_and_its_numbers_stand_below(open_page: OpenPage) -> None:
    app = open_page("map")
    told = "4.1 carry the same one; 5.0 in the full space that this map is drawn from, 0.3 by chance, and 8.0 at most"

    assert app.segmented_control(key="choice_layout").value == "activations"
    assert [one["layout"] for one in parts(app, "map")] == ["activations"] * 2
    assert len([block for block in html_of(app, "ps-small") if told in block]) == 2
    app = open_page("map", layout="directions")
    assert [one["layout"] for one in parts(app, "map")] == ["directions"] * 2
    assert "0.9 carry the same one; 1.3 in the full space" in text_of(app)


def test_without_the_analysis_the_one_layout_is_shown_and_the_page_says_so(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    for name in ("maps", "families"):
        shutil.rmtree(bundle / "analyses" / name)
    app = opener(bundle, monkeypatch)("map", marked="a_-900_-900_900_900")

    assert not app.exception
    assert "`python -m precompute analyse BUNDLE maps` adds it" in text_of(app)
    assert [one["layout"] for one in parts(app, "map")] == ["directions"] * 2
    assert "choice_layout" not in {control.key for control in app.segmented_control}
    assert "family" not in app.segmented_control(key="choice_colour").options
    assert "carry the same one" not in text_of(app)


@pytest.mark.parametrize("colouring", list(colours.COLOURINGS))
def test_the_address_chooses_the_colour(open_page: OpenPage, colouring: str) -> None:
    app = open_page("map", sae="protsae_cco", colour=colouring)
    told = parts(app, "map")[0]["colouring"]
    (sent,) = parts(app, "features")

    assert not app.exception
    assert app.segmented_control(key="choice_colour").value == colouring
    assert told["name"] == colouring
    if told["kind"] == "values":
        assert told["ramp"] == list(palette.RAMP["light"])
        assert colouring in sent["sides"][0]["values"]
        return
    codes = unpacked(sent["sides"][0]["codes"][colouring], "u1")
    categories = colours.categories(colouring, "light")
    dark = colours.categories(colouring, "dark")
    assert told["colours"] == [category.colour for category in categories]
    assert len({category.colour for category in categories}) == len({one.colour for one in dark}) == len(dark)
    assert codes.max() < len(categories)
    wanted = colours.values(points("protsae_cco"), colouring).tolist()
    known = [category.value for category in categories]
    assert [known[code] for code in codes] == [value if value in known else known[0] for value in wanted]


def test_the_legend_counts_the_features_of_each_colour(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_cco", colour="grade")
    grades = points("protsae_cco")["label_grade"].value_counts()

    assert f"strong evidence ({grades['strong']})" in text_of(app)
    assert f"no confirmed label ({grades['none']})" in text_of(app)
    app = open_page("map", sae="protsae_cco", colour="family")
    sizes = points("protsae_cco")["family"].value_counts()
    assert f"({sizes[0]})" in next(block for block in html_of(app, "ps-legend") if "family 1: " in block)


def test_a_guess_has_the_colour_of_no_label(open_page: OpenPage) -> None:
    open_page("map")
    table = points("protsae_mfo")
    guessed = table["label_grade"] == "none"

    assert guessed.any()
    for name in ("origin", "namespace", "grade"):
        assert set(colours.codes(table, name)[guessed.to_numpy()]) == {0}


def test_the_address_chooses_autoencoder_and_filter(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_cco", find="membrane")
    names = ("protsae_cco", "vanilla")
    for sae, other, drawn in zip(names, names[::-1], parts(app, "map"), strict=True):
        table = points(sae, other)
        marked = table["label"].str.contains("membrane", case=False, regex=False).to_numpy()

        assert np.array_equal(bits(drawn["marked"], len(table)), marked)
        assert f"; {marked.sum()} marked" in text_of(app)
        assert f"; {marked.sum()} stand out and are listed below it." in drawn["alt"]
    assert app.text_input(key="map_filter").value == "membrane"


def test_marked_labels_are_listed(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_cco", find="membrane")
    table = points("protsae_cco")
    marked = table[table["label"].str.contains("membrane", case=False, regex=False)]
    linked = [int(link.params["feature"]) for link in links_of(app, "feature") if link.params["sae"] == "protsae_cco"]
    listed = linked or app.dataframe[0].value["Feature"].tolist()

    assert sorted(listed) == sorted(marked["feature"])
    assert "verrepresented" not in text_of(app).replace("-", "")


def test_the_feature_of_the_address_is_ringed_and_named_on_its_own_map_only(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_mfo", feature="5")
    own, other = parts(app, "map")
    features = unpacked(parts(app, "features")[0]["sides"][0]["features"], "<i4")

    assert features[own["here"]["row"]] == 5
    assert own["here"]["name"].endswith("#5")
    assert other["here"] is None


def test_the_address_says_what_part_of_each_map_is_in_view(open_page: OpenPage) -> None:
    app = open_page("map", layout="directions", zoom="o_1.250_-0.500_3.20", zoom2="a_1.250_-0.500_3.20")

    assert [one["seen"] for one in parts(app, "map")] == [[1.25, -0.5, 3.2], None]


@pytest.mark.parametrize("layout", ["activations", "directions"])
@pytest.mark.parametrize("seen", [Seen(1.25, -0.5, 3.2), Seen(-120.001, 0.0, 0.7), None])
def test_what_is_in_view_comes_back_from_its_text(seen: Seen | None, layout: Layout) -> None:
    assert zoom.read(zoom.written(seen, layout) or "", layout) == seen


@pytest.mark.parametrize("text", ["", "o", "o_1_2", "o_1_2_nan", "o_1_2_3_4", "x_1_2_3", "<b>", "o_1e9_2_3"])
def test_a_text_that_is_no_part_of_a_map_shows_all_of_it(text: str) -> None:
    assert zoom.read(text, "directions") is None


def test_a_feature_that_is_none_is_said_and_both_maps_are_shown(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_mfo", feature="9999")

    assert [block for block in html_of(app, "ps-empty") if "is no feature of protsae_mfo" in block]
    assert [one["here"] for one in parts(app, "map")] == [None, None]


def test_an_unknown_colouring_or_layout_is_said_and_the_first_shown(open_page: OpenPage) -> None:
    app = open_page("map", colour="taste", layout="random")

    assert not app.exception
    assert [block for block in html_of(app, "ps-empty") if "colour=&#x27;taste&#x27; is not known here" in block]
    assert [block for block in html_of(app, "ps-empty") if "layout=&#x27;random&#x27; is not known here" in block]
    assert app.segmented_control(key="choice_colour").value == "origin"
    assert [one["layout"] for one in parts(app, "map")] == ["activations"] * 2


def test_an_unknown_autoencoder_falls_back_to_the_default(open_page: OpenPage) -> None:
    app = open_page("map", sae="nope")

    assert not app.exception
    assert [block for block in html_of(app, "ps-empty") if "no autoencoder &#x27;nope&#x27;" in block]
    assert app.selectbox(key="choice_sae").value == data.default_feature().sae
    assert len(parts(app, "map")) == 2


def test_what_is_marked_on_one_map_has_its_counterparts_listed_on_the_other(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_mfo", marked="1.2.3")
    table = points("protsae_mfo").set_index("feature")
    wanted = set(table["counterpart"].reindex([1, 2, 3]).dropna().astype(int)) - {-1}
    shown = {int(link.params["feature"]) for link in links_of(app, "feature") if link.params["sae"] == "vanilla"}

    assert wanted
    assert shown == wanted
    assert "fire most alike, in squares" in text_of(app)


def test_brushes_of_the_address_leave_both_maps_and_their_lists_what_lies_in_range(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_mfo", f1="0.2_1", density="0.01_0.5")
    names = ("protsae_mfo", "vanilla")

    assert not app.exception
    assert parts(app, "brushes")[0]["brushes"] == {"f1": [0.2, 1.0], "density": [0.01, 0.5]}
    tables = [shown.value for shown in app.dataframe if "Feature" in shown.value]
    for sae, other in zip(names, names[::-1], strict=True):
        table = points(sae, other)
        inside = table.loc[(table["label_f1"] >= 0.2) & table["density"].between(0.01, 0.5), "feature"]
        linked = {int(link.params["feature"]) for link in links_of(app, "feature") if link.params["sae"] == sae}
        listed = linked or set(tables.pop(0)["Feature"])

        assert 0 < len(inside) < len(table)
        assert f"; {len(inside)} in the brushed ranges" in text_of(app)
        assert listed == set(inside)


@pytest.mark.parametrize("text", ["x", "0.5", "0.9_0.1", "0_2", "nan_1", "0.1_0.2_0.3", "<b>"])
def test_a_range_that_is_none_is_quoted_and_everything_shown(open_page: OpenPage, text: str) -> None:
    app = open_page("map", f1=text)

    assert not app.exception
    assert parts(app, "brushes")[0]["brushes"] == {}
    assert [block for block in html_of(app, "ps-empty") if "is no range from 0 to 1, such as 0_0.5" in block]


def test_an_outline_holds_the_same_features_on_either_layout(open_page: OpenPage) -> None:
    open_page("map")
    table = points("protsae_mfo")
    half = table["activation_x"].median()
    corners = [(half, -99.0), (99.0, 99.0)]
    text = regions.written(list(range(99)), corners, "activations")
    inside = table.loc[table["activation_x"] >= half, "feature"].tolist()

    assert text is not None
    assert text.startswith("a_")
    assert 0 < len(inside) < len(table)
    for layout in ("activations", "directions"):
        drawn = parts(open_page("map", sae="protsae_mfo", layout=layout, marked=text), "map")[0]
        chosen = table["feature"].to_numpy()[bits(drawn["marked"], len(table))]
        assert set(chosen) == set(regions.inside(text, table))
        assert len(set(chosen) ^ set(inside)) <= 1, "an outline is written in hundredths"


def test_only_what_the_brushes_leave_is_marked_by_a_lasso(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.atlas import view

    open_page("map")
    table = points("protsae_mfo")
    written: dict[str, str | None] = {}
    monkeypatch.setattr(view.frame, "write_address", lambda **params: written.update(params))
    shown = table.loc[table["density"] > table["density"].median()]

    view.mark(Drawn(0, "directions", [(-99.0, -99.0), (99.0, 99.0)]), shown)
    assert written == {"marked": ".".join(map(str, sorted(shown["feature"])))}
    view.mark(Drawn(1, "directions", []), shown)
    assert written["marked2"] is None


def test_labels_whose_features_lie_together_are_named_on_the_map(open_page: OpenPage) -> None:
    open_page("map")
    table = points("protsae_mfo").head(20).reset_index(drop=True)
    x, y = np.random.default_rng(0).uniform(0, 100, (2, 20))
    label = np.array(["together"] * 6 + ["scattered"] * 6 + ["guessed"] * 6 + ["few"] * 2)
    for name, at in (("together", (20, 30)), ("guessed", (70, 70)), ("few", (90, 10))):
        x[label == name], y[label == name] = at
    grade = np.where(label == "guessed", "none", "weak")
    placed = table.assign(umap_x=x, umap_y=y, label=label, label_grade=grade)

    assert clusters(placed, "directions") == [("together", 20.0, 30.0, 6)]
