"""GO annotations in GAF, parsed by Biopython.

Rows with NOT say that a protein does not do something, and rows with evidence ND that nothing is known: neither is an
annotation. Rows of proteins that are not in the corpus are counted, since GAF files cover whole organisms.

Read `read_annotations`.

Source: GAF 2.2, https://geneontology.org/docs/go-annotation-file-gaf-format-2.2/
"""

from collections.abc import Container
from pathlib import Path
from typing import NamedTuple

from Bio.UniProt.GOA import gafiterator

from precompute.inputs.files import open_text
from protsae.errors import InputError
from protsae.ontology.graph import Ontology

EXPERIMENTAL = frozenset({"EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP"})
"""Evidence codes of experiments; all others count as IEA."""


class Annotations(NamedTuple):
    """Direct annotations of the corpus, and what was left out."""

    evidence: dict[str, dict[str, str]]
    """accession -> current go_id -> EXP | IEA; EXP where any row of the pair is experimental."""

    n_rows: int
    n_negated: int
    n_other_proteins: int
    """Rows of proteins that are not in the corpus."""
    n_unknown_terms: int
    """Rows with ids that the ontology lacks or has declared obsolete."""


def read_annotations(path: Path, accessions: Container[str], ontology: Ontology) -> Annotations:
    """The annotations of known proteins, ids resolved to current terms.

    Raises:
        InputError: the file is no GAF, a row is broken, or it names none of the proteins.
    """
    evidence: dict[str, dict[str, str]] = {}
    n_rows = n_negated = n_other = n_unknown = 0
    last = "none"
    with open_text(path) as handle:
        try:
            for row in gafiterator(handle):
                n_rows += 1
                accession, code = row["DB_Object_ID"], row["Evidence"]
                last = accession
                if accession not in accessions:
                    n_other += 1
                    continue
                if "NOT" in row["Qualifier"] or code == "ND":
                    n_negated += 1
                    continue
                go_id = row["GO_ID"]
                if go_id not in ontology or ontology.term(go_id).is_obsolete:
                    n_unknown += 1
                    continue
                terms = evidence.setdefault(accession, {})
                go_id = ontology.resolve(go_id)
                terms[go_id] = "EXP" if code in EXPERIMENTAL or terms.get(go_id) == "EXP" else "IEA"
        except (ValueError, IndexError, KeyError) as error:
            reason = str(error).strip()[:80]
            msg = f"{path} is no GAF 2.2 (broken after {n_rows} rows: {reason}); give a GO annotation file"
            raise InputError(msg) from error
    if not evidence:
        msg = (
            f"{path} annotates none of the proteins ({n_rows} rows, the last of {last!r}); "
            "its second column must hold the proteins' accessions"
        )
        raise InputError(msg)
    return Annotations(evidence, n_rows, n_negated, n_other, n_unknown)
