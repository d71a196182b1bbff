"""A folder of PDB or mmCIF files in, one small aligned structure a shipped protein out.

Where several files belong to a protein the one that covers most of it is taken, then the one with the best resolution.
A file that cannot be used is passed over with one sentence; what is left decides.

Writes structures/structure.parquet with the columns of `protsae/store/schema.sql`, positions from 0 (-1 = not in the
sequence). Read `run`, then `protsae/structure/read.py`.
"""

import gzip
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from precompute.config import RunConfig
from precompute.inputs.structure_files import StructureFile, find_structures
from precompute.pipeline.tables import TableWriter, read_table
from protsae.errors import InputError
from protsae.structure.chains import parse_structure, protein_chains
from protsae.structure.read import PlacedStructure, place

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("accession", "pdb_id", "chain", "atoms")]
    + [(name, pa.float64()) for name in ("resolution", "identity", "coverage")]
    + [("positions", pa.list_(pa.int32())), ("author_numbers", pa.list_(pa.string())), ("pdb", pa.binary())]
)
MAX_REPORTED = 20
"""Sentences about files that were passed over."""
CHUNK = 200
"""Structures held in memory."""


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write the table and count what is in it.

    Raises:
        InputError: no file belongs to any protein, or the only file is unusable.
    """
    proteins = read_table(work / "proteins" / "proteins.parquet", ["accession", "sequence", "is_shipped"])
    shipped = proteins.loc[proteins["is_shipped"]]
    sequences = dict(zip(shipped["accession"], shipped["sequence"], strict=True))
    found: dict[str, list[StructureFile]] = {}
    dropped = Counter[str]()
    if config.structures is not None:
        found = find_structures(config.structures, frozenset(proteins["accession"]), dropped)
    files = {accession: entries for accession, entries in sorted(found.items()) if accession in sequences}
    faults: list[str] = []
    n_placed, n_full, coverage = 0, 0, 0.0
    with TableWriter(work / "structures" / "structure.parquet", SCHEMA) as writer:
        rows: list[dict[str, Any]] = []
        for number, (accession, entries) in enumerate(files.items(), start=1):
            best = _best(entries, sequences[accession], faults)
            if best is not None:
                rows.append(_row(accession, best))
                n_placed, n_full = n_placed + 1, n_full + (best.atoms == "full")
                coverage += best.coverage
            if rows and (number % CHUNK == 0 or number == len(files)):
                writer.append(pd.DataFrame(rows))
                rows = []
                report(f"{number:,} of {len(files):,} proteins")
    n_files = sum(map(len, files.values()))
    if n_files == 1 and faults:
        raise InputError(faults[0])
    for fault in faults[:MAX_REPORTED]:
        report(f"passed over: {fault}")
    return {
        "files": n_files,
        "structures": n_placed,
        "backbone": n_full,
        "passed_over": len(faults),
        **dropped,
        "mean_coverage": round(coverage / n_placed, 3) if n_placed else 0.0,
    }


def _best(entries: Sequence[StructureFile], sequence: str, faults: list[str]) -> PlacedStructure | None:
    """The structure that covers most of the sequence; sentences about unusable files are added to `faults`."""
    placed = []
    for entry in entries:
        try:
            placed.append(_place(entry, sequence))
        except InputError as error:
            faults.append(str(error))
    return min(placed, key=lambda one: (-round(one.coverage, 2), one.resolution or math.inf), default=None)


def _place(entry: StructureFile, sequence: str) -> PlacedStructure:
    name = entry.path.name
    structure = parse_structure(entry.path.read_bytes(), name)
    chains = protein_chains(structure, name)
    named = [chain for chain in chains if chain.name == entry.chain]
    placed = place(structure, named or chains, sequence, name, known_id=entry.pdb_id)
    return placed if entry.resolution is None else placed._replace(resolution=entry.resolution)


def _row(accession: str, placed: PlacedStructure) -> dict[str, Any]:
    return {
        "accession": accession,
        "pdb_id": placed.pdb_id,
        "chain": placed.chain,
        "atoms": placed.atoms,
        "resolution": placed.resolution,
        "identity": placed.identity,
        "coverage": placed.coverage,
        "positions": placed.positions - 1,
        "author_numbers": list(placed.author_numbers),
        "pdb": gzip.compress(placed.pdb.encode("ascii"), mtime=0),
    }
