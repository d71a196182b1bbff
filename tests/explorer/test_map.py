"""Map: two maps side by side, coloured and filtered by the address."""

import numpy as np
import pytest

from explorer import theme
from explorer.draw import charts
from explorer.services import data

from .conftest import OpenPage, figures_of, html_of, links_of, text_of


def test_both_maps_are_drawn_with_every_feature_that_fires(open_page: OpenPage) -> None:
    app = open_page("map")
    guided = data.default_feature().sae
    figures = figures_of(app)

    assert not app.exception
    assert [element.proto.id.rsplit("-", 1)[1] for element in app.get("plotly_chart")] == [
        f"map_{guided}",
        "map_vanilla",
    ]
    for sae, figure in zip((guided, "vanilla"), figures, strict=True):
        alive = data.map_points(sae).dropna(subset=["umap_x", "umap_y"])
        assert len(figure["data"]) == 1
        assert len(figure["data"][0]["text"]) == len(alive) > 0
    captions = [block for block in html_of(app, "ps-dot") if " features, " in block]
    assert len(captions) == 2
    assert "Vanilla · unguided" in captions[1]
    assert ", 0 of them guided" in captions[1]
    assert " marked" not in text_of(app)


@pytest.mark.parametrize("colouring", list(charts.COLOURINGS))
def test_the_address_chooses_the_colour(open_page: OpenPage, colouring: str) -> None:
    app = open_page("map", sae="protsae_cco", colour=colouring)
    points = charts.drawing_order(data.map_points("protsae_cco").dropna(subset=["umap_x", "umap_y"]), colouring)
    drawn = figures_of(app)[0]["data"][0]["marker"]["color"]

    assert not app.exception
    assert app.segmented_control(key="choice_colour").value == colouring
    assert drawn == charts.point_colours(points, colouring, "light")
    if colouring == "f1":
        best = int(np.nanargmax(points["label_f1"].to_numpy(float)))
        assert drawn[best] == theme.shade("light", float(points["label_f1"].iloc[best]))


def test_the_address_chooses_autoencoder_and_filter(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_cco", find="membrane")
    for sae, figure in zip(("protsae_cco", "vanilla"), figures_of(app), strict=True):
        points = charts.drawing_order(data.map_points(sae).dropna(subset=["umap_x", "umap_y"]), "origin")
        marked = points["label"].str.contains("membrane", case=False, regex=False).to_numpy()
        opacity = np.array(figure["data"][0]["marker"]["opacity"])

        assert np.array_equal(opacity == 1.0, marked)
        assert f", {marked.sum()} marked" in text_of(app)
    assert app.text_input(key="map_filter").value == "membrane"


def test_marked_labels_get_rings_and_a_list_of_links(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_cco", find="membrane")
    points = data.map_points("protsae_cco").dropna(subset=["umap_x", "umap_y"])
    marked = points[points["label"].str.contains("membrane", case=False, regex=False)]
    rings = figures_of(app)[0]["data"][1]
    linked = [int(link.params["feature"]) for link in links_of(app, "feature") if link.params["sae"] == "protsae_cco"]
    tables = [table.value for table in app.dataframe]
    told = linked or tables[0]["Feature"].tolist()

    assert rings["marker"]["symbol"] == "circle-open"
    assert sorted(zip(rings["x"], rings["y"], strict=True)) == sorted(
        marked[["umap_x", "umap_y"]].itertuples(index=False, name=None)
    )
    assert sorted(told) == sorted(marked["feature"])


def test_the_feature_of_the_address_is_ringed_and_named_on_its_own_map_only(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_mfo", feature="5")
    own, other = figures_of(app)
    place = data.map_points("protsae_mfo").set_index("feature").loc[5]

    assert (own["data"][1]["x"], own["data"][1]["y"]) == ([place["umap_x"]], [place["umap_y"]])
    assert [note["text"].endswith("#5") for note in own["layout"]["annotations"]] == [True]
    assert len(other["data"]) == 1
    assert "annotations" not in other["layout"]


def test_a_feature_that_is_none_is_said_and_both_maps_are_shown(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_mfo", feature="9999")

    assert [block for block in html_of(app, "ps-empty") if "is no feature of protsae_mfo" in block]
    assert [len(figure["data"]) for figure in figures_of(app)] == [1, 1]


def test_an_unknown_colouring_is_said_and_the_first_shown(open_page: OpenPage) -> None:
    app = open_page("map", colour="taste")

    assert not app.exception
    assert [block for block in html_of(app, "ps-empty") if "colour=&#x27;taste&#x27; is not known here" in block]
    assert app.segmented_control(key="choice_colour").value == "origin"


def test_an_unknown_autoencoder_falls_back_to_the_default(open_page: OpenPage) -> None:
    app = open_page("map", sae="nope")

    assert not app.exception
    assert [block for block in html_of(app, "ps-empty") if "no autoencoder &#x27;nope&#x27;" in block]
    assert app.selectbox(key="choice_sae").value == data.default_feature().sae
    assert len(figures_of(app)) == 2
