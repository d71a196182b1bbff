"""Map: two maps side by side, coloured and filtered by the address."""

from .conftest import OpenPage, text_of


def test_both_maps_are_drawn(open_page: OpenPage) -> None:
    app = open_page("map")

    assert not app.exception
    assert len(app.get("plotly_chart")) == 2
    assert "Vanilla" in text_of(app)


def test_the_address_chooses_autoencoder_colour_and_filter(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_cco", colour="f1", find="membrane")

    assert not app.exception
    assert "cellular component" in text_of(app)
    assert " marked" in text_of(app)


def test_an_unknown_colouring_is_said(open_page: OpenPage) -> None:
    app = open_page("map", colour="taste")

    assert not app.exception
    assert "is not known here" in text_of(app)


def test_an_unknown_autoencoder_falls_back(open_page: OpenPage) -> None:
    app = open_page("map", sae="nope")

    assert not app.exception
    assert "no autoencoder" in text_of(app)
