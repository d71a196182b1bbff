"""Where a feature fires: one protein in full, and the others of its band as strips or as aligned letters.

Read `show`, then `others`.
"""

import secrets
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.components import browser
from explorer.components.strips import strip_thumbnail
from explorer.draw import aligned, downloads, exports, markup, outward, views, words
from explorer.feature import loss
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import address, frame, links, takeaway
from protsae.store.rows import AnnotationRow, ExampleRow, FeatureRow, TermFeature

OTHERS = 11
NONE_IN = {
    "with": "No stored protein that carries the term makes it fire.",
    "without": "It fires in no stored protein that lacks the term.",
    "silent": "Every stored protein that carries the term is called.",
}
"""What an empty band means."""

VIEWS = {
    "whole": "Whole proteins",
    "peak": "Aligned at the peak",
    "start": "At the start of the run",
    "nterm": "At the N-terminus",
}
"""How the proteins of a band are shown: as strips, or as letters under each other."""

VIEW_HELP = (
    "Whole proteins: one strip each, as wide as the page. Aligned: letters under each other, in one box that scrolls. "
    "At the peak: the strongest residue of each under 0. At the start of the run: the first of the unbroken row of "
    "residues on which it fires, up to the peak. At the N-terminus: residue 1 of each at the left. Outlined: the peak."
)


