"""UniProtKB entries in bulk, as tab-separated tables: those that a query finds, or those of a list of accessions.

A table that is shorter than UniProtKB says it is, or whose parts are of different releases, is an error, never a table.

Read `Table`, then `found_by`.

Source: https://www.uniprot.org/help/api_queries, https://www.uniprot.org/help/pagination
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from protsae.sources.addresses import UNIPROT
from protsae.sources.answers import Answer, Provenance, SourceError, provenance
from protsae.sources.client import Client
from protsae.sources.uniprot import PdbReference, pdb_reference

PAGE = 500
"""Entries an answer; the most that UniProtKB gives."""

BATCH = 100
"""Accessions a question, so that addresses stay short."""

_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
_PDB_IN_FULL = re.compile(
    r"\b(?P<id>pdb_[0-9a-z]{8}|[1-9][A-Za-z0-9]{3});\s*(?P<method>[^;\"]+);\s*(?P<sharp>-|[\d.]+ ?A);\s*"
    r"(?P<chains>[^;\"\[]*?)\.?\s*(?=[;\"\[]|$)"
)
_PDB_ID = re.compile(r"pdb_[0-9a-z]{8}|[1-9][A-Za-z0-9]{3}")


class Table(NamedTuple):
    """Entries as UniProtKB writes them."""

    heading: str
    """First line, without its end."""
    lines: tuple[str, ...]
    """One an entry, without its end."""
    provenance: Provenance


def found_by(
    query: str, fields: Sequence[str], client: Client, *, most: int, report: Callable[[int, int], None]
) -> Table:
    """All entries that a query finds.

    Args:
        query: in UniProtKB's language, e.g. 'organism_id:559292 AND reviewed:true'.
        fields: names of the columns.
        client: asks.
        most: entries at most.
        report: called with entries so far and in all, after each answer.

    Raises:
        SourceError: the query finds nothing or too much, or an answer is not whole.
    """
    asked = {"query": query, "fields": ",".join(fields), "format": "tsv", "size": str(PAGE)}
    parts: list[Table] = []
    cursor, total = "", 0
    while True:
        path = "/uniprotkb/search?" + urlencode(asked | ({"cursor": cursor} if cursor else {}), quote_via=quote)
        answer = client.get(UNIPROT, path, what=f"entries of the query {query!r}")
        total = _total(answer)
        if total == 0:
            raise SourceError(f"UniProtKB finds no entry for {query!r}: change the query.")
        if total > most:
            raise SourceError(
                f"UniProtKB finds {total:,} entries for {query!r}, more than {most:,}: narrow the query, or allow more."
            )
        parts.append(_table(answer))
        done = sum(len(part.lines) for part in parts)
        report(done, total)
        following = _NEXT.search(answer.headers.get("link", ""))
        if following is None:
            break
        cursor = parse_qs(urlsplit(following[1]).query).get("cursor", [""])[0]
    if done != total:
        raise SourceError(
            f"UniProtKB gave {done:,} of the {total:,} entries that it finds for {query!r}: ask again later."
        )
    return joined(parts)


def of_accessions(accessions: Sequence[str], fields: Sequence[str], client: Client) -> Table:
    """The entries of at most `BATCH` accessions; those that are no longer there are missing in the table.

    Raises:
        SourceError: an answer is not whole.
    """
    assert len(accessions) <= BATCH, len(accessions)
    asked = {"accessions": ",".join(accessions), "fields": ",".join(fields), "format": "tsv", "size": str(PAGE)}
    answer = client.get(
        UNIPROT, "/uniprotkb/accessions?" + urlencode(asked, quote_via=quote), what=f"entries from {accessions[0]} on"
    )
    table, total = _table(answer), _total(answer)
    if len(table.lines) != total:
        raise SourceError(
            f"UniProtKB gave {len(table.lines)} of {total} entries from {accessions[0]} on: ask again later."
        )
    return table


def joined(parts: Sequence[Table]) -> Table:
    """One table of several.

    Raises:
        SourceError: they have different columns, or are of different releases.
    """
    first = parts[0]
    releases = sorted({part.provenance.release for part in parts})
    if len(releases) > 1:
        raise SourceError(
            f"UniProtKB went from release {releases[0]} to {releases[-1]} meanwhile: remove what was kept and fetch "
            "anew."
        )
    if any(part.heading != first.heading for part in parts):
        raise SourceError("UniProtKB gave tables of different columns: remove what was kept and fetch anew.")
    return first._replace(lines=tuple(line for part in parts for line in part.lines))


def pdb_references(cell: str) -> list[PdbReference] | None:
    """PDB entries in a cell of the column `xref_pdb_full`; None where there are some, but without what they span."""
    full = [
        pdb_reference(one["id"], one["method"].strip(), one["sharp"], one["chains"].strip())
        for one in _PDB_IN_FULL.finditer(cell)
    ]
    return full if full or _PDB_ID.search(cell) is None else None


def _table(answer: Answer) -> Table:
    text = answer.content.decode("utf-8", "replace").replace("\r\n", "\n")
    heading, _, rest = text.partition("\n")
    if not heading.startswith("Entry\t"):
        raise SourceError(f"UniProtKB answered no table ({heading[:60]!r}): ask again later.")
    made = provenance(UNIPROT, answer, answer.headers.get("x-uniprot-release", ""))
    return Table(heading, tuple(line for line in rest.split("\n") if line), made)


def _total(answer: Answer) -> int:
    text = answer.headers.get("x-total-results", answer.headers.get("x-total-records", ""))
    if not text.isdecimal():
        raise SourceError("UniProtKB does not say how many entries there are: update this program, or ask again later.")
    return int(text)
