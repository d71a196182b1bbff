"""Does the label tell where the feature fires? Read `card`."""

import streamlit as st

from explorer.draw import label_worth, markup
from explorer.services import audits, data
from explorer.services.refs import FeatureRef
from explorer.shell import frame
from protsae.store.analyses.alikeness import ALIKENESS
from protsae.store.analyses.breadth import BREADTH
from protsae.store.analyses.folds import FOLDS
from protsae.store.analyses.steerability import STEERABILITY
from protsae.store.analyses.telling import TELLING
from protsae.store.rows import FeatureRow


def card(row: FeatureRow) -> None:
    """The label as a rule, raising it, its proteins and organisms; nothing for a feature that never fires."""
    if row.max_act <= 0:
        return
    with st.container(border=True, key="label_worth"):
        st.header("Does the label tell where it fires?", anchor=False, help=label_worth.DETECTION)
        ref = FeatureRef(row.sae, row.feature)
        told, alike = audits.telling(ref), audits.alikeness(ref)
        if absence := data.absence(TELLING):
            frame.say(absence, "ps-small ps-soft")
        elif told is None:
            frame.say("It has no label.")
        else:
            frame.say(label_worth.lead(told), "")
            if numbers := label_worth.facts(told):
                with st.expander("All tenths, doubles, relatives, letters, residues"):
                    st.html(markup.wrap(markup.facts(numbers)))
        for reason in filter(None, map(data.absence, (ALIKENESS, BREADTH, FOLDS, STEERABILITY))):
            frame.say(reason, "ps-small ps-soft")
        if alike is not None:
            frame.say(label_worth.alike_sentence(alike), "ps-small ps-soft")
        raised = audits.intervention(ref)
        broad, fold = audits.breadth(ref), audits.fold(ref)
        facts = [
            *([label_worth.raised(raised)] if raised is not None else []),
            *([label_worth.alike(alike)] if alike is not None else []),
            *([label_worth.in_space(fold)] if fold is not None else []),
            *([label_worth.broad(broad)] if broad is not None else []),
        ]
        if facts:
            st.html(markup.wrap(markup.facts(facts)))
