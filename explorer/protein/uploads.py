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
from protsae.structure.read import chain_lengths, read_uploaded_structure

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
    return _read(*given, letters_of(subject) or None, chain_of(*given))


def letters_of(subject: Stored | Pasted | None) -> str:
    """The page's sequence, '' where it has none."""
    if isinstance(subject, Stored):
        row = data.protein(subject.accession)
        return row.sequence if row else ""
    return subject.sequence if subject is not None else ""


def chain_of(name: str, content: bytes) -> str:
    """The chain that the reader picks of a file with several, '' for the one that fits best."""
    chains = _chains(name, content)
    if len(chains) < 2:
        return ""
    lengths = dict(chains)
    return st.selectbox(
        f"{len(chains)} protein chains in this file",
        ["", *lengths],
        key="sequence_chain",
        format_func=lambda chain: (
            f"{chain} ({lengths[chain]:,} residues modelled)" if chain else "The best fitting one"
        ),
    )


@cached_by_bundle(8)
def _chains(name: str, content: bytes) -> list[tuple[str, int]]:
    return chain_lengths(content, name)


@cached_by_bundle(8, spinner="Reading the structure …")
def _read(name: str, content: bytes, sequence: str | None, chain: str) -> Uploaded:
    found = read_uploaded_structure(content, name, sequence, chain)
    fit = f"{100 * found.coverage:.0f} % of the sequence at {100 * found.identity:.0f} % identity"
    of_models = f", the first of {found.n_models} models" if found.n_models > 1 else ""
    title = f"{caption(name, found.chain, None, found.pdb)}{of_models}, covers {fit}."
    view = StructureView(
        pdb=found.pdb, positions=[int(p) for p in found.positions], author_numbers=found.author_numbers, title=title
    )
    return Uploaded(name, found.sequence, view, found.notes)
