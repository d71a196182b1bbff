"""Both maps with their histograms and lists; only this part of the page reruns on a brush, a lasso or a click.

Read `view`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from explorer import theme
from explorer.atlas import brushes, colours, zoom
from explorer.atlas.enriched import enriched
from explorer.atlas.listed import listed
from explorer.atlas.payload import payload, tables_of
from explorer.atlas.selection import Selection, select
from explorer.components import atlas
from explorer.components.atlas import Drawn, Here, Range
from explorer.draw import markup, regions, words
from explorer.services import data, maps
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links, takeaway
from protsae import palette
from protsae.store.analyses.maps import PLACES, Layout, Separation, layout_named

HEIGHT = 470
"""Of a map, pixels."""

N_FAMILIES = len(palette.FAMILIES["light"])

LAYOUT_WORDS: dict[Layout, str] = {"activations": "what they fire on", "directions": "what they write"}
"""By what features lie close."""


class Choices(NamedTuple):
    """What the page's controls say."""

    layout: Layout
    colour: str
    text: str
    """That labels are searched for; '' for none."""


class Maps(NamedTuple):
    """What the page shows in this run."""

    tables: dict[str, pd.DataFrame]
    """`maps.points` by autoencoder, the first map's first."""
    token: str
    """Of the features in the browser."""
    chosen: Choices
    ranges: dict[str, Range]
    selected: list[Selection]
    """By map."""
    here: FeatureRef | None
    """The feature that the address names."""


@st.fragment
@frame.guarded
def view(saes: tuple[str, ...], chosen: Choices, here: FeatureRef | None) -> None:
    """Histograms, maps and lists of these autoencoders."""
    token, tables = payload(saes)["token"], tables_of(saes)
    ranges, problem = brushes.of_address()
    if problem:
        st.html(markup.empty(problem, "Shown instead: all features."))
    mode = frame.mode()
    identities = [theme.identity(data.sae(sae).role, mode) for sae in saes]
    st.caption(
        "Drag over a histogram, or move its ends, to keep features in that range only. Bars: square root of the number."
    )
    atlas.brushes(token=token, ranges=ranges, colours=identities, mode=mode, on_brushed=brushes.write)
    selected = [select(table, side, chosen.text, ranges) for side, table in enumerate(tables.values())]
    shown = Maps(tables, token, chosen, ranges, selected, here)
    with st.container(key="roomy_maps"):
        columns = st.columns(len(saes), gap="medium")
    for (side, sae), column in zip(enumerate(saes), columns, strict=True):
        with column:
            one_map(sae, side, shown)
            _lists(sae, side, shown)


def one_map(sae: str, side: int, shown: Maps) -> None:
    """One autoencoder's map under its name, and below it what its colours mean and how good it is."""
    table, chosen = shown.tables[sae], shown.chosen
    st.html(markup.wrap(heading(sae, table, chosen, shown.selected[side])))
    title = f"Features of {data.sae(sae).display_name}, near one another by {LAYOUT_WORDS[chosen.layout]}"
    with takeaway.figure(f"map_{side}", title, saes=[sae]):
        row = points(sae, side, shown)
        roots = maps.family_roots(sae, N_FAMILIES) if chosen.colour == "family" else {}
        told = separation(sae, chosen.layout)
        below = markup.paragraph(told, "ps-soft ps-small") if told else ""
        st.html(markup.wrap(colours.legend(table, chosen.colour, frame.mode(), roots), below))
    if row is not None:
        frame.go(links.feature(sae, int(table["feature"].iloc[row])))


def points(sae: str, side: int, shown: Maps) -> int | None:
    """The canvas of one map; gives the row whose point was clicked just now."""
    table, selection, chosen, mode = shown.tables[sae], shown.selected[side], shown.chosen, frame.mode()
    return atlas.feature_map(
        key=f"map_{sae}",
        token=shown.token,
        side=side,
        layout=chosen.layout,
        colouring=colours.colouring(chosen.colour, mode),
        marked=selection.marked,
        here=_here(table, sae, shown.here),
        seen=zoom.of_address(side, chosen.layout),
        alt=described(sae, table, chosen, selection),
        mode=mode,
        height=HEIGHT,
        on_drawn=lambda drawn: mark(drawn, table.loc[selection.shown]),
        on_seen=zoom.write,
    )


