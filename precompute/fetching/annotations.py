"""GO annotations of the proteins, in one GAF.

Read `fetch_annotations`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from precompute.pipeline.progress import Meter, Report
from protsae.sources.answers import Provenance
from protsae.sources.client import Client
from protsae.sources.gene_ontology import BATCH, annotations_of


class Annotations(NamedTuple):
    """A GAF, and what QuickGO counts but does not write."""

    text: str
    n_rows: int
    n_without_code: int
    provenance: Provenance


def fetch_annotations(accessions: Sequence[str], client: Client, report: Report) -> Annotations:
    """The annotations of all proteins, in the order of QuickGO's answers.

    Raises:
        SourceError: QuickGO cannot be reached, or gives fewer rows than it counts.
    """
    meter = Meter(report, "QuickGO", len(accessions), unit="proteins")
    parts = []
    for start in range(0, len(accessions), BATCH):
        batch = accessions[start : start + BATCH]
        parts.append(annotations_of(batch, client))
        meter.advance(len(batch))
    rows = [row for part in parts for row in part.rows]
    text = "\n".join([*parts[0].head, *rows]) + "\n"
    return Annotations(text, len(rows), sum(part.n_without_code for part in parts), parts[0].provenance)
