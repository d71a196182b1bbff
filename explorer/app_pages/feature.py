"""Feature: what is it, and how do we know?"""

import streamlit as st

from explorer.draw import exports, markup, words
from explorer.feature import (
    dense,
    evidence,
    examples,
    family,
    in_words,
    label_worth,
    motif,
    shortlist,
    space,
    strongest,
    surroundings,
    theme,
)
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links
from protsae.errors import InputError
from protsae.store.rows import FeatureAnnotation, FeatureRow, TermFeature


def main() -> None:
    """The page."""
    try:
        ref = links.read_feature(st.query_params, data.saes())
    except InputError as error:
        frame.headline("No such feature", "The address points to a feature that this bundle does not have.", note=False)
        frame.problem(str(error), "Open one that exists, or search.")
        return
    if ref is None:
        ref = data.default_feature(frame.settings().sae)
    row = data.feature(ref)
    if row is None:
        frame.headline(
            "No such feature", f"Feature {ref.feature} of {data.sae(ref.sae).display_name} is not in the store."
        )
        frame.problem("The store has no row for this feature.", "Open one that exists, or search.")
        return
    headline = data.headline(row)
    judged = headline if isinstance(headline, TermFeature) else None
    head(row, headline)
    terms, sites = data.feature_terms(ref), data.feature_annotations(ref)
    facts = data.feature_confounds(ref)
    with st.container(key="judged_and_shown"):
        left, right = st.columns([1, 2], gap="medium")
    below = st.container()
    with left:
        evidence.how_we_know(row, headline, facts)
        motif.show(ref, row)
    with right:
        examples.show(ref, row, judged, below)
    if row.max_act > 0:
        space.show(ref, row)
    with st.container(key="cards_flow"):
        evidence.what_else_it_matches(headline, terms, sites)
        strongest.card(row)
        label_worth.card(row)
        in_words.card(row)
        evidence.at_the_site(row, data.feature_sites(ref))
        evidence.what_else(facts)
        evidence.when_it_fires(row)
        dense.card(row)
        evidence.amino_acids(row)
        surroundings.card(ref, row)
    theme.line(ref)
    family.section(row)
    shortlist.section(row)
    st.download_button(
        "Scores (CSV)",
        lambda: exports.scores_csv(terms, sites),
        f"{ref.sae}_{ref.feature}_scores.csv",
        "text/csv",
        icon=":material/download:",
    )


def head(row: FeatureRow, headline: TermFeature | FeatureAnnotation | None) -> None:
    """Name, origin of the label, lead, and the way to the neighbours in the list of validated features."""
    sae = data.sae(row.sae)
    name = f"{markup.dot(sae.role)}<b>{markup.escape(sae.display_name)}</b>"
    eyebrow = f"{name} · feature {row.feature} · {markup.escape(words.origin(row))}"
    title = words.title(row, sae)
    tab = (title, f"{sae.display_name} #{row.feature}")
    frame.headline(title, words.feature_lead(row, headline), eyebrow=eyebrow, tab=tab)
    listed = data.validated_of(row.sae)
    here = FeatureRef(row.sae, row.feature)
    place = listed.index(here) if here in listed else -1
    with st.container(horizontal=True, vertical_alignment="center"):
        if listed:
            before = st.button(
                "Previous", icon=":material/arrow_back:", shortcut="Left", help="Previous validated feature"
            )
            after = st.button("Next", icon=":material/arrow_forward:", shortcut="Right", help="Next validated feature")
            if before or after:
                step = -1 if before else 1
                frame.go(links.feature(*listed[(place + step) % len(listed) if place >= 0 else 0]))
            st.caption(
                f"validated feature {place + 1:,} of {len(listed):,}"
                if place >= 0
                else f"{len(listed):,} validated features",
                width="content",
            )
        if isinstance(headline, TermFeature):
            frame.link(links.compare(headline.go_id), "Compare with the other autoencoder", icon=":material/balance:")
        frame.link(
            links.steer(row.sae, row.feature),
            "Turn it up",
            icon=":material/tune:",
            tip="Change the feature in a protein and see the sequence change.",
        )


main()
