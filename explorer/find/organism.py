"""An organism that the search text names: its proteins, and the terms that they carry more often than others.

Read `show`.
"""

import pandas as pd
import streamlit as st

from explorer.draw import downloads, outward, words
from explorer.services import data, proteins
from explorer.shell import frame, links
from explorer.shell.tables import clickable, clicked_row

MOST_TERMS = 60
CHANCE = (
    "Chance that as many proteins, drawn from all that are annotated in the term's sub-ontology, carry it as often "
    "(hypergeometric). Shipped proteins are no random draw of an organism's, and terms are not independent: it ranks."
)


def show(query: str) -> None:
    """A card for the organism with most proteins that is called so; nothing where none is."""
    names = proteins.organisms_called(query)
    if not names:
        return
    n_proteins = {row.name: row.n_proteins for row in data.corpus().organisms}
    with st.container(border=True):
        st.header(names[0], anchor=False)
        others = ", ".join(f"{name} {n_proteins[name]:,}" for name in names[1:4])
        also = f" Also called so: {others}." if others else ""
        frame.say(f"{words.count(n_proteins[names[0]], 'protein')} of it ship with this bundle.{also}")
        to = links.Link("find", {"q": query, "list": "proteins", "organism": names[0]})
        frame.link(to, "List its proteins", icon=":material/list:")
        table(names[0])


def table(organism: str) -> None:
    """Terms that its proteins carry more often than the others'; a click searches for one."""
    rows = proteins.organism_terms(organism)
    if rows.empty:
        st.caption("No term is carried by its proteins more often than by the others.")
        return
    shown = rows.head(MOST_TERMS)
    st.caption(
        f"{words.count(len(rows), 'term')} that its proteins carry more often than the others' here, the surest first; "
        f"click a row to search for it."
    )
    key = f"organism_{abs(hash(organism))}"
    st.dataframe(
        pd.DataFrame({
            "Term": shown["name"],
            "Sub-ontology": shown["namespace"].map(words.NAMESPACES),
            "Proteins": shown["n_here"],
            "Share here": shown["share_here"],
            "Share elsewhere": shown["share_elsewhere"],
            "Chance": shown["p_value"],
            "QuickGO": [f"{outward.QUICKGO}{go_id}" for go_id in shown["go_id"]],
        }),
        hide_index=True, height=min(248, 38 + 35 * len(shown)), **clickable(key),
        column_config={
            "Term": st.column_config.TextColumn(width="medium"),
            "Share here": st.column_config.NumberColumn(format="percent", help="Of its annotated proteins."),
            "Share elsewhere": st.column_config.NumberColumn(format="percent", help="Of all other annotated proteins."),
            "Chance": st.column_config.NumberColumn(format="%.1e", help=CHANCE),
            "QuickGO": st.column_config.LinkColumn(display_text=r"term/(GO:\d+)"),
        },
    )  # fmt: skip
    st.download_button(
        "These terms (CSV)", lambda: downloads.table_csv(list(rows.columns), rows.itertuples(index=False, name=None)),
        f"{downloads.file_name(organism)}_terms.csv", "text/csv", icon=":material/download:", on_click="ignore",
        key=f"save_{key}",
    )  # fmt: skip
    clicked = clicked_row(key)
    if clicked is not None:
        frame.go(links.find(str(shown["go_id"].iloc[clicked])))
