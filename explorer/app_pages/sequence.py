"""Sequence: what does the model see in my protein?"""

import contextlib
from collections.abc import Callable
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.draw import corpus, markup, outward, words
from explorer.firing import starts
from explorer.protein import reading, uploads
from explorer.protein.reading import Hits, NotFoundError, Pasted, Records, Stored
from explorer.sequence import asking, report
from explorer.services import data, searching
from explorer.shell import cards, frame, links
from protsae.errors import InputError
from protsae.sources.answers import SourceError

MOST_NEAR = 5
TOO_LONG = (
    "{:,} residues are more than an address holds ({:,}): a link to this view opens it without the sequence, so keep "
    "the text itself."
)

T = TypeVar("T")


def main() -> None:
    """The page."""
    frame.headline(
        "What does the model see in your protein?",
        "Paste a sequence or name a protein: the language model reads it, the autoencoder lists the features that "
        "fire, and where a structure is known you see where.",
        tab=(st.query_params.get("accession") or st.query_params.get("name") or "", "Sequence"),
    )
    frame.model_note()
    follow_address()
    given, beside = box()
    pickers()
    if "sequence_problem" in st.session_state:
        is_empty = not str(st.session_state.get("sequence_box", "")).strip()
        advice = "Paste one into the box." if is_empty else "Your text is still in the box: correct it there."
        explain(st.session_state["sequence_problem"], advice)
    subject = attempt(current, "Correct the address, or paste a sequence above.")
    with beside:
        given = asking.structure(subject, uploads.letters_of(subject)) or given
    upload = attempt(lambda: uploads.structure_in(given, subject), "Try another file, or remove it.")
    if subject is None and upload is not None:
        subject = Pasted(upload.sequence, upload.name, upload.notes)
    if subject is not None:
        if "sequence_problem" in st.session_state:
            st.caption("Still shown below is what was read before.")
        if isinstance(subject, Pasted) and len(subject.sequence) > reading.LONGEST_IN_ADDRESS:
            frame.say(TOO_LONG.format(len(subject.sequence), reading.LONGEST_IN_ADDRESS))
        report.show(subject, upload)
    elif "sequence_problem" not in st.session_state:
        starts.show()


def attempt(ask: Callable[[], T | None], advice: str) -> T | None:
    """The answer; where the input cannot be used, one sentence and None."""
    try:
        return ask()
    except InputError as error:
        explain(error, advice)
        return None


def explain(error: InputError, advice: str) -> None:
    """One sentence on what cannot be used; where a protein is not here, what is near to it, and ways on."""
    st.html(markup.empty(str(error), advice))
    if not isinstance(error, NotFoundError):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        frame.link(links.find(error.text), f"Search for “{error.text}”", icon=":material/search:")
        if error.pasted is not None:
            anyway = "Read it as a sequence all the same"
            st.button(anyway, on_click=read_anyway, args=(error.pasted,), type="tertiary", icon=":material/visibility:")
        known = outward.of_protein(error.text.upper())
        if known:
            st.html(markup.wrap(f"Elsewhere: {outward.html(known)}"), width="content")
    if error.near:
        st.caption("Not the same, but near in spelling:")
        with st.container(gap="xxsmall"):
            cards.protein_rows(error.near)


def read_anyway(sequence: Pasted) -> None:
    """What looked like words is a sequence after all."""
    forget()
    choose(sequence)


def follow_address() -> None:
    """When the address has changed by a link, the box shows what it names."""
    accession, letters = named = (st.query_params.get("accession"), st.query_params.get("sequence"))
    if st.session_state.get("sequence_seen") == named:
        return
    st.session_state["sequence_seen"] = named
    st.session_state.pop("sequence_pasted", None)
    if letters and (record := record_of(letters)) is not None:
        st.session_state["sequence_record"] = record
        return
    forget()
    name = st.query_params.get("name")
    if any(named):
        st.session_state["sequence_box"] = accession or (f">{name}\n{letters}" if name else letters)


def record_of(letters: str) -> int | None:
    """Which record of the FASTA in the box has this sequence."""
    records: Records | None = st.session_state.get("sequence_records")
    for place, record in enumerate(records.records if records is not None else ()):
        with contextlib.suppress(InputError):
            if reading.pasted(*record).sequence == letters:
                return place
    return None


def forget() -> None:
    """Drop what belonged to the last text."""
    for key in ("sequence_problem", "sequence_records", "sequence_hits"):
        st.session_state.pop(key, None)


