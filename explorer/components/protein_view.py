"""One protein, tied together: activation strips, annotation tracks and 3D structure.

Hovering a residue lights it in all three, clicking keeps it (and tells Python), brushing a range zooms the structure;
none of that but the click leaves the browser. The drawing is in the modules `pv_*.js` (see `modules.py`); 3Dmol comes
from this app's own `static/` folder.

Read `protein_view`, then `pv_main.js`.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
import streamlit.components.v2 as components
from jaxtyping import Float

from explorer.components.modules import linked
from explorer.components.ribbon import drawable
from protsae import palette

_HERE = Path(__file__).parent
_VIEWER_FILE = "./app/static/3Dmol-min.js"
"""Relative to the page, so it holds under any base path or proxy."""
_PALETTE = {
    **palette.VIEWER,
    "paleFrom": palette.VIEWER_PALE_FROM,
    "elements": {name: colour for key, colour in palette.ELEMENTS.items() for name in (key, key.upper())},
}
"""Sent with every view; structure files spell elements either way."""


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


def protein_view(
    *,
    key: str,
    sequence: str,
    rows: Sequence[StripRow],
    tracks: Sequence[Track] = (),
    structure: StructureView | None = None,
    marks: Sequence[int] | Mapping[int, str] = (),
    coloured_row: int = 0,
    height: int = 420,
    scale_note: str = "Activation",
    report_range: bool = False,
) -> int | None:
    """Draw the protein and return the residue that the reader clicked last.

    Args:
        key: Identity of this view on the page.
        sequence: One-letter code.
        rows: Features as strips; one of them colours the structure.
        tracks: Annotations below the strips.
        structure: Experimental or uploaded structure.
        marks: Changed residues (1-based), outlined; a mapping adds what the tooltip says of each.
        coloured_row: Row that colours the structure until the reader chooses another.
        height: Of the 3D panel, pixels.
        scale_note: Words before the legend.
        report_range: Let `brushed_range` know of brushed ranges (each brush reruns the script).

    Returns:
        1-based residue, or None.
    """
    identity = hashlib.blake2b(sequence.encode(), digest_size=8).hexdigest()
    data = view_data(
        sequence=sequence, rows=rows, tracks=tracks, structure=structure, marks=marks,
        coloured_row=coloured_row, height=height,
    )  # fmt: skip
    data |= {
        "identity": identity,
        "scaleNote": scale_note,
        "reportRange": report_range,
        "library": _VIEWER_FILE,
        "palette": _PALETTE,
    }
    result = _renderer()(key=key, data=data, on_clicked_change=_nothing, on_range_change=_nothing)
    return _residue(result.get("clicked"), identity, len(sequence))


def brushed_range(key: str, sequence: str) -> tuple[int, int] | None:
    """The range (1-based, inclusive) brushed in a view that has `report_range`, or None."""
    identity = hashlib.blake2b(sequence.encode(), digest_size=8).hexdigest()
    chosen = (st.session_state.get(key) or {}).get("range")
    if not chosen or chosen.get("of") != identity:
        return None
    return int(chosen["from"]), int(chosen["to"])


def view_data(
    *,
    sequence: str,
    rows: Sequence[StripRow],
    tracks: Sequence[Track],
    structure: StructureView | None,
    marks: Sequence[int] | Mapping[int, str],
    coloured_row: int,
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
            {"label": row.label, "href": row.href, "values": _numbers(row.values), "scale": float(row.scale)}
            for row in rows
        ],
        "tracks": [{"name": track.name, "regions": [list(region) for region in track.regions]} for track in tracks],
        "structure": None if structure is None else _structure_data(structure, n),
        "marks": [int(position) for position in marks],
        "markNote": {str(k): v for k, v in marks.items()} if isinstance(marks, Mapping) else None,
        "colouredRow": min(coloured_row, max(len(rows) - 1, 0)),
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
        "title": structure.title + (" Ribbon estimated from C-alphas." if ready.is_trace else ""),
        "short": structure.title.split(",")[0] or "Structure",
        "asleep": structure.asleep,
    }


def _numbers(values: Float[np.ndarray, " n"]) -> list[float | None]:
    """Four significant digits: enough for a tooltip, a third of the bytes."""
    return [None if math.isnan(v) else (0 if v == 0 else float(f"{v:.4g}")) for v in np.asarray(values, float).tolist()]


def _residue(clicked: Any, identity: str, n: int) -> int | None:
    """A click on another sequence, shown under the same key before, is none on this one."""
    if not clicked or clicked.get("of") != identity:
        return None
    residue = int(clicked["residue"])
    return residue if 1 <= residue <= n else None


def _nothing() -> None:
    """A callback is what makes a state key known; there is nothing to do."""


@lru_cache(maxsize=1)
def _renderer() -> Any:
    cursor = f".psv {{ --psv-cursor: {palette.VIEWER['light']['cursor']}; }}\n"
    css = cursor + (_HERE / "protein_view.css").read_text(encoding="utf-8")
    return components.component("protsae_protein_view", css=css, js=linked(_HERE, "pv_main.js"), isolate_styles=False)
