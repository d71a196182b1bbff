"""What people paste, turned into one protein sequence or one clear sentence on why it is none.

FASTA of one or many, raw letters, GenPept with its numbering, lower case, line ends of any system, alignments with
gaps. Whatever is changed on the way (gaps dropped, J read as X) stands in the `notes`; case, blanks, numbers and a
final `*` carry no information and go silently.

Read `clean_sequence`, then `parse_fasta_text`.
"""

import re
from io import StringIO
from typing import NamedTuple

from Bio.SeqIO.FastaIO import SimpleFastaParser

from protsae.alphabet import RESIDUES
from protsae.errors import InputError

MIN_RESIDUES = 5
MAX_RESIDUES = 5000

_NUCLEOTIDES = frozenset("ACGTUN")
_NUCLEOTIDE_MIN_LENGTH = 12
_LAYOUT = re.compile(r"[\s\d\ufeff\u200b]+")
_STOP_AT_END = re.compile(r"\*[-.]*\Z")
_NAME_LENGTH = 80
_GENPEPT_END = re.compile(r"^\s*//\s*$", re.MULTILINE)
_GENPEPT_ORIGIN = re.compile(r"\A\s*ORIGIN\b[^\n]*\n", re.IGNORECASE)


class CleanSequence(NamedTuple):
    """One protein sequence as the models read it."""

    name: str
    """First word of the FASTA header, at most 80 characters; '' for raw letters."""

    sequence: str
    """Upper-case one-letter code, 5 to 5,000 residues."""

    notes: tuple[str, ...]
    """What was changed and a reader should know, one sentence each."""


def clean_sequence(text: str, *, max_residues: int = MAX_RESIDUES) -> CleanSequence:
    """One protein from pasted text, raw or FASTA.

    Args:
        text: what the user gave.
        max_residues: longest sequence that is accepted.

    Raises:
        InputError: the text is empty, holds several sequences, a stop codon, nucleotides, a letter that is no amino
            acid, or too few or too many residues.
    """
    records = parse_fasta_text(text)
    if len(records) > 1:
        names = ", ".join(repr(name) for name, _ in records[:3])
        more = ", ..." if len(records) > 3 else ""
        raise InputError(f"The text holds {len(records)} sequences ({names}{more}): paste one of them.")
    name, letters = records[0]
    return clean_residues(letters, name=name, max_residues=max_residues)


def parse_fasta_text(text: str) -> list[tuple[str, str]]:
    """Every record of a FASTA text as (name, letters), letters as written but for blanks and digits.

    Text without a header is one record named ''. The letters are not checked: that is `clean_residues`.

    Raises:
        InputError: the text is empty, or a header has no sequence below it.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    if not text.strip():
        raise InputError("The sequence is empty: paste a protein sequence in one-letter code, or FASTA.")
    if not text.lstrip().startswith(">"):
        raw = _GENPEPT_END.sub("", _GENPEPT_ORIGIN.sub("", text))
        return [("", _LAYOUT.sub("", raw))]
    records = []
    for title, lines in SimpleFastaParser(StringIO(text.lstrip())):
        name = title.split(maxsplit=1)[0][:_NAME_LENGTH] if title.strip() else ""
        letters = _LAYOUT.sub("", lines)
        if not letters:
            raise InputError(f"The FASTA record {name!r} has a header but no sequence below it.")
        records.append((name, letters))
    return records


def clean_residues(letters: str, *, name: str = "", max_residues: int = MAX_RESIDUES) -> CleanSequence:
    """The letters of one record, checked and brought into the models' alphabet.

    Args:
        letters: as `parse_fasta_text` gives them.
        name: carried through, and quoted in errors.
        max_residues: longest sequence that is accepted.

    Raises:
        InputError: as for `clean_sequence`; positions count from 1 in the letters as given.
    """
    subject = f"The sequence {name!r}" if name else "The sequence"
    sequence = _STOP_AT_END.sub("", _LAYOUT.sub("", letters).upper())
    if "*" in sequence:
        position = sequence.index("*") + 1
        raise InputError(f"{subject} has a stop codon '*' at position {position}: give one open reading frame.")
    notes = []
    residues = sequence.replace("-", "").replace(".", "")
    gaps = len(sequence) - len(residues)
    if not residues:
        raise InputError(f"{subject} is empty: paste a protein sequence in one-letter code, or FASTA.")
    if len(residues) >= _NUCLEOTIDE_MIN_LENGTH and set(residues) <= _NUCLEOTIDES:
        raise InputError(f"{subject} looks like nucleotides ({residues[:12]}...): translate it to protein first.")
    for position, letter in enumerate(sequence, start=1):
        if letter not in RESIDUES and letter not in "-.J":
            raise InputError(
                f"{subject} has {letter!r} at position {position}, which is no amino acid: use one-letter code."
            )
    if len(residues) < MIN_RESIDUES:
        raise InputError(f"{subject} has only {len(residues)} residues ({residues}): give at least {MIN_RESIDUES}.")
    if len(residues) > max_residues:
        raise InputError(
            f"{subject} has {len(residues):,} residues, more than the limit of {max_residues:,}: give a part of it."
        )
    if gaps:
        notes.append(f"{gaps} gap character{'s' if gaps > 1 else ''} removed; positions count the residues left.")
    if "J" in residues:
        notes.append(f"{residues.count('J')} J (leucine or isoleucine) read as X, which the model knows.")
        residues = residues.replace("J", "X")
    return CleanSequence(name, residues, tuple(notes))
