"""What part of a map is in view, as the address holds it: `zoom=a_4.170_-0.820_3.20`: layout, middle, and factor.

The layout's letter is that of outlines (`regions.LETTERS`): on the other layout the same place means nothing, and all
of it is shown. Read `written`, then `read`.
"""

import re

import streamlit as st

from explorer.components.atlas import Seen
from explorer.draw import regions
from explorer.shell import frame
from protsae.store.analyses.maps import Layout, layout_named

PARAMETERS = ("zoom", "zoom2")
"""Query parameters of the first and of the second map."""

_NUMBER = r"-?[0-9]{1,6}(?:\.[0-9]{1,5})?"
_SEEN = re.compile(rf"([oa])_({_NUMBER})_({_NUMBER})_([0-9]{{1,2}}(?:\.[0-9]{{1,3}})?)")


def written(seen: Seen | None, layout: Layout) -> str | None:
    """The parameter's text; None where the whole map is in view."""
    if seen is None:
        return None
    return f"{regions.LETTERS[layout]}_{seen.x:.3f}_{seen.y:.3f}_{seen.factor:.2f}"


def read(text: str, layout: Layout) -> Seen | None:
    """What a text says of a layout; None for all of it, also where the text is of the other layout or of none."""
    found = _SEEN.fullmatch(text)
    if found is None or found[1] != regions.LETTERS[layout]:
        return None
    x, y, factor = map(float, found.groups()[1:])
    return Seen(x, y, factor)


def of_address(side: int, layout: Layout) -> Seen | None:
    """What the page's address says of a map."""
    return read(st.query_params.get(PARAMETERS[side], ""), layout)


def write(side: int, layout: str, seen: Seen | None) -> None:
    """Put what a reader looks at into the address."""
    frame.write_address(**{PARAMETERS[side]: written(seen, layout_named(layout))})
