"""Map: what is in there? Every feature of a guided autoencoder and of one without guidance, side by side."""

import streamlit as st

from explorer.atlas import colours
from explorer.atlas.payload import payload
from explorer.atlas.view import Choices, view
from explorer.components import atlas
from explorer.draw import markup
from explorer.services import data, maps
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links
from protsae.errors import InputError
from protsae.store.analyses.families import FAMILIES
from protsae.store.analyses.maps import MAPS, Layout, layout_named

LAYOUTS: dict[Layout, str] = {"activations": "Fire on the same proteins", "directions": "Write similar directions"}
"""What the choice of a layout says."""

LEADS: dict[Layout, str] = {
    "activations": "Each point is a feature; features that fire on the same proteins lie close.",
    "directions": "Each point is a feature; features that write similar directions into the model lie close.",
}

LAYOUT_HELP = (
    "By activations: features lie close whose strongest activations in training proteins rise and fall together. By "
    "directions: features lie close whose decoder directions, what they write into the language model, point the same "
    "way. Offered first is the one that keeps features with the same confirmed label together best; below each map "
    "stands how well."
)


def main() -> None:
    """The page."""
    saes = shown()
    layouts = maps.layouts(saes)
    asked = layout_named(st.query_params.get("layout", layouts[0]))
    lead = LEADS[asked if asked in layouts else layouts[0]]
    frame.headline(
        "Maps of all features",
        f"{lead} Point at one to see what fires alike on the other map, click it to open it, or draw a lasso to list "
        "several and what they have in common.",
        tab=("Map",),
    )
    if reason := data.absence(MAPS):
        frame.say(reason)
    chosen = controls(layouts)
    here = named()
    atlas.send_features(payload(saes))
    view(saes, chosen, here)


def controls(layouts: list[Layout]) -> Choices:
    """Layout, colour and the text that marks labels; they follow the address."""
    left, right = st.columns([1.5, 1], vertical_alignment="bottom")
    with left:
        layout = layouts[0]
        if len(layouts) > 1:
            layout = layout_named(
                frame.choice(
                    "Close are features that",
                    "layout",
                    layouts,
                    show=lambda name: LAYOUTS[layout_named(name)],
                    tip=LAYOUT_HELP,
                )
            )
    with right:
        text = label_filter()
    offered = [name for name in colours.COLOURINGS if name != "family" or not data.absence(FAMILIES)]
    colour = frame.choice("Colour", "colour", offered, show=colours.COLOURINGS.__getitem__)
    return Choices(layout, colour, text)


def named() -> FeatureRef | None:
    """The feature that the address names, which its map shows."""
    params = st.query_params.to_dict() | {"sae": frame.settings().sae}
    try:
        return links.read_feature(params, data.saes())
    except InputError as error:
        st.html(markup.empty(str(error), "Shown instead: the map with no feature marked."))
        return None


def shown() -> tuple[str, ...]:
    """One guided autoencoder and one without guidance, the side bar's where it is one; two of a kind for want of other.

    The order is that of the side bar's list.
    """
    rows = sorted(data.saes(), key=lambda row: row.name != frame.settings().sae)
    first = rows[0]
    second = next((row for row in rows if (row.role == "guided") != (first.role == "guided")), None)
    second = second or next((row for row in rows[1:]), None)
    return tuple(row.name for row in data.saes() if row in (first, second))


def label_filter() -> str:
    """Text that marks features by label; it follows the address."""
    st.session_state["map_filter"] = st.query_params.get("find", "")

    def write() -> None:
        frame.write_address(find=st.session_state["map_filter"].strip() or None)

    return st.text_input(
        "Mark labels that contain",
        key="map_filter",
        on_change=write,
        placeholder="binding, membrane, kinase …",
        live="300ms",
        type="search",
    ).strip()


main()
