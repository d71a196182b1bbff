"""Queries about proteins: what is known of one, which carry a term, and their structures.

Read `ProteinQueries.protein`.
"""

import gzip
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from protsae.store.held import Held
from protsae.store.queries import Queries, columns
from protsae.store.rows import AnnotationRow, Corpus, Organism, ProteinHit, ProteinRow, ProteinTerm, StructureRow

HAS_STRUCTURE = "p.accession IN (SELECT s.accession FROM structure s)"
PROTEIN = columns(ProteinRow, accession="p.accession", has_structure=HAS_STRUCTURE)
PROTEIN_HIT = columns(ProteinHit, accession="p.accession", has_structure=HAS_STRUCTURE, match="'exact'")


class ProteinQueries(Queries):
    """Look-ups by protein."""

    def protein(self, accession: str) -> ProteinRow | None:
        """One shipped protein by its accession, None where it is not shipped."""
        return self._proteins.first(accession.strip())

    def proteins(self, accessions: Sequence[str]) -> list[ProteinRow]:
        """Shipped proteins, in the order asked for; those that are not shipped are left out."""
        return [row for accession in accessions for row in self._proteins.of(accession)]

    @property
    def _proteins(self) -> Held[ProteinRow]:
        return self.held(ProteinRow, f"SELECT {PROTEIN} FROM protein p ORDER BY accession", "accession")

    def with_sequence(self, sequence: str) -> ProteinRow | None:
        """A shipped protein with this very sequence, one with a structure before others; None where there is none."""
        query = f"SELECT {PROTEIN} FROM protein p WHERE sequence = ? ORDER BY has_structure DESC, accession LIMIT 1"
        return self.first(ProteinRow, query, [sequence])

    def sequences_of(self, split: str, limit: int) -> list[str]:
        """Sequences of shipped proteins of a split, one a family, in an order that says nothing of them."""
        query = """
            SELECT arg_min(sequence, accession) FROM protein WHERE split = ? GROUP BY cluster
            ORDER BY md5(cluster) LIMIT ?
        """
        return [sequence for (sequence,) in self.tuples(query, [split, limit])]

    def family(self, cluster: str) -> list[ProteinHit]:
        """Shipped proteins of a homology cluster, those with a structure first."""
        query = f"SELECT {PROTEIN_HIT} FROM protein p WHERE cluster = ? ORDER BY has_structure DESC, p.accession"
        return self.rows(ProteinHit, query, [cluster])

    def corpus(self) -> Corpus:
        """How many proteins trained, chose and tested, and of which organisms the shipped ones are."""
        facts = dict(self.tuples("SELECT key, value FROM meta"))
        n_train, n_valid, n_test = (int(facts.get(f"n_{split}_proteins", 0)) for split in ("train", "valid", "test"))
        query = "SELECT organism, count(*) FROM protein GROUP BY organism ORDER BY count(*) DESC, organism"
        return Corpus(n_train, n_valid, n_test, tuple(self.rows(Organism, query)))

    def annotations(self, accession: str) -> list[AnnotationRow]:
        """Its residue annotations, by kind and position."""
        query = f"SELECT {columns(AnnotationRow)} FROM annotation ORDER BY accession, kind, start_pos, end_pos"
        return self.held(AnnotationRow, query, "accession").of(accession)

    def protein_terms(self, accession: str) -> list[ProteinTerm]:
        """Its GO terms, direct ones first, the most specific first."""
        query = f"""
            SELECT {columns(ProteinTerm)} FROM protein_go JOIN go_term USING (go_id) WHERE accession = ?
            ORDER BY is_direct DESC, information_content DESC NULLS LAST, go_id
        """
        return self.rows(ProteinTerm, query, [accession])

    def proteins_with_term(self, go_id: str, limit: int = 100) -> list[ProteinHit]:
        """Shipped proteins that carry the term, those with a structure and a direct annotation first."""
        query = f"""
            SELECT {PROTEIN_HIT} FROM protein_go g JOIN protein p ON p.accession = g.accession
            WHERE g.go_id = ? ORDER BY has_structure DESC, is_direct DESC, p.accession LIMIT ?
        """
        return self.rows(ProteinHit, query, [go_id, limit])

    def protein_table(self) -> pd.DataFrame:
        """All shipped proteins without their sequences, by accession.

        Columns: accession, entry_name, protein_name, gene_names, organism, cluster, length.
        """
        return self.frame(
            "SELECT accession, entry_name, protein_name, gene_names, organism, cluster, length FROM protein "
            "ORDER BY accession"
        )

    def annotated(self, namespace: str) -> list[str]:
        """Accessions of the shipped proteins that carry any term of a sub-ontology: of the others nothing is known."""
        query = """
            SELECT DISTINCT accession FROM protein_go JOIN go_term USING (go_id) WHERE namespace = ? ORDER BY accession
        """
        return [accession for (accession,) in self.tuples(query, [namespace])]

    def structure(self, accession: str) -> StructureRow | None:
        """Its stored structure, None where it has none."""
        query = f"SELECT {columns(StructureRow)} FROM structure WHERE accession = ?"
        return self.first(_structure, query, [accession])

    def structure_texts(self, accessions: Sequence[str]) -> list[tuple[str, np.ndarray, str]]:
        """Of stored structures the accession, the UniProt position of each modelled residue, and the PDB text."""
        query = "SELECT accession, positions, pdb FROM structure WHERE accession IN (SELECT unnest($1))"
        return [
            (accession, np.array(positions, dtype=np.int32), gzip.decompress(pdb).decode("ascii"))
            for accession, positions, pdb in self.tuples(query, [list(accessions)])
        ]

    def organism_terms(self, organism: str) -> pd.DataFrame:
        """Terms of an organism's shipped proteins: go_id, name, namespace, n_here, n_all, and proteins in either.

        `here` and `everywhere` count proteins with an annotation in the term's sub-ontology, of the organism and in
        all; '' is no organism.
        """
        query = """
            WITH of_it AS (SELECT accession FROM protein WHERE organism = $1),
            annotated AS (
                SELECT namespace, count(DISTINCT accession) AS everywhere,
                    count(DISTINCT accession) FILTER (accession IN (SELECT accession FROM of_it)) AS here
                FROM protein_go JOIN go_term USING (go_id) GROUP BY namespace)
            SELECT go_id, name, namespace, count(*) FILTER (accession IN (SELECT accession FROM of_it)) AS n_here,
                count(*) AS n_all, any_value(here) AS here, any_value(everywhere) AS everywhere
            FROM protein_go JOIN go_term USING (go_id) JOIN annotated USING (namespace)
            GROUP BY go_id, name, namespace HAVING n_here > 0 ORDER BY n_here DESC, go_id
        """
        return self.frame(query, [organism])

    def sequence_index(self) -> pd.DataFrame:
        """All shipped sequences: accession, sequence, has_structure; to find a pasted one."""
        query = f"SELECT accession, sequence, {HAS_STRUCTURE} AS has_structure FROM protein p ORDER BY accession"
        return self.frame(query)


def _structure(*stored: Any) -> StructureRow:
    *described, positions, author_numbers, pdb = stored
    unpacked = (np.array(positions, dtype=np.int32), tuple(author_numbers), gzip.decompress(pdb).decode("ascii"))
    return StructureRow._make((*described, *unpacked))
