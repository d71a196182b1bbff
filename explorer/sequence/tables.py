"""The tables under a protein: features that fire, GO terms that guided features call, and files of both.

Read `feature_table`, then `term_table`.
"""

import pandas as pd
import streamlit as st

from explorer.components.protein_view import StripRow
from explorer.components.strips import profile
from explorer.draw import confounded, downloads, markup, outward, verdicts, words
from explorer.firing import choosing, ranges
from explorer.firing.lists import (
    INFORMATION,
    MOST_SAID,
    ONE_IN,
    PREDICTOR,
    STRENGTH,
    SURPRISE,
    TERM_FIELDS,
    counted,
    folded,
    picked,
    save,
)
from explorer.protein import predictions
from explorer.protein.subject import Subject
from explorer.services import data, live
from explorer.services.refs import FeatureRef
from explorer.shell import address, doubts, frame, links, viewer
from protsae.store.analyses.calibration import CALIBRATION

TABLE_ROWS = 120
BAND_FIELDS = ("band_hits_test", "band_n_test", "prevalence_test")
"""Columns behind those of every list of called terms."""

UNUSUAL = (
    "The most unusual first: more residues fire more strongly here than in a random stretch of the corpus as long. "
    "Tick rows to see them above; drag over residues to ask which features prefer them."
)
IN_RANGE = (
    "Ranked for residues {} to {}: fires there, and more than elsewhere. Clear the range to rank the whole chain."
)
THERE = "Share of the feature's activation in this chain that lies in the marked residues."
FOLD = "That share over the marked residues' share of the chain: 1 is even, and the feature's own background."
SHIFTED = (
    "The null: share of all stretches of this length (the chain closed to a ring) that hold as much of the feature, "
    "this one among them. Small is unusual; the smallest possible is one over the chain's length."
)
ALONG = "The whole chain from first to last residue; the height is the share of full colour in the strips above."
PAIRS = (
    "The strips then show, for the first four called terms, the guided feature and below it the feature of the "
    "autoencoder without guidance that fits the term best; each at full colour at its own 99.9th percentile."
)
AT_THIS_SIGNAL = (
    "Of test proteins (other families than those that trained or chose anything) whose signal lies in the same band as "
    "here, those that carry the term. Bands are cut on validation proteins: the 10 strongest, the next 10, 20, 40 …"
)
BY_CHANCE = "Share of all annotated test proteins that carry the term: what a signal without meaning would have."
ANNOTATED = "Whether the stored protein carries the term; 'no' may be a gap in the annotation."


