"""Number widgets that follow the address, as `frame.choice` does for lists; what the address has amiss is said.

Read `bound`, then `asked`.
"""

import math
from typing import Any, NamedTuple

import streamlit as st

from explorer.draw import markup
from explorer.shell import frame


class Problem(NamedTuple):
    """Something that the address has amiss."""

    what: str
    """Quotes it."""
    instead: str
    """What the page does meanwhile."""


class Asked(NamedTuple):
    """A number of the address."""

    value: float
    problem: Problem | None
    """Why it is not what the address has; None where it is."""


def bound(name: str, default: float, low: float, high: float, *, aloud: bool = True) -> dict[str, Any]:
    """Key and callback of a number widget for one query parameter; the default stays out of the address.

    Args:
        name: of the query parameter.
        default: taken where the address has none, or none that can be read; its type is the widget's.
        low: smallest value; the address's is brought into the range.
        high: largest value.
        aloud: say here what the address has amiss; otherwise who shows the widget says `problem`.
    """
    key = f"bound_{name}"
    st.session_state[key], st.session_state[f"{key}_problem"] = found = asked(name, default, low, high)
    if aloud and found.problem is not None:
        say(found.problem)

    def write() -> None:
        value = st.session_state[key]
        st.session_state[f"{key}_problem"] = None
        frame.write_address(**{name: None if value == default else f"{value:g}"})

    return {"key": key, "on_change": write}


def problem(name: str) -> Problem | None:
    """What the address had amiss where `bound` was last called, until the widget is moved."""
    return st.session_state.get(f"bound_{name}_problem")


def say(amiss: Problem) -> None:
    """In the page."""
    st.html(markup.empty(*amiss))


def asked(name: str, default: float, low: float, high: float) -> Asked:
    """The number that the address has under a name, brought into the range."""
    text = st.query_params.get(name)
    value = number(text, default, low, high)
    if text is None or not (why := _why_not(text, value, f"{low:g} to {high:g}")):
        return Asked(value, None)
    return Asked(value, Problem(f"{name}={text[:20]!r} {why}.", f"Shown instead: {value:g}."))


def number(text: str | None, default: float, low: float, high: float) -> float:
    """`text` as a number of the default's type within the range."""
    value = default if text is None else _read(text)
    if not math.isfinite(value):
        value = default
    return type(default)(min(high, max(low, value)))


def _why_not(text: str, value: float, span: str) -> str:
    """Why `value` is not what `text` says; '' where it is."""
    given = _read(text)
    if given == value:
        return ""
    if not math.isfinite(given):
        return "is no number"
    return "is no whole number" if int(given) == value else f"does not lie in {span}"


def _read(text: str) -> float:
    """Not a number where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
