"""The address of the Steer page while a timer calls its fragments.

A request of the timer carries the address that the browser knew when it sent it, which may be older than the last move
of the slider. So no fragment reads the address, and a page that is drawn anew after such a request first restores it.
Read `Drawn.anew`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import streamlit as st

from explorer.shell import frame
from explorer.shell.bound import bound
from protsae.steering.steer import SteerConfig

LOWEST, HIGHEST = -2.0, 5.0
"""Of the strength."""

STRENGTH = SteerConfig().strength
"""Where the slider stands at first: as strong as in natural proteins."""


class Drawn(NamedTuple):
    """What the address was when the page was drawn as a whole, and the sliders, which alone have changed it since."""

    params: dict[str, str]
    slider: dict[str, Any]
    """Its key and its callback, which writes its value into the address."""
    others: Callable[[], None]
    """Writes the values of the other features' sliders."""

    def anew(self) -> NoReturn:
        """Draw the whole page again, where the reader left it."""
        frame.write_address(**(dict.fromkeys(st.query_params.to_dict()) | self.params))
        self.slider["on_change"]()
        self.others()
        st.rerun()


def drawn(others: Callable[[], None]) -> Drawn:
    """To be called where the page is drawn as a whole; takes the slider's value from the address."""
    return Drawn(st.query_params.to_dict(), bound("strength", STRENGTH, LOWEST, HIGHEST), others)
