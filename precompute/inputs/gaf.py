"""GO annotations in GAF 1.0 or 2.x.

Rows with NOT, in whatever spelling, say that a protein does not do something, and rows with evidence ND that nothing is
known: neither is an annotation. A row of an isoform, a version or a processed chain counts for its entry. Rows of
proteins that are not in the corpus are counted, since GAF files cover whole organisms. The version may stand in any of
the lines that begin with '!', and nowhere at all, since tools drop or shift them; what decides is whether the rows are
GAF's. (Biopython's reader takes the version from the very first line alone.)

Read `read_annotations`.

Source: GAF 2.2, https://geneontology.org/docs/go-annotation-file-gaf-format-2.2/
"""

import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

from precompute.inputs.tsv import rows
from protsae.accessions import entry_of
from protsae.errors import InputError
from protsae.ontology.graph import Ontology
from protsae.text_files import open_text

EXPERIMENTAL = frozenset({"EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP"})
"""Evidence codes of experiments; all others count as IEA."""

LEAST_COLUMNS = 15
"""GAF 1.0 has 15, 2.x has 17; the last two are often empty and cut off. GPAD has 12."""

_NOT = re.compile(r"(?:^|[\s|])not(?:$|[\s|])", re.IGNORECASE)
_GO_ID = re.compile(r"GO[:_](?P<number>\w+)", re.IGNORECASE)
_VERSION = re.compile(r"!\s*(?P<format>gaf|gpad?|gpi)[-_ ]version\s*:?\s*(?P<number>\d+)", re.IGNORECASE)


class Annotations(NamedTuple):
    """Direct annotations of the corpus, and what was left out."""

    evidence: dict[str, dict[str, str]]
    """accession -> current go_id -> EXP | IEA; EXP where any row of the pair is experimental."""

    n_rows: int
    n_negated: int
    """Rows that say NOT."""
    n_without_data: int
    """Rows that say that nothing is known (ND)."""
    n_of_parts: int
    """Rows of isoforms, versions or processed chains, which count for their entry."""
    n_other_proteins: int
    """Rows of proteins that are not in the corpus."""
    n_unknown_terms: int
    """Rows with ids that the ontology lacks, or has declared obsolete without a term in their place."""
    n_moved: int
    """Annotations with the id of a merged or replaced term, which count for the term that has taken its place."""


class _Row(NamedTuple):
    accession: str
    qualifier: str
    go_id: str
    evidence: str


def read_annotations(path: Path, accessions: Container[str], ontology: Ontology) -> Annotations:
    """The annotations of known proteins, ids resolved to current terms.

    Raises:
        InputError: the file is no GAF, a row is broken, or it has no usable annotation of any of the proteins.
    """
    evidence: dict[str, dict[str, str]] = {}
    n_rows = n_negated = n_nothing = n_parts = n_other = n_unknown = n_moved = 0
    last = "none"
    for row in _rows(path):
        n_rows += 1
        last = row.accession
        accession = last if last in accessions else entry_of(last)
        if accession not in accessions:
            n_other += 1
            continue
        n_parts += accession != last
        if _NOT.search(row.qualifier) or row.evidence == "ND":
            n_negated, n_nothing = (n_negated + 1, n_nothing) if row.evidence != "ND" else (n_negated, n_nothing + 1)
            continue
        if row.go_id not in ontology or ontology.term(row.go_id).is_obsolete:
            n_unknown += 1
            continue
        go_id = ontology.resolve(row.go_id)
        n_moved += go_id != row.go_id
        terms = evidence.setdefault(accession, {})
        terms[go_id] = "EXP" if row.evidence in EXPERIMENTAL or terms.get(go_id) == "EXP" else "IEA"
    if not evidence and n_other == n_rows:
        raise InputError(
            f"{path} annotates none of the proteins ({n_rows} rows, the last of {last!r}); "
            "its second column must hold the proteins' accessions"
        )
    if not evidence:
        raise InputError(
            f"{path} has no usable annotation of the proteins: {n_unknown} rows carry terms that the ontology lacks or "
            f"has declared obsolete, {n_negated + n_nothing} say NOT or that nothing is known; give an ontology and "
            "annotations of about the same date"
        )
    return Annotations(evidence, n_rows, n_negated, n_nothing, n_parts, n_other, n_unknown, n_moved)


def _rows(path: Path) -> Iterator[_Row]:
    n_rows = 0
    with open_text(path) as handle:
        for number, cells in rows(handle):
            if cells[0].startswith("!"):
                _check_version(path, "\t".join(cells))
                continue
            go_id = _GO_ID.fullmatch(cells[4].strip()) if len(cells) >= LEAST_COLUMNS else None
            if go_id is None:
                line = "\t".join(cells)[:60]
                raise InputError(
                    f"{path} is no GAF 2.2 (broken after {n_rows} rows, in line {number}: {line!r}); "
                    "give a GO annotation file"
                )
            n_rows += 1
            yield _Row(cells[1].strip(), cells[3], f"GO:{go_id['number']}", cells[6].strip().upper())
    if not n_rows:
        raise InputError(f"{path} is no GAF 2.2 (it holds no row); give a GO annotation file")


def _check_version(path: Path, line: str) -> None:
    found = _VERSION.match(line)
    if found is None:
        return
    if found["format"].lower() != "gaf":
        raise InputError(f"{path} is {found['format'].upper()}, no GAF 2.2; give the GO annotation file in GAF")
    if found["number"] not in {"1", "2"}:
        raise InputError(f"{path} is GAF {found['number']}, which is not known; give it in GAF 2.2")
