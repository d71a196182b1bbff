"""The same proteins under both features of a term, on one rule of colour. Read `proteins`."""

import streamlit as st

from explorer.compare import comparison
from explorer.draw import markup, outward, views, words
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import address, cards, frame, links, viewer
from protsae.errors import ProtSAEError
from protsae.store.rows import TermFeature, TermRow


def proteins(term: TermRow, guided: TermFeature, baseline: TermFeature) -> None:
    """The same proteins in the same order under both features, on one rule of colour."""
    refs = [FeatureRef(row.sae, row.feature) for row in (guided, baseline)]
    features = [row for ref in refs if (row := data.feature(ref)) is not None]
    scale = frame.settings().scale
    scales = views.full_colour(features, scale)
    st.header("The same proteins under both features", anchor=False)
    st.html(markup.wrap(markup.legend(scale, scales[0] if scale == "raw" else None)))
    chosen = comparison.proteins(term.go_id, guided, baseline)
    if not chosen:
        st.html(
            markup.empty(
                "No protein of this bundle carries the term, and neither feature fires on one without it.",
                "The held-out scores above and the table below come from the whole corpus.",
            )
        )
        return
    try:
        rows = comparison.activations(chosen, refs)
    except ProtSAEError as error:
        st.html(
            markup.empty(str(error), "The held-out scores above and the table below do not need the language model.")
        )
        return
    chosen = comparison.by_score(chosen, rows, guided)
    colours = markup.kind_colours(region for picked in chosen for region in data.annotations(picked.accession))
    st.html(markup.wrap(markup.dots_legend(colours.items())))
    for carries, title in (
        (True, f"Annotated with “{term.name}”"),
        (False, "Not annotated with it: the strongest false alarms of either feature"),
    ):
        group = [picked for picked in chosen if picked.carries == carries]
        if group:
            st.caption(words.md(title))
            if carries:
                st.caption(
                    "Drawn evenly from all of them, whatever the features do there; ordered by the score that the "
                    f"guided feature's card uses, its {guided.pooling} over residues."
                )
        for picked in group:
            name, *strips = st.columns([1.1, 2, 2], vertical_alignment="center")
            with name:
                frame.link(
                    this_view(term.go_id, picked.accession),
                    words.protein_name(picked.accession, picked.name, limit=42),
                )
            ribbon = markup.ribbon(data.annotations(picked.accession), picked.length, colours)
            for strip, values, full, row in zip(
                strips, rows[picked.accession], scales, (guided, baseline), strict=True
            ):
                facts = words.peak(picked.accession, picked.length, float(values.max()), int(values.argmax()) + 1)
                note = f'<div class="ps-small ps-soft">{markup.dot(data.sae(row.sae).role)}{outward.ids(facts)}</div>'
                strip.html(markup.wrap(ribbon, cards.strip_thumbnail(values, full), note))
    in_full(chosen, rows, refs, scales)


def in_full(chosen: list[comparison.Picked], rows: dict, refs: list[FeatureRef], scales: list[float]) -> None:
    """One of the proteins with both strips and its structure."""
    asked = st.query_params.get("protein")
    picked = next((p for p in chosen if p.accession == asked), None) or next(
        (p for p in chosen if p.has_structure), chosen[0]
    )
    protein = data.protein(picked.accession)
    if protein is None:
        return
    name = f"<b>{markup.escape(picked.name or picked.accession)}</b>"
    st.html(
        markup.wrap(
            address.place("protein"),
            f'{name} <span class="ps-soft">{outward.ids(picked.accession)}, both features in full</span>',
        )
    )
    viewer.alone(
        key="compare_view",
        name=picked.accession,
        sequence=protein.sequence,
        rows=[
            views.strip(
                f"{data.sae(ref.sae).display_name} #{ref.feature}", values, full, code=f"{ref.sae} {ref.feature}"
            )
            for ref, values, full in zip(refs, rows[picked.accession], scales, strict=True)
        ],
        tracks=views.tracks(data.annotations(picked.accession)),
        structure=views.structure(data.structure(picked.accession)),
        scale_note=words.SCALE_NOTES[frame.settings().scale],
    )


def this_view(go_id: str, protein: str = "") -> links.Link:
    """A link that keeps the two autoencoders."""
    kept = {name: st.query_params.get(name, "") for name in ("guided", "against")}
    return links.compare(go_id, protein=protein, **kept)
