"""All features that fire in a protein: one picture, the table behind it, and what prefers the marked residues.

Read `show`.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from explorer.components.heat import HeatRow, heat_strip
from explorer.draw import confounded, downloads, markup, words
from explorer.firing import choosing
from explorer.firing.lists import ONE_IN, STRENGTH, SURPRISE, counted, folded, save
from explorer.protein.subject import Subject
from explorer.protein_page import chosen
from explorer.protein_page.chosen import Asked, Line
from explorer.services import data, live
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame, links, takeaway

MOST_LINES = 300
"""Of the picture, before the reader asks for all."""
MOST_ROWS = 120
"""Of the table."""

WHOLE = (
    "Within a group the most unusual come first: more residues fire more strongly here than in a random stretch of the "
    "corpus as long. Click a line to see it above and on the structure."
)
PREFERRED = (
    "Ranked for residues {} to {}: fires there, and more than elsewhere in this chain. Clear the range to rank the "
    "whole chain."
)
INSIDE = "Share of the feature's activation in this chain that lies in the marked residues."
FOLD = "That share over the marked residues' share of the chain: 1 is what an even spread gives."
FIRING = "Marked residues on which it fires."
EXPECTED = "Marked residues on which it would fire at its rate over the whole corpus."
SHIFTED = (
    "The null: of all stretches of this length in this chain (closed to a ring), the share that hold as much of the "
    "feature. Many features are asked, so a few are small by luck; the sentence above says how many."
)


def show(about: Subject, ask: Asked, lines: list[Line], *, n_firing: int, strips: list[FeatureRef]) -> None:
    """Filters, picture, table."""
    choosing.controls()
    chosen.controls()
    rows = [line.row for line in lines]
    what = WHOLE if ask.span is None else PREFERRED.format(*ask.span)
    st.caption(f"{what} {counted(rows, n_firing, len(rows))}")
    if not lines:
        st.html(markup.empty("No feature that fires here is of this kind.", "Ask for other evidence or another label."))
        return
    if ask.span is not None:
        frame.say(luck(lines), "ps-small")
    every = st.query_params.get("every") == "1"
    picture(about, ask, lines if every else lines[:MOST_LINES], strips)
    if len(lines) > MOST_LINES:
        frame.flag(f"Draw all {len(lines):,} lines, not the first {MOST_LINES}", "every")
    table(about, lines, ask)
    file = downloads.file_name(about.name, *ask.saes)
    save("All of these (CSV)", lambda: csv(about, lines, ask), f"{file}_firing.csv")


def luck(lines: Sequence[Line]) -> str:
    """How many features hold as much in few shifted stretches, beside how many would by luck."""
    ranked = [line.preference for line in lines if line.preference is not None]
    clear = sum(one.p_shift <= 0.05 for one in ranked)
    return (
        f"{words.count(clear, 'feature')} of these {len(ranked):,} hold as much in at most 5 % of the shifted "
        f"stretches; if none preferred these residues, about {0.05 * len(ranked):.0f} or fewer would."
    )


def picture(about: Subject, ask: Asked, lines: Sequence[Line], strips: list[FeatureRef]) -> None:
    """The heat strip; a click on a line shows it among the strips."""
    several, sae = len(ask.saes) > 1, ask.saes[0]
    rows, ref_of = [], {}
    codes_of = {name: live.by_feature(about.sequence, name) for name in ask.saes}
    for line in lines:
        residues, values = codes_of[line.ref.sae].of(line.ref.feature)
        name = f"{data.sae(line.ref.sae).display_name} · " if several else ""
        code = chosen.code(line.ref, sae)
        ref_of[code] = line.ref
        rows.append(
            HeatRow(
                label=f"{name}{line.label if line.grade != 'none' else line.name}",
                code=code,
                number=f"#{line.ref.feature}",
                href=links.feature(*line.ref).url,
                residues=residues,
                values=values,
                scale=line.full,
                group=chosen.title(line, ask),
            )
        )
    row = _row(len(strips))

    def pick(code: str) -> None:
        if code in ref_of:
            chosen.pick(ref_of[code], strips, row, sae)

    codes = {chosen.code(ref, sae) for ref in strips}
    what = f"Features that fire in {about.name}"
    with takeaway.figure("protein_heat", what, saes=ask.saes, scale="normalised"):
        heat_strip(key="protein_heat", sequence=about.sequence, rows=rows, picked=codes, span=ask.span, on_picked=pick)


def _row(n_strips: int) -> int:
    text = st.query_params.get("row", "1")
    return int(text) - 1 if text.isascii() and text.isdigit() and 0 < int(text[:6]) <= n_strips else 0


def table(about: Subject, lines: Sequence[Line], ask: Asked) -> None:
    """The numbers behind the picture's first lines."""
    number = st.column_config.NumberColumn
    shown = lines[:MOST_ROWS]
    columns: dict[str, Any] = {
        "Feature": [links.feature(*line.ref).url for line in shown],
        "Label": [line.name for line in shown],
    }
    if len(ask.saes) > 1:
        columns["Autoencoder"] = [data.sae(line.ref.sae).display_name for line in shown]
    if ask.span is not None:
        columns |= _preferring(shown)
    columns |= {
        "Unusual": [line.row.feature.surprise for line in shown],
        "Alike": [folded(line.row) for line in shown],
        "Strength": [100 * min(1.0, line.row.feature.peak / line.full) for line in shown],
        "Peak at": [_at(about, line) for line in shown],
        "Residues": [line.row.feature.n_active for line in shown],
        "One in": [round(line.row.feature.one_in) for line in shown],
        "Evidence": ["not validated" if line.grade == "none" else line.grade for line in shown],
        confounded.COLUMN: doubts.column(line.ref for line in shown),
        "Held-out F1": [line.f1 for line in shown],
        "Null": [line.null_f1 for line in shown],
    }
    st.dataframe(
        pd.DataFrame(columns), hide_index=True, height=min(380, 38 + 35 * len(shown)), key="protein_table",
        column_config={
            "Feature": st.column_config.LinkColumn(display_text=r"feature=(\d+)", width="small"),
            "Label": st.column_config.TextColumn(width="medium", help=words.HELP["label"]),
            "Inside": number(format="percent", help=INSIDE),
            "Fold": number(format="%.1f", help=FOLD),
            "Fires on": number(help=FIRING),
            "Expected": number(format="%.1f", help=EXPECTED),
            "Shifted": number(format="%.3f", help=SHIFTED),
            "Unusual": number(format="%.0f", help=SURPRISE),
            "Alike": st.column_config.TextColumn(help=choosing.ALIKE),
            "Strength": st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.0f %%", help=STRENGTH),
            "One in": number(format="localized", help=ONE_IN),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"]),
            **doubts.column_config(),
            "Held-out F1": number(format="%.2f", help=words.HELP["label_f1"]),
            "Null": number(format="%.2f", help=words.HELP["null"]),
        },
    )  # fmt: skip
    if len(lines) > MOST_ROWS:
        st.caption(f"The table lists the first {MOST_ROWS} lines; the file below holds all of them.")


