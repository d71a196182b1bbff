"""Links to the databases that know more: UniProt, AlphaFold DB, the PDB, the ESM Atlas, QuickGO, AmiGO.

Plain links that the reader follows in a tab of their own; the explorer fetches nothing. An id that is none of the
database's gets no link. Read `of_protein`.
"""

import hashlib
import re
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

_ACCESSION = re.compile(r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}")
"""Source: https://www.uniprot.org/help/accession_numbers"""
_PDB_ID = re.compile(r"[0-9][A-Za-z0-9]{3}")
_GO_ID = re.compile(r"GO:[0-9]{7}")
_IN_TEXT = re.compile(rf"\b(?:({_ACCESSION.pattern})|({_GO_ID.pattern})|PDB ({_PDB_ID.pattern}))\b")

QUICKGO = "https://www.ebi.ac.uk/QuickGO/term/"
AMIGO = "https://amigo.geneontology.org/amigo/term/"
PDB = "https://www.rcsb.org/structure/"
UNIPROT = "https://www.uniprot.org/uniprotkb/"
ESM_ATLAS = "https://biohub.ai/esm/protein/atlas/protein/"
"""Proteins of the ESM Atlas are addressed by the MD5 of their sequence, upper case."""


class Outward(NamedTuple):
    """A page of another site."""

    text: str
    url: str


def is_accession(text: str) -> bool:
    """Whether a text has the form of a UniProt accession."""
    return _ACCESSION.fullmatch(text) is not None


def of_protein(accession: str, pdb_id: str = "") -> list[Outward]:
    """UniProt and AlphaFold DB of an accession, and the PDB entry of its structure."""
    found = []
    if is_accession(accession):
        found.append(Outward("UniProt", f"{UNIPROT}{accession}"))
        found.append(Outward("AlphaFold DB", f"https://alphafold.ebi.ac.uk/entry/{accession}"))
    if _PDB_ID.fullmatch(pdb_id):
        found.append(Outward(f"PDB {pdb_id.upper()}", f"{PDB}{pdb_id.upper()}"))
    return found


def of_sequence(sequence: str) -> list[Outward]:
    """The ESM Atlas, which may or may not hold a protein of this very sequence."""
    if not sequence:
        return []
    digest = hashlib.md5(sequence.upper().encode(), usedforsecurity=False).hexdigest()
    return [Outward("ESM Atlas", f"{ESM_ATLAS}{digest}")]


def of_term(go_id: str) -> list[Outward]:
    """QuickGO and AmiGO of a GO term."""
    if _GO_ID.fullmatch(go_id) is None:
        return []
    return [Outward("QuickGO", f"{QUICKGO}{go_id}"), Outward("AmiGO", f"{AMIGO}{go_id}")]


def ids(text: str) -> str:
    """Plain text as HTML in which accessions, GO ids and 'PDB 1ABC' lead to their databases, in a tab of their own."""
    parts, end = [], 0
    for found in _IN_TEXT.finditer(text):
        accession, go_id, pdb_id = found.groups()
        url = f"{UNIPROT}{accession}" if accession else f"{QUICKGO}{go_id}" if go_id else f"{PDB}{pdb_id.upper()}"
        start = found.start() + (4 if pdb_id else 0)
        parts.append(escape(text[end:start]))
        parts.append(
            f'<a class="ps-id" href="{escape(url)}" target="_blank" rel="noopener noreferrer">'
            f"{escape(text[start : found.end()])}</a>"
        )
        end = found.end()
    return "".join([*parts, escape(text[end:])])


def html(links: Iterable[Outward]) -> str:
    """The links in a row, each in a tab of its own."""
    return " · ".join(
        f'<a class="ps-out" href="{escape(link.url)}" target="_blank" rel="noopener noreferrer">'
        f"{escape(link.text)}&thinsp;↗</a>"
        for link in links
    )
