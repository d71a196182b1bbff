"""Feature: what is it, and how do we know?"""

import streamlit as st

from explorer.components.strips import strip_thumbnail
from explorer.draw import exports, markup, views, words
from explorer.feature import evidence
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import address, frame, links, viewer
from protsae.errors import InputError
from protsae.store.rows import AnnotationRow, ExampleRow, FeatureRow, TermFeature

OTHERS = 11
COUNTER = "counter"
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
    terms = data.feature_terms(ref)
    head(row, terms[0] if terms else None)
    left, right = st.columns([1, 2], gap="large")
    with right:
        examples(ref, row, terms)
    with left:
        sites = data.feature_annotations(ref)
        facts = data.feature_confounds(ref)
        evidence.how_we_know(row, terms, sites, facts)
        evidence.at_the_site(row, data.feature_sites(ref))
        evidence.what_else(facts)
        evidence.when_it_fires(row)
        evidence.amino_acids(row)
        evidence.surroundings(ref, row)
        st.download_button(
            "Scores (CSV)",
            exports.scores_csv(terms, sites),
            f"{ref.sae}_{ref.feature}_scores.csv",
            "text/csv",
            icon=":material/download:",
        )


def head(row: FeatureRow, best: TermFeature | None) -> None:
    """Name, origin of the label, lead, and the way to the neighbours in the list of validated features."""
    origin = (
        f"label (hypothesis): {words.origin(row)}" if row.label else "no label: nothing known matches it well enough"
    )
    sae = data.sae(row.sae)
    name = f"{markup.dot(sae.role)}<b>{markup.escape(sae.display_name)}</b>"
    eyebrow = f"{name} · feature {row.feature} · {markup.escape(origin)}"
    title = words.title(row, sae)
    tab = (title, f"{sae.display_name} #{row.feature}")
    frame.headline(title, words.feature_lead(row, best), eyebrow=eyebrow, tab=tab)
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
        if best is not None:
            frame.link(links.compare(best.go_id), "Compare with the other autoencoder", icon=":material/balance:")
        frame.link(
            links.steer(row.sae, row.feature),
            "Turn it up",
            icon=":material/tune:",
            tip="Change the feature in a protein and see the sequence change.",
        )


def examples(ref: FeatureRef, row: FeatureRow, terms: list[TermFeature]) -> None:
    """Where it fires: one protein in full, the others as strips."""
    if row.max_act <= 0:
        st.html(
            markup.empty(
                "No known activations.", "It fired on no residue of the corpus, so there is no example to show."
            )
        )
        return
    term = terms[0] if terms else None
    carriers = data.accessions_with_term(term.go_id) if term else frozenset()
    options = [*words.BANDS, *([COUNTER] if term else [])]
    names = words.BANDS | {COUNTER: "Without the term"}
    left, right = st.columns([2.2, 1.4], vertical_alignment="bottom")
    with left:
        band = frame.choice(
            "Where it fires", "band", options, show=names.__getitem__, clears=address.OF_PROTEIN, tip=words.HELP["band"]
        )
    top = data.examples(ref, "top")
    rows = (
        [r for r in top if r.accession not in carriers]
        if band == COUNTER
        else top
        if band == "top"
        else data.examples(ref, band)
    )
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        bands = [data.examples(ref, name) for name in words.BANDS]
        st.download_button(
            "Examples (CSV)",
            exports.examples_csv(row, bands),
            f"{ref.sae}_{ref.feature}_examples.csv",
            "text/csv",
            icon=":material/download:",
        )
    if not rows:
        what = (
            "Every strong example carries the term." if band == COUNTER else f"No example in the band “{names[band]}”."
        )
        st.html(markup.empty(what, "Choose another band."))
        return
    chosen = selected(rows, data.examples(ref, "3d") if band == "top" else [])
    in_full(row, chosen, terms, carriers)
    others(ref, row, band, [r for r in rows if r.accession != chosen.accession][:OTHERS], carriers)


def selected(rows: list[ExampleRow], in_space: list[ExampleRow]) -> ExampleRow:
    """The example that the address names, else the strongest whose peak is seen in space, else the strongest."""
    asked = st.query_params.get("protein")
    found = next((row for row in rows if row.accession == asked), None)
    if asked and found is None:
        st.caption(words.md(f"{asked} is not among these examples; shown instead:"))
    return found or next(filter(data.peak_in_space, (*rows, *in_space)), rows[0])


def in_full(row: FeatureRow, example: ExampleRow, terms: list[TermFeature], carriers: frozenset[str]) -> None:
    """One protein: strip, annotations, structure."""
    st.html(
        markup.wrap(
            address.place("protein"),
            f"<b>{markup.escape(example.protein_name or example.accession)}</b> {caption(example, terms, carriers)}",
        )
    )
    structure = data.structure(example.accession) if example.has_structure else None
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
    frame.link(links.sequence(example.accession), f"All features of {example.accession}", icon=":material/biotech:")


def caption(example: ExampleRow, terms: list[TermFeature], carriers: frozenset[str]) -> str:
    """Accession, length, peak, and whether the protein carries the term."""
    carries = ""
    if terms:
        known = example.accession in carriers
        tip = f"{terms[0].term_name}: {'annotated' if known else 'not annotated'} for this protein."
        carries = markup.badge("has the term" if known else "not annotated", tip, "good" if known else "")
    shape = markup.badge("3D", "An experimental structure is stored.") if example.has_structure else ""
    facts = words.peak(example.accession, example.length, example.peak_act, example.peak_pos)
    text = markup.escape(f"{facts} · {example.split} split")
    return f'<div class="ps-soft ps-small">{text} {carries}{shape}</div>'


def others(ref: FeatureRef, row: FeatureRow, band: str, rows: list[ExampleRow], carriers: frozenset[str]) -> None:
    """The other examples as strips with their annotations above; a click opens one in full."""
    if not rows:
        return
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    left.subheader("More proteins of this band", anchor=False)
    with right:
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
            shown = {"band": "" if band == "top" else band, "view": "" if view == "whole" else view}
            to = links.feature(*ref, **shown, protein=example.accession)
            frame.link(to, words.protein_name(example.accession, example.protein_name, limit=44))
        facts = words.peak(example.accession, example.length, example.peak_act, example.peak_pos)
        mark = "✓ " if example.accession in carriers else ""
        note = f"{mark}{facts}{' · 3D' if example.has_structure else ''}"
        values = data.dense(example)
        drawn = (
            markup.ribbon(regions[example.accession], example.length, colours) + strip_thumbnail(values, scale)
            if view == "whole"
            else markup.window(example.sequence, values, example.peak_pos, scale)
        )
        strip.html(markup.wrap(drawn, f'<div class="ps-small ps-soft">{markup.escape(note)}</div>'))


main()
