"""What a feature that fires nearly everywhere carries. Read `card`."""

import streamlit as st

from explorer.draw import density, markup
from explorer.services import audits, data
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links
from protsae.store.analyses.dense import DENSE, DENSEST
from protsae.store.rows import FeatureRow


def card(row: FeatureRow) -> None:
    """The verdict, and every number beside its null on demand; nothing for features that are not dense."""
    if row.density <= DENSEST:
        return
    with st.container(border=True, key="dense"):
        st.header("Why so many residues?", anchor=False, help=density.HELP)
        if absence := data.absence(DENSE):
            frame.say(absence, "ps-small ps-soft")
            return
        tags = audits.dense_tags(FeatureRef(row.sae, row.feature))
        frame.say(density.lead(row.density, tags), "")
        for tag in tags:
            if tag.holds and tag.partner is not None:
                frame.link(links.feature(row.sae, tag.partner), f"Open feature #{tag.partner}")
        with st.expander("Eleven things that it may carry"):
            st.html(markup.wrap(markup.table(("Carries", "which", "value", "null", "holds"), density.rows(tags))))
            st.caption(density.thresholds())
            facts = [(density.SIGNALS[tag.tag].name, density.SIGNALS[tag.tag].tip, "") for tag in tags]
            st.html(markup.wrap(markup.facts(facts)))