def feature_table(about: Subject, sae: str, active: list[live.ActiveFeature], table: pd.DataFrame, n_rows: int) -> None:
    """Active features, the most unusual first; a brushed range ranks them by how much they prefer it."""
    span = viewer.kept(len(about.sequence), n_rows).span
    choosing.controls()
    asked = choosing.wanted()
    preferred = ranges.of_protein(about.sequence, sae, span) if span is not None else {}
    firing = {a.feature: a for a in active}
    ranked = active if span is None else [firing[feature] for feature in preferred if feature in firing]
    rows = choosing.rows(about, sae, ranked, table, asked)
    st.caption(f"{UNUSUAL if span is None else IN_RANGE.format(*span)} {counted(rows, len(ranked), TABLE_ROWS)}")
    if not rows:
        st.html(markup.empty("No feature that fires here is of this kind.", "Ask for other evidence or another label."))
        return
    listed = [row.feature for row in rows[:TABLE_ROWS]]
    features = [a.feature for a in listed]
    facts = table.set_index("feature").loc[features]
    strongest = zip(facts["p999_act"].to_numpy(float), facts["max_act"].to_numpy(float), strict=True)
    full = [float(p999 or highest or 1.0) for p999, highest in strongest]
    values = live.feature_rows(about.sequence, [FeatureRef(sae, feature) for feature in features])
    which = hash((about.sequence, sae, span, asked))
    key = f"sequence_features_{which}"  # another list must not inherit the ticks of this one

    ticked = picked(sae)
    st.session_state[key] = {
        "selection": {"rows": [features.index(feature) for feature in ticked if feature in features]}
    }

    def tick() -> None:
        chosen = [features[i] for i in st.session_state[key]["selection"]["rows"]]
        unlisted = [feature for feature in ticked if feature not in features]
        address.write(rows=".".join(map(str, [*unlisted, *chosen])) or None, row=None)

    marked = [preferred[feature] for feature in features] if span is not None else []
    st.dataframe(
        pd.DataFrame({
            "Feature": [links.feature(sae, feature).url for feature in features],
            "Label": [words.label(*pair) for pair in zip(facts["label"], facts["label_grade"], strict=True)],
            **({
                "There": [100 * one.inside for one in marked],
                "Fold": [one.fold for one in marked],
                "Shifted": [one.p_shift for one in marked],
            } if span is not None else {}),
            "Along the chain": [profile(v, s) for v, s in zip(values, full, strict=True)],
            "Unusual": [a.surprise for a in listed],
            "Alike": [folded(row) for row in rows[:TABLE_ROWS]],
            "Strength": [100 * min(1.0, a.peak / s) for a, s in zip(listed, full, strict=True)],
            "Peak at": [f"{about.sequence[a.position - 1]}{a.position}" for a in listed],
            "Residues": [a.n_active for a in listed],
            "One in": [round(a.one_in) for a in listed],
            "Evidence": facts["label_grade"].replace("none", "not validated").tolist(),
            confounded.COLUMN: doubts.column((sae, feature) for feature in features),
            "Held-out F1": facts["label_f1"].tolist(),
            "Null": facts["label_null_f1"].tolist(),
        }),
        key=key, on_select=tick, selection_mode="multi-row", hide_index=True, height=420,
        column_config={
            "Feature": st.column_config.LinkColumn(display_text=r"feature=(\d+)", width="small"),
            "Label": st.column_config.TextColumn(width="medium", help=words.HELP["label"]),
            "Along the chain": st.column_config.AreaChartColumn(
                width="medium", y_min=0, y_max=1, color="primary", help=ALONG
            ),
            "There": st.column_config.NumberColumn(format="%.0f %%", help=THERE),
            "Fold": st.column_config.NumberColumn(format="%.1f", help=FOLD),
            "Shifted": st.column_config.NumberColumn(format="%.2f", help=SHIFTED),
            "Unusual": st.column_config.NumberColumn(format="%.0f", help=SURPRISE),
            "Alike": st.column_config.TextColumn(help=choosing.ALIKE),
            "Strength": st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.0f %%", help=STRENGTH),
            "One in": st.column_config.NumberColumn(format="localized", help=ONE_IN),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"]),
            **doubts.column_config(),
            "Held-out F1": st.column_config.NumberColumn(format="%.2f", help=words.HELP["label_f1"]),
            "Null": st.column_config.NumberColumn(format="%.2f", help=words.HELP["null"]),
        },
    )  # fmt: skip


