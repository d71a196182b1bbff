"""The letters around a feature's strongest residues: a logo beside what luck gives. Read `show`, then `reading`."""

import streamlit as st

from explorer.draw import downloads, logo, markup, words
from explorer.services import data, residues
from explorer.services.refs import FeatureRef
from explorer.shell import frame, takeaway
from protsae.alphabet import AMINO_ACIDS
from protsae.store.analyses.motifs import MOTIFS, REACH, MotifRow
from protsae.store.rows import FeatureRow

LEAST = 5
"""Families from which on a logo says anything."""

HELP = (
    "The proteins with the strongest residue, one of each homology family, lined up at that residue. A column is as "
    "high as its letters differ from the corpus', in bits, less what so few sequences differ by luck; within it a "
    "letter takes its share. Null: the same number around random other residues with the peak's own letter in the same "
    "proteins, mean of 20 draws; in brackets the largest of them."
)


PEAK_HELP = "The strongest residue's column alone. Null: at random residues of the same proteins, mean of 20 draws."


def show(ref: FeatureRef, row: FeatureRow) -> None:
    """The card; none for a feature that never fires."""
    if row.max_act <= 0:
        return
    with st.container(border=True):
        st.header("Letters at the peak", anchor=False, help=HELP)
        absence, found = data.absence(MOTIFS), residues.motif(ref)
        if absence or found is None:
            frame.say(absence or "Nothing was counted for this feature.", "ps-small ps-soft")
            return
        if found.n_sequences < LEAST:
            families = words.count(found.n_sequences, "protein")
            frame.say(f"It fires in {families} of different families only, too few for a logo.", "ps-small ps-soft")
            return
        bits = logo.letter_bits(found.counts, found.background)
        said = logo.spoken(bits) or "no column says more than luck"
        with takeaway.figure("logo", f"Letters around the peak of {ref.sae} #{ref.feature}", refs=[ref]):
            st.image(logo.logo_svg(bits, frame.mode()), width="stretch", alt=f"Sequence logo, 0 is the peak: {said}.")
        st.html(markup.wrap(f'<p class="ps-small">{markup.escape(reading(found))}</p>', _numbers(found)))
        with st.expander("Colours, counts"):
            st.html(markup.wrap(markup.dots_legend(logo.chemistry_legend(frame.mode()))))
            frame.say(f"Highest columns: {said}.", "ps-small ps-soft")
            st.download_button(
                "Counts (CSV)",
                lambda: counts_csv(found),
                f"{downloads.file_name(ref.sae, ref.feature, 'motif')}.csv",
                "text/csv",
                icon=":material/download:",
            )


def reading(found: MotifRow) -> str:
    """One sentence: whether the letters beside the peak are alike beyond luck."""
    families = f"{found.n_sequences} proteins of as many families"
    if found.flank_bits > found.null_flank_most:
        return f"{families}: the letters beside the peak are alike by more than luck."
    return f"{families}: beside the peak no more than luck gives, so no motif."


def _numbers(found: MotifRow) -> str:
    null = f"{_bits(found.null_flank_bits)} ({_bits(found.null_flank_most)})"
    at_peak = _bits(found.null_peak_bits)
    return markup.facts(
        [
            ("Beside the peak", f"{_bits(found.flank_bits)} bits, null {null}", HELP),
            ("At the peak", f"{_bits(found.peak_bits)} bits, null {at_peak}", PEAK_HELP),
        ]
    )


def _bits(value: float) -> str:
    """One digit; what is 0 but for it has no sign."""
    return f"{round(value, 1) + 0.0:.1f}"


def counts_csv(found: MotifRow) -> str:
    """One line an offset, a column an amino acid, and the information of the column."""
    bits = logo.letter_bits(found.counts, found.background).sum(axis=1)
    lines = [
        (offset, int(counts.sum()), f"{height:.4g}", *counts.tolist())
        for offset, counts, height in zip(range(-REACH, REACH + 1), found.counts, bits, strict=True)
    ]
    return downloads.table_csv(["offset", "n", "bits", *AMINO_ACIDS], lines)
