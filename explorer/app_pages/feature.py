"""Feature: what is it, and how do we know?"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.components.strips import strip_thumbnail
from explorer.draw import exports, markup, outward, views, words
from explorer.feature import evidence, family, shortlist
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import address, frame, links, viewer
from protsae.errors import InputError
from protsae.store.rows import AnnotationRow, ExampleRow, FeatureAnnotation, FeatureRow, TermFeature

OTHERS = 11
NONE_IN = {
    "with": "No stored protein that carries the term makes it fire.",
    "without": "It fires in no stored protein that lacks the term.",
    "silent": "Every stored protein that carries the term is called.",
}
"""What an empty band means."""

VIEWS = {"whole": "Whole proteins", "peak": "Letters at the peak"}


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
        left, right = st.columns([1, 2], gap="large")
    below = st.container()
    with left:
        evidence.how_we_know(row, headline, terms, sites, facts)
    with right:
        examples(ref, row, judged, below)
    with st.container(key="cards_flow"):
        evidence.at_the_site(row, data.feature_sites(ref))
        evidence.what_else(facts)
        evidence.when_it_fires(row)
        evidence.amino_acids(row)
        evidence.surroundings(ref, row)
    family.section(row)
    shortlist.section(row)
    st.download_button(
        "Scores (CSV)",
        exports.scores_csv(terms, sites),
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
    listed = [FeatureRef(term.sae, term.feature) for term in data.validated() if term.sae == row.sae]
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
                f"validated feature {place + 1} of {len(listed)}"
                if place >= 0
                else f"{len(listed)} validated features",
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


def examples(ref: FeatureRef, row: FeatureRow, judged: TermFeature | None, below: DeltaGenerator) -> None:
    """Where it fires: one protein in full, the others as strips.

    The strips stand `below`, over the page's whole width; beside a protein without a structure there is room for them.

    Args:
        ref: the feature.
        row: the feature.
        judged: the alignment with the GO term that it is called after, where it is called after one.
        below: a container under this one.
    """
    if row.max_act <= 0:
        st.html(
            markup.empty(
                "No known activations.", "It fired on no residue of the corpus, so there is no example to show."
            )
        )
        return
    bands = {band: data.examples(ref, band) for band in (*words.TERM_BANDS, *words.BANDS)}
    has_term_bands = any(bands[band] for band in words.TERM_BANDS)
    names = (words.TERM_BANDS if has_term_bands else {}) | words.BANDS
    carriers = data.accessions_with_term(judged.go_id) if judged else frozenset()
    top_row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom")
    with top_row:
        band = frame.choice(
            "Where it fires",
            "band",
            list(names),
            show=names.__getitem__,
            clears=address.OF_PROTEIN,
            tip=words.HELP["band"],
        )
    with top_row:
        st.download_button(
            "Examples (CSV)",
            exports.examples_csv(row, bands.values()),
            f"{ref.sae}_{ref.feature}_examples.csv",
            "text/csv",
            icon=":material/download:",
        )
    rows = bands[band]
    if not rows:
        st.html(markup.empty(NONE_IN.get(band, f"No example in the band “{names[band]}”."), "Choose another band."))
        return
    chosen = selected(rows, bands["3d"] if band == "top" else [])
    in_full(row, chosen, judged, carriers)
    rest = [other for other in rows if other.accession != chosen.accession][:OTHERS]
    shown = "" if band == next(iter(names)) else band
    with below if chosen.has_structure else st.container():
        others(row, rest, judged, carriers, shown)


def selected(rows: list[ExampleRow], in_space: list[ExampleRow]) -> ExampleRow:
    """The example that the address names, else the strongest whose peak is seen in space, else the strongest."""
    asked = st.query_params.get("protein")
    found = next((row for row in rows if row.accession == asked), None)
    if asked and found is None:
        st.caption(words.md(f"{asked} is not among these examples; shown instead:"))
    return found or next(filter(data.peak_in_space, (*rows, *in_space)), rows[0])


def in_full(row: FeatureRow, example: ExampleRow, judged: TermFeature | None, carriers: frozenset[str]) -> None:
    """One protein: strip, annotations, structure."""
    st.html(
        markup.wrap(
            address.place("protein"),
            f"<b>{markup.escape(example.protein_name or example.accession)}</b> {caption(example, judged, carriers)}",
        )
    )
    structure = data.structure(example.accession) if example.has_structure else None
    known = outward.of_protein(example.accession, structure.pdb_id if structure is not None else "")
    elsewhere = outward.html(known + outward.of_sequence(example.sequence) if known else known)
    if elsewhere:
        st.html(markup.wrap(f'<div class="ps-small ps-soft">{markup.escape(example.accession)}: {elsewhere}</div>'))
    scale = views.full_colour([row], frame.settings().scale)[0]
    viewer.alone(
        key="feature_view",
        name=example.accession,
        sequence=example.sequence,
        rows=[views.strip(f"#{row.feature}", data.dense(example), scale, code=f"{row.sae} {row.feature}")],
        tracks=views.tracks(data.annotations(example.accession)),
        structure=views.structure(structure),
        scale_note=words.SCALE_NOTES[frame.settings().scale],
    )
    if structure is None:
        st.caption("No experimental structure of this protein is stored; examples marked “3D” have one.")
    frame.link(links.protein(example.accession), f"All features of {example.accession}", icon=":material/biotech:")


def caption(example: ExampleRow, judged: TermFeature | None, carriers: frozenset[str]) -> str:
    """Accession, length, peak, and whether the protein carries the term."""
    carries = ""
    if judged:
        known = example.accession in carriers
        tip = f"{judged.term_name}: {'annotated' if known else 'not annotated'} for this protein."
        carries = markup.badge("has the term" if known else "not annotated", tip, "good" if known else "")
    shape = markup.badge("3D", "An experimental structure is stored.") if example.has_structure else ""
    text = outward.ids(f"{facts(example, judged)} · {example.split} split")
    return f'<div class="ps-soft ps-small">{text} {carries}{shape}</div>'


def facts(example: ExampleRow, judged: TermFeature | None) -> str:
    """Accession, length and peak; in a band that a term sorts, the score, and whether it is called."""
    text = words.peak(example.accession, example.length, example.peak_act, example.peak_pos)
    if judged is None or example.band not in words.TERM_BANDS:
        return text
    return f"{text} · {words.called(example.score, judged)}"


def others(
    row: FeatureRow, rows: list[ExampleRow], judged: TermFeature | None, carriers: frozenset[str], band: str
) -> None:
    """The other examples as strips with their annotations above; a click opens one in full."""
    if not rows:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.header("More proteins of this band", anchor=False, width="content")
        view = frame.choice("Show", "view", list(VIEWS), show=VIEWS.__getitem__)
    regions: dict[str, list[AnnotationRow]] = {r.accession: data.annotations(r.accession) for r in rows}
    colours = markup.kind_colours(region for found in regions.values() for region in found)
    normalised = frame.settings().scale == "normalised"
    kinds = markup.dots_legend(colours.items()) if view == "whole" else ""
    st.html(markup.wrap(kinds, markup.legend(frame.settings().scale, row.p999_act if normalised else row.max_act)))
    scale = views.full_colour([row], frame.settings().scale)[0]
    for example in rows:
        name, strip = st.columns([1.25, 2.6], vertical_alignment="center")
        with name:
            shown = {"band": band, "view": "" if view == "whole" else view}
            to = links.feature(row.sae, row.feature, **shown, protein=example.accession)
            frame.link(to, words.protein_name(example.accession, example.protein_name, limit=44))
        mark = "✓ " if example.accession in carriers else ""
        note = f"{mark}{facts(example, judged)}{' · 3D' if example.has_structure else ''}"
        values = data.dense(example)
        drawn = (
            markup.ribbon(regions[example.accession], example.length, colours) + strip_thumbnail(values, scale)
            if view == "whole"
            else markup.window(example.sequence, values, example.peak_pos, scale)
        )
        strip.html(markup.wrap(drawn, f'<div class="ps-small ps-soft">{outward.ids(note)}</div>'))


main()
