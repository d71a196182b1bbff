"""Tables whose rows open something: a click on any cell counts, once.

Read `clickable`, then `clicked_row`.
"""

from typing import Any

import streamlit as st


def clickable(key: str) -> dict[str, Any]:
    """What makes `st.dataframe` a table whose rows open something; `clicked_row` says which."""

    def note() -> None:
        cells = st.session_state[key]["selection"]["cells"]
        cell = tuple(cells[0]) if cells else None
        if cell is not None and cell != st.session_state.get(f"{key}_cell"):  # drawn anew, a table repeats its cell
            st.session_state[f"{key}_cell"] = cell
            st.session_state[f"{key}_clicked"] = int(cell[0])

    return {"key": key, "on_select": note, "selection_mode": "single-cell"}


def clicked_row(key: str) -> int | None:
    """The row of a clickable table that was clicked just now."""
    return st.session_state.pop(f"{key}_clicked", None)
