"""Which protein the page shows: the one that the address names, else a telling one; and the way to another.

Read `asked`, then `picker`.
"""

from typing import NamedTuple

import streamlit as st

from explorer.draw import corpus, markup, outward
from explorer.firing import starts
from explorer.services import data, searching
from explorer.services.refs import FeatureRef
from explorer.shell import cards, frame, links
from protsae.store.rows import ProteinRow

MOST_NEAR = 6
OFFLINE = "The explorer is offline and cannot fetch it: read its sequence on the page Sequence."


class Which(NamedTuple):
    """What the address asks for."""

    text: str
    """The accession that it names; '' where it names none."""
    protein: ProteinRow | None
    """None where no protein here is called so."""
    first: FeatureRef | None
    """The feature for which a protein was chosen that nobody asked for."""


def asked() -> Which:
    """The protein of the address; a validated feature's best example where it names none."""
    text = st.query_params.get("accession", "").strip()[: links.MOST_QUOTED]
    if text:
        return Which(text, data.protein(text) or data.protein(text.upper()), None)
    telling = starts.true_examples()
    if telling:
        start = telling[0]
        return Which("", data.protein(start.example.accession), FeatureRef(start.term.sae, start.term.feature))
    accession = next(iter(data.bundle().reader.sequence_index()["accession"].tolist()), "")
    return Which("", data.protein(accession), None)


def absent(text: str) -> None:
    """The page where no protein here is called so."""
    st.html(markup.empty(corpus.not_here(f"“{text}”", data.corpus()), OFFLINE))
    with st.container(horizontal=True, vertical_alignment="center"):
        frame.link(links.find(text), f"Search for “{text}”", icon=":material/search:")
        frame.link(links.Link("sequence", {}), "Read a sequence of your own", icon=":material/edit_note:")
        known = outward.of_protein(text.upper())
        if known:
            st.html(markup.wrap(f"Elsewhere: {outward.html(known)}"), width="content")
    near = searching.search_proteins(text)[:MOST_NEAR]
    if near:
        st.caption("Near in spelling:")
        with st.container(gap="xxsmall"):
            cards.protein_rows(near)


def picker(shown: ProteinRow | None) -> None:
    """A box for another protein; where several are meant, they are listed."""
    with st.expander("Another protein", expanded=shown is None, icon=":material/swap_horiz:"):
        text = st.text_input(
            "Accession, gene or name", key="protein_box", placeholder="P00331 · alcohol dehydrogenase · adhE"
        ).strip()
        if not text:
            telling = starts.true_examples()
            if telling:
                st.caption("Or one of these, each with a feature that is known to see something in it:")
            with st.container(gap="xxsmall"):
                for start in telling:
                    to = links.protein(start.example.accession, FeatureRef(start.term.sae, start.term.feature))
                    frame.link(to, f"{start.example.protein_name or start.example.accession} · {start.term.term_name}")
            return
        found = searching.search_proteins(text)
        if not found:
            st.html(markup.empty(f"No protein of this bundle is called “{text[: links.MOST_QUOTED]}”.", OFFLINE))
            return
        if len(found) > MOST_NEAR:
            frame.link(links.find(text), f"All {len(found):,} on the page Find", icon=":material/search:")
        with st.container(gap="xxsmall"):
            cards.protein_rows(found[:MOST_NEAR])
