"""A menu under a figure that saves it as SVG or PNG at the widths of journal columns; the browser does all of it.

Read `menu`, then `fig_save.js`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit.components.v2 as components

from explorer.components.modules import linked

_HERE = Path(__file__).parent
WIDTHS_MM = (89, 120, 183)
"""One, one and a half and two columns of a journal."""


def menu(
    key: str,
    target: str,
    *,
    name: str,
    title: str,
    note: str,
    facts: Mapping[str, Any],
    widths: Sequence[int] = WIDTHS_MM,
) -> None:
    """Draw the menu.

    Args:
        key: Identity on the page.
        target: CSS selector of what is saved.
        name: Of the file, without its ending.
        title: Of the picture, for readers of the file.
        note: What the picture was drawn from; stands under it.
        facts: The same for programs, as the file's metadata.
        widths: Offered, in millimetres.
    """
    data = {"target": target, "name": name, "title": title, "note": note, "facts": dict(facts), "widths": list(widths)}
    _saver()(key=key, data=data)


@lru_cache(maxsize=1)
def _saver() -> Any:
    return components.component("protsae_figure", js=linked(_HERE, "fig_save.js"), isolate_styles=False)
