"""What a set of features on a map has in common, beyond luck. Read `enriched`."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer.draw import words
from explorer.draw.downloads import file_name, table_csv
from explorer.services.enrichment import LEAST, MOST_Q, Enriched, Enrichment, enrichment
from explorer.shell import frame, links, tables

KINDS = words.NAMESPACES | {"annotation": "residue annotation"}

HELP = (
    "A feature carries a term where it, or a narrower term, holds for it on unseen proteins. p: the chance that as "
    "many features drawn at random from all that fire carry it (hypergeometric, Fisher's exact test, one-sided); q: p "
    f"corrected for all terms tested (Benjamini and Hochberg). Tested are all terms that at least {LEAST} features "
    "carry; terms of the same features are one test, called after the rarest. Of terms that nearly the same features "
    "of the set carry only the surest has a row."
)


def enriched(sae: str, features: Sequence[int]) -> None:
    """Terms that a set of features carries more often than the others of its autoencoder do."""
    found = enrichment(sae, tuple(sorted(features)))
    st.caption(sentence(found), help=HELP)
    if not found.rows:
        return
    _table(found, sae)
    st.download_button(
        "Over-represented terms (CSV)",
        lambda: enriched_csv(found),
        file_name("over-represented", sae) + ".csv",
        "text/csv",
        key=f"csv_enriched_{sae}",
        on_click="ignore",
    )


def sentence(found: Enrichment) -> str:
    """What came of the test."""
    of = f"these {words.count(found.n_set, 'feature')} against all {found.n_universe:,} of this autoencoder that fire"
    tested = f"{words.count(found.n_tested, 'term')} tested"
    if not found.rows:
        return f"Nothing is over-represented among {of}: smallest corrected p {found.least_q:.2g}, {tested}."
    return f"Over-represented among {of} (corrected p below {MOST_Q:g}, {tested}):"


def _table(found: Enrichment, sae: str) -> None:
    number = st.column_config.NumberColumn
    key = f"enriched_{sae}_{hash(tuple(row.id for row in found.rows))}"
    st.dataframe(
        pd.DataFrame({
            "Term": [row.name for row in found.rows],
            "Here": [row.n_set for row in found.rows],
            "In all": [row.n_all for row in found.rows],
            "Odds ratio": [row.odds_ratio for row in found.rows],
            "q": [row.q_value for row in found.rows],
            "Kind": [KINDS[row.kind] for row in found.rows],
            "Also": [_also(row) for row in found.rows],
        }),
        hide_index=True,
        height=min(280, 40 + 35 * len(found.rows)),
        column_config={
            "Term": st.column_config.TextColumn(width=210),
            "Kind": st.column_config.TextColumn(width=130),
            "Here": number(help=f"Of the {found.n_set:,} features of the set, those that carry the term.", width=55),
            "In all": number(help=f"Of all {found.n_universe:,} features that fire, those that do.", width=55),
            "Odds ratio": number(help="How much likelier a feature of the set carries it; each count raised by ½.",
                                 format="%.1f", width=85),
            "q": number(help=HELP, format="%.1e", width=75),
            "Also": st.column_config.TextColumn(
                help="Terms, mostly broader, that nearly the same features of the set carry, and so say little else.",
                width=180,
            ),
        },
        **tables.clickable(key),
    )  # fmt: skip
    row = tables.clicked_row(key)
    if row is not None:
        frame.go(links.find(found.rows[row].id))


def _also(row: Enriched) -> str:
    return ", ".join(row.also)


def enriched_csv(found: Enrichment) -> str:
    """One line a term, with the sizes of set and universe and the number of tests."""
    head = ["id", "name", "kind", "n_with_term_in_set", "n_set", "n_with_term", "n_universe", "odds_ratio", "p", "q"]
    lines = [
        (
            row.id, row.name, KINDS[row.kind], row.n_set, found.n_set, row.n_all, found.n_universe,
            f"{row.odds_ratio:.4g}", f"{row.p_value:.4g}", f"{row.q_value:.4g}", found.n_tested, "; ".join(row.also),
        )
        for row in found.rows
    ]  # fmt: skip
    return table_csv([*head, "n_tested", "also"], lines)
