"""Maps of all features of two autoencoders, histograms to brush, and what ties them together in the browser.

Features come once (`send_features`), under a token; maps and histograms refer to it, so that what changes is small.
Pointing stays in the browser; Python hears of a brushed range, an outline and an opened feature. Everything is drawn on
plain canvases (`at_*.js`), which need no WebGL.

Read `feature_map`, then `at_main.js`.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import streamlit as st
import streamlit.components.v2 as components
from jaxtyping import Bool, Num

from explorer.components.modules import linked
from explorer.theme import Mode
from protsae import palette

_HERE = Path(__file__).parent

Range = tuple[float, float]


class Axis(NamedTuple):
    """A histogram that can be brushed."""

    name: str
    title: str
    low: float
    high: float
    log: bool
    percent: bool
    """Values are shares, told in percent."""
    ticks: tuple[str, ...]
    """Written below it at equal distances."""


class Drawn(NamedTuple):
    """An outline that a reader has drawn on a map."""

    side: int
    layout: str
    corners: list[tuple[float, float]]
    """Two of a box, more of an outline, none to clear what is marked."""


class Seen(NamedTuple):
    """The part of a map that is in view."""

    x: float
    """Of the middle, in the map's units."""
    y: float
    factor: float
    """1 = the whole map just fits."""


class Here(NamedTuple):
    """The feature that a page is about."""

    row: int
    name: str


class Colouring(NamedTuple):
    """What colours the points: codes with a colour each, or values on the activation ramp."""

    name: str
    """Of the codes or values that were sent."""
    colours: Sequence[str] = ()
    """By code; none for values."""
    low: float = 0.0
    high: float = 1.0
    log: bool = False


def packed(values: Num[np.ndarray, "..."], kind: Literal["<f4", "<i4", "u1"]) -> str:
    """Numbers as the browser unpacks them."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def packed_bits(marked: Bool[np.ndarray, " n"]) -> str:
    """Flags, eight to a byte, the first one lowest."""
    return packed(np.packbits(marked, bitorder="little"), "u1")


def send_features(data: Mapping[str, Any]) -> None:
    """Have the browser keep features under `data["token"]`; draws nothing and takes no room."""
    with st.container(key="order_features"):
        _renderer()(key="atlas_features", data={"part": "features", **data})


def brushes(
    *,
    token: str,
    ranges: Mapping[str, Range],
    colours: Sequence[str],
    mode: Mode,
    on_brushed: Callable[[str, Range | None], None],
) -> None:
    """Draw a histogram for every axis of the features.

    Args:
        token: of the features.
        ranges: what is brushed, by axis.
        colours: of the autoencoders.
        mode: light or dark.
        on_brushed: told the axis and its new range, None for all of it, before the run that follows.
    """
    key = "atlas_brushes"

    def tell() -> None:
        told = _told(key, "brushed", token)
        if told:
            span = told["range"]
            on_brushed(str(told["axis"]), None if span is None else (float(span[0]), float(span[1])))

    data = {"part": "brushes", "token": token, "brushes": ranges, "colours": list(colours), "ink": _ink(mode)}
    _renderer()(key=key, data=data, on_brushed_change=tell)


def feature_map(
    *,
    key: str,
    token: str,
    side: int,
    layout: str,
    colouring: Colouring,
    marked: Bool[np.ndarray, " n"] | None,
    here: Here | None,
    seen: Seen | None,
    alt: str,
    mode: Mode,
    height: int,
    on_drawn: Callable[[Drawn], None],
    on_seen: Callable[[int, str, Seen | None], None],
) -> int | None:
    """Draw one map; gives the row that was opened just now.

    Args:
        key: identity on the page.
        token: of the features.
        side: which of the autoencoders.
        layout: which of its places.
        colouring: of the points.
        marked: rows that stand out, the others fade; None for all alike.
        here: a row with a ring and its name.
        seen: the part in view; None for all.
        alt: what the map shows, for who cannot see it.
        mode: light or dark.
        height: pixels.
        on_drawn: told an outline before the run that follows.
        on_seen: told side, layout and what is in view, None for all, once a reader stops moving it.
    """

    def tell() -> None:
        told = _told(key, "drawn", token)
        if told:
            corners = [(float(x), float(y)) for x, y in told["corners"]]
            on_drawn(Drawn(int(told["side"]), str(told["layout"]), corners))

    def tell_seen() -> None:
        told = _told(key, "seen", token)
        if told:
            view = told["view"]
            on_seen(int(told["side"]), str(told["layout"]), None if view is None else Seen(*map(float, view)))

    result = _renderer()(
        key=key,
        data={
            "part": "map",
            "token": token,
            "side": side,
            "layout": layout,
            "colouring": _as_json(colouring, mode),
            "marked": None if marked is None else packed_bits(marked),
            "here": None if here is None else here._asdict(),
            "seen": None if seen is None else list(seen),
            "alt": alt,
            "ink": _ink(mode),
            "height": height,
        },
        on_drawn_change=tell,
        on_seen_change=tell_seen,
        on_opened_change=_nothing,
    )
    opened = result.get("opened")
    return int(opened["row"]) if opened and opened["token"] == token else None


def _told(key: str, event: str, token: str) -> dict[str, Any] | None:
    """What the browser has sent, unless it was about features that were shown a moment ago."""
    told = (st.session_state.get(key) or {}).get(event)
    return told if told and told["token"] == token else None


def _nothing() -> None:
    """An event that the component's value tells of."""


def _as_json(colouring: Colouring, mode: Mode) -> dict[str, Any]:
    if colouring.colours:
        return {"kind": "codes", "name": colouring.name, "colours": list(colouring.colours)}
    ramp = {"ramp": palette.RAMP[mode], "missing": palette.MISSING[mode]}
    span = {"low": colouring.low, "high": colouring.high, "log": colouring.log}
    return {"kind": "values", "name": colouring.name, **ramp, **span}


def _ink(mode: Mode) -> dict[str, str]:
    return {
        "text": palette.INK[mode],
        "soft": palette.SOFT[mode],
        "surface": palette.SURFACE[mode],
        "link": palette.LINK[mode],
    }


@lru_cache(maxsize=1)
def _renderer() -> Any:
    css = (_HERE / "atlas.css").read_text(encoding="utf-8")
    return components.component("protsae_atlas", css=css, js=linked(_HERE, "at_main.js"), isolate_styles=False)
