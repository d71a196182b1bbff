"""What may be fetched for the Sequence page once the reader has agreed: a sequence by accession, a structure by id.

Agreement is a toggle of this session, off in every new one and never in an address. Read `consent`, then `structure`.
"""

from collections.abc import Callable

import streamlit as st

from explorer.draw import markup, outward
from explorer.protein.reading import Pasted, Stored
from explorer.protein.uploads import Given
from explorer.services import outside
from explorer.services.outside import FetchedStructure
from explorer.shell import frame
from protsae.accessions import parse_accession
from protsae.errors import ProtSAEError

AGREED = "sequence_may_ask"
FETCHED = "sequence_fetched"
WHAT = (
    "Off: nothing leaves this machine. On, and only when you ask: an accession goes to UniProt (rest.uniprot.org) or "
    "AlphaFold DB (alphafold.ebi.ac.uk), a PDB id to RCSB (files.rcsb.org), and with “Fold it” the sequence itself to "
    "the ESM Atlas (api.esmatlas.com). Answers are kept on this machine. The choice holds for this session."
)


def consent() -> bool:
    """The toggle."""
    return st.toggle("Look online", key=AGREED, help=WHAT)


def agreed() -> bool:
    """Whether the reader has agreed in this session."""
    return bool(st.session_state.get(AGREED))


def protein(text: str) -> Pasted | None:
    """The entry of an accession that the bundle lacks; None where the text is none, or the reader has not agreed.

    Raises:
        SourceError: there is none, or UniProt does not answer.
    """
    asked = parse_accession(text)
    if asked is None or not agreed():
        return None
    found = outside.entry(text)
    notes = (*found.notes, f"Sequence: {found.provenance.sentence()}.")
    return Pasted(found.sequence, found.accession, notes, found.organism)


def structure(subject: Stored | Pasted | None, sequence: str) -> Given | None:
    """What has been fetched for this very sequence, with the means to fetch it.

    Args:
        subject: of the page.
        sequence: its letters; '' where there is none yet.
    """
    if not agreed():
        return None
    named = subject.accession if isinstance(subject, Stored) else subject.name if subject is not None else ""
    accession = named if outward.is_accession(named.split("-")[0]) else ""
    with st.popover("Fetch a structure", icon=":material/cloud_download:", width="stretch"):
        asked = st.text_input("PDB id", key="sequence_pdb_id", placeholder="1MBN", max_chars=12)
        if st.button("Fetch it from RCSB", disabled=not asked.strip()):
            fetch(sequence, lambda: outside.measured(asked))
        if accession and st.button(f"AlphaFold model of {accession}"):
            fetch(sequence, lambda: outside.predicted(accession))
        if sequence and st.button(
            "Fold it (ESMFold)", help="Sends this sequence to the ESM Atlas. 400 residues at most."
        ):
            fetch(sequence, lambda: outside.folded(sequence))
        problem = st.session_state.pop("sequence_fetch_problem", None)
        if problem:
            st.html(markup.empty(problem, "Or drop a structure file above."))
    kept: tuple[str, FetchedStructure] | None = st.session_state.get(FETCHED)
    if kept is None or kept[0] != sequence:
        return None
    frame.say(f"Structure: {kept[1].provenance.sentence()}. {' '.join(kept[1].notes)}", "ps-soft ps-small")
    return kept[1].filename, kept[1].content


def fetch(sequence: str, ask: Callable[[], FetchedStructure]) -> None:
    """Keep what is fetched; an error becomes a sentence."""
    try:
        st.session_state[FETCHED] = (sequence, ask())
    except ProtSAEError as error:
        st.session_state["sequence_fetch_problem"] = str(error)
