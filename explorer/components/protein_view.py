"""One protein, tied together: activation strips, annotation tracks and 3D structure.

Hovering a residue lights it in all three, clicking keeps it, brushing a range zooms the structure, a dot beside a row
has that row colour it. What is kept Python hears of (`Kept`) and says again with each run, so that an address can hold
it; hovering stays in the browser. The drawing is in the modules `pv_*.js` (see `modules.py`); 3Dmol comes from this
app's own `static/` folder.

Read `protein_view`, then `pv_main.js`.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import streamlit as st
import streamlit.components.v2 as components
from jaxtyping import Float

from explorer.components.modules import linked
from explorer.components.ribbon import drawable
from protsae import palette
from protsae.structure.origin import doubts

_HERE = Path(__file__).parent
LIBRARY = "./app/static/3Dmol-min.js"
"""Relative to the page, so it holds under any base path or proxy."""
PALETTE = {
    **palette.VIEWER,
    "paleFrom": palette.VIEWER_PALE_FROM,
    "elements": {name: colour for key, colour in palette.ELEMENTS.items() for name in (key, key.upper())},
}
"""Sent with every view; structure files spell elements either way."""


Style = Literal["ribbon", "tube", "spheres"]
STYLES: dict[str, Style] = {"ribbon": "ribbon", "tube": "tube", "spheres": "spheres"}
"""By the name that an address knows."""


@dataclass(frozen=True, kw_only=True)
class StripRow:
    """One feature's activations along the sequence."""

    label: str
    values: Float[np.ndarray, " n_residues"]
    """Raw activations; NaN where there is none to show (hatched)."""

    scale: float
    """Activation of full colour; the same wherever this feature is shown, never per protein."""

    href: str | None = None
    """Where the label leads."""

    code: str = ""
    """Autoencoder and feature, for names of files."""

    note: str = ""
    """What its values are, where that is not what the view's `scale_note` says."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """Annotated regions of one kind."""

    name: str
    regions: Sequence[tuple[int, int, str]]
    """First residue, last residue (1-based, included) and a short note."""


@dataclass(frozen=True, kw_only=True)
class StructureView:
    """A structure whose residues count 1, 2, 3, ... in chain A; other chains are ligands."""

    pdb: str
    positions: Sequence[int]
    """Place in the sequence (1-based) of each residue; 0 = not in it."""

    author_numbers: Sequence[str] = ()
    """The structure's own residue numbers, shown on hover only."""

    title: str = ""
    """Caption, e.g. 'PDB 1MBN chain A, 2.0 Å'; its first comma ends the short name."""

    asleep: bool = False
    """Load on click only; for pages with several structures."""


class Kept(NamedTuple):
    """What a reader keeps of a view."""

    residue: int | None = None
    """1-based."""
    span: tuple[int, int] | None = None
    """Brushed residues, first and last."""
    row: int = 0
    """Row that colours the structure."""
    style: Style = "ribbon"
    """How the structure is drawn."""


def protein_view(
    *,
    key: str,
    sequence: str,
    rows: Sequence[StripRow],
    tracks: Sequence[Track] = (),
    structure: StructureView | None = None,
    marks: Sequence[int] | Mapping[int, str] = (),
    kept: Kept = Kept(),  # noqa: B008 - a constant
    on_kept: Callable[[Kept], None],
    name: str = "",
    height: int = 420,
    scale_note: str = "Activation",
) -> None:
    """Draw the protein.

    Args:
        key: Identity of this view on the page.
        sequence: One-letter code.
        rows: Features as strips; one of them colours the structure.
        tracks: Annotations below the strips.
        structure: Experimental or uploaded structure.
        marks: Changed residues (1-based), ticked, outlined where there is room; a mapping says what the tooltip adds.
        kept: What the reader keeps of it.
        on_kept: Told what the reader has changed in that, before the run that follows.
        name: Of the protein, for the file of a picture.
        height: Of the 3D panel, pixels; a low one has a button that makes it larger.
        scale_note: Words before the legend.
    """
    identity = hashlib.blake2b(sequence.encode(), digest_size=8).hexdigest()
    data = view_data(
        sequence=sequence, rows=rows, tracks=tracks, structure=structure, marks=marks,
        kept=kept, height=height,
    )  # fmt: skip
    data |= {
        "identity": identity,
        "name": name,
        "scaleNote": scale_note,
        "library": LIBRARY,
        "palette": PALETTE,
    }

    def tell() -> None:
        told = (st.session_state.get(key) or {}).get("kept")
        if told and told.get("of") == identity:  # a click on another protein, shown a moment ago, is none on this one
            span = told["span"] and (int(told["span"][0]), int(told["span"][1]))
            style = STYLES.get(told["style"], Kept().style)
            on_kept(Kept(told["residue"] and int(told["residue"]), span, int(told["row"]), style))

    _renderer()(key=key, data=data, on_kept_change=tell)


def view_data(
    *,
    sequence: str,
    rows: Sequence[StripRow],
    tracks: Sequence[Track],
    structure: StructureView | None,
    marks: Sequence[int] | Mapping[int, str],
    kept: Kept,
    height: int,
) -> dict[str, Any]:
    """The JSON that the browser draws from.

    Raises:
        ValueError: A row is not as long as the sequence, or a mark or position lies outside it.
    """
    n = len(sequence)
    for row in rows:
        if len(row.values) != n:
            raise ValueError(f"row {row.label!r} has {len(row.values)} values for {n} residues")
    outside = [position for position in marks if not 1 <= position <= n]
    if outside:
        raise ValueError(f"marked residue {outside[0]} lies outside 1..{n}")
    return {
        "sequence": sequence,
        "rows": [
            {
                "label": row.label,
                "href": row.href,
                "code": row.code,
                "note": row.note,
                "values": _numbers(row.values),
                "scale": float(row.scale),
            }
            for row in rows
        ],
        "tracks": [{"name": track.name, "regions": [list(region) for region in track.regions]} for track in tracks],
        "structure": None if structure is None else _structure_data(structure, n),
        "marks": [int(position) for position in marks],
        "markNote": {str(k): v for k, v in marks.items()} if isinstance(marks, Mapping) else None,
        "kept": kept._asdict() | {"row": min(kept.row, max(len(rows) - 1, 0))},
        "height": height,
    }


def _structure_data(structure: StructureView, n: int) -> dict[str, Any]:
    ready = drawable(structure.pdb)
    positions = [int(position) for position in structure.positions]
    if any(not 0 <= position <= n for position in positions):
        raise ValueError(f"a structure residue is placed outside the sequence's 1..{n}")
    return {
        "pdb": ready.text,
        "positions": positions,
        "numbers": [str(number) for number in structure.author_numbers],
        "doubt": doubts(structure.pdb),
        "title": structure.title + (" Ribbon estimated from C-alphas." if ready.is_trace else ""),
        "short": structure.title.split(",")[0] or "Structure",
        "asleep": structure.asleep,
    }


def _numbers(values: Float[np.ndarray, " n"]) -> list[float | None]:
    """Four significant digits: enough for a tooltip, a third of the bytes."""
    return [None if math.isnan(v) else (0 if v == 0 else float(f"{v:.4g}")) for v in np.asarray(values, float).tolist()]


def style_sheet() -> str:
    """The view's style, with the one colour that it does not take from the page's theme."""
    cursor = f".psv {{ --psv-cursor: {palette.VIEWER['light']['cursor']}; }}\n"
    return cursor + (_HERE / "protein_view.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _renderer() -> Any:
    js = linked(_HERE, "pv_main.js")
    return components.component("protsae_protein_view", css=style_sheet(), js=js, isolate_styles=False)
