"""UniProtKB TSV exports, and FASTA files, as protein records, one at a time.

Exports differ in their columns: names are matched whatever their case, by the heading of the website or the field name
of the programmatic interface; `Entry` and `Sequence` are needed, all others are optional. FASTA headers in UniProt's
style (`>sp|P12345|NAME_ORGANISM Protein name OS=... OX=... GN=...`) are taken apart; of others the first word is the
accession.

Read `read_proteins`.

Source: https://www.uniprot.org/help/return_fields, https://www.uniprot.org/help/fasta-headers
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from Bio.SeqIO.FastaIO import SimpleFastaParser

from precompute.inputs.feature_columns import KINDS, parse_features
from precompute.inputs.files import open_text
from precompute.inputs.records import ProteinRecord, checked_sequence
from protsae.errors import InputError

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "accession": ("entry", "accession"),
    "sequence": ("sequence",),
    "entry_name": ("entry name", "id"),
    "protein_name": ("protein names", "protein_name"),
    "gene_names": ("gene names", "gene_names"),
    "organism": ("organism", "organism_name"),
}
"""What a record needs -> how exports head it, in lower case."""

FEATURE_COLUMNS = frozenset(
    {kind.lower() for kind in KINDS.values()} | {f"ft_{key.lower()}" for key in KINDS} | {"domain [ft]"}
)

_NAME_ENDS = re.compile(r" [(\[]")
_UNIPROT_HEADER = re.compile(r"(?:sp|tr)\|(?P<accession>[^|\s]+)\|(?P<entry>\S+)(?: (?P<rest>.*))?")
_HEADER_FIELD = re.compile(r" ?\b(OS|OX|GN|PE|SV)=")


def read_proteins(path: Path) -> Iterator[ProteinRecord]:
    """The proteins of a UniProtKB TSV export or a FASTA file, in the file's order.

    Raises:
        InputError: the file is neither, lacks a needed column, holds no protein or one twice, or a sequence is invalid.
    """
    seen: set[str] = set()
    with open_text(path) as handle:
        first = handle.read(1)
        handle.seek(0)
        for record in (_read_fasta if first == ">" else _read_tsv)(handle, path):
            if record.accession in seen:
                msg = f"{path} holds protein {record.accession} more than once; keep one of them"
                raise InputError(msg)
            seen.add(record.accession)
            yield record
    if not seen:
        msg = f"{path} holds no protein; give a UniProtKB TSV export with Entry and Sequence, or FASTA"
        raise InputError(msg)


def _read_tsv(handle: TextIO, path: Path) -> Iterator[ProteinRecord]:
    lines = (line.rstrip("\r\n").split("\t") for line in handle)
    heading = [name.strip().lstrip("\ufeff") for name in next(lines, [])]
    lowered = [name.lower() for name in heading]
    places = {}
    for field, names in COLUMNS.items():
        place = next((lowered.index(name) for name in names if name in lowered), None)
        if place is not None:
            places[field] = place
        elif field in {"accession", "sequence"}:
            wanted = {"accession": "Entry", "sequence": "Sequence"}[field]
            found = ", ".join(heading[:12]) + (", ..." if len(heading) > 12 else "")
            msg = (
                f"{path} has no column {wanted!r}; it has: {found[:300]}; export it from UniProtKB as TSV with {wanted}"
            )
            raise InputError(msg)
    features = [place for place, name in enumerate(lowered) if name in FEATURE_COLUMNS]
    for number, cells in enumerate(lines, start=2):
        if cells == [""]:
            continue
        if len(cells) != len(heading):
            msg = f"{path} line {number} has {len(cells)} cells, the heading has {len(heading)}; export the file again"
            raise InputError(msg)
        values = {field: cells[place].strip() for field, place in places.items()}
        accession = values["accession"]
        if not accession:
            msg = f"{path} line {number} has no accession in column {heading[places['accession']]!r}; mend the line"
            raise InputError(msg)
        sequence = checked_sequence(values["sequence"], accession)
        regions = tuple(region for place in features for region in parse_features(cells[place], len(sequence)))
        yield ProteinRecord(
            accession=accession,
            entry_name=values.get("entry_name", ""),
            protein_name=_recommended(values.get("protein_name", "")),
            gene_names=values.get("gene_names", "").replace(";", " "),
            organism=values.get("organism", ""),
            sequence=sequence,
            regions=regions,
        )


def _read_fasta(handle: TextIO, path: Path) -> Iterator[ProteinRecord]:
    for title, letters in SimpleFastaParser(handle):
        header = _UNIPROT_HEADER.match(title)
        if header is None:
            accession, _, name = title.strip().partition(" ")
            entry, fields = "", {"name": name}
        else:
            accession, entry, fields = header["accession"], header["entry"], _fields(header["rest"] or "")
        if not accession:
            msg = f"{path} holds a sequence without a name; write its accession behind the '>'"
            raise InputError(msg)
        sequence = checked_sequence(letters.replace("\r", "").rstrip("*"), accession)
        name, genes, organism = (fields.get(key, "").strip() for key in ("name", "GN", "OS"))
        yield ProteinRecord(accession, entry, name, genes, organism, sequence, ())


def _fields(text: str) -> dict[str, str]:
    parts = _HEADER_FIELD.split(text)
    return {"name": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def _recommended(names: str) -> str:
    """The recommended name alone, without what UniProt puts in brackets behind it (synonyms, EC numbers, parts)."""
    return _NAME_ENDS.split(names, maxsplit=1)[0].strip()
