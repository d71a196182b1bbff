"""FASTA files as records, for everything that reads one: the proteins of a run, the PLM's corpus, the clustering.

Headers in UniProt's style (`>sp|P12345|NAME_ORGANISM Protein name OS=... OX=... GN=...`) are taken apart; of others the
first word is the accession, without a version behind or AlphaFold DB's words around one of UniProt's. Blank lines,
comments before the first record and blanks before a '>' carry nothing.

Read `read_fasta`.

Source: https://www.uniprot.org/help/fasta-headers
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from Bio.SeqIO.FastaIO import SimpleFastaParser

from precompute.inputs.records import ProteinRecord, checked_sequence
from protsae.accessions import parse_accession
from protsae.errors import InputError
from protsae.text_files import open_text

_UNIPROT_NAME = re.compile(r"(?:sp|tr)\|(?P<accession>[^|\s.]+)(?:\.\d+)?\|(?P<entry>\S*)")
_ALPHAFOLD_NAME = re.compile(r"(?:AFDB:)?AF-(?P<accession>[A-Z0-9]+)-F1(?:-model_v\d+)?")
_HEADER_FIELD = re.compile(r" ?\b(OS|OX|GN|PE|SV)=")


def read_fasta(path: Path) -> Iterator[ProteinRecord]:
    """The proteins of a FASTA file, gzipped or not, in the file's order; names may repeat.

    Raises:
        InputError: the file cannot be read, holds no record, or a record has no name or no valid sequence.
    """
    with open_text(path) as handle:
        yield from parse_fasta(handle, path)


def parse_fasta(lines: Iterable[str], path: Path) -> Iterator[ProteinRecord]:
    """The proteins of FASTA lines; `path` is quoted in errors."""
    number = 0
    for number, (title, letters) in enumerate(SimpleFastaParser(f"{line.strip()}\n" for line in lines), start=1):
        name, rest = (*title.split(maxsplit=1), "", "")[:2]
        if not name:
            raise InputError(
                f"{path} holds a sequence without a name (record {number}); write its accession behind the '>'"
            )
        accession, entry = _names(name)
        fields = _fields(rest) if entry else {"name": rest}
        protein_name, genes, organism = (fields.get(key, "").strip() for key in ("name", "GN", "OS"))
        sequence, notes = checked_sequence(letters, accession, f"{path} record {number}")
        yield ProteinRecord(accession, entry, protein_name, genes, organism, sequence, (), notes)
    if not number:
        raise InputError(f"{path} holds no FASTA record: no line begins with '>'")


def accession_of(name: str) -> str:
    """The accession in a name: P12345 of `sp|P12345|NAME_ORGANISM`; any other name is its own."""
    return _names(name)[0]


def _names(name: str) -> tuple[str, str]:
    found = _UNIPROT_NAME.fullmatch(name)
    if found is not None:
        return found["accession"], found["entry"]
    model = _ALPHAFOLD_NAME.fullmatch(name)
    known = parse_accession(name if model is None else model["accession"])
    is_plain = known is None or known.isoform or not (known.version or model)
    return (name, "") if known is None or is_plain else (known.accession, "")


def _fields(text: str) -> dict[str, str]:
    parts = _HEADER_FIELD.split(" " + text)
    return {"name": parts[0].strip()} | dict(zip(parts[1::2], parts[2::2], strict=True))
