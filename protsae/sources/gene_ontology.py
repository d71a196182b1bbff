"""The Gene Ontology itself, and annotations with it (GOA) of a list of proteins, from QuickGO.

QuickGO cuts what it gives at a number of rows without a word, at 10,000 where none is asked for. So the rows are
counted first, as many are asked for, and a shorter answer is an error.

Read `annotations_of`, then `ontology`.

Source: https://www.ebi.ac.uk/QuickGO/api/index.html, https://geneontology.org/docs/go-annotation-file-gaf-format-2.2/
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from protsae.sources.addresses import GENE_ONTOLOGY, QUICKGO
from protsae.sources.answers import Provenance, SourceError, provenance
from protsae.sources.client import Client, whole_json

BATCH = 50
"""Proteins a question, so that addresses and answers stay short."""

LONGEST_DOWNLOAD = 2_000_000
"""Rows that QuickGO gives at most, however many are asked for."""

WITHOUT_CODE = 0.05
"""Share of rows at most that may be missing: QuickGO's GAF leaves out those whose evidence has no GO code."""

_GAF_COLUMNS = 15
_MAX_BYTES = 200_000_000
_GENERATED = re.compile(r"^!\s*(?:date-)?generated(?:-on)?\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_DATA_VERSION = re.compile(r"^data-version: (?:releases/)?(\S+)", re.MULTILINE)


class AnnotationRows(NamedTuple):
    """GAF of some proteins."""

    head: tuple[str, ...]
    """Lines that begin with '!'."""
    rows: tuple[str, ...]
    n_without_code: int
    """Annotations that QuickGO counts and does not write."""
    provenance: Provenance


class OntologyFile(NamedTuple):
    """The ontology in OBO."""

    content: bytes
    provenance: Provenance


def annotations_of(accessions: Sequence[str], client: Client) -> AnnotationRows:
    """All GO annotations of at most `BATCH` proteins.

    Raises:
        SourceError: QuickGO cannot be reached, answers no GAF, or fewer rows than it counts.
    """
    assert len(accessions) <= BATCH, len(accessions)
    what = f"GO annotations of {accessions[0]} and {len(accessions) - 1} more"
    proteins = {"geneProductId": ",".join(accessions)}
    counted = client.get(
        QUICKGO, f"/annotation/search?{_query(proteins | {'limit': '1'})}", what=what, accept="application/json"
    )
    found = whole_json(QUICKGO, counted, what)
    total = found.get("numberOfHits") if isinstance(found, dict) else None
    if not isinstance(total, int):
        raise SourceError(f"QuickGO does not say how many {what} there are: update this program, or ask again later.")
    if total > LONGEST_DOWNLOAD:
        raise SourceError(f"QuickGO has {total:,} {what}, more than it gives at once ({LONGEST_DOWNLOAD:,}).")
    answer = client.get(
        QUICKGO,
        f"/annotation/downloadSearch?{_query(proteins | {'downloadLimit': str(max(total, 1))})}",
        what=what,
        accept="text/gaf",
        max_bytes=_MAX_BYTES,
    )
    lines = [line for line in answer.content.decode("utf-8", "replace").splitlines() if line.strip()]
    head, rows = (tuple(line for line in lines if line.startswith("!") is is_head) for is_head in (True, False))
    broken = next((row for row in rows if row.count("\t") < _GAF_COLUMNS - 1), None)
    if broken is not None:
        raise SourceError(f"QuickGO answered no GAF for {what} ({broken[:60]!r}): ask again later.")
    if len(rows) < (1 - WITHOUT_CODE) * total:
        raise SourceError(f"QuickGO gave {len(rows):,} of {total:,} {what}: ask again later, or for fewer proteins.")
    generated = _GENERATED.search("\n".join(head))
    made = provenance(QUICKGO, answer, generated[1] if generated else "")
    return AnnotationRows(head, rows, max(0, total - len(rows)), made)


def ontology(client: Client) -> OntologyFile:
    """The current Gene Ontology with its axioms (go.obo).

    Raises:
        SourceError: it cannot be reached, or what came is not the whole of it.
    """
    answer = client.get(GENE_ONTOLOGY, "/ontology/go.obo", what="go.obo", max_bytes=_MAX_BYTES)
    if not answer.content.startswith(b"format-version:") or b"\n[Typedef]" not in answer.content:
        raise SourceError("What the Gene Ontology answered is not the whole of go.obo: ask again later.")
    version = _DATA_VERSION.search(answer.content[:4096].decode("utf-8", "replace"))
    return OntologyFile(answer.content, provenance(GENE_ONTOLOGY, answer, version[1] if version else ""))


def _query(values: dict[str, str]) -> str:
    return urlencode(values, quote_via=quote)
