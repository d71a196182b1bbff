"""The proteins: UniProtKB entries with every column that a run reads, found by organism, query or accession.

Read `fetch_proteins`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from precompute.fetching.accession_list import read_accessions
from precompute.fetching.config import FetchConfig
from precompute.inputs.feature_columns import KINDS
from precompute.pipeline.progress import Meter, Report, Transient
from protsae.errors import InputError
from protsae.sources.answers import NotFoundError
from protsae.sources.client import Client
from protsae.sources.tables import BATCH, Table, found_by, joined, of_accessions
from protsae.sources.uniprot import uniprot_entry

FIELDS = (
    *("accession", "id", "protein_name", "gene_names", "organism_name", "length", "sequence"),
    *(f"ft_{key.lower()}" for key in KINDS),
    "xref_pdb_full",
)
"""Of UniProtKB's interface: what `precompute.inputs.uniprot` reads, and which PDB entries hold a protein."""

PDB_COLUMN = len(FIELDS) - 1


class LeftOut(NamedTuple):
    """A protein that was asked for, or a part of it, and is not there."""

    id: str
    why: str


class Proteins(NamedTuple):
    """UniProtKB's table, and what was asked for and is not in it."""

    table: Table
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    """Accessions that lead to another entry, one sentence each."""

    def cells(self) -> list[list[str]]:
        """The cells of every line."""
        return [line.split("\t") for line in self.table.lines]

    def accessions(self) -> list[str]:
        """Of the entries, in the table's order."""
        return [line.partition("\t")[0] for line in self.table.lines]


def fetch_proteins(config: FetchConfig, client: Client, report: Report) -> Proteins:
    """All that was asked for.

    Raises:
        InputError: the list of accessions cannot be read, is too long, or none of its entries is there.
        SourceError: UniProtKB cannot be reached, or an answer is not whole.
    """
    if config.accessions is not None:
        return _listed(config, read_accessions(config.accessions), client, report)
    query = f"organism_id:{config.organism}" if config.organism else config.query
    query = f"({query}) AND (reviewed:true)" if config.reviewed else query

    def told(done: int, total: int) -> None:
        report(Transient(f"UniProtKB: {done:,} of {total:,} entries"))

    return Proteins(found_by(query, FIELDS, client, most=config.max_proteins, report=told), (), ())


def _listed(config: FetchConfig, asked: Sequence[str], client: Client, report: Report) -> Proteins:
    if len(asked) > config.max_proteins:
        raise InputError(
            f"{config.accessions} holds {len(asked):,} accessions, more than --max-proteins {config.max_proteins:,}; "
            "raise it or shorten the list"
        )
    meter = Meter(report, "UniProtKB", len(asked), unit="entries")
    parts = []
    for start in range(0, len(asked), BATCH):
        parts.append(of_accessions(asked[start : start + BATCH], FIELDS, client))
        meter.advance(min(BATCH, len(asked) - start))
    there = {line.partition("\t")[0] for part in parts for line in part.lines}
    successors, left_out, notes = _moved([one for one in asked if one not in there], client, report)
    new = [one for one in dict.fromkeys(successors) if one not in there]
    parts += [of_accessions(new[start : start + BATCH], FIELDS, client) for start in range(0, len(new), BATCH)]
    table = joined(parts)
    if not table.lines:
        raise InputError(f"UniProtKB has none of the {len(asked):,} entries of {config.accessions}; check the list")
    lines = {line.partition("\t")[0]: line for line in table.lines}
    return Proteins(table._replace(lines=tuple(lines.values())), tuple(left_out), tuple(notes))


def _moved(missing: Sequence[str], client: Client, report: Report) -> tuple[list[str], list[LeftOut], list[str]]:
    """What has become of accessions that the table lacks: those in their place, those that are gone, and sentences."""
    successors, left_out, notes = [], [], []
    for number, accession in enumerate(missing, start=1):
        try:
            entry = uniprot_entry(accession, client)
        except NotFoundError as error:
            left_out.append(LeftOut(accession, str(error)))
        else:
            successors.append(entry.accession)
            notes += entry.notes
        report(Transient(f"UniProtKB: {number:,} of {len(missing):,} accessions that have moved"))
    return successors, left_out, notes