def show(ref: FeatureRef, row: FeatureRow, judged: TermFeature | None, below: DeltaGenerator) -> None:
    """One protein in full; the others stand `below`, over the page's whole width.

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
    band = frame.choice(
        "Where it fires",
        "band",
        list(names),
        show=names.__getitem__,
        clears=address.OF_PROTEIN,
        tip=words.HELP["band"],
    )
    rows = bands[band]
    if not rows:
        st.html(markup.empty(NONE_IN.get(band, f"No example in the band “{names[band]}”."), "Choose another band."))
        return
    chosen = selected(rows, bands["3d"] if band == "top" else [])
    in_full(row, chosen, judged, carriers)
    with below:
        others(Band(row, rows, judged, carriers, "" if band == next(iter(names)) else band), chosen)
        with st.container(horizontal=True):
            _take_away(row, band, rows, exports.examples_csv(row, bands.values()))


def selected(rows: list[ExampleRow], in_space: list[ExampleRow]) -> ExampleRow:
    """The example that the address names, else the strongest whose peak is seen in space, else the strongest."""
    asked = st.query_params.get("protein")
    found = next((row for row in rows if row.accession == asked), None)
    if asked and found is None:
        st.caption(words.md(f"{asked} is not among these examples; shown instead:"))
    return found or next(filter(data.peak_in_space, (*rows, *in_space)), rows[0])


def in_full(row: FeatureRow, example: ExampleRow, judged: TermFeature | None, carriers: frozenset[str]) -> None:
    """One protein: strip, annotations, structure."""
    structure = data.structure(example.accession) if example.has_structure else None
    known = outward.of_protein(example.accession, structure.pdb_id if structure is not None else "")
    elsewhere = outward.html(known + outward.of_sequence(example.sequence) if known else known)
    name = f"<b>{markup.escape(example.protein_name or example.accession)}</b>"
    away = f' <span class="ps-small ps-soft">{elsewhere}</span>' if elsewhere else ""
    st.html(markup.wrap(address.place("protein"), name, away, caption(example, judged, carriers)))
    loss.protein(row, example, structure)


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


class Band(NamedTuple):
    """The proteins that the reader looks through."""

    row: FeatureRow
    examples: list[ExampleRow]
    judged: TermFeature | None
    """The alignment with the GO term that the feature is called after, where it is called after one."""
    carriers: frozenset[str]
    """Accessions of proteins with the term."""
    name: str
    """As the address has it: '' for the first."""


def others(band: Band, chosen: ExampleRow) -> None:
    """The band's proteins as strips with their annotations above, or aligned as letters; a click opens one in full.

    Args:
        band: the proteins.
        chosen: the one that is shown in full already.
    """
    row = band.row
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.header("The proteins of this band", anchor=False, width="content")
        view = frame.choice("Show", "view", list(VIEWS), show=VIEWS.__getitem__, tip=VIEW_HELP)
    normalised = frame.settings().scale == "normalised"
    legend = markup.legend(frame.settings().scale, row.p999_act if normalised else row.max_act)
    if view == "whole":
        _strips(band, [other for other in band.examples if other.accession != chosen.accession][:OTHERS], legend)
        st.session_state.pop("aligned", None)
    else:
        st.html(markup.wrap(legend))
        _letters(band, view)


def _take_away(row: FeatureRow, band: str, rows: list[ExampleRow], table: str) -> None:
    sequences = "".join(
        downloads.fasta(f"{example.accession} {example.protein_name} peak={example.peak_pos}", example.sequence)
        for example in rows
    )
    stem = f"{row.sae}_{row.feature}"
    for label, text, name, mime in (
        ("Examples (CSV)", table, f"{stem}_examples.csv", "text/csv"),
        ("This band (FASTA)", sequences, f"{stem}_{band}.fasta", "text/plain"),
    ):
        st.download_button(label, text, name, mime, icon=":material/download:")


def _strips(band: Band, rows: list[ExampleRow], legend: str) -> None:
    regions: dict[str, list[AnnotationRow]] = {r.accession: data.annotations(r.accession) for r in rows}
    colours = markup.kind_colours(region for found in regions.values() for region in found)
    st.html(markup.wrap(markup.dots_legend(colours.items()), legend))
    if not rows:
        st.caption("The band holds no other protein.")
    scale = views.full_colour([band.row], frame.settings().scale)[0]
    for example in rows:
        name, strip = st.columns([1.25, 2.6], vertical_alignment="center")
        with name:
            to = links.feature(band.row.sae, band.row.feature, band=band.name, protein=example.accession)
            frame.link(to, words.protein_name(example.accession, example.protein_name, limit=44))
        mark = "✓ " if example.accession in band.carriers else ""
        note = f"{mark}{facts(example, band.judged)}{' · 3D' if example.has_structure else ''}"
        drawn = markup.ribbon(regions[example.accession], example.length, colours)
        drawn += strip_thumbnail(data.dense(example), scale)
        strip.html(markup.wrap(drawn, f'<div class="ps-small ps-soft">{outward.ids(note)}</div>'))


def _letters(band: Band, view: str) -> None:
    """The band's proteins under each other; the box opens where its 0 is in the middle."""
    row = band.row
    now = (row.sae, row.feature, band.name, view)
    before, token = st.session_state.get("aligned", (None, ""))
    if before != now:
        token = secrets.token_hex(4)
        st.session_state["aligned"] = (now, token)
    drawn = []
    for example in band.examples[: OTHERS + 1]:
        values = data.dense(example)
        anchors = {"peak": example.peak_pos or 1, "start": aligned.start_of_run(values, example.peak_pos), "nterm": 1}
        to = links.feature(row.sae, row.feature, band=band.name, view=view, protein=example.accession)
        name = words.protein_name(example.accession, example.protein_name, limit=40)
        mark = "✓ " if example.accession in band.carriers else ""
        peak = f"peak {words.amount(example.peak_act)} at {example.peak_pos}" if example.peak_pos else "silent"
        note = f"{mark}{example.accession} · {peak}{' · 3D' if example.has_structure else ''}"
        drawn.append(aligned.Row(name, frame.href(to), note, example.sequence, values, anchors[view], example.peak_pos))
    scale = views.full_colour([band.row], frame.settings().scale)[0]
    label = f"{len(drawn)} proteins as letters, {VIEWS[view][0].lower()}{VIEWS[view][1:]}; scrolls sideways"
    with takeaway.figure("aligned", label, refs=[FeatureRef(row.sae, row.feature)], scale=frame.settings().scale):
        st.html(markup.wrap(aligned.html(drawn, scale, label, from_one=view == "nterm", mark=token)))
    if view != "nterm":
        browser.order("aligned", token, centre=f'[data-centre="{token}"]')