def _preferring(lines: Sequence[Line]) -> dict[str, list[object]]:
    found = [line.preference for line in lines if line.preference is not None]
    return {
        "Inside": [one.inside for one in found],
        "Fold": [one.fold for one in found],
        "Fires on": [one.n_firing for one in found],
        "Expected": [one.n_expected for one in found],
        "Shifted": [one.p_shift for one in found],
    }


def _at(about: Subject, line: Line) -> str:
    position = line.row.feature.position
    return f"{about.sequence[position - 1]}{position}"


def csv(about: Subject, lines: Sequence[Line], ask: Asked) -> str:
    """Every line with all its numbers; activations at its residues (1-based) last."""
    head = (
        "sae feature label label_grade label_f1 label_null_f1 kind surprise_nats alike peak peak_position n_active "
        "one_in"
    )
    marked = ["inside", "fold", "n_firing", "n_expected", "p_shift"] if ask.span is not None else []
    rows, codes_of = [], {name: live.by_feature(about.sequence, name) for name in ask.saes}
    for line in lines:
        one, prefers = line.row.feature, line.preference
        residues, values = codes_of[line.ref.sae].of(line.ref.feature)
        rows.append(
            [*line.ref, line.label, line.grade, line.f1, line.null_f1, line.kind, f"{one.surprise:.3f}",
             line.row.n_folded, f"{one.peak:.6g}", one.position, one.n_active, f"{one.one_in:.1f}",
             *([] if prefers is None else [f"{getattr(prefers, name):.5g}" for name in marked]),
             " ".join(str(int(at) + 1) for at in residues), " ".join(f"{value:.4g}" for value in values)]
        )  # fmt: skip
    return downloads.table_csv([*head.split(), *marked, "positions", "activations"], rows)
