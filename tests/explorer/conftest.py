"""The explorer on the made-up bundle: a page by its address, as a reader opens it."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from explorer.services import cached

APP = Path(__file__).resolve().parents[2] / "explorer" / "app.py"


@pytest.fixture(scope="session", autouse=True)
def closed_at_the_end() -> Iterator[None]:
    """What the explorer's cache holds open is released before the interpreter ends."""
    yield
    cached.forget()


OpenPage = Callable[..., AppTest]


@pytest.fixture
def open_page(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """`open_page('feature', sae='vanilla', feature='3')`: the page at that address, after its first run."""
    return opener(tiny_bundle, monkeypatch)


def opener(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Opens pages of this bundle; faults of our own end in `app.exception`, not in a sentence."""
    monkeypatch.setenv("PROTSAE_BUNDLE", str(bundle))
    monkeypatch.setenv("PROTSAE_DEBUG", "1")

    def open_at(page: str, **params: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        if page != "find":
            app.run()
            app.switch_page(f"app_pages/{page}.py")
        for name, value in params.items():
            app.query_params[name] = value
        return app.run()

    return open_at


class PageLink(NamedTuple):
    """A link that a reader sees."""

    page: str
    params: dict[str, str]
    text: str


def links_of(app: AppTest, page: str | None = None) -> list[PageLink]:
    """The page's links in the order of the page, but the tour's, which every page has; those to `page` where given."""
    protos = [element.proto for element in app.get("page_link")]
    found = [
        PageLink(proto.page or "find", dict(parse_qsl(proto.query_string)), proto.label.replace("\\", ""))
        for proto in protos
    ]
    return [link for link in found if page in (None, link.page) and "tour" not in link.params]


def figures_of(app: AppTest) -> list[dict]:
    """The page's plotly figures, as the browser gets them."""
    return [json.loads(element.proto.spec, object_hook=_unpacked) for element in app.get("plotly_chart")]


def traces(figure: go.Figure) -> list[dict[str, Any]]:
    """A figure's traces, as the browser gets them."""
    return json.loads(str(figure.to_json()), object_hook=_unpacked)["data"]


def _unpacked(value: dict[str, Any]) -> Any:
    """Lists of numbers, which plotly packs into bytes."""
    if "bdata" not in value:
        return value
    return np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"]).tolist()


def views_of(app: AppTest) -> list[dict]:
    """What the page's protein views draw from."""
    return [data for data in components_of(app) if "sequence" in data]


def orders_of(app: AppTest) -> dict[str, dict]:
    """What the page asks of the browser, by what it asks for."""
    orders = [data for data in components_of(app) if data.get("token")]
    return {what: data for data in orders for what in ("land", "search", "follow", "centre") if data.get(what)}


def followed(app: AppTest) -> PageLink:
    """The link to another page that the browser is asked to follow; it stands in a container of its own."""
    assert orders_of(app)["follow"]["follow"] == ".st-key-order_link a"
    return next(link for link in links_of(app) if link.text == "Open")


def components_of(app: AppTest) -> list[dict]:
    """What the page's components are given."""
    return [json.loads(element.proto.json) for element in app.get("bidi_component")]


def subheaders_of(app: AppTest) -> list[str]:
    """The page's sections, in order."""
    return [element.value for element in app.header]


def html_of(app: AppTest, css_class: str) -> list[str]:
    """The page's HTML blocks that hold an element of this class."""
    blocks = [str(element.proto.body) for element in app.get("html")]
    return [block for block in blocks if re.search(rf'class="[^"]*\b{css_class}\b', block) and "<style>" not in block]


def param(app: AppTest, name: str) -> str | None:
    """A query parameter, None where the address has none; a list where the page was opened with it."""
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def chosen(app: AppTest, key: str) -> str:
    """What a box of choices holds."""
    value = app.selectbox(key=key).value
    assert isinstance(value, str)
    return value


def text_of(app: AppTest) -> str:
    """All that the page says, HTML included."""
    kinds = ("title", "header", "markdown", "caption", "html", "text_input", "button", "segmented_control")
    words: list[str] = []
    for kind in kinds:
        for element in app.get(kind):
            proto = getattr(element, "proto", None)
            words += [str(getattr(element, "value", "") or ""), str(getattr(proto, "body", "") or "")]
            words.append(str(getattr(element, "label", "") or ""))
    words += [link.proto.label for link in app.get("page_link")]
    return unescape("\n".join(words))
