"""UniProtKB TSV exports, and FASTA files, as protein records, one at a time.

Exports differ in their columns: names are matched whatever their case and blanks, by the heading of the website
(today's or that of before 2022) or the field name of the programmatic interface; `Entry` and `Sequence` are needed, all
others are optional. Where `Length` is there it must be the sequence's: spreadsheets cut long cells. Entries that
UniProt has deleted come without a sequence, and mapped ids bring an entry several times: both are passed over and
counted.

Read `read_proteins`.

Source: https://www.uniprot.org/help/return_fields
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from precompute.inputs.fasta import accession_of, parse_fasta
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


REPEATED, DELETED = "proteins_repeated", "proteins_deleted_by_uniprot"
"""What is counted of the proteins."""

_GONE = frozenset({"deleted", "demerged", "merged", "inactive", "obsolete"})
"""What exports write in the place of an entry's name where it is no more."""


def read_proteins(path: Path, dropped: Counter[str] | None = None) -> Iterator[ProteinRecord]:
    """The proteins of a UniProtKB TSV export or a FASTA file, in the file's order.

    Args:
        path: the file.
        dropped: counts what is passed over.

    Raises:
        InputError: the file is neither, lacks a needed column, holds no protein or one twice, a sequence is invalid, or
            has another length than its line says.
    """
    seen: dict[str, int] = {}
    counts = Counter[str]() if dropped is None else dropped
    with open_text(path) as handle:
        start: list[str] = []
        for line in handle:
            start.append(line)
            if line.strip():
                break
        is_fasta = bool(start) and start[-1].lstrip().startswith((">", ";"))
        lines = chain(start, handle)
        for record in parse_fasta(lines, path) if is_fasta else _read_tsv(lines, path, counts):
            letters = hash(record.sequence)
            if record.accession not in seen:
                seen[record.accession] = letters
                yield record
            elif seen[record.accession] == letters:
                counts[REPEATED] += 1
            else:
                raise InputError(
                    f"{path} holds protein {record.accession} more than once, with different sequences; keep one"
                )
    if not seen:
        raise InputError(f"{path} holds no protein; give a UniProtKB TSV export with Entry and Sequence, or FASTA")


class _Columns(NamedTuple):
    """Where in a line things stand."""

    heading: Sequence[str]
    fields: Mapping[str, int]
    """Keys of `COLUMNS`."""
    features: Sequence[int]
    genes: Sequence[int]


def _columns(heading: Sequence[str], path: Path) -> _Columns:
    """Find the columns by their names.

    Raises:
        InputError: one that is needed is not there.
    """
    known = [_plain(name) for name in heading]
    places = {field: place for field, names in COLUMNS.items() if (place := _find(known, names)) is not None}
    for field, wanted in (("accession", "Entry"), ("sequence", "Sequence")):
        if field not in places:
            raise InputError(f"{path} has no column {wanted!r}; {_instead(heading)}")
    genes = [place for names in GENE_COLUMNS if (place := _find(known, names)) is not None]
    if _find(known, GENE_COLUMNS[0]) is not None:
        genes = genes[:1]
    return _Columns(heading, places, [place for place, name in enumerate(known) if name in HEADINGS], genes)


def _instead(heading: Sequence[str]) -> str:
    """What a heading without the columns holds, and what to do."""
    if len(heading) == 1:
        for mark, name in ((",", "commas"), (";", "semicolons")):
            if mark in heading[0]:
                return f"its columns are parted by {name} ({heading[0][:60]!r}); save it with tabs between them (TSV)"
    found = ", ".join(heading[:12]) + (", ..." if len(heading) > 12 else "")
    return f"it has: {found[:300]}; export it from UniProtKB as TSV with Entry and Sequence"


def _read_tsv(text: Iterable[str], path: Path, counts: Counter[str]) -> Iterator[ProteinRecord]:
    lines = rows(text)
    _, heading = next(lines, (1, []))
    columns = _columns([name.strip() for name in heading], path)
    for number, cells in lines:
        where, width = f"{path} line {number}", len(columns.heading)
        if len(cells) < width or any(cell.strip() for cell in cells[width:]):
            raise InputError(f"{where} has {len(cells)} cells, the heading has {width}; export the file again")
        values = {field: cells[place].strip() for field, place in columns.fields.items()}
        accession = accession_of(values["accession"])
        if not accession:
            raise InputError(
                f"{where} has no accession in column {heading[columns.fields['accession']]!r}; mend the line"
            )
        if not values["sequence"] and _is_gone(values):
            counts[DELETED] += 1
            continue
        sequence, notes = checked_sequence(values["sequence"], accession, where)
        _check_length(values.get("length", ""), values["sequence"], f"{where}: {accession}")
        regions = [parse_features(cells[place], len(sequence), counts) for place in columns.features]
        yield ProteinRecord(
            accession=accession,
            entry_name=values.get("entry_name", ""),
            protein_name=_recommended(values.get("protein_name", "")),
            gene_names=" ".join(cells[place].replace(";", " ").strip() for place in columns.genes).strip(),
            organism=values.get("organism", ""),
            sequence=sequence,
            regions=tuple(region for found in regions for region in found),
            notes=notes,
        )


def _is_gone(values: Mapping[str, str]) -> bool:
    """Whether a line without a sequence is that of an entry that UniProt has deleted, merged or split."""
    words = f"{values.get('entry_name', '')} {values.get('protein_name', '')}".lower().replace(".", " ").split()
    return not _GONE.isdisjoint(words)


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
