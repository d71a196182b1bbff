"""The address of the Steer page while a timer calls its fragments.

A request of the timer carries the address that the browser knew when it sent it, which may be older than the last move
of the slider. So no fragment reads the address: strength, tab and what its widgets choose lie in the session from where
the page is drawn as a whole, and a page that is drawn anew after such a request first restores the address.
Read `Drawn.anew`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import streamlit as st

from explorer.shell import frame, links
from explorer.shell.bound import Problem, bound, problem
from protsae.errors import InputError
from protsae.steering.steer import SteerConfig

LOWEST, HIGHEST = -2.0, 5.0
"""Of the strength."""

STRENGTH = SteerConfig().strength
"""Where the slider stands at first: as strong as in natural proteins."""

TABS = {
    "": "Difference",
    "odds": "Log-odds",
    "judges": "Judges",
    "controls": "Controls",
    "dose": "Dose",
    "samples": "Samples",
}
"""Below the answer, by the name that the address knows."""
NUMBERS = (10, 30, 100)
"""Samples that a reader may ask for."""
_BELOW = "steer_below"


class Below(NamedTuple):
    """What is chosen below the answer, whether its widget is drawn or not."""

    tab: str = ""
    scan: bool = False
    """Every residue is scanned, nothing hidden."""
    many: int = NUMBERS[0]
    """Samples."""
    problems: tuple[Problem, ...] = ()
    """What the address has amiss of it, until the reader changes any."""


class Drawn(NamedTuple):
    """What the address was when the page was drawn as a whole, and the widgets, which alone have changed it since."""

    params: dict[str, str]
    slider: dict[str, Any]
    """Its key and its callback, which writes its value into the address."""
    others: Callable[[], None]
    """Writes the values of the other features' sliders."""
    problems: tuple[Problem, ...] = ()
    """What the address has amiss of the settings."""

    def anew(self) -> NoReturn:
        """Draw the whole page again, where the reader left it."""
        frame.write_address(**(dict.fromkeys(st.query_params.to_dict()) | self.params))
        if problem("strength") is None:
            self.slider["on_change"]()
        self.others()
        if not below().problems:
            keep()
        st.rerun()


def drawn(others: Callable[[], None], problems: Sequence[Problem] = ()) -> Drawn:
    """To be called where the page is drawn as a whole; takes what the widgets show from the address."""
    asked = st.query_params.to_dict()
    amiss = []

    def one_of(name: str, shown: Mapping[str, str]) -> str:
        try:
            return links.read_choice(asked, name, list(shown))
        except InputError as error:
            first = next(iter(shown))
            amiss.append(Problem(str(error), f"Shown instead: {shown[first]}."))
            return first

    tab, many = one_of("tab", TABS), int(one_of("many", {str(n): f"{n} samples" for n in NUMBERS}))
    st.session_state[_BELOW] = Below(tab, asked.get("scan") == "1", many, tuple(amiss))
    return Drawn(asked, bound("strength", STRENGTH, LOWEST, HIGHEST, aloud=False), others, tuple(problems))


def below() -> Below:
    """What is chosen below the answer."""
    return st.session_state.get(_BELOW, Below())


def keep(**changed: Any) -> None:
    """Take note of what the reader has changed of it, and put all of it into the address."""
    now = st.session_state[_BELOW] = below()._replace(**changed, problems=())
    many = str(now.many) if now.many != NUMBERS[0] else None
    frame.write_address(tab=now.tab or None, scan="1" if now.scan else None, many=many)