def box() -> tuple[uploads.Given | None, DeltaGenerator]:
    """The one box, and beside it the place for a structure file and what else may be asked for."""
    left, right = st.columns([2.6, 1], gap="large")
    with left, st.form("sequence_form", border=False, enter_to_submit=False):
        st.text_area(
            "Sequence, FASTA, accession or protein name",
            key="sequence_box",
            height=116,
            placeholder="MVLSEGEWQLVLHVWAKVEADVAGHGQDILIRLFKSHPETLEKFDRFKHLKTEAEMKASEDLKKHG …",
        )
        st.form_submit_button("Read it", type="primary", icon=":material/visibility:", on_click=submit)
    with right:
        given = uploads.uploader()
        asking.consent()
    return given, right


def submit() -> None:
    """Understand the box's text; what cannot be used is kept, with a sentence."""
    forget()
    stored = corpus.described(data.corpus())
    try:
        found = reading.understand(st.session_state["sequence_box"], data.protein, searching.search_proteins, stored)
        if isinstance(found, Records):
            st.session_state["sequence_records"] = found
            st.session_state["sequence_record"] = 0
            found = reading.pasted(*found.records[0])
        elif isinstance(found, Hits):
            st.session_state["sequence_hits"] = found
            found = Stored(found.proteins[0].accession)
    except InputError as error:
        found = fetched(st.session_state["sequence_box"], error)
        if found is None:
            return
    choose(found)


def fetched(text: str, error: InputError) -> Pasted | None:
    """The entry of an accession that is not here, where the reader lets us ask; else the problem is kept."""
    try:
        found = asking.protein(text) if isinstance(error, NotFoundError) else None
    except SourceError as problem:
        found, error = None, InputError(str(problem))
    if found is None:
        st.session_state["sequence_problem"] = error
    return found


def choose(found: Stored | Pasted) -> None:
    """Make this the page's subject, and the address bring it back."""
    accession = found.accession if isinstance(found, Stored) else None
    letters = name = None
    st.session_state.pop("sequence_pasted", None)
    if isinstance(found, Pasted):
        st.session_state["sequence_pasted"] = found
        if len(found.sequence) <= reading.LONGEST_IN_ADDRESS:
            letters, name = found.sequence, found.name[: reading.LONGEST_NAME] or None
    gone = dict.fromkeys(("residue", "range", "row", "rows"))
    frame.write_address(**gone, accession=accession, sequence=letters, name=name)
    st.session_state["sequence_seen"] = (accession, letters)


def pickers() -> None:
    """Which of several records or proteins."""
    records: Records | None = st.session_state.get("sequence_records")
    if records is not None:

        def pick_record() -> None:
            st.session_state.pop("sequence_problem", None)
            try:
                choose(reading.pasted(*records.records[st.session_state["sequence_record"]]))
            except InputError as error:
                st.session_state["sequence_problem"] = error

        st.selectbox(
            f"{len(records.records)} sequences in this FASTA; shown is",
            range(len(records.records)),
            key="sequence_record",
            format_func=lambda i: f"{records.records[i].name or 'unnamed'} ({len(records.records[i].letters)} letters)",
            on_change=pick_record,
        )
    hits: Hits | None = st.session_state.get("sequence_hits")
    if hits is not None:
        names = {
            hit.accession: f"{hit.accession} · {hit.protein_name or hit.entry_name} · {hit.organism}"
            for hit in hits.proteins
        }

        def pick_protein() -> None:
            choose(Stored(st.session_state["sequence_hit"]))

        st.selectbox(
            f"{len(names)} proteins of this bundle match “{words.md(hits.text)}”; shown is",
            list(names),
            key="sequence_hit",
            format_func=names.__getitem__,
            on_change=pick_protein,
        )


def current() -> Stored | Pasted | None:
    """The page's subject: what the address names, else what was pasted in this tab.

    Raises:
        InputError: the address names a protein or a sequence that cannot be used.
    """
    accession, letters = st.query_params.get("accession"), st.query_params.get("sequence")
    if accession:
        if data.protein(accession) is None:
            asked = accession[: links.MOST_QUOTED]
            what = corpus.not_here(f"“{asked}”", data.corpus())
            raise NotFoundError(f"{what} {reading.OFFLINE}", asked, searching.search_proteins(asked)[:MOST_NEAR])
        return Stored(accession)
    kept: Pasted | None = st.session_state.get("sequence_pasted")
    if kept is not None and letters in (None, kept.sequence):
        return kept
    return reading.pasted(st.query_params.get("name", "")[: reading.LONGEST_NAME], letters) if letters else None


main()
