"""Which structure files belong to which proteins.

A table `structures.tsv` in the folder or beside it names them (columns Entry, file; pdb_id, chain, resolution_angstrom
where known). Without one, files are matched by name: `P12345.pdb`, `P12345_1abc_A.cif.gz`, `AF-P12345-F1-model_v4.pdb`.
Where a residue lies in the sequence is never taken from a table: `protsae/structure/read.py` aligns.

Read `find_structures`.
"""

import math
import re
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

from precompute.inputs.tsv import records
from protsae.errors import InputError

SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif")
TABLE = "structures.tsv"


class StructureFile(NamedTuple):
    """A file that should hold a structure of a protein; '' and None where nothing says it."""

    accession: str
    path: Path
    pdb_id: str
    chain: str
    resolution: float | None


OTHERS = "structures_of_other_proteins"
"""What is counted of the files."""


def find_structures(
    folder: Path, accessions: Container[str], dropped: Counter[str] | None = None
) -> dict[str, list[StructureFile]]:
    """Accession -> its structure files, in the order of the table or of the names.

    Args:
        folder: of the files.
        accessions: the proteins; files of others are passed over.
        dropped: counts these files.

    Raises:
        InputError: the table lacks a column or names a file that does not exist, or no file belongs to any protein.
    """
    table = table_of(folder)
    found: dict[str, list[StructureFile]] = {}
    for entry in _from_names(folder, accessions) if table is None else _from_table(table, folder):
        if entry.accession in accessions:
            found.setdefault(entry.accession, []).append(entry)
        elif dropped is not None:
            dropped[OTHERS] += 1
    if not found:
        raise InputError(
            f"no file in {folder} belongs to a protein of this run; name the files after the accessions "
            f"(P12345_1abc_A.pdb) or put a {TABLE} with the columns Entry and file beside them"
        )
    return found


def table_of(folder: Path) -> Path | None:
    """The table that belongs to a folder of structures: in it, else beside it; None where there is neither."""
    return next((path for path in (folder / TABLE, folder.parent / TABLE) if path.is_file()), None)


def _from_table(table: Path, folder: Path) -> Iterator[StructureFile]:
    for line, row in records(table, ("Entry", "file")):
        path = folder / row["file"]
        if not path.is_file():
            raise InputError(
                f"{table} line {line} names {row['file']!r}, which is not in {folder}; add it or drop the line"
            )
        resolution = _number(row.get("resolution_angstrom", ""))
        yield StructureFile(row["Entry"], path, row.get("pdb_id", ""), row.get("chain", ""), resolution)


def _from_names(folder: Path, accessions: Container[str]) -> Iterator[StructureFile]:
    for path in sorted(folder.iterdir()):
        if not path.name.lower().removesuffix(".gz").endswith(SUFFIXES):
            continue
        words = re.split(r"[^A-Za-z0-9]+", path.name)
        known = (word for word in (*words, *map(str.upper, words)) if word in accessions)
        yield StructureFile(next(known, ""), path, "", "", None)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 < number < math.inf else None
