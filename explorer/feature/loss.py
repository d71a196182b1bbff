"""One protein of a feature in full, and what the language model loses there without the feature.

Read `protein`, then `reading`.
"""

from collections.abc import Iterator

import numpy as np
import streamlit as st

from explorer.components.protein_view import StripRow
from explorer.draw import downloads, markup, views, words
from explorer.services import ablation, data
from explorer.services.ablation import Ablated
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links, viewer
from protsae.errors import ProtSAEError
from protsae.store.rows import ExampleRow, FeatureRow, StructureRow

LOW = 250
"""Pixels of a structure that leaves room for the evidence beside it; a button makes it larger."""

HELP = (
    "Runs the language model on this protein twice: with everything in place, and with what this feature adds to each "
    "residue's state taken away; all else stays, also what the autoencoder does not explain. KL divergence: how far "
    "the predicted amino acids at a residue move, in bits; 0 is not at all. The control is the same for other features "
    "that fire in this protein and, over the corpus, about as often: the median of them at every residue."
)


def _protein(row: FeatureRow, example: ExampleRow, structure: StructureRow | None) -> None:
    place = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        frame.link(links.protein(example.accession), f"All features of {example.accession}", icon=":material/biotech:")
        taken = frame.flag("Take the feature away", "ablate", tip=HELP)
    scale = views.full_colour([row], frame.settings().scale)[0]
    rows = [views.strip(f"#{row.feature}", data.dense(example), scale, code=f"{row.sae} {row.feature}")]
    found, problem = _ablated(row, example) if taken else (None, "")
    if found is not None:
        rows += strips(row, found)
    with place:
        viewer.show(
            key="feature_view",
            name=example.accession,
            sequence=example.sequence,
            rows=rows,
            tracks=views.tracks(data.annotations(example.accession)),
            structure=views.structure(structure),
            height=LOW,
            scale_note=words.SCALE_NOTES[frame.settings().scale],
        )
        if structure is None:
            st.caption("No experimental structure of this protein is stored; examples marked “3D” have one.")
    if problem:
        frame.say(problem)
    if found is not None:
        _told(row, example, found)


protein = st.fragment(frame.guarded(_protein))
"""One protein: strips, annotations, structure, and on demand what its predictions owe to the feature."""


def _ablated(row: FeatureRow, example: ExampleRow) -> tuple[Ablated | None, str]:
    """What taking the feature away does, or why that cannot be told."""
    try:
        return ablation.ablated(FeatureRef(row.sae, row.feature), example.sequence), ""
    except ProtSAEError as error:
        return None, str(error)


def strips(row: FeatureRow, found: Ablated) -> Iterator[StripRow]:
    """The feature's loss and that of the others, on one scale."""
    note = "KL divergence in bits, full colour at the largest"
    for label, values in ((f"KL #{row.feature}", found.bits), ("KL others", found.control)):
        yield StripRow(label=label, values=values, scale=full_scale(found), code=label, note=note)


def full_scale(found: Ablated) -> float:
    """Bits of full colour, for the feature and its control alike."""
    return float(max(found.bits.max(), found.control.max())) or 1.0


def reading(row: FeatureRow, example: ExampleRow, found: Ablated) -> str:
    """One sentence on what the predictions owe to the feature."""
    if not found.bits.any():
        why = "it is silent here" if not found.fires.any() else "nothing above reads what it writes"
        return f"Taking feature {row.feature} away changes no prediction in this protein: {why}."
    top = int(found.bits.argmax())
    total = float(found.bits.sum())
    where = f"most at {example.sequence[top]}{top + 1} ({words.amount(float(found.bits[top]))} bits)"
    text = f"Without feature {row.feature} the predictions move by {words.amount(total)} bits over the chain, {where}."
    if found.others:
        median = float(np.median(found.other_bits.sum(axis=1)))
        n = len(found.others)
        text += (
            f" Without one of {n} other features that fire here and about as often it is "
            f"{words.amount(median)} bits (median); {found.n_less} of {n} matter less."
        )
    direction = words.amount(float(found.direction_bits.sum()))
    return f"{text} A random push of the same residues, as long, moves them by {direction} bits."


def _told(row: FeatureRow, example: ExampleRow, found: Ablated) -> None:
    full = words.amount(full_scale(found))
    st.html(
        markup.wrap(
            markup.ramp_legend("KL divergence 0", f"{full} bits, strips “KL”", "", HELP),
            f'<p class="ps-small" role="status">{markup.escape(reading(row, example, found))}</p>',
        )
    )
    columns = [
        (f"activation_{row.feature}", found.fires),
        (f"kl_bits_without_{row.feature}", found.bits),
        ("kl_bits_without_others_median", found.control),
        ("kl_bits_random_direction", found.direction_bits),
    ]
    st.download_button(
        "Ablation (CSV)",
        lambda: downloads.residues_csv(example.sequence, columns),
        f"{downloads.file_name(row.sae, row.feature, example.accession, 'ablation')}.csv",
        "text/csv",
        icon=":material/download:",
    )
