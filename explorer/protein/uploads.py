"""A structure file that the reader brings: PDB or mmCIF, matched with the sequence on the page.

Read `structure_in`.
"""

from typing import NamedTuple

import streamlit as st

from explorer.components.protein_view import StructureView
from explorer.protein.reading import Pasted, Stored
from explorer.services import data
from explorer.services.cached import cached_by_bundle
from protsae.structure.origin import caption
from protsae.structure.read import read_uploaded_structure

Given = tuple[str, bytes]
"""File name and content."""


class Uploaded(NamedTuple):
    """An uploaded structure on the page's sequence."""

    name: str
    sequence: str
    """The page's sequence; the structure's own where the page had none."""
    view: StructureView
    notes: tuple[str, ...]
    """What a reader should know of the structure's own sequence."""


def uploader() -> Given | None:
    """The place to drop a file."""
    file = st.file_uploader(
        "Structure of it, if you have one (PDB or mmCIF)",
        type=["pdb", "ent", "cif", "mmcif", "gz"],
        key="sequence_file",
    )
    return None if file is None else (file.name, file.getvalue())


def structure_in(given: Given | None, subject: Stored | Pasted | None) -> Uploaded | None:
    """Read the file and place its residues on the page's sequence.

    Raises:
        InputError: the file is no structure, or none of its chains fits the sequence.
    """
    if given is None:
        return None
    name, content = given
    sequence = None
    if isinstance(subject, Pasted):
        sequence = subject.sequence
    elif isinstance(subject, Stored):
        row = data.protein(subject.accession)
        sequence = row.sequence if row else None
    return _read(name, content, sequence)


@cached_by_bundle(8, spinner="Reading the structure …")
def _read(name: str, content: bytes, sequence: str | None) -> Uploaded:
    found = read_uploaded_structure(content, name, sequence)
    fit = f"{100 * found.coverage:.0f} % of the sequence at {100 * found.identity:.0f} % identity"
    title = f"{caption(name, found.chain, None, found.pdb)}, covers {fit}."
    view = StructureView(
        pdb=found.pdb, positions=[int(p) for p in found.positions], author_numbers=found.author_numbers, title=title
    )
    return Uploaded(name, found.sequence, view, found.notes)
