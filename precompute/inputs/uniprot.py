"""UniProtKB TSV exports, and FASTA files, as protein records, one at a time.

Exports differ in their columns: names are matched whatever their case and blanks, by the heading of the website
(today's or that of before 2022) or the field name of the programmatic interface; `Entry` and `Sequence` are needed, all
others are optional. Where `Length` is there it must be the sequence's: spreadsheets cut long cells.

Read `read_proteins`.

Source: https://www.uniprot.org/help/return_fields
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from precompute.inputs.fasta import parse_fasta
from precompute.inputs.feature_columns import HEADINGS, parse_features
from precompute.inputs.records import ProteinRecord, checked_sequence
from precompute.inputs.tsv import rows
from protsae.errors import InputError
from protsae.text_files import open_text

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "accession": ("entry", "accession"),
    "sequence": ("sequence",),
    "length": ("length",),
    "entry_name": ("entry name", "id"),
    "protein_name": ("protein names", "protein_name"),
    "organism": ("organism", "organism_name"),
}
"""What a record needs -> how exports head it, in lower case."""

GENE_COLUMNS = (
    ("gene names", "gene_names", "genes"),
    ("gene names (primary)", "gene_primary"),
    ("gene names (synonym)", "gene_synonym"),
    ("gene names (ordered locus)", "gene_oln"),
    ("gene names (orf)", "gene_orf"),
)
"""All of a protein's gene names in one column, else the columns that hold them by kind; in lower case."""

_NAME_ENDS = re.compile(r" [(\[]")


def read_proteins(path: Path) -> Iterator[ProteinRecord]:
    """The proteins of a UniProtKB TSV export or a FASTA file, in the file's order.

    Raises:
        InputError: the file is neither, lacks a needed column, holds no protein or one twice, a sequence is invalid, or
            has another length than its line says.
    """
    seen: set[str] = set()
    with open_text(path) as handle:
        start: list[str] = []
        for line in handle:
            start.append(line)
            if line.strip():
                break
        is_fasta = bool(start) and start[-1].lstrip().startswith((">", ";"))
        for record in (parse_fasta if is_fasta else _read_tsv)(chain(start, handle), path):
            if record.accession in seen:
                raise InputError(f"{path} holds protein {record.accession} more than once; keep one of them")
            seen.add(record.accession)
            yield record
    if not seen:
        raise InputError(f"{path} holds no protein; give a UniProtKB TSV export with Entry and Sequence, or FASTA")


def _read_tsv(text: Iterable[str], path: Path) -> Iterator[ProteinRecord]:
    lines = rows(text)
    _, heading = next(lines, (1, []))
    heading = [name.strip() for name in heading]
    known = [_plain(name) for name in heading]
    places = {field: place for field, names in COLUMNS.items() if (place := _find(known, names)) is not None}
    for field, wanted in (("accession", "Entry"), ("sequence", "Sequence")):
        if field not in places:
            found = ", ".join(heading[:12]) + (", ..." if len(heading) > 12 else "")
            raise InputError(
                f"{path} has no column {wanted!r}; it has: {found[:300]}; export it from UniProtKB as TSV with {wanted}"
            )
    features = [place for place, name in enumerate(known) if name in HEADINGS]
    genes = [place for names in GENE_COLUMNS if (place := _find(known, names)) is not None]
    if _find(known, GENE_COLUMNS[0]) is not None:
        genes = genes[:1]
    for number, cells in lines:
        if len(cells) != len(heading):
            raise InputError(
                f"{path} line {number} has {len(cells)} cells, the heading has {len(heading)}; export the file again"
            )
        values = {field: cells[place].strip() for field, place in places.items()}
        accession = values["accession"]
        if not accession:
            raise InputError(
                f"{path} line {number} has no accession in column {heading[places['accession']]!r}; mend the line"
            )
        sequence, notes = checked_sequence(values["sequence"], accession)
        _check_length(values.get("length", ""), values["sequence"], f"{path} line {number}: {accession}")
        yield ProteinRecord(
            accession=accession,
            entry_name=values.get("entry_name", ""),
            protein_name=_recommended(values.get("protein_name", "")),
            gene_names=" ".join(cells[place].replace(";", " ").strip() for place in genes).strip(),
            organism=values.get("organism", ""),
            sequence=sequence,
            regions=tuple(region for place in features for region in parse_features(cells[place], len(sequence))),
            notes=notes,
        )


def _check_length(text: str, sequence: str, subject: str) -> None:
    """`Length` may have become a number with a point or with commas on its way through other programs."""
    number = re.fullmatch(r"(\d+)(?:\.0*)?", text.replace(",", ""))
    if number is not None and int(number[1]) != len(sequence):
        raise InputError(
            f"{subject} has another length than its line says: Length is {int(number[1])}, the sequence has "
            f"{len(sequence)} residues; export the file again (spreadsheets cut long cells)"
        )


def _plain(heading: str) -> str:
    """'Gene names  (primary )', as the website wrote it before 2022, is 'gene names (primary)'."""
    return " ".join(heading.lower().split()).replace("( ", "(").replace(" )", ")")


def _find(known: Sequence[str], names: Iterable[str]) -> int | None:
    return next((known.index(name) for name in names if name in known), None)


def _recommended(names: str) -> str:
    """The recommended name alone, without what UniProt puts in brackets behind it (synonyms, EC numbers, parts)."""
    return _NAME_ENDS.split(names, maxsplit=1)[0].strip()
