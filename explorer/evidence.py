"""The evidence column of a feature: held-out score, badges, when it fires, amino acids, neighbours.

Each function draws one card. Read `how_we_know`, then `badges`.
"""

import numpy as np
import streamlit as st

from explorer import charts, data, frame, links, markup, theme, words
from explorer.links import FeatureRef
from protsae.alphabet import AMINO_ACIDS
from protsae.store.rows import FeatureAnnotation, FeatureRow, NeighbourRow, TermFeature

DENSE = 0.1
"""Fires on more than this share of residues: too much to stand for one idea."""

BIASED = 3.0
"""log2 enrichment from which on one amino acid alone may explain the feature (eight times its usual share)."""

PLOTLY = {"displayModeBar": False}


def how_we_know(row: FeatureRow, terms: list[TermFeature], sites: list[FeatureAnnotation]) -> None:
    """The held-out card: best term with its scores, then everything else the feature aligns with."""
    with st.container(border=True):
        st.subheader("How do we know?", anchor=False, help=words.HELP["held_out"])
        st.html(markup.wrap(badges(row, terms)))
        if not terms:
            frame.say("No GO term could be scored against this feature: the examples are the evidence.")
        else:
            best = terms[0]
            name = f"{words.capitalised(best.term_name)} ({best.go_id})"
            st.html(markup.wrap(f"<b>{markup.escape(name)}</b>", markup.score(best), _choices(best)))
            frame.say(words.verdict(best), "ps-small ps-soft")
        also = [term for term in terms[1:] if words.is_validated(term)]
        if also:
            st.html(markup.wrap(markup.paragraph("It also goes with:", "ps-small"), _terms_table(also)))
        if sites:
            st.html(
                markup.wrap(
                    markup.paragraph("Residue by residue, against annotated sites:", "ps-small"),
                    _sites_table(sites[:4]),
                )
            )


def _choices(best: TermFeature) -> str:
    return markup.facts(
        [
            ("Precision", words.number(best.test_precision), words.HELP["precision"]),
            ("Recall", words.number(best.test_recall), words.HELP["recall"]),
            (
                "Called when",
                f"{best.pooling} over residues > {words.amount(best.threshold)}",
                words.HELP["threshold"] + " " + words.HELP["pooling"],
            ),
            (
                "Before the test",
                f"F1 {words.number(best.valid_f1)} on validation ({best.n_pos_valid} positives)",
                words.HELP["f1"],
            ),
        ]
    )


def _terms_table(terms: list[TermFeature]) -> str:
    rows = [
        (
            row.term_name,
            words.number(row.test_f1),
            f"{words.number(row.test_f1_low)} to {words.number(row.test_f1_high)}",
            str(row.n_pos_test),
        )
        for row in terms[:4]
    ]
    return markup.table(("GO term", "F1", "interval", "n"), rows)


def _sites_table(sites: list[FeatureAnnotation]) -> str:
    rows = [
        (
            row.kind,
            words.number(row.test_f1),
            f"{words.number(row.test_f1_low)} to {words.number(row.test_f1_high)}",
            words.number(row.null_f1),
        )
        for row in sites
    ]
    return markup.table(("Site", "F1", "interval", "null"), rows)


def badges(row: FeatureRow, terms: list[TermFeature]) -> str:
    """Short notes that change how far to trust the label."""
    notes = []
    if row.kind == "defined":
        notes.append(
            markup.badge(
                "guided",
                f"Trained to follow {row.go_id}; it may also be forced on where the model expects the term.",
                "good",
            )
        )
    if terms and words.is_validated(terms[0]):
        notes.append(markup.badge("validated", words.verdict(terms[0]), "good"))
    elif terms:
        notes.append(markup.badge("not validated", words.verdict(terms[0]), "warn"))
    if row.max_act <= 0:
        notes.append(markup.badge("no known activations", "It fired on no residue of the corpus.", "warn"))
    if row.density > DENSE:
        notes.append(
            markup.badge(
                "dense", f"Fires on {words.percent(row.density)} of residues: too often to stand for one idea.", "warn"
            )
        )
    letter, gain = strongest_residue(row)
    if gain >= BIASED:
        name = words.AMINO_ACID_NAMES[letter]
        tip = f"{name.capitalize()} is {2**gain:.0f} times as frequent where it fires: it may detect nothing else."
        notes.append(markup.badge(f"mostly on {name}", tip, "warn"))
    return "".join(notes)


