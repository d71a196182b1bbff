"""The explorer on the made-up bundle: a page by its address, as a reader opens it."""

from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

APP = Path(__file__).resolve().parents[2] / "explorer" / "app.py"


@pytest.fixture(scope="session", autouse=True)
def closed_at_the_end() -> Iterator[None]:
    """What the explorer's cache holds open is released before the interpreter ends."""
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


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


def text_of(app: AppTest) -> str:
    """All that the page says, HTML included."""
    kinds = ("title", "subheader", "markdown", "caption", "html", "text_input", "button", "segmented_control")
    words: list[str] = []
    for kind in kinds:
        for element in app.get(kind):
            proto = getattr(element, "proto", None)
            words += [str(getattr(element, "value", "") or ""), str(getattr(proto, "body", "") or "")]
            words.append(str(getattr(element, "label", "") or ""))
    words += [link.proto.label for link in app.get("page_link")]
    return unescape("\n".join(words))
