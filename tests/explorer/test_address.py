"""The address follows every link, widget and step of the history, and takes the reader to what changed."""

from urllib.parse import parse_qsl

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.services import data

from .conftest import OpenPage, links_of, orders_of, param


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What the server tells the browser to write into its address, in order."""
    told: list[dict[str, str]] = []
    kind = type(st.query_params)
    write = kind.from_dict

    def tell(params: object, new: dict[str, str]) -> None:
        told.append(dict(new))
        write(params, new)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "from_dict", tell)
    return told


def click(app: AppTest, page: str, text: str) -> AppTest:
    """Follow a link to the page that stands, as Streamlit's front end does: a rerun with its parameters."""
    link = next(link for link in links_of(app, page) if text in link.text)
    app.query_params.clear()
    for name, value in link.params.items():
        app.query_params[name] = value
    return app.run()


def test_the_first_address_is_left_as_it_was_typed(open_page: OpenPage, sent: list[dict[str, str]]) -> None:
    app = open_page("find", q="GO:0008270")

    assert not app.exception
    assert sent == []
    assert "land" not in orders_of(app)


def test_a_link_to_the_page_that_stands_is_written_into_the_address(
    open_page: OpenPage, sent: list[dict[str, str]]
) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1")
    other = next(link for link in links_of(app, "feature") if link.params["feature"] != "1")
    sent.clear()
    app = click(app, "feature", other.text)

    assert sent == [other.params]
    assert "order_landing" in orders_of(app)["land"]["land"]
    sent.clear()
    app.run()
    assert sent == []


def test_a_link_to_an_example_leads_to_the_protein_in_full(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1")
    example = next(link for link in links_of(app, "feature") if "protein" in link.params)
    app = click(app, "feature", example.text)

    token = orders_of(app)["land"]["token"]
    assert [block for block in app.get("html") if f'data-landing="{token}"' in block.proto.body]


def test_what_a_widget_writes_moves_nobody(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1")
    app.segmented_control(key="choice_band").set_value("silent").run()

    assert param(app, "band") == "silent"
    assert "land" not in orders_of(app)


def test_the_navigation_keeps_what_was_chosen_and_completes_the_address_without_a_step(
    open_page: OpenPage, sent: list[dict[str, str]]
) -> None:
    app = open_page("feature")
    app.selectbox(key="choice_sae").set_value("vanilla").run()
    app.segmented_control(key="choice_scale").set_value("raw").run()
    sent.clear()
    app.query_params.clear()
    app.switch_page("app_pages/map.py").run()

    assert dict(parse_qsl(orders_of(app)["search"]["search"])) == {"sae": "vanilla", "scale": "raw"}
    assert orders_of(app)["search"]["page"] == "map"
    assert sent == []
    assert app.selectbox(key="choice_sae").value == "vanilla"


def test_an_address_without_autoencoder_means_the_default_after_a_step_back(open_page: OpenPage) -> None:
    app = open_page("feature")
    app.selectbox(key="choice_sae").set_value("vanilla").run()
    assert param(app, "sae") == "vanilla"
    app.query_params.clear()
    app.run()

    assert app.selectbox(key="choice_sae").value == data.default_feature().sae
    assert "sae" not in app.query_params
