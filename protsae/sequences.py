"""What people paste or keep in files, turned into one protein sequence or one clear sentence on why it is none.

FASTA of one or many, raw letters, three-letter code, GenPept with its numbering, lower case, line ends of any system,
alignments with gaps. Whatever is changed on the way (gaps dropped, J read as X, three letters read as one) stands in
the `notes`; case, blanks, numbers and a final `*` carry no information and go silently.

Read `read_letters`, which decides for the explorer and for precompute alike what each letter means, then
`clean_sequence` and `parse_fasta_text` for pasted text.
"""

import re
from collections.abc import Mapping
from io import StringIO
from typing import NamedTuple

from Bio.SeqIO.FastaIO import SimpleFastaParser

from protsae.alphabet import RESIDUES
from protsae.errors import InputError

MIN_RESIDUES = 5
MAX_RESIDUES = 5000

THREE_LETTERS: Mapping[str, str] = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E", "GLY": "G", "HIS": "H",
    "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F", "PRO": "P", "SER": "S", "THR": "T", "TRP": "W",
    "TYR": "Y", "VAL": "V", "ASX": "B", "GLX": "Z", "XAA": "X", "UNK": "X", "XLE": "J", "SEC": "U", "PYL": "O",
    "MSE": "M",
}  # fmt: skip
"""Three-letter code -> one-letter code."""

_NUCLEOTIDES = frozenset("ACGTUN")
_NUCLEOTIDE_MIN_LENGTH = 12
_LAYOUT = re.compile(r"[\s\d\ufeff\u200b]+")
_STOP_AT_END = re.compile(r"\*[-.]*\Z")
_GAPS = str.maketrans("", "", "-.")
_UPPER = {ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}
_ACCEPTED = frozenset(RESIDUES + "J-.")
_MIN_TRIPLETS = 5
_PEPTIDE_ENDS = re.compile(r"\A(?:H|AC|NH)?(?P<body>(?:[A-Z]{3})+?)(?:OH|NH|COOH|TER)?\Z")
"""H-Met-Lys-OH, NH2-Met-Lys-COOH and the like; numbers are gone by then."""
_NAME_LENGTH = 80
_GENPEPT_END = re.compile(r"^\s*//\s*$", re.MULTILINE)
_GENPEPT_ORIGIN = re.compile(r"\A\s*ORIGIN\b[^\n]*\n", re.IGNORECASE)
_STRUCTURE_FILE = re.compile(
    r"^(?:(?:ATOM|HETATM)\s+\d+\s|SEQRES\s+\d+\s|HEADER\s{4}|CRYST1\s+\d|(?:data_|loop_|_atom_site\.)\S*\s)",
    re.MULTILINE,
)


class Letters(NamedTuple):
    """A sequence in the alphabet of the models."""

    sequence: str
    """Upper-case one-letter code, without gaps; may be empty."""

    notes: tuple[str, ...]
    """What was changed and a reader should know, one sentence each."""


class CleanSequence(NamedTuple):
    """One protein sequence as the models read it."""

    name: str
    """First word of the FASTA header, at most 80 characters; '' for raw letters."""

    sequence: str
    """Upper-case one-letter code, 5 to 5,000 residues."""

    notes: tuple[str, ...]
    """What was changed and a reader should know, one sentence each."""


def read_letters(letters: str, subject: str) -> Letters:
    """Letters as someone wrote them, in the alphabet of the models.

    Gaps (`-` and `.`) are dropped and J (leucine or isoleucine) becomes X, each with a note; a final `*` goes silently;
    U, O, B, Z and X stay; three-letter code is translated, with a note.

    Args:
        letters: one record, blanks and numbers allowed.
        subject: what the sentence of an error begins with, e.g. 'The sequence'.

    Raises:
        InputError: a stop codon inside, or a letter that is no amino acid; positions count from 1 in the letters as
            given, blanks and numbers left out.
    """
    sequence = _STOP_AT_END.sub("", _LAYOUT.sub("", letters).translate(_UPPER))
    if "*" in sequence:
        position = sequence.index("*") + 1
        raise InputError(f"{subject} has a stop codon '*' at position {position}: give one open reading frame.")
    residues = sequence.translate(_GAPS)
    translated = _from_three_letters(residues, subject)
    if translated:
        more = read_letters(translated, subject)
        return Letters(more.sequence, ("Three-letter code was read as one-letter code.", *more.notes))
    if not _ACCEPTED.issuperset(sequence):
        position, letter = next((n, one) for n, one in enumerate(sequence, start=1) if one not in _ACCEPTED)
        raise InputError(
            f"{subject} has {letter!r} at position {position}, which is no amino acid: use one-letter code."
        )
    notes = []
    gaps = len(sequence) - len(residues)
    if gaps and residues:
        notes.append(f"{gaps} gap character{'s' if gaps > 1 else ''} removed; positions count the residues left.")
    if "J" in residues:
        notes.append(f"{residues.count('J')} J (leucine or isoleucine) read as X, which the model knows.")
        residues = residues.replace("J", "X")
    return Letters(residues, tuple(notes))


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
        InputError: the text is empty, is a structure file's, or a header has no sequence below it.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    if not text.strip():
        raise InputError("The sequence is empty: paste a protein sequence in one-letter code, or FASTA.")
    if not text.lstrip().startswith(">"):
        if _STRUCTURE_FILE.search(text):
            raise InputError(
                "The text is that of a structure file (PDB or mmCIF), not a sequence: give the file itself as a "
                "structure, or paste the sequence in one-letter code."
            )
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
    residues, notes = read_letters(letters, subject)
    if not residues:
        raise InputError(f"{subject} is empty: paste a protein sequence in one-letter code, or FASTA.")
    if len(residues) >= _NUCLEOTIDE_MIN_LENGTH and set(residues) <= _NUCLEOTIDES:
        raise InputError(f"{subject} looks like nucleotides ({residues[:12]}...): translate it to protein first.")
    if len(residues) < MIN_RESIDUES:
        raise InputError(f"{subject} has only {len(residues)} residues ({residues}): give at least {MIN_RESIDUES}.")
    if len(residues) > max_residues:
        raise InputError(
            f"{subject} has {len(residues):,} residues, more than the limit of {max_residues:,}: give a part of it."
        )
    return CleanSequence(name, residues, notes)


def _from_three_letters(residues: str, subject: str) -> str:
    """One-letter code where the text is three-letter code, else ''.

    By chance a triplet of a protein's letters is one of the codes once in 300, so that five or more of them, at least
    half of all, are no accident.
    """
    found = _PEPTIDE_ENDS.match(residues)
    if found is None:
        return ""
    body = found["body"]
    triplets = [body[place : place + 3] for place in range(0, len(body), 3)]
    known = sum(triplet in THREE_LETTERS for triplet in triplets)
    if known < _MIN_TRIPLETS or 2 * known < len(triplets):
        return ""
    unknown = next((triplet for triplet in triplets if triplet not in THREE_LETTERS), None)
    if unknown is not None:
        raise InputError(f"{subject} looks like three-letter code, but {unknown!r} is none: use one-letter code.")
    return "".join(THREE_LETTERS[triplet] for triplet in triplets)
