"""One theme: its words, the organisms that have it, its features and its proteins. Read `show`."""

import pandas as pd
import streamlit as st

from explorer.draw import confounded, downloads, markup, words
from explorer.draw.bars import Drawn, bars
from explorer.services import data, themes
from explorer.services.themes import Themed
from explorer.shell import doubts, frame, links, tables
from explorer.themes import told
from protsae.store.analyses.themes import OrganismShare, ThemeFeature, ThemeProtein, ThemeRow, ThemeWord

TABLE_PX = 380


def show(sae: str, held: Themed, row: ThemeRow) -> None:
    """All that is known of it."""
    found, number = themes.one(sae, held.fit.number, row.theme), held.fit.number
    with st.container(border=True):
        st.header(words.capitalised(held.name(row.theme)), anchor=False)
        mark = markup.badge("words go together", told.COHERENCE, "good")
        if not row.is_coherent:
            mark = markup.badge("no better than chance", told.COHERENCE, "warn")
        st.html(markup.wrap(mark, markup.paragraph(told.coherence(row), "ps-small ps-soft")))
        left, right = st.columns([1.4, 1], gap="medium")
        with left:
            _words(held.words.get(row.theme, []), key=f"{sae}_{number}_{row.theme}")
        with right:
            st.subheader("In which organisms", anchor=False)
            st.html(markup.wrap(_organisms(found.organisms, data.sae(sae).role)))
        left, right = st.columns(2, gap="medium")
        with left:
            _features(sae, found.features, key=f"theme_features_{sae}_{number}_{row.theme}")
        with right:
            _proteins(found.proteins, key=f"theme_proteins_{sae}_{number}_{row.theme}")


def _words(rows: list[ThemeWord], *, key: str) -> None:
    st.subheader("Its words", anchor=False)
    if not rows:
        st.html(markup.empty("No word stands out in this theme.", "Choose another number of themes."))
        return
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame({
            "Word": [word.name for word in rows],
            "Share": [word.share for word in rows],
            "Times usual": [word.lift for word in rows],
            "Proteins": [word.n_proteins for word in rows],
            "Open": [links.find(word.word if word.word.startswith("GO:") else word.name.split(":")[0]).url
                     for word in rows],
        }),
        hide_index=True, key=f"theme_words_{key}", height=min(TABLE_PX, 40 + 35 * len(rows)),
        column_config={
            "Word": st.column_config.TextColumn(width="medium", help="GO term, or kind of residue annotation."),
            "Share": st.column_config.ProgressColumn(
                help="Of all that the theme's features say.", format="percent", min_value=0,
                max_value=max(word.share for word in rows),
            ),
            "Times usual": number(help="This share over the word's share in all proteins.", format="%.1f"),
            "Proteins": number(help="Training proteins with the word.", format="localized"),
            "Open": st.column_config.LinkColumn(display_text="find"),
        },
    )  # fmt: skip
    head = list(ThemeWord._fields)
    st.download_button(
        "Words (CSV)", downloads.table_csv(head, [list(word) for word in rows]), f"theme_words_{key}.csv", "text/csv",
        icon=":material/download:", on_click="ignore", key=f"save_words_{key}",
    )  # fmt: skip


def _organisms(rows: list[OrganismShare], role: str) -> str:
    most = max((row.share for row in rows), default=1.0) or 1.0
    drawn = (
        Drawn(
            f"{words.species(row.organism) or 'others'} ({row.n_proteins:,})",
            row.share / most,
            words.percent(row.share),
            "guided" if role == "guided" else "unguided",
        )
        for row in rows
    )
    return bars(drawn, "mean share of the theme in a protein of the organism (proteins)")


def _features(sae: str, rows: list[ThemeFeature], *, key: str) -> None:
    st.subheader(words.count(len(rows), "feature"), anchor=False)
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame({
            "Feature": [row.feature for row in rows],
            "Label": [words.label(row.label, row.label_grade) for row in rows],
            "Evidence": [row.label_grade.replace("none", "not validated") for row in rows],
            confounded.COLUMN: doubts.column((sae, row.feature) for row in rows),
            "Part": [row.mass for row in rows],
        }),
        hide_index=True, height=TABLE_PX,
        column_config={
            "Label": st.column_config.TextColumn(help=words.HELP["label"], width="medium"),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"]),
            **doubts.column_config(),
            "Part": number(help="Its part of the theme.", format="percent"),
        },
        **tables.clickable(key),
    )  # fmt: skip
    clicked = tables.clicked_row(key)
    if clicked is not None:
        frame.go(links.feature(sae, rows[clicked].feature))


def _proteins(rows: list[ThemeProtein], *, key: str) -> None:
    many = len(rows) == themes.MOST_PROTEINS
    st.subheader(f"{'The first ' if many else ''}{words.count(len(rows), 'protein')}", anchor=False)
    if not rows:
        st.html(markup.empty("No protein of this bundle has much of it.", "The corpus behind it has more proteins."))
        return
    st.dataframe(
        pd.DataFrame({
            "Protein": [row.protein_name or row.accession for row in rows],
            "Accession": [row.accession for row in rows],
            "Organism": [words.species(row.organism) for row in rows],
            "Share": [row.share for row in rows],
        }),
        hide_index=True, height=TABLE_PX,
        column_config={
            "Protein": st.column_config.TextColumn(width="medium"),
            "Share": st.column_config.ProgressColumn(
                help=f"Of the protein's mixture. {told.MIXTURE}", format="percent", min_value=0, max_value=1
            ),
        },
        **tables.clickable(key),
    )  # fmt: skip
    clicked = tables.clicked_row(key)
    if clicked is not None:
        frame.go(links.protein(rows[clicked].accession))