def term_table(about: Subject, called: list[predictions.Call]) -> None:
    """Terms that guided features call, with how often such calls were right on unseen proteins."""
    st.markdown(
        predictions.sentence(called, about.known.split if about.known is not None else None, len(about.sequence))
    )
    everything = frame.flag("Also those that were not called, or not confirmed on unseen proteins", "all")
    frame.flag("Show them above, each beside the best feature without guidance", "pairs", tip=PAIRS)
    shown = [call for call in called if everything or (call.is_called and call.is_firm)]
    annotated = {row.go_id for row in data.protein_terms(about.known.accession)} if about.known else None
    if not shown:
        return
    st.caption(MOST_SAID)
    if reason := data.absence(CALIBRATION):
        frame.say(reason, "ps-small ps-soft")
    st.dataframe(
        pd.DataFrame({
            "Term": [links.compare(c.term.go_id).url for c in shown],
            "Name": [c.term.term_name for c in shown],
            "Kind": [words.NAMESPACES.get(c.term.namespace, c.term.namespace) for c in shown],
            "Information": [c.information for c in shown],
            "Called": [c.is_called for c in shown],
            "Signal / threshold": [f"{words.amount(c.score)} / {words.amount(c.term.threshold)}" for c in shown],
            "Right at this signal": [right_here(c) for c in shown],
            "By chance": [c.band.null if c.band is not None else None for c in shown],
            "Right, held out": [c.term.test_precision for c in shown],
            "Held-out F1": [c.term.test_f1 for c in shown],
            "Evidence": [verdicts.grade_name(c.term) for c in shown],
            confounded.COLUMN: doubts.column((c.term.sae, c.term.feature) for c in shown),
            "n": [c.term.n_pos_test for c in shown],
            "Predictor": [c.pi for c in shown],
            "Annotated": [carried(c.term.go_id, annotated) for c in shown],
            "Feature": [links.feature(c.term.sae, c.term.feature).url for c in shown],
            "QuickGO": [f"{outward.QUICKGO}{c.term.go_id}" for c in shown],
        }),
        hide_index=True, height=min(420, 38 + 35 * len(shown)),
        column_config={
            "Term": st.column_config.LinkColumn(display_text=r"go=GO%3A(\d+)"),
            "Information": st.column_config.NumberColumn(format="%.1f bits", help=INFORMATION),
            "QuickGO": st.column_config.LinkColumn(display_text="QuickGO ↗"),
            "Signal / threshold": st.column_config.TextColumn(help=words.HELP["threshold"]),
            "Right at this signal": st.column_config.TextColumn(help=AT_THIS_SIGNAL),
            "By chance": st.column_config.NumberColumn(format="%.2f", help=BY_CHANCE),
            "Right, held out": st.column_config.NumberColumn(format="%.2f", help=words.HELP["precision"]),
            "Held-out F1": st.column_config.NumberColumn(format="%.2f", help=words.HELP["f1"]),
            **doubts.column_config(),
            "n": st.column_config.NumberColumn(help=words.HELP["n"]),
            "Predictor": st.column_config.NumberColumn(format="%.2f", help=PREDICTOR),
            "Annotated": st.column_config.TextColumn(help=ANNOTATED),
            "Feature": st.column_config.LinkColumn(display_text=r"feature=(\d+)"),
        },
    )  # fmt: skip


def right_here(call: predictions.Call) -> str:
    """Share and counts of the band that the signal lies in."""
    band = call.band
    if band is None or band.share is None:
        return "not measured"
    return f"{100 * band.share:.0f} % ({band.test_hits} of {band.test_n})"


def carried(go_id: str, annotated: set[str] | None) -> str:
    """Whether the known protein carries a term; nothing is known of a new one."""
    if annotated is None:
        return "unknown"
    return "yes" if go_id in annotated else "no"


def take_away(
    about: Subject, sae: str, active: list[live.ActiveFeature], rows: list[StripRow], called: list[predictions.Call]
) -> None:
    """Files of everything above."""
    protein = downloads.stem(about.name or "sequence")
    name = downloads.file_name(protein, sae)
    with st.container(horizontal=True):
        head = ["sae", "feature", "peak", "peak_position", "active_residues", "one_residue_in", "surprise_nats"]
        lines = [
            (sae, a.feature, f"{a.peak:.6g}", a.position, a.n_active, f"{a.one_in:.1f}", f"{a.surprise:.2f}")
            for a in active
        ]
        save("Active features (CSV)", lambda: downloads.table_csv(head, lines), f"{name}_features.csv")
        columns = [(row.label, row.values) for row in rows]  # noqa: PD011 - no data frame
        save(
            "Shown rows by residue (CSV)",
            lambda: downloads.residues_csv(about.sequence, columns),
            f"{name}_residues.csv",
        )
        terms = [
            (c.term.go_id, c.term.term_name, c.term.namespace, f"{c.information:.3f}", c.is_called, f"{c.score:.6g}",
             c.term.threshold,
             c.term.pooling, c.term.test_precision, c.term.test_f1, c.term.n_pos_test, c.term.grade, f"{c.pi:.4f}",
             *((c.band.test_hits, c.band.test_n, f"{c.band.null:.4f}") if c.band is not None else (None, None, None)))
            for c in called
        ]  # fmt: skip
        save("GO terms (CSV)", downloads.table_csv([*TERM_FIELDS.split(), *BAND_FIELDS], terms), f"{name}_go_terms.csv")
