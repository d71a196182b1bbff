"""What the strongest proteins of an unguided feature have in common. Read `card`."""

import streamlit as st

from explorer.draw import downloads, markup, shared_terms
from explorer.services import audits, data
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links
from protsae.store.analyses.enriched import ENRICHED
from protsae.store.rows import FeatureRow


def card(row: FeatureRow) -> None:
    """Shared terms with what test says of them; nothing for guided features and those that never fire."""
    if row.kind == "defined" or row.max_act <= 0:
        return
    with st.container(border=True, key="strongest"):
        st.header("What do its strongest proteins share?", anchor=False, help=shared_terms.HELP)
        if absence := data.absence(ENRICHED):
            frame.say(absence, "ps-small ps-soft")
            return
        terms = audits.enriched_terms(FeatureRef(row.sae, row.feature))
        frame.say(shared_terms.lead(terms), "")
        for term in terms:
            if term.is_confirmed and term.term.startswith("GO:"):
                frame.link(links.find(term.term), f"Search for {term.name}")
        with st.expander("Counts and chances"):
            if terms:
                head = ("Shared", "families", "of all", "q", "on test families")
                st.html(
                    markup.wrap(
                        f'<div class="ps-wide" tabindex="0">{markup.table(head, shared_terms.rows(terms))}</div>'
                    )
                )
                st.download_button(
                    "Shared terms (CSV)",
                    lambda: shared_terms.csv(terms),
                    f"{downloads.file_name(row.sae, row.feature, 'shared')}.csv",
                    "text/csv",
                    icon=":material/download:",
                    on_click="ignore",
                )
            if (found := audits.enriched_summary(row.sae)) is not None:
                st.caption(f"{data.sae(row.sae).display_name}: {shared_terms.overall(found)}")