def strongest_residue(row: FeatureRow) -> tuple[str, float]:
    """The most enriched amino acid and its log2 enrichment; ('', 0) where the feature never fires."""
    values = np.asarray(row.aa_enrichment, dtype=float)
    if len(values) != len(AMINO_ACIDS) or not np.isfinite(values).any():
        return "", 0.0
    best = int(np.nanargmax(values))
    return AMINO_ACIDS[best], float(values[best])


def when_it_fires(row: FeatureRow) -> None:
    """Density and the distribution of activations."""
    with st.container(border=True):
        st.subheader("When does it fire?", anchor=False)
        shares = [
            ("Residues", words.percent(row.density), words.HELP["density"]),
            ("Proteins", words.percent(row.protein_density), words.HELP["protein_density"]),
            (
                "Strongest",
                f"{words.amount(row.max_act)} (99.9th percentile {words.amount(row.p999_act)})",
                words.HELP["raw"],
            ),
        ]
        st.html(markup.wrap(markup.facts(shares)))
        if len(row.histogram):
            figure = charts.histogram(row.histogram.tolist(), row.max_act, row.p999_act, frame.mode())
            st.plotly_chart(figure, config=PLOTLY, key="histogram", alt="Residues by activation, logarithmic")


def amino_acids(row: FeatureRow) -> None:
    """On which amino acids it fires, and what it makes the language model expect."""
    with st.container(border=True):
        st.subheader("Amino acids", anchor=False)
        for title, values, unit, tip in (
            ("Fires on", row.aa_enrichment, "log2 enrichment", "aa_enrichment"),
            ("Makes the model expect", row.aa_effect, "logits", "aa_effect"),
        ):
            if len(values):
                st.caption(f"{title} ({unit})", help=words.HELP[tip])
                figure = charts.amino_acids(values, unit, frame.mode())
                st.plotly_chart(figure, config=PLOTLY, key=f"aa_{tip}", alt=f"{title}: {unit} of the 20 amino acids")


def surroundings(ref: FeatureRef, row: FeatureRow) -> None:
    """Place on the map, nearest features here and in the other autoencoders."""
    near = data.neighbours(ref)
    here = [n for n in near if n.other_sae == ref.sae]
    with st.container(border=True):
        st.subheader("Neighbours", anchor=False, help=words.HELP["cosine"])
        if row.umap_x is not None:
            points = data.map_points(ref.sae)
            figure = charts.position(
                points, ref.feature, [n.other_feature for n in here], frame.mode(), theme.identity(ref.sae)
            )
            st.plotly_chart(
                figure, config=PLOTLY, key="position", alt="Place of this feature among all of its autoencoder"
            )
            frame.link(links.map_of(ref.sae), "Open the map", icon=":material/scatter_plot:")
        _neighbour_links("In this autoencoder", here[:4])
        other = [n for n in near if n.other_sae != ref.sae]
        for sae in dict.fromkeys(n.other_sae for n in other):
            _neighbour_links(f"In {words.sae_name(sae)}", [n for n in other if n.other_sae == sae][:2])
        if not near:
            st.caption("No other feature writes in a similar direction.")


def _neighbour_links(title: str, rows: list[NeighbourRow]) -> None:
    if not rows:
        return
    with st.container(gap="xxsmall"):
        st.caption(title)
        for row in rows:
            text = f"{words.label(row.label)} · #{row.other_feature} · {row.cosine:.2f}"
            frame.link(links.feature(row.other_sae, row.other_feature), text)
