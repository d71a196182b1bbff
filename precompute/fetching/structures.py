"""A structure for each protein: the PDB entry that spans most of it, else AlphaFold DB's model.

Files and a table `structures.tsv` go into one folder, as `precompute.inputs.structure_files` reads them. What is there
already comes from the cache.

Read `fetch_structures`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from precompute.fetching.config import FetchConfig
from precompute.fetching.proteins import PDB_COLUMN, LeftOut, Proteins
from precompute.inputs.structure_files import TABLE
from precompute.pipeline.progress import Meter, Report
from protsae.files import write_text
from protsae.sources.answers import Provenance, SourceError, UnreachableError
from protsae.sources.cache import Cache
from protsae.sources.client import Client
from protsae.sources.structures import FetchedStructure, alphafold_model, rcsb_entry
from protsae.sources.tables import pdb_references
from protsae.sources.uniprot import PdbReference, best_first, uniprot_entry

LEAST_SPAN = 0.5
"""Share of a protein that a PDB entry spans, from which it is taken before a model."""

MOST_TRIED = 3
"""PDB entries of a protein, where one cannot be used."""

MOST_UNREACHABLE = 5
"""Proteins in a row for which no source answers, until it is given up."""

_COLUMNS = ("Entry", "file", "pdb_id", "resolution_angstrom", "source", "release", "licence", "url", "fetched")


class Found(NamedTuple):
    """One protein's structure, on the disk."""

    accession: str
    file: str
    pdb_id: str
    """'' for a model."""
    resolution: float | None
    provenance: Provenance


class Wanted(NamedTuple):
    """A protein for which a structure is looked for."""

    accession: str
    length: int
    pdb_cell: str


def fetch_structures(
    config: FetchConfig, proteins: Proteins, client: Client, cache: Cache, report: Report
) -> tuple[list[Found], list[LeftOut]]:
    """Structures of the proteins, and those without one.

    Raises:
        UnreachableError: no source answers any more; what has come is kept.
    """
    folder = config.out / "structures"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [Wanted(cells[0], len(cells[6]), cells[PDB_COLUMN]) for cells in proteins.cells()][: config.max_structures]
    meter = Meter(report, "structures", len(wanted), unit="proteins")
    found: list[Found] = []
    left_out: list[LeftOut] = []
    in_a_row = 0
    with ThreadPoolExecutor(config.workers) as pool:
        for start in range(0, len(wanted), 4 * config.workers):
            batch = wanted[start : start + 4 * config.workers]
            for protein, outcome in zip(batch, pool.map(lambda one: _one(one, config, client), batch), strict=True):
                in_a_row = in_a_row + 1 if isinstance(outcome, UnreachableError) else 0
                if isinstance(outcome, FetchedStructure):
                    found.append(_written(protein.accession, outcome, folder, cache))
                elif in_a_row >= MOST_UNREACHABLE:
                    raise outcome
                else:
                    left_out.append(LeftOut(protein.accession, str(outcome)))
            meter.advance(len(batch))
    _write_table(folder / TABLE, found)
    return found, left_out


def _one(protein: Wanted, config: FetchConfig, client: Client) -> FetchedStructure | SourceError:
    """The best structure that there is, or why there is none."""
    problem = SourceError(f"{protein.accession} has no structure in the PDB.")
    try:
        for ask in _candidates(protein, config, client):
            try:
                return ask()
            except UnreachableError:
                raise
            except SourceError as error:
                problem = error
    except SourceError as error:
        return error
    return problem


def _candidates(protein: Wanted, config: FetchConfig, client: Client) -> Iterator[Callable[[], FetchedStructure]]:
    """What to ask for, the best first."""
    entries: Sequence[PdbReference] = ()
    if config.structures != "alphafold":
        known = pdb_references(protein.pdb_cell)
        entries = uniprot_entry(protein.accession, client).pdb if known is None else known
    ranked = sorted(entries, key=best_first)[:MOST_TRIED]
    if config.structures == "pdb":
        early, late = ranked, []
    else:
        early = [one for one in ranked if one.n_residues >= LEAST_SPAN * protein.length]
        late = [one for one in ranked if one not in early]
    yield from (_from_pdb(one, client) for one in early)
    if config.structures != "pdb":
        yield lambda: alphafold_model(protein.accession, client)
    yield from (_from_pdb(one, client) for one in late)


def _from_pdb(entry: PdbReference, client: Client) -> Callable[[], FetchedStructure]:
    return lambda: rcsb_entry(entry.pdb_id, client)


def _written(accession: str, structure: FetchedStructure, folder: Path, cache: Cache) -> Found:
    is_pdb = structure.provenance.source == "RCSB PDB"
    name = f"{accession}_{structure.filename}" if is_pdb else structure.filename
    file = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")
    cache.place(structure.content, folder / file)
    return Found(accession, file, structure.id if is_pdb else "", structure.resolution, structure.provenance)


def _write_table(path: Path, found: Sequence[Found]) -> None:
    lines = ["\t".join(_COLUMNS)]
    for one in found:
        made = one.provenance
        sharp = "" if one.resolution is None else f"{one.resolution:g}"
        cells = (
            one.accession,
            one.file,
            one.pdb_id,
            sharp,
            made.source,
            made.release,
            made.licence,
            made.url,
            made.date,
        )
        lines.append("\t".join(cells))
    write_text(path, "\n".join(lines) + "\n")
