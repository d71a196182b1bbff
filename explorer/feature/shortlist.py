"""Missing annotations? Proteins that the feature calls although they are not annotated with its term.

Read `section`.
"""

import pandas as pd
import streamlit as st

from explorer.draw import candidates, markup, outward, words
from explorer.services import data, provenance, shortlists
from explorer.services.refs import FeatureRef
from explorer.services.shortlists import Shortlist
from explorer.shell import frame, links, tables
from protsae.store.analyses.shortlist import SHORTLIST
from protsae.store.rows import FeatureRow


def section(row: FeatureRow) -> None:
    """The candidates, what speaks for each, and how good such lists are."""
    ref = FeatureRef(row.sae, row.feature)
    with st.container(border=True, key="shortlist"):
        st.header("Missing annotations?", anchor=False, help=candidates.HELP)
        if absence := data.absence(SHORTLIST):
            frame.say(absence, "ps-small ps-soft")
            return
        found = shortlists.shortlist_of(ref)
        if found is None:
            frame.say(candidates.NONE_FREE)
            return
        frame.say(candidates.header(found.facts, row.label))
        frame.say(candidates.tested(found.facts, shortlists.quality(ref.sae)), "ps-small ps-soft")
        if not found.rows:
            frame.say("Every protein that it calls carries the term: no candidate.")
            return
        listed(found)
        take_away(found, row.label)


def listed(found: Shortlist) -> None:
    """One row a candidate; a click opens the protein, here where it is shipped, else at UniProt."""
    rows, has_site = found.rows, found.facts.has_site
    key = f"candidates_{found.facts.sae}_{found.facts.feature}"
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame({
            "Protein": [row.accession for row in rows],
            "Name": [words.protein_name(row.accession, row.protein_name, limit=60) for row in rows],
            "Score": [row.score for row in rows],
            "Right at this score": [candidates.right(row) for row in rows],
            "How surprising": [candidates.verdict(row) for row in rows],
            "Site evidence": [candidates.site(row, has_site=has_site) for row in rows],
            "Relatives with it": [candidates.relatives(row) for row in rows],
            "Other features": [candidates.others(row) for row in rows],
            "By composition alone": ["yes" if row.by_composition else "no" for row in rows],
            "Organism": [words.species(row.organism) for row in rows],
            "Split": [row.split for row in rows],
            "UniProt": [uniprot(row.accession) for row in rows],
        }),
        hide_index=True, height=min(420, 40 + 35 * len(rows)),
        column_config={
            "Score": number(help=words.HELP["threshold"], format="%.3g", width=60),
            "Right at this score": st.column_config.TextColumn(
                help="Of the test proteins with this score or a higher one, so many carry the term. Few tell little."
            ),
            "Protein": st.column_config.TextColumn(width=75),
            "Name": st.column_config.TextColumn(width=200),
            "How surprising": st.column_config.TextColumn(width=330),
            "Relatives with it": st.column_config.TextColumn(help="Other proteins of its homology cluster."),
            "Site evidence": st.column_config.TextColumn(
                help="Residue annotations of the kinds that carry this term's function. “None that could”: for this "
                "term no kind of annotation does."
            ),
            "Other features": st.column_config.TextColumn(
                help="Other features of all autoencoders here that are called after this term, and call the protein."
            ),
            "By composition alone": st.column_config.TextColumn(
                help="Whether a regression on amino-acid shares and length calls the protein, too: then no language "
                "model is needed to suspect it."
            ),
            "Split": st.column_config.TextColumn(
                help="Training proteins were shown to a guided feature as lacking the term."
            ),
            "UniProt": st.column_config.LinkColumn(display_text="UniProt ↗"),
        },
        **tables.clickable(key),
    )  # fmt: skip
    named = list(dict.fromkeys(accession for row in rows for accession in row.carriers.split()))
    if named:
        told = outward.ids(f"Relatives with it, at UniProt: {', '.join(named)}")
        st.html(markup.wrap(f'<div class="ps-small ps-soft">{told}</div>'))
    clicked = tables.clicked_row(key)
    if clicked is None:
        return
    row = rows[clicked]
    if row.is_shipped:
        frame.go(links.protein(row.accession, FeatureRef(found.facts.sae, found.facts.feature)))
    known = outward.html(outward.of_protein(row.accession)[:1])
    elsewhere = f" Elsewhere: {known}" if known else ""
    text = f"{row.accession} is not shipped with this bundle, so it cannot be opened here."
    st.html(markup.wrap(f'<p class="ps-small" role="status">{markup.escape(text)}{elsewhere}</p>'))


def uniprot(accession: str) -> str | None:
    """Address of a protein at UniProt; None where the accession is none of UniProt's."""
    return next((link.url for link in outward.of_protein(accession)), None)


def take_away(found: Shortlist, term_name: str) -> None:
    """The list as CSV, and the sequences of those that are shipped."""
    facts, rows = found
    shipped = shortlists.sequences([row.accession for row in rows if row.is_shipped])
    bundle = provenance.bundle_id()
    name = f"{facts.sae}_{facts.feature}_candidates"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Candidates (CSV)",
            lambda: candidates.table_csv(rows, facts),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        if shipped:
            st.download_button(
                "Sequences (FASTA)",
                candidates.fasta(rows, shipped, facts, term_name, bundle),
                f"{name}.fasta",
                icon=":material/download:",
                on_click="ignore",
            )
        st.caption(
            f"{len(shipped)} of {len(rows)} are shipped with this bundle; the others' sequences are at UniProt.",
            width="content",
        )
