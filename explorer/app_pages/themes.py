"""Themes: what are these proteins about, in groups of features?"""

import pandas as pd
import streamlit as st

from explorer.draw import markup, words
from explorer.draw.bars import Drawn, bars
from explorer.services import data, themes
from explorer.services.themes import Themed
from explorer.shell import bound, frame, links, tables
from explorer.themes import chosen, told
from protsae.store.analyses.themes import THEMES


def main() -> None:
    """The page."""
    frame.headline("What are these proteins about?", told.LEAD, tab=("Themes",))
    if reason := data.absence(THEMES):
        frame.say(reason)
        return
    sae = frame.settings().sae
    numbers = themes.numbers(sae)
    if not numbers:
        st.html(
            markup.empty(
                f"{data.sae(sae).display_name} has too few features to join.", "Choose another autoencoder aside."
            )
        )
        return
    held = themes.themed(sae, how_many(sae, numbers))
    frame.say(told.quality(held.fit), "ps-small ps-soft")
    theme = every(sae, held)
    of_protein(sae, held)
    chosen.show(sae, held, held.rows[theme])


def how_many(sae: str, numbers: list[int]) -> int:
    """A slider for the number of themes; it follows the address."""
    usual = themes.usual(sae) or numbers[0]
    asked = bound.asked("number", usual, numbers[0], numbers[-1])
    shown = min(numbers, key=lambda one: (abs(one - asked.value), one))
    if asked.problem is not None:
        bound.say(asked.problem._replace(instead=f"Shown instead: {shown} themes."))
    st.session_state["themes_number"] = shown

    def write() -> None:
        number = st.session_state["themes_number"]
        frame.write_address(number=None if number == usual else str(number), theme=None)

    return st.select_slider(
        "How many themes",
        numbers,
        key="themes_number",
        on_change=write,
        help="Few are broad, many are fine. What each feature says stays the same; only the grouping is made anew.",
    )


def every(sae: str, held: Themed) -> int:
    """All themes as rows, and the number of the one that the address names; a click chooses another."""
    number = st.column_config.NumberColumn
    key = f"themes_{sae}_{held.fit.number}"
    st.dataframe(
        pd.DataFrame({
            "Theme": [words.capitalised(held.name(row.theme, 3)) for row in held.rows],
            "Share": [row.mass for row in held.rows],
            "Proteins": [row.n_proteins for row in held.rows],
            "Features": [row.n_features for row in held.rows],
            "Coherence": [row.coherence for row in held.rows],
            "Null": [row.null_coherence for row in held.rows],
        }),
        hide_index=True, height=min(430, 40 + 35 * len(held.rows)),
        column_config={
            "Theme": st.column_config.TextColumn(width="large", help="Its first words."),
            "Share": st.column_config.ProgressColumn(
                help="Of the mixtures of all training proteins.", format="percent", min_value=0,
                max_value=max(row.mass for row in held.rows),
            ),
            "Proteins": number(help="Proteins of the corpus of which it is the largest theme.", format="localized"),
            "Coherence": number(help=told.COHERENCE, format="%.2f"),
            "Null": number(help="Coherence of as many features joined at random.", format="%.2f"),
        },
        **tables.clickable(key),
    )  # fmt: skip
    clicked = tables.clicked_row(key)
    if clicked is not None:
        frame.write_address(theme=str(clicked) if clicked else None)
    st.caption("Click a row to see its words, features and proteins below.")
    asked = bound.asked("theme", 0, 0, len(held.rows) - 1)
    theme = int(asked.value)
    if asked.problem is not None:
        bound.say(asked.problem._replace(instead=f"Shown instead: {words.capitalised(held.name(theme, 3))}."))
    return theme


def of_protein(sae: str, held: Themed) -> None:
    """The mixture of one protein, by its accession."""
    st.session_state["themes_protein"] = st.query_params.get("accession", "")

    def write() -> None:
        frame.write_address(accession=st.session_state["themes_protein"].strip() or None)

    accession = st.text_input(
        "Themes of one protein",
        key="themes_protein",
        on_change=write,
        placeholder="accession, such as P0A6F5",
        max_chars=40,
        help=told.MIXTURE,
    ).strip()
    if not accession:
        return
    protein = data.protein(accession) or data.protein(accession.upper())
    if protein is None:
        st.html(
            markup.empty(f"{accession!r} is no protein of this bundle.", "Give the accession of one that Find shows.")
        )
        return
    mixed = themes.mixture(sae, held.fit.number, protein.accession)
    if not mixed:
        st.html(markup.empty("No theme has a large share of this protein.", "Fewer themes are broader."))
        return
    role = data.sae(sae).role
    drawn = (Drawn(words.capitalised(held.name(one.theme)), one.share, words.percent(one.share), role) for one in mixed)
    frame.link(links.protein(protein.accession), protein.protein_name or protein.accession)
    st.html(markup.wrap(bars(drawn, "share of the protein's mixture; small ones are left out")))


main()
