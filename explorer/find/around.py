"""Around a GO term: parents, siblings and children in one table, and which siblings its feature confuses it with.

Read `show`.
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer.draw import downloads, outward, verdicts, words
from explorer.services import data
from explorer.services.around import Around, Relative, around
from explorer.shell import frame, links
from explorer.shell.tables import clickable, clicked_row
from protsae.store.analyses.confusion import CONFUSION
from protsae.store.rows import TermFeature

MOST_ROWS = 30
NAMES = {"parent": "broader", "sibling": "sibling", "child": "narrower"}
CALLED = (
    "Of the test proteins that carry this sibling and not the term above, the share that the term's feature calls at "
    "its frozen threshold. Beside it the null: the same share among all other proteins without the term. “clear” where "
    "the first is higher by more than chance (hypergeometric, 5 % false discovery over all terms)."
)


def show(go_id: str, *, expanded: bool) -> None:
    """Table and sentence, folded away except for the first hit."""
    found = around(go_id)
    counts = {relation: sum(row.relation == relation for row in found.relatives) for relation in NAMES}
    plural = {"sibling": "siblings"}
    told = ", ".join(f"{n:,} {plural.get(one, NAMES[one]) if n > 1 else NAMES[one]}" for one, n in counts.items() if n)
    if not told:
        return
    with st.expander(f"Around it in the Gene Ontology: {told}", expanded=expanded):
        for sentence in sentences(found):
            frame.say(sentence, "ps-small")
        reason = data.absence(CONFUSION)
        if reason and counts["sibling"]:
            frame.say(reason, "ps-small ps-soft")
        table(go_id, found)


def sentences(found: Around) -> list[str]:
    """Which siblings each feature confuses the term with, beside its recall."""
    told = []
    for sae, feature in found.features.items():
        rows = [row for row in found.relatives if sae in row.confusion]
        if not rows:
            continue
        name = f"{data.sae(sae).display_name} #{feature.feature}"
        rows.sort(key=lambda row, sae=sae: -row.confusion[sae].share)
        clear = [row for row in rows if row.confusion[sae].is_clear]
        recall = f"it calls {words.percent(feature.test_recall)} of the term's own test proteins"
        if clear:
            worst = [
                f"{row.term.name} ({words.percent(row.confusion[sae].share)} of its other proteins called)"
                for row in clear[:3]
            ]
            told.append(f"{name} confuses the term with {words.join(worst)}; {recall}.")
        else:
            told.append(
                f"{name} confuses the term with none of its {words.count(len(rows), 'scored sibling')}; {recall}."
            )
    return told


def table(go_id: str, found: Around) -> None:
    """A row a relative; a click searches for it."""
    rows = found.relatives[:MOST_ROWS]
    saes = [sae for sae in found.features if any(sae in row.confusion for row in rows)]
    key = f"around_{go_id.replace(':', '_')}"
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame({
            "Relation": [NAMES[row.relation] for row in rows],
            "Term": [row.term.name for row in rows],
            "Proteins": [row.term.n_shipped for row in rows],
            "n": [row.term.n_test for row in rows],
            **{_head(sae): [_called(row, sae) for row in rows] for sae in saes},
            "Its feature": [_feature(row.guided) for row in rows],
            "F1": [row.guided.test_f1 if row.guided else None for row in rows],
            "Evidence": [verdicts.grade_name(row.guided) if row.guided else "" for row in rows],
            "QuickGO": [f"{outward.QUICKGO}{row.term.go_id}" for row in rows],
        }),
        hide_index=True, height=min(360, 38 + 35 * len(rows)), **clickable(key),
        column_config={
            "Term": st.column_config.TextColumn(width="medium"),
            "Proteins": number(help="Shipped proteins that carry it."),
            "n": number(help=words.HELP["n"]),
            **{_head(sae): st.column_config.TextColumn(width="medium", help=CALLED) for sae in saes},
            "Its feature": st.column_config.TextColumn(width="small", help="The best feature that the term guides."),
            "F1": number(format="%.2f", help=words.HELP["f1"]),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"]),
            "QuickGO": st.column_config.LinkColumn(display_text=r"term/(GO:\d+)"),
        },
    )  # fmt: skip
    st.caption(
        "Click a row to search for its term."
        + (f" {len(found.relatives) - MOST_ROWS:,} more are in the file." if len(found.relatives) > MOST_ROWS else "")
    )
    st.download_button(
        "These terms (CSV)", lambda: csv(found), f"{downloads.file_name(go_id)}_around.csv", "text/csv",
        key=f"save_{key}",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    clicked = clicked_row(key)
    if clicked is not None:
        frame.go(links.find(rows[clicked].term.go_id))


def _head(sae: str) -> str:
    return f"Called by {data.sae(sae).display_name}"


def _called(row: Relative, sae: str) -> str:
    one = row.confusion.get(sae)
    if one is None:
        return "" if row.relation != "sibling" else "too few proteins"
    clear = ", clear" if one.is_clear else ""
    return f"{words.percent(one.share)} of {one.n_sibling} (null {words.percent(one.null)}{clear})"


def _feature(guided: TermFeature | None) -> str:
    return "" if guided is None else f"{data.sae(guided.sae).display_name} #{guided.feature}"


def csv(found: Around) -> str:
    """Every relative, once for each feature of the term that was asked about its proteins."""
    head = (
        "relation go_id name n_shipped n_test guided_sae guided_feature guided_f1 guided_grade sae feature n_sibling "
        "n_called n_other n_other_called q_value"
    )
    lines: list[Sequence[object]] = []
    for row in found.relatives:
        guided = row.guided
        facts = [
            row.relation, row.term.go_id, row.term.name, row.term.n_shipped, row.term.n_test, guided and guided.sae,
            guided and guided.feature, guided and guided.test_f1, guided and guided.grade,
        ]  # fmt: skip
        for one in row.confusion.values():
            counts = (one.n_sibling, one.n_called, one.n_other, one.n_other_called, f"{one.q_value:.3g}")
            lines.append([*facts, one.sae, one.feature, *counts])
        if not row.confusion:
            lines.append([*facts, *[None] * 7])
    return downloads.table_csv(head.split(), lines)
