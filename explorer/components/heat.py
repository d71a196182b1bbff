"""All features that fire in one protein as one picture: a line a feature, a column a residue, one canvas.

Codes are sparse, so only residues that fire are sent. A click on a line, or Enter on its name, tells Python its code;
arrow keys move between lines. The drawing is in `heat.js`. Read `heat_strip`.
"""

import base64
import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
import streamlit.components.v2 as components
from jaxtyping import Float, Int

from explorer.components.modules import linked
from explorer.components.protein_view import PALETTE

_HERE = Path(__file__).parent
MOST_COLUMNS = 1400
"""Beyond so many residues neighbours share a column, the strongest of them shown."""


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    """One feature's activations, sparse."""

    label: str
    code: str
    """What Python is told when the line is picked."""

    number: str
    """Of the feature, as its link shows it."""

    href: str
    residues: Int[np.ndarray, " n_active"]
    """From 0, ascending."""

    values: Float[np.ndarray, " n_active"]
    scale: float
    """Activation of full colour."""

    group: str = ""
    """Title above the first line of the same group."""


def heat_strip(
    *,
    key: str,
    sequence: str,
    rows: Sequence[HeatRow],
    picked: Collection[str],
    span: tuple[int, int] | None,
    on_picked: Callable[[str], None],
) -> None:
    """Draw the picture.

    Args:
        key: Identity of this picture on the page.
        sequence: One-letter code.
        rows: Features, those of one group together.
        picked: Codes of the lines that are marked.
        span: Residues (1-based, included) that are marked.
        on_picked: Told the code of a line that was clicked, before the run that follows.
    """
    data = heat_data(sequence, rows)
    data |= {"picked": [row.code for row in rows if row.code in picked], "span": span, "palette": PALETTE}

    def tell() -> None:
        told = (st.session_state.get(key) or {}).get("picked")
        if told and told.get("of") == data["identity"]:
            on_picked(str(told["code"]))

    _renderer()(key=key, data=data, on_picked_change=tell)


def heat_data(sequence: str, rows: Sequence[HeatRow]) -> dict[str, Any]:
    """The JSON that the browser draws from; levels are shares of full colour in 255ths, at least 1 where it fires."""
    n_columns = min(len(sequence), MOST_COLUMNS)
    column_of = np.arange(len(sequence)) * n_columns // max(len(sequence), 1)
    columns, levels, starts = [], [], [0]
    for row in rows:
        level = np.clip(np.ceil(255 * row.values / (row.scale or 1)), 1, 255)
        at = column_of[row.residues]
        first = np.flatnonzero(np.diff(at, prepend=-1))
        columns.append(at[first])
        levels.append(np.maximum.reduceat(level, first) if len(first) else level)
        starts.append(starts[-1] + len(first))
    return {
        "identity": hashlib.blake2b(sequence.encode(), digest_size=8).hexdigest(),
        "sequence": sequence,
        "columns": n_columns,
        "lines": [
            {"label": row.label, "code": row.code, "number": row.number, "href": row.href, "group": row.group}
            for row in rows
        ],
        "starts": starts,
        "at": _packed(np.concatenate([*columns, np.zeros(0)]), "<u2"),
        "levels": _packed(np.concatenate([*levels, np.zeros(0)]), "u1"),
    }


def _packed(numbers: np.ndarray, kind: str) -> str:
    return base64.b64encode(numbers.astype(kind).tobytes()).decode("ascii")


@lru_cache(maxsize=1)
def _renderer() -> Any:
    css = (_HERE / "heat.css").read_text(encoding="utf-8")
    return components.component("protsae_heat", css=css, js=linked(_HERE, "heat.js"), isolate_styles=False)
