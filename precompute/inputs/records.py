"""What the protein parsers yield."""

from typing import NamedTuple

from protsae.errors import InputError
from protsae.sequences import Letters, read_letters

MAX_RESIDUES = 65_535
"""Longest sequence: the store counts residues in 16 bits. Titin has 35,000."""


class Region(NamedTuple):
    """A residue annotation."""

    kind: str
    label: str
    """The source's short note, '' where it has none."""
    start: int
    """First residue, from 0."""
    end: int
    """Last residue, included."""


class ProteinRecord(NamedTuple):
    """A protein as its file describes it; '' where the file is silent."""

    accession: str
    entry_name: str
    protein_name: str
    gene_names: str
    organism: str
    sequence: str
    regions: tuple[Region, ...]
    notes: tuple[str, ...] = ()
    """What was changed in its letters, one sentence each."""


def checked_sequence(letters: str, accession: str, place: str) -> Letters:
    """A sequence as the models read it, by the same rule as pasted text (`protsae.sequences.read_letters`).

    Args:
        letters: as they stand in the file.
        accession: of the protein.
        place: file and line or record, as the beginning of a sentence.

    Raises:
        InputError: it is empty, too long, or holds a letter that is no amino acid.
    """
    found = read_letters(letters, f"{place}: protein {accession}")
    if not found.sequence:
        raise InputError(f"{place}: protein {accession} has no sequence; leave it out or export the column Sequence")
    if len(found.sequence) > MAX_RESIDUES:
        raise InputError(
            f"{place}: protein {accession} has {len(found.sequence):,} residues, more than {MAX_RESIDUES:,}; leave it "
            "out"
        )
    return found
