"""The map of all single substitutions of a protein, for one feature or the likelihood; it grows, and can be stopped.

Read `show`, then `grow`.
"""

from typing import NamedTuple, NoReturn, cast

import numpy as np
import streamlit as st
from jaxtyping import Float

from explorer.components.protein_view import StripRow
from explorer.draw import downloads, substitutions, words
from explorer.protein import predictions
from explorer.protein.subject import Subject
from explorer.services import data, live, mutating, slices
from explorer.services.mutating import Kind, Question, Row
from explorer.services.refs import FeatureRef
from explorer.services.slices import Known
from explorer.shell import frame, takeaway
from protsae.alphabet import AMINO_ACIDS

READ: dict[str, str] = {"mean": "Mean over the chain", "peak": "Strongest residue"}
LIKELY = {"masked": "Residue hidden (masked marginal)", "wild": "Residue seen (wild-type marginal)"}
LIKELIHOOD = "likelihood"
HELP_LIKELY = (
    "How much more or less likely than the wild type's the language model holds the new residue, in nats (log-odds): "
    "-2.3 is ten times less likely. Masked: it does not see the residue itself. Wild-type: it sees the whole protein."
)
HELP_READ = (
    "The whole chain is read again in every mutant. Mean: over all its residues. Strongest: its one residue with the "
    "highest activation, which a second site may hold up."
)
SLOW = "Long chains take longer: about as the square of their length."
PRECISION = (
    "The scan multiplies in half precision where the machine is faster so: single values are good to about 1 % of full "
    "colour. The table of variants is computed in full precision."
)


class Shown(NamedTuple):
    """What of a scan is on the page."""

    question: Question
    kind: Kind
    name: str
    """Of what is scanned, for people."""
    refs: list[FeatureRef]


def show(about: Subject, sae: str, rows: list[StripRow], marked: list[int]) -> None:
    """Choice, button, map and file.

    Args:
        about: the protein.
        sae: the autoencoder on the page.
        rows: features on the strips; they can be scanned.
        marked: positions of the typed variants.
    """
    shown = choose(about, sae, rows)
    begun = shown.question in st.session_state.setdefault("scan_begun", set())
    known = mutating.scan(shown.question) if begun else None
    if st.session_state.get("scan_running") == shown.question and known is not None and not known.is_whole:
        st.fragment(grow, run_every=slices.EVERY_SECONDS)(about, shown, st.query_params.to_dict(), marked)
        return
    if known is None or not known.is_whole:
        start(about, shown.question, known)
    if known is not None and known.items:
        drawn(about, shown, known, marked)


def choose(about: Subject, sae: str, rows: list[StripRow]) -> Shown:
    """What is scanned and how it is read; both stand in the address."""
    named = options_of(about, sae, rows, st.query_params.get("scan", ""))
    left, right = st.columns([2, 1.4], vertical_alignment="bottom")
    with left:
        what = frame.choice(
            "What changes", "scan", [*named, LIKELIHOOD], kind="select",
            show=lambda key: "Likelihood of the residue" if key == LIKELIHOOD else named[key],
        )  # fmt: skip
    likely = what == LIKELIHOOD
    with right:
        options, tip = (LIKELY, HELP_LIKELY) if likely else (READ, HELP_READ)
        name = "likely" if likely else "read"
        kind = frame.choice("Read as", name, list(options), show=options.__getitem__, kind="select", tip=tip)
    kind = cast("Kind", kind)
    if likely:
        return Shown(Question(about.sequence, "", None), kind, "the likelihood", [])
    return Shown(Question(about.sequence, sae, int(what)), kind, named[what], [FeatureRef(sae, int(what))])


def options_of(about: Subject, sae: str, rows: list[StripRow], asked: str = "") -> dict[str, str]:
    """Features that can be asked about: those on the strips, guided ones that call their term, the one asked for."""
    shown = [int(row.code.split(" ")[-1]) for row in rows if row.code.startswith(f"{sae} ")]
    called = [
        call.term.feature
        for call in predictions.calls(about.sequence, sae)
        if call.is_called and call.is_firm and call.term.sae == sae
    ]
    asked_for = [int(asked)] if asked.isdecimal() and len(asked) < 8 and int(asked) < data.sae(sae).d_sae else []
    return {str(feature): named_as(sae, feature) for feature in dict.fromkeys([*shown, *called, *asked_for])}


def named_as(sae: str, feature: int) -> str:
    """A feature as lists call it."""
    facts = live.features(sae).iloc[feature]
    return f"{words.label(facts['label'], facts['label_grade'])} #{feature}"


