"""What the protein parsers yield."""

from typing import NamedTuple

from protsae.alphabet import RESIDUES
from protsae.errors import InputError

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


def checked_sequence(letters: str, accession: str) -> str:
    """A sequence in upper case.

    Raises:
        InputError: it is empty, too long, or holds a letter that is no amino acid.
    """
    sequence = letters.strip().upper()
    if not sequence:
        msg = f"protein {accession} has no sequence; leave it out or export the column Sequence"
        raise InputError(msg)
    if len(sequence) > MAX_RESIDUES:
        msg = f"protein {accession} has {len(sequence):,} residues, more than {MAX_RESIDUES:,}; leave it out"
        raise InputError(msg)
    wrong = next((letter for letter in sequence if letter not in RESIDUES), None)
    if wrong is not None:
        place = sequence.index(wrong) + 1
        msg = f"protein {accession} has {wrong!r} at position {place}, which is no amino acid; mend or leave it out"
        raise InputError(msg)
    return sequence
