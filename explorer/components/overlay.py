"""Several chains superposed: stills that wake one 3D view of all of them. Read `Layer`, then `overlay.js`."""

import base64
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import streamlit.components.v2 as components

from explorer.components.modules import linked
from explorer.components.protein_view import LIBRARY, PALETTE, style_sheet

_HERE = Path(__file__).parent


class Layer(NamedTuple):
    """One chain, in the frame that all of them share."""

    text: str
    """PDB text of chain A."""
    name: str
    note: str
    tone: str
    """Colour of its ribbon."""
    active: Sequence[tuple[int, float]]
    """Modelled residues, from 0, that were laid over those of others, each with its share of full colour."""
    peak: int
    """Modelled residue of the strongest activation, from 0."""
    still: str
    """A picture of it, SVG."""
    doubt: Sequence[int]
    """How sure a predicted model is of each residue (`protsae.structure.origin.doubts`); empty for an experiment."""


def overlay(*, key: str, layers: Sequence[Layer]) -> None:
    """Draw the chains.

    Args:
        key: identity on the page.
        layers: the chains, the first of them the one that stays where it is.
    """
    chains = [
        {**layer._asdict(), "active": [list(pair) for pair in layer.active], "still": _as_address(layer.still)}
        for layer in layers
    ]
    _renderer()(key=key, data={"chains": chains, "library": LIBRARY, "palette": PALETTE})


def _as_address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


@lru_cache(maxsize=1)
def _renderer() -> Any:
    css = style_sheet() + (_HERE / "overlay.css").read_text(encoding="utf-8")
    return components.component("protsae_overlay", css=css, js=linked(_HERE, "overlay.js"), isolate_styles=False)