def start(about: Subject, question: Question, known: Known[Row] | None) -> None:
    """The button, and what it will cost."""
    n = len(about.sequence)

    def begin() -> None:
        st.session_state["scan_begun"] = st.session_state["scan_begun"] | {question}
        st.session_state["scan_running"] = question

    if known is None or not known.items:
        st.button(f"Scan all {19 * n:,} substitutions", icon=":material/grid_on:", key="scan_start", on_click=begin)
        st.caption(f"Nothing is computed before you ask. It can be stopped; what is known stays. {SLOW}")
    else:
        label = f"Go on from position {len(known.items) + 1} of {n:,}"
        st.button(label, icon=":material/play_arrow:", key="scan_start", on_click=begin)


@frame.guarded
def grow(about: Subject, shown: Shown, params: dict[str, str], marked: list[int]) -> None:
    """Compute for a moment; the part is drawn anew once all is known or the reader has stopped it."""
    if st.session_state.get("scan_running") != shown.question:
        anew(params)
    known = mutating.scan(shown.question, mutating.SLICE_SECONDS)
    if known.is_whole:
        st.session_state.pop("scan_running", None)
        anew(params)
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.progress(len(known.items) / known.total, f"Position {len(known.items):,} of {known.total:,}")
    right.button("Stop", icon=":material/stop:", key="scan_stop", on_click=stop)
    drawn(about, shown, known, marked)


def stop() -> None:
    """Nothing is lost: what is known stays."""
    st.session_state.pop("scan_running", None)


def anew(params: dict[str, str]) -> NoReturn:
    """Draw the page again where the reader left it: a timer's request may carry an older address."""
    frame.write_address(**(dict.fromkeys(st.query_params.to_dict()) | params))
    st.rerun()


def drawn(about: Subject, shown: Shown, known: Known[Row], marked: list[int]) -> None:
    """Map, sentence and file."""
    change, unit = changes(shown, known)
    figure = substitutions.heat_map(about.sequence, change, unit, frame.mode(), marked)
    title = f"All substitutions of {about.name or 'the sequence'}: {shown.name}"
    takeaway.chart(figure, "scan_map", title, alt=title, refs=shown.refs)
    said = substitutions.lowest_words(substitutions.most_sensitive(about.sequence, change), unit)
    frame.say(f"{said} {meaning(shown, unit)}", "ps-small")
    name = downloads.file_name(downloads.stem(about.name or "sequence"), *(r.feature for r in shown.refs), "scan.csv")
    kinds = list(known.items[0].values)
    columns = [(kind, table(len(about.sequence), known, kind)) for kind in kinds]
    refs = [("sae", ref.sae) for ref in shown.refs] + [("feature", str(ref.feature)) for ref in shown.refs]
    st.download_button(
        "Scan (CSV)",
        lambda: substitutions.scan_csv(about.sequence, columns, refs),
        name,
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="scan_csv",
    )


def table(n_residues: int, known: Known[Row], kind: Kind) -> Float[np.ndarray, "n_residues 20"]:
    """What is known as one array; nan elsewhere."""
    found = np.full((n_residues, 20), np.nan)
    for row in known.items:
        found[row.position - 1] = row.values[kind]
    return found


def changes(shown: Shown, known: Known[Row]) -> tuple[Float[np.ndarray, "n_residues 20"], str]:
    """Change against the wild type, and its unit: % of the wild type's value, or of full colour where that is 0."""
    values = table(len(shown.question.sequence), known, shown.kind)
    if shown.question.feature is None:
        return values, "nats"
    base = wild(shown, values)
    if base > 0:
        return 100 * (values - base) / base, "%"
    return 100 * values / full(shown), "% of full colour"


def wild(shown: Shown, values: Float[np.ndarray, "n_residues 20"]) -> float:
    """The wild type's value, read as its mutants were; 0 where none of its residues is known and standard."""
    own = [values[i, AMINO_ACIDS.index(a)] for i, a in enumerate(shown.question.sequence) if a in AMINO_ACIDS]
    return float(next((value for value in own if np.isfinite(value)), 0.0))


def full(shown: Shown) -> float:
    """Activation of full colour."""
    facts = live.features(shown.question.sae).iloc[shown.refs[0].feature]
    return float(facts["p999_act"] or facts["max_act"] or 1.0)


def meaning(shown: Shown, unit: str) -> str:
    """What the numbers are."""
    if shown.question.feature is None:
        return f"{LIKELY[shown.kind]}: log-odds against the wild type's residue, in nats; below 0 is less likely."
    of = "of the wild type's" if unit == "%" else "of full colour; the feature is silent in the wild type"
    return f"Change of the feature ({READ[shown.kind].lower()}) in % {of}. {PRECISION}"
