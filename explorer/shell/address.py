"""The address: what stands in the browser, what the reader changes in it, and where a change takes them.

Each change is one step of the browser's history. Streamlit's front end makes that step where the server sends query
parameters and where another page opens. It makes none where a link leads to the page that stands, so `arrive` sends
such parameters back; it makes two for `st.switch_page` to another page, so `follow` has the browser click a link.

Read `arrive`, then `write`.
"""

import secrets
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.components import browser

SUBJECTS = ("q", "place", "sae", "feature", "go", "ns", "guided", "against", "accession", "sequence")
"""Parameters that say what a page is about; a link that changes one begins at the page's top."""

OF_PROTEIN = ("protein", "residue", "range", "row", "ablate")
"""Parameters that lose their meaning where another feature, term or band is chosen."""

TOP = "top"
_KNOWN, _LANDING = "address_known", "address_landing"


class Known(NamedTuple):
    """The address as the last run left it."""

    page: str
    params: dict[str, str]


class Landing(NamedTuple):
    """Where the last link or step of the history took the reader."""

    token: str
    place: str


def arrive(page: str) -> bool:
    """Take note of the address at the beginning of a run; whether the reader came from another page by a link.

    What a widget wrote is known already. Parameters that are new here come from a link to the same page, which the
    browser has not written yet, or from a step of the history, which it has: then sending them back changes nothing.
    """
    now = Known(page, st.query_params.to_dict())
    before: Known | None = st.session_state.get(_KNOWN)
    st.session_state[_KNOWN] = now
    if before is None or before == now:
        return False
    if before.page != page:
        return not _stepping()
    st.query_params.from_dict(now.params)
    changed = {name for name, _ in before.params.items() ^ now.params.items()}
    where = TOP if changed & set(SUBJECTS) else "protein" if "protein" in changed else ""
    if where:
        st.session_state[_LANDING] = Landing(secrets.token_hex(4), where)
    return False


def _stepping() -> bool:
    """The run answers a step back or forward."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def land() -> None:
    """Bring what the last link changed into view; drawn in every run, so that all below keeps its place."""
    landing = _landing()
    itself = ".st-key-order_landing"  # it lies at the top
    mark = f'[data-landing="{landing.token}"]'
    browser.order("landing", landing.token, land=itself if landing.place == TOP else mark)


def place(name: str) -> str:
    """HTML that marks a place which links to this page can change, for `land`."""
    landing = _landing()
    token = landing.token if landing.place == name else ""
    return f'<span class="ps-place" data-landing="{token}"></span>'


def _landing() -> Landing:
    return st.session_state.get(_LANDING, Landing("", ""))


def follow(script: str, params: dict[str, str]) -> None:
    """Have the browser open another page as if the reader had clicked a link to it."""
    with st.container(key="order_link"):
        st.page_link(script, label="Open", query_params=params)
    browser.order("follow", secrets.token_hex(4), follow=".st-key-order_link a")


def write(**params: str | None) -> None:
    """Set query parameters, None removes one; one step of the browser's history, none where nothing changes."""
    before = st.query_params.to_dict()
    after = {name: value for name, value in (before | params).items() if value is not None}
    if after != before:
        st.query_params.from_dict(after)
        _note(after)


def complete(page: str, params: dict[str, str]) -> None:
    """Give an address without parameters these ones, in the browser and without a step of its history."""
    search = urlencode(params)
    browser.order("address", secrets.token_hex(4) if search else "", page=page, search=search)
    if search:
        _note(params)


def _note(params: dict[str, str]) -> None:
    known: Known | None = st.session_state.get(_KNOWN)
    if known is not None:
        st.session_state[_KNOWN] = known._replace(params=params)
