"""Which bundle of a suite is open, and the one control that chooses layer, site and width.

The address says it (`place`, the bundle's folder; the width goes with `sae`), and links carry it. In a bundle alone
with one autoencoder of a kind there is nothing to choose, and nothing of this is drawn. Read `settle`, then `picker`.
"""

import streamlit as st

from explorer.draw import regions
from explorer.draw import suite as drawn
from explorer.services import cached, data, suites
from explorer.shell import address, links

GONE = ("feature", "band", "go", "guided", "against", "rows", *regions.PARAMETERS, *address.OF_PROTEIN)
"""Parameters that mean nothing to another autoencoder."""


def settle(*, remember: bool) -> str:
    """Open the bundle that the address names; what was wrong with it, one sentence, '' where nothing was.

    Args:
        remember: An address without a place means the one that the reader chose before, else the first.

    Raises:
        BundleError: the suite's registry is damaged.
    """
    suite = cached.suite()
    if suite is None:
        return ""
    asked = st.query_params.get("place")
    if asked in suite.bundles:
        cached.show(asked)
        return ""
    if not remember:
        cached.show("")
    if asked is None:
        return ""
    cut = f"{asked[: links.MOST_QUOTED]!r}"
    return f"This suite has no place {cut}; it has {', '.join(suite.bundles)}."


def picker(sae: str) -> None:
    """Layer, site and width in one list, each with what tells it from the others.

    Args:
        sae: the autoencoder that is shown.
    """
    if not suites.is_one():
        return
    entries = suites.entries()
    options = {choice.code: choice for choice in drawn.choices(entries)}
    here = suites.entry(sae)
    code = drawn.Choice(here.bundle, here.place, here.width).code
    if code not in options or len(options) < 2:  # an imported one, of a width of its own
        return
    st.session_state["choice_place"] = code

    def write() -> None:
        chosen = options[st.session_state["choice_place"]]
        there = drawn.sibling(here, chosen, entries)
        cached.show(chosen.bundle)
        usual = there.sae == data.default_feature().sae
        address.write(**dict.fromkeys(GONE), **where(), sae=None if usual else there.sae)
        st.session_state["sae"] = there.sae

    st.selectbox(
        "Layer, site and width",
        list(options),
        key="choice_place",
        format_func=lambda option: drawn.title(options[option], entries),
        on_change=write,
        help=drawn.HELP,
    )
    st.caption(drawn.sentence(options[code], entries, suites.layers()))


def where() -> dict[str, str | None]:
    """The place for `address.write`: None where it is the first, or there is none."""
    return {"place": links.place_now().get("place")}
