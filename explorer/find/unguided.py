"""The unguided features whose strongest proteins carry a term. Read `show`."""

import streamlit as st

from explorer.draw import shared_terms, words
from explorer.services import audits, data
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame

MOST = 8


def show(term: str) -> None:
    """Folded away: links with what test says; nothing where there are none, or the bundle does not hold them."""
    found = audits.features_enriched_for(term)
    if not found:
        return
    title = f"Strongest proteins carry it: {words.count(len(found), 'unguided feature')}"
    with st.expander(title, key=f"unguided_{term.replace(':', '_')}"):
        frame.say(shared_terms.HELP, "ps-small ps-soft")
        with st.container(gap="xxsmall"):
            for row in found[:MOST]:
                ref = FeatureRef(row.sae, row.feature)
                feature = data.feature(ref)
                called = words.label(feature.label, feature.label_grade) if feature else ""
                name = f"{data.sae(row.sae).display_name} #{row.feature} · {called}"
                doubts.link(ref, f"{name} · on test {shared_terms.on_test(row)}")
        if len(found) > MOST:
            st.caption(f"The {MOST} surest on test; all are in the file.")
        st.download_button(
            "These features (CSV)",
            lambda: shared_terms.csv(found),
            f"{term.replace(':', '_')}_unguided.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"save_unguided_{term}",
        )
