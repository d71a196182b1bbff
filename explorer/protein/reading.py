"""What a reader put into the box, understood: a stored protein, a sequence of their own, or a choice between several.

A name comes before a sequence only where a stored protein is called so: 'myoglobin' is all amino-acid letters, too.
Nothing is put in the place of a protein that is not there, and nothing that may be words is read as a sequence unasked.
Read `understand`.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from explorer.protein import plausible
from explorer.protein.matching import Match
from protsae.errors import InputError
from protsae.sequences import clean_residues, parse_fasta_text
from protsae.store.rows import ProteinHit, ProteinRow

LONGEST_IN_ADDRESS = 1500
"""Residues; browsers and servers carry addresses of two thousand characters safely."""

OFFLINE = (
    "Nothing is fetched unless you let it: paste its sequence or FASTA, drop a structure file beside the box, or let "
    "public databases be asked (the switch on the page Sequence)."
)

LONGEST_NAME = 60
_MOST_NEAR = 5
_GIVE = "Paste the protein in one-letter code or FASTA; a structure file goes beside the box."
_FILES = {
    "PK\x03\x04": "a ZIP archive",
    "\x1f\x8b": "a compressed file",
    "%PDF": "a PDF",
    "{": "JSON",
    "[{": "JSON",
    "<?xml": "XML",
    "<!DOCTYPE": "a web page",
    "<html": "a web page",
    "@": "FASTQ, which holds nucleotides",
}
"""How the content of files begins that people paste by mistake, and what these are."""
_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.|rest\.|beta\.)?(?:uniprot\.org/uniprot(?:kb)?|alphafold\.ebi\.ac\.uk/entry)/"
    r"(?:AF-)?(?P<accession>[A-Za-z0-9]{6,10}(?:-[0-9]{1,3})?)(?:-F1)?(?:[./?#].*)?",
    re.IGNORECASE,
)
_ISOFORM = re.compile(r"(?P<accession>[A-Z0-9]{6,10})-(?P<number>[0-9]{1,3})")
_ORGANISM = re.compile(r"\bOS=(?P<uniprot>.+?)(?=\s+[A-Z]{2}=|$)|\[(?P<ncbi>[^\[\]]+)\]\s*$")
"""UniProt's and NCBI's way to name the organism in a FASTA header."""


class Stored(NamedTuple):
    """The text names a protein of the bundle."""

    accession: str


class Pasted(NamedTuple):
    """The text is a sequence."""

    sequence: str
    name: str
    notes: tuple[str, ...]
    organism: str = ""
    """As the FASTA header has it; '' where it names none."""


class Record(NamedTuple):
    """One record of a FASTA text."""

    name: str
    letters: str
    organism: str = ""


class Records(NamedTuple):
    """A FASTA text of several sequences; each is checked when it is chosen."""

    records: list[Record]


class Hits(NamedTuple):
    """Several stored proteins go by this name."""

    text: str
    proteins: list[ProteinHit]


Understood = Stored | Pasted | Records | Hits


class NotFoundError(InputError):
    """No protein here is called so; nothing is shown in its place."""

    def __init__(self, message: str, text: str, near: Sequence[ProteinHit] = (), pasted: Pasted | None = None) -> None:
        super().__init__(message)
        self.text = text
        """What the reader typed, to search for."""
        self.near = tuple(near)
        """Proteins whose names are near in spelling, or whose accessions begin so."""
        self.pasted = pasted
        """The text as a sequence, where it can be one."""


def understand(
    text: str,
    protein: Callable[[str], ProteinRow | None],
    search: Callable[[str], Sequence[ProteinHit]],
    stored: str = "the proteins of this bundle",
) -> Understood:
    """Decide what `text` is.

    Args:
        text: raw letters, FASTA of one or many, an accession, or the name of a stored protein.
        protein: looks an accession up.
        search: finds stored proteins by name, best first.
        stored: what the bundle holds, for the sentence that says that it lacks a protein.

    Raises:
        NotFoundError: it is the name of a protein that is not stored, or may be words rather than a sequence.
        InputError: it is none of these; the sentence says what is wrong.
    """
    _refuse_files(text)
    bare = address_in(text) or text.strip()
    is_short = not bare.startswith(">") and len(bare) <= LONGEST_NAME and "\n" not in bare
    hits: list[ProteinHit] = []
    if is_short and bare:
        row = protein(bare.upper())
        if row is not None:
            return Stored(row.accession)
        _refuse_isoform(bare, protein)
        hits = list(search(bare)) if " " in bare or len(bare) < plausible.CLEARLY_LONG else []
        meant = _by_name(bare, hits)
        if meant is not None:
            return meant
    found = records(text)
    if len(found) > 1:
        return Records(found)
    near = hits[:_MOST_NEAR]
    try:
        sequence = pasted(*found[0])
    except InputError as error:
        if is_short and _looks_like_name(bare):
            raise NotFoundError(f"“{bare}” is not among {stored}. {OFFLINE}", bare, near) from error
        raise
    why = "" if sequence.notes else plausible.doubt(text)
    if why:
        shown = bare if len(bare) <= LONGEST_NAME else f"{bare[:LONGEST_NAME].rstrip()} …"
        raise NotFoundError(
            f"“{shown}” was not read as a sequence, because {why}; and it is not among {stored}.", bare, near, sequence
        )
    if is_short and len(sequence.sequence) < plausible.CLEARLY_LONG:
        note = f"Read as a sequence of {len(sequence.sequence)} residues, for no protein of this bundle is called so."
        return sequence._replace(notes=(*sequence.notes, note))
    return sequence


def address_in(text: str) -> str:
    """The accession that the address of an entry of UniProt or AlphaFold DB names, '' where the text is none."""
    found = _ADDRESS.fullmatch(text.strip())
    return found["accession"].upper() if found else ""


def _refuse_files(text: str) -> None:
    """One sentence on what is pasted by mistake.

    Raises:
        InputError: it is a file's content that holds no sequence as it stands.
    """
    begins = text.lstrip("\ufeff \t\r\n")[:200]
    kind = next((name for mark, name in _FILES.items() if begins.startswith(mark)), "")
    if kind:
        raise InputError(f"The text begins with {begins[:12].strip()!r}: it is {kind}, not a sequence. {_GIVE}")
    if "\x00" in text:
        raise InputError(f"The text holds bytes of a file that is no text, not a sequence. {_GIVE}")


def _refuse_isoform(text: str, protein: Callable[[str], ProteinRow | None]) -> None:
    """An isoform of a stored protein is another sequence, and is not shown in its place.

    Raises:
        NotFoundError: the text is an isoform's accession.
    """
    found = _ISOFORM.fullmatch(text.upper())
    row = protein(found["accession"]) if found else None
    if found and row is not None:
        raise NotFoundError(
            f"“{text.upper()}” is isoform {found['number']} of {row.accession}. This bundle holds one sequence of it, "
            f"the one that UniProt shows: read {row.accession}, or paste the isoform's own sequence.",
            text,
            [
                ProteinHit(
                    row.accession,
                    row.entry_name,
                    row.protein_name,
                    row.gene_names,
                    row.organism,
                    row.length,
                    row.has_structure,
                    "accession",
                )
            ],
        )


def records(text: str) -> list[Record]:
    """The records of a text; raw letters are one without a name.

    Raises:
        InputError: there is none, or the text is that of a structure file.
    """
    found = parse_fasta_text(text)
    heads = [line for line in text.splitlines() if line.lstrip("\ufeff ").startswith(">")]
    organisms = [organism_in(head) for head in heads] if len(heads) == len(found) else [""] * len(found)
    return [Record(name, letters, organism) for (name, letters), organism in zip(found, organisms, strict=True)]


def organism_in(header: str) -> str:
    """The organism that a FASTA header names, '' where it names none."""
    found = _ORGANISM.search(header)
    return (found["uniprot"] or found["ncbi"]).strip() if found else ""


def pasted(name: str, letters: str, organism: str = "") -> Pasted:
    """One record, checked.

    Raises:
        InputError: the letters are no protein sequence.
    """
    clean = clean_residues(letters, name=name)
    return Pasted(clean.sequence, clean.name, clean.notes, organism)


def _by_name(text: str, hits: Sequence[ProteinHit]) -> Stored | Hits | None:
    """The proteins that are called so, else those whose names hold every word; those that are merely near are not."""
    exact = [hit for hit in hits if hit.match == "exact"]
    meant = exact or ([] if is_identifier(text) else [hit for hit in hits if hit.match == "name"])
    if len(meant) == 1:
        return Stored(meant[0].accession)
    return Hits(text, meant) if meant else None


def is_identifier(text: str) -> bool:
    """One word with a digit in it: an accession, a gene. Such a name is the whole name or another protein's."""
    return " " not in text and any(letter.isdigit() for letter in text)


def _looks_like_name(text: str) -> bool:
    """Short, not plain letters, no long run of capitals: 'P0233', 'YAL001C', 'heat shock 70'."""
    plain = text.replace("*", "").replace("-", "").isalpha()
    return len(text) <= LONGEST_NAME and "\n" not in text and not plain and not re.search("[A-Z]{8}", text)


def said_of_match(match: Match | None, name: str) -> str:
    """One clause on the nearest stored protein; `name` is how it is called."""
    if match is None:
        return "no stored protein is like it"
    who = f"{match.accession} ({name})" if name and name != match.accession else match.accession
    if match.is_same:
        return f"the same as {who}"
    if not match.is_telling:
        return f"too short to say whose it is ({who} holds {match.n_aligned} residues like it, and so may others)"
    alike = f"{100 * match.identity:.0f} % identical to {who}"
    if match.coverage < 0.95:
        alike += f" over {100 * match.coverage:.0f} % of its length"
    return (
        alike if match.is_near else f"not nearly known (the nearest, {who}, is {100 * match.identity:.0f} % identical)"
    )
