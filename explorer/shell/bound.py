"""Number widgets that follow the address, as `frame.choice` does for lists.

Read `bound`.
"""

import math
from typing import Any

import streamlit as st

from explorer.shell import frame


def bound(name: str, default: float, low: float, high: float) -> dict[str, Any]:
    """Key and callback of a number widget for one query parameter; the default stays out of the address.

    Args:
        name: of the query parameter.
        default: taken where the address has none, or none that can be read; its type is the widget's.
        low: smallest value; the address's is brought into the range.
        high: largest value.
    """
    key = f"bound_{name}"
    st.session_state[key] = number(st.query_params.get(name), default, low, high)

    def write() -> None:
        value = st.session_state[key]
        frame.write_address(**{name: None if value == default else f"{value:g}"})

    return {"key": key, "on_change": write}


def number(text: str | None, default: float, low: float, high: float) -> float:
    """`text` as a number of the default's type within the range."""
    try:
        value = float(text) if text is not None else default
    except ValueError:
        value = default
    if not math.isfinite(value):
        value = default
    return type(default)(min(high, max(low, value)))
