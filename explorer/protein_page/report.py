"""The view, the terms and all features of a stored protein; what needs no model is drawn before the model runs.

The first run of a protein draws names, annotations, structure and known terms, has the model read the sequence, and
asks for a second run, which finds everything kept and draws it into the same places. Read `show`.
"""

import streamlit as st

from explorer.components.protein_view import StripRow
from explorer.draw import downloads, markup, views, words
from explorer.firing.lists import save
from explorer.protein import predictions
from explorer.protein import subject as subjects
from explorer.protein.subject import Subject
from explorer.protein_page import chosen, features, terms
from explorer.services import alike, data, live
from explorer.services.refs import FeatureRef
from explorer.shell import address, frame, links, viewer
from protsae.errors import InputError, ProtSAEError
from protsae.store.rows import ProteinRow

VIEW = "protein_view"
HEIGHT = 440
BRUSH = (
    "Which features prefer some residues? Drag over the strip, choose an annotated region, or type two numbers: the "
    "list below is ranked anew by what fires there beyond its own background."
)


def show(protein: ProteinRow, first: FeatureRef | None) -> None:
    """Everything below the head.

    Args:
        protein: as stored.
        first: feature that is shown first where the address names none.
    """
    about = subjects.stored(protein)
    sae = frame.settings().sae
    saes = tuple(row.name for row in data.saes()) if st.query_params.get("of") == "all" else (sae,)
    known = (data.bundle().manifest.get("bundle_id"), protein.accession, saes)
    if st.session_state.get("protein_read") == known:
        evidence(about, first)
        return
    bare(about, protein)
    try:
        for name in saes:
            alike.leaders(about.sequence, name)
        predictions.calls(about.sequence, sae)
    except ProtSAEError as error:
        st.html(markup.empty(str(error), "What is stored of the protein stands above."))
        return
    st.session_state["protein_read"] = known
    st.rerun()


def bare(about: Subject, protein: ProteinRow) -> None:
    """What needs no model."""
    with st.container():
        view(about, [])
    st.header("GO terms, known and called", anchor=False)
    terms.show(protein, None)


@st.fragment
@frame.guarded
def evidence(about: Subject, first: FeatureRef | None) -> None:
    """View, features, terms; a click, a brush or a filter redraws this part only."""
    assert about.known is not None
    sae = frame.settings().sae
    strips_at = st.container()
    brushing(about)
    ask = chosen.asked(sae, viewer.kept(len(about.sequence), 1).span)
    lines, n_firing = chosen.listed(about, ask)
    drawn = chosen.drawn(sae, lines, named(sae) or first)
    rows = strips(about, drawn, sae)
    with strips_at:
        view(about, rows)
    st.header("All features that fire", anchor=False)
    features.show(about, ask, lines, n_firing=n_firing, strips=drawn)
    st.header("GO terms, known and called", anchor=False)
    terms.show(about.known, predictions.calls(about.sequence, sae))
    columns = [(row.label, row.values) for row in rows]
    file = f"{downloads.file_name(about.name, sae)}_residues.csv"
    save("Shown strips by residue (CSV)", lambda: downloads.residues_csv(about.sequence, columns), file)


def named(sae: str) -> FeatureRef | None:
    """The feature that the address names."""
    try:
        return links.read_feature(st.query_params.to_dict() | {"sae": sae}, data.saes())
    except InputError as error:
        st.html(markup.empty(str(error), "Shown instead: the first features of the list."))
        return None


def strips(about: Subject, refs: list[FeatureRef], sae: str) -> list[StripRow]:
    """Rows of the view; those of another autoencoder than the side bar's name it."""
    found = [row for ref in refs if (row := data.feature(ref)) is not None]
    scales = views.full_colour(found, frame.settings().scale)
    values = live.feature_rows(about.sequence, [FeatureRef(row.sae, row.feature) for row in found])
    return [
        views.strip(
            words.named(row) if row.sae == sae else f"{data.sae(row.sae).display_name} {words.named(row)}",
            acts,
            scale,
            links.feature(row.sae, row.feature).url,
            code=f"{row.sae} {row.feature}",
        )
        for row, acts, scale in zip(found, values, scales, strict=True)
    ]


def view(about: Subject, rows: list[StripRow]) -> None:
    """Strips, annotations, structure."""
    viewer.show(
        key=VIEW, name=downloads.stem(about.name), sequence=about.sequence, rows=rows, tracks=subjects.tracks(about),
        structure=about.structure, scale_note=words.SCALE_NOTES[frame.settings().scale], height=HEIGHT,
    )  # fmt: skip
    if about.structure is None:
        st.caption("No structure of this protein is stored; the strips show every residue.")


def brushing(about: Subject) -> None:
    """Ways to mark residues beside the brush: annotated regions, and two numbers."""
    length = len(about.sequence)
    assert about.known is not None
    regions = data.annotations(about.known.accession)
    regions = sorted(regions, key=lambda row: (row.end_pos - row.start_pos, row.kind))
    choices = {f"{row.start_pos}-{row.end_pos}": f"{row.kind} {row.label}".strip() for row in reversed(regions)}
    span = viewer.kept(length, 1).span
    now = f"{span[0]}-{span[1]}" if span else ""
    st.session_state["protein_range"] = now

    def typed() -> None:
        text = st.session_state["protein_range"].replace("\u2013", "-").replace(" ", "")
        address.write(range=text or None)

    def region() -> None:
        address.write(range=st.session_state["protein_region"])

    st.caption(BRUSH)
    left, right, clear = st.columns([1, 1.6, 0.7], vertical_alignment="bottom")
    left.text_input("Residues", key="protein_range", on_change=typed, placeholder=f"20-45, of 1-{length}")
    if choices:
        options = list(reversed(choices))
        st.session_state["protein_region"] = now if now in choices else None
        right.selectbox(
            "Annotated region", options, key="protein_region", index=None, on_change=region,
            format_func=lambda key: f"{choices[key]} ({key})", placeholder="Binding site, transmembrane …",
        )  # fmt: skip
    if span is not None or "range" in st.query_params:
        clear.button("Clear", icon=":material/close:", on_click=address.write, kwargs={"range": None})
