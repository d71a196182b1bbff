"""GO terms of a protein, known and called, in one table: what is annotated, what guided features call, and both.

Read `rows`, then `show`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from explorer.draw import confounded, downloads, markup, outward, verdicts, words
from explorer.firing.lists import INFORMATION, PREDICTOR, save
from explorer.protein import predictions
from explorer.protein.predictions import Call
from explorer.services import data
from explorer.shell import doubts, frame, links
from protsae.store.rows import ProteinRow, ProteinTerm, TermFeature

BOTH, MISSED, KNOWN, CANDIDATE = "known and called", "known, not called", "known", "candidate"
UNFIRM, SILENT = "called, not confirmed", "not called"
SHOWN = {"all": "All", "known": "Known", "called": "Called", "candidates": "Candidates"}
STATUS = (
    "Known: annotated for this protein, or following from an annotation. Called: a guided feature that held up on "
    "unseen proteins exceeds the threshold that was frozen on validation proteins. Candidate: called and not "
    "annotated, which is an error of the feature or a gap in the annotation. “known” alone: no guided feature was "
    "confirmed for it."
)
KNOWN_AS = "Direct: annotated itself (EXP by experiment, IEA by a computer). Inherited: follows from a narrower term."


class Known(NamedTuple):
    """One line of the table."""

    go_id: str
    name: str
    namespace: str
    information: float | None
    status: str
    annotation: ProteinTerm | None
    call: Call | None

    @property
    def known_as(self) -> str:
        """How the term is annotated; '' where it is not."""
        if self.annotation is None:
            return ""
        return f"direct, {self.annotation.evidence}".rstrip(", ") if self.annotation.is_direct else "inherited"


def rows(annotated: Sequence[ProteinTerm], calls: Sequence[Call]) -> list[Known]:
    """One line a term that is annotated or has a guided feature, the most telling first.

    Args:
        annotated: the protein's terms.
        calls: of guided features; none before the model has read the sequence.
    """
    own = {row.go_id: row for row in annotated}
    called = {call.term.go_id: call for call in calls}
    found = [
        Known(row.go_id, row.name, row.namespace, row.information_content, status(row, call), row, call)
        for row in annotated
        for call in [called.get(row.go_id)]
    ]
    found += [
        Known(
            call.term.go_id, call.term.term_name, call.term.namespace, call.information, status(None, call), None, call
        )
        for go_id, call in called.items()
        if go_id not in own
    ]
    return sorted(found, key=lambda row: (-(row.information or 0.0), row.go_id))


def status(annotation: ProteinTerm | None, call: Call | None) -> str:
    """What is known of a term and what the model makes of it."""
    if call is None or not call.is_firm:
        called = call is not None and call.is_called
        return KNOWN if annotation is not None else UNFIRM if called else SILENT
    if call.is_called:
        return CANDIDATE if annotation is None else BOTH
    return SILENT if annotation is None else MISSED


def kept(found: Sequence[Known], which: str, *, everything: bool) -> list[Known]:
    """The lines that the reader wants to see; those neither known nor firmly called only on request."""
    wanted = {
        "all": {BOTH, MISSED, KNOWN, CANDIDATE},
        "known": {BOTH, MISSED, KNOWN},
        "called": {BOTH, CANDIDATE},
        "candidates": {CANDIDATE},
    }[which]
    if everything and which in ("all", "called"):
        wanted |= {UNFIRM} | ({SILENT} if which == "all" else set())
    return [row for row in found if row.status in wanted]


def show(protein: ProteinRow, calls: Sequence[Call] | None) -> None:
    """Sentence, filters, table; without calls what is known.

    Args:
        protein: whose terms.
        calls: None while the model has not read the sequence.
    """
    annotated = data.protein_terms(protein.accession)
    found = rows(annotated, calls or ())
    if calls is None:
        st.caption(f"{words.count(len(annotated), 'known term')}; calls of guided features follow.")
    else:
        st.markdown(predictions.sentence(list(calls), protein.split, protein.length))
        n_both, n_new = (sum(row.status == one for row in found) for one in (BOTH, CANDIDATE))
        st.caption(
            f"{words.count(len(annotated), 'known term')}, {n_both:,} of them called; "
            f"{words.count(n_new, 'candidate')}. The most specific first."
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        which = frame.choice("Terms", "terms", list(SHOWN), show=SHOWN.__getitem__, tip=STATUS)
        everything = frame.flag("Also what is not called or not confirmed", "all")
    lines = kept(found, which, everything=everything)
    if not lines:
        st.html(markup.empty("No term of this kind.", "Ask for all of them."))
        return
    _table(lines)
    save("These terms (CSV)", lambda: csv(lines), f"{downloads.file_name(protein.accession)}_go_terms.csv")


def _table(lines: Sequence[Known]) -> None:
    number = st.column_config.NumberColumn
    terms: list[TermFeature | None] = [row.call.term if row.call is not None else None for row in lines]
    told = {sae: doubts.texts(sae) for sae in {term.sae for term in terms if term is not None}}
    st.dataframe(
        pd.DataFrame({
            "Term": [links.compare(row.go_id).url for row in lines],
            "Name": [row.name for row in lines],
            "Status": [row.status for row in lines],
            "Information": [row.information for row in lines],
            "Known as": [row.known_as for row in lines],
            "Kind": [words.NAMESPACES.get(row.namespace, row.namespace) for row in lines],
            "Signal / threshold": [_signal(row.call) for row in lines],
            "Right, held out": [term and term.test_precision for term in terms],
            "Held-out F1": [term and term.test_f1 for term in terms],
            "Evidence": ["" if term is None else verdicts.grade_name(term) for term in terms],
            confounded.COLUMN: [told[term.sae].get(term.feature, "") if term else "" for term in terms],
            "n": [term and term.n_pos_test for term in terms],
            "Predictor": [row.call.pi if row.call is not None else None for row in lines],
            "Feature": [None if term is None else links.feature(term.sae, term.feature).url for term in terms],
            "QuickGO": [f"{outward.QUICKGO}{row.go_id}" for row in lines],
        }),
        hide_index=True, height=min(420, 38 + 35 * len(lines)), key="protein_terms",
        column_config={
            "Term": st.column_config.LinkColumn(display_text=r"go=GO%3A(\d+)"),
            "Name": st.column_config.TextColumn(width="medium"),
            "Status": st.column_config.TextColumn(width="medium", help=STATUS),
            "Information": number(format="%.1f bits", help=INFORMATION),
            "Known as": st.column_config.TextColumn(help=KNOWN_AS),
            "Signal / threshold": st.column_config.TextColumn(help=words.HELP["threshold"]),
            "Right, held out": number(format="%.2f", help=words.HELP["precision"]),
            "Held-out F1": number(format="%.2f", help=words.HELP["f1"]),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"]),
            **doubts.column_config(),
            "n": number(help=words.HELP["n"]),
            "Predictor": number(format="%.2f", help=PREDICTOR),
            "Feature": st.column_config.LinkColumn(display_text=r"feature=(\d+)"),
            "QuickGO": st.column_config.LinkColumn(display_text="QuickGO ↗"),
        },
    )  # fmt: skip


def _signal(call: Call | None) -> str:
    return "" if call is None else f"{words.amount(call.score)} / {words.amount(call.term.threshold)}"


def csv(lines: Sequence[Known]) -> str:
    """The table as a file."""
    head = (
        "go_id name namespace information_bits status known_as sae feature score threshold pooling test_precision "
        "test_f1 n_pos_test grade predictor"
    )
    rows = []
    for row in lines:
        called: list[object] = [None] * 10
        if row.call is not None:
            term = row.call.term
            called = [
                term.sae, term.feature, f"{row.call.score:.6g}", term.threshold, term.pooling, term.test_precision,
                term.test_f1, term.n_pos_test, term.grade, f"{row.call.pi:.4f}",
            ]  # fmt: skip
        rows.append([row.go_id, row.name, row.namespace, row.information, row.status, row.known_as, *called])
    return downloads.table_csv(head.split(), rows)