def heading(sae: str, table: pd.DataFrame, chosen: Choices, selection: Selection) -> str:
    """HTML of what a map shows: whose features, how many, and how many lie elsewhere or nowhere."""
    row = data.sae(sae)
    placed = table[PLACES[chosen.layout][0]].notna()
    missing = row.d_sae - int(placed.sum())
    facts = f"{words.count(int(placed.sum()), 'feature')}, {row.n_defined} of them guided"
    if missing:
        why = "fire in no protein that the map is made from" if chosen.layout == "activations" else "never fire"
        facts += f"; {missing:,} more {why} and have no place"
    if not selection.shown.all():
        facts += f"; {int(selection.shown.sum()):,} in the brushed ranges"
    if selection.marked is not None:
        facts += f"; {int((selection.marked & selection.shown).sum()):,} marked"
    name = f"{markup.dot(row.role)}<b>{markup.escape(words.sae_long(row))}</b>"
    return f'{name}<br><span class="ps-soft">{markup.escape(facts)}</span>'


def described(sae: str, table: pd.DataFrame, chosen: Choices, selection: Selection) -> str:
    """The map in words, for who cannot see it."""
    shown = int((selection.shown & table[PLACES[chosen.layout][0]].notna()).sum())
    found = selection.listed
    end = f"; {int(found.sum()):,} stand out and are listed below it." if found is not None else "."
    return (
        f"Map of {words.count(shown, 'feature')} of {data.sae(sae).display_name}, near one another by "
        f"{LAYOUT_WORDS[chosen.layout]}, coloured by: {colours.COLOURINGS[chosen.colour]}{end}"
    )


def separation(sae: str, layout: Layout) -> str:
    """How well this map keeps labels together, beside the full space and luck; '' where it was not measured."""
    found = {
        row.space: row
        for row in maps.separations()
        if (row.sae, row.layout, row.grouping) == (sae, layout, "label") and row.k
    }
    return in_words(found["map"], found["full"]) if len(found) == 2 else ""


def in_words(on_map: Separation, full: Separation) -> str:
    """The separation of a map in one sentence."""
    return (
        f"Of the {on_map.k} nearest features with a confirmed label, {on_map.same:.1f} carry the same one; "
        f"{full.same:.1f} in the full space that this map is drawn from, {on_map.by_chance:.1f} by chance, and "
        f"{on_map.possible:.1f} at most, for some labels have few features."
    )


def mark(drawn: Drawn, shown: pd.DataFrame) -> None:
    """Put what was drawn around into the address.

    Args:
        drawn: the outline.
        shown: points that the brushes leave; no others count.
    """
    layout = layout_named(drawn.layout)
    inside = regions.enclosed(np.array(drawn.corners), shown, layout) if len(drawn.corners) > 1 else []
    frame.write_address(**{regions.PARAMETERS[drawn.side]: regions.written(inside, drawn.corners, layout)})


def _here(table: pd.DataFrame, sae: str, here: FeatureRef | None) -> Here | None:
    """The feature that the address names, where it is on this map."""
    found = table.loc[table["feature"] == here.feature] if here is not None and here.sae == sae else table.iloc[:0]
    if found.empty:
        return None
    row = found.iloc[0]
    return Here(int(found.index[0]), f"{words.label(row['label'], row['label_grade'])} #{row['feature']}")


def _lists(sae: str, side: int, shown: Maps) -> None:
    """What stands out on a map; where nothing does, the counterparts of what does on the other one."""
    table, selection = shown.tables[sae], shown.selected[side]
    if selection.listed is not None:
        chosen = table.loc[selection.listed]
        if selection.by != "label" and len(chosen):
            enriched(sae, chosen["feature"].tolist())
        listed(chosen, sae, "shown" if selection.by == "brush" else "marked")
        return
    for (name, theirs), other in zip(shown.tables.items(), shown.selected, strict=True):
        if name != sae and other.listed is not None:
            near = theirs.loc[other.listed, "counterpart"]
            listed(table.loc[table["feature"].isin(near)], sae, "fire most alike, in squares")
