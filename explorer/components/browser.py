"""Orders to the browser that Streamlit has no call for: complete the address, follow a link, bring a place into view.

Read `order`, then `browser.js`.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
import streamlit.components.v2 as components

from explorer.components.modules import linked
from explorer.theme import Mode

_HERE = Path(__file__).parent


def order(key: str, token: str, **what: str) -> None:
    """Have the browser do `what` once; a rerun with the same token changes nothing.

    Args:
        key: Identity on the page; the order takes no room there (`theme.py` lifts it out of the flow).
        token: Of this order; '' for none, which keeps the place for later ones.
        what: `land`, `follow` or `centre`, each a CSS selector, or `page` and `search`, an address to complete.
    """
    with st.container(key=f"order_{key}"):
        _messenger()(key=f"messenger_{key}", data={"token": token, **what})


def redraw_in_other_colours(mode: Mode) -> None:
    """Have the page run again once its theme is no longer `mode`: what Python draws gets its colours in a run."""
    with st.container(key="order_theme"):
        _messenger()(key="messenger_theme", data={"token": "", "mode": mode}, on_turned_change=_nothing)


def _nothing() -> None:
    """The run that follows is all that is wanted."""


@lru_cache(maxsize=1)
def _messenger() -> Any:
    return components.component("protsae_browser", js=linked(_HERE, "browser.js"), isolate_styles=False)
