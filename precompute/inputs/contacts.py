"""Residues that touch a ligand in an experimental structure: a TSV with the columns Entry, kind, position.

Read `read_contacts`.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from precompute.inputs.records import Region
from precompute.inputs.tsv import records
from protsae.errors import InputError

KINDS: Mapping[str, str] = {
    "metal": "Metal contact",
    "nuclear": "Nucleic-acid contact",
    "nucleic": "Nucleic-acid contact",
    "small": "Small-molecule contact",
}


OTHERS = "contacts_of_other_proteins"
"""What is counted of them."""


def read_contacts(
    path: Path, lengths: Mapping[str, int], dropped: Counter[str] | None = None
) -> dict[str, list[Region]]:
    """Accession -> contact regions, neighbouring residues joined.

    Args:
        path: the table.
        lengths: residues of each protein; others are passed over.
        dropped: counts the lines of these.

    Raises:
        InputError: a column is missing, a kind is unknown, or a position lies outside its protein.
    """
    found: dict[str, dict[str, set[int]]] = {}
    for line, row in records(path, ("Entry", "kind", "position")):
        accession, kind, position = row["Entry"], row["kind"].lower(), row["position"].removesuffix(".0")
        if accession not in lengths:
            if dropped is not None:
                dropped[OTHERS] += 1
            continue
        if kind not in KINDS:
            raise InputError(f"{path} line {line} has kind {row['kind']!r}; it must be one of {', '.join(KINDS)}")
        if not _lies_within(position, lengths[accession]):
            length = lengths[accession]
            raise InputError(
                f"{path} line {line} has position {row['position']!r}; {accession} has residues 1 to {length}"
            )
        found.setdefault(accession, {}).setdefault(KINDS[kind], set()).add(int(position) - 1)
    return {
        accession: [region for kind, places in sorted(kinds.items()) for region in _runs(kind, places)]
        for accession, kinds in found.items()
    }


def _lies_within(position: str, length: int) -> bool:
    return position.isascii() and position.isdecimal() and len(position) < 9 and 1 <= int(position) <= length


def _runs(kind: str, places: set[int]) -> list[Region]:
    runs = []
    for _, group in groupby(enumerate(sorted(places)), key=lambda pair: pair[1] - pair[0]):
        run = [place for _, place in group]
        runs.append(Region(kind, "", run[0], run[-1]))
    return runs
