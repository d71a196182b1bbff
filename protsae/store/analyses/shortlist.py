"""The analysis `shortlist`: proteins that a feature calls for its term although they are not annotated with it.

A candidate is called at the frozen threshold of the alignment that the feature is called after, and carries neither the
term nor one below it. It may be missing from the database, or the feature may be wrong: what speaks for it, and what
makes it unsurprising, stands beside it.

    family   a protein of its homology cluster carries the term
    wider    a direct parent of the term is annotated already: the same, said less exactly
    sibling  another child of such a parent is annotated: perhaps that is what the feature sees
    far      annotated in the term's sub-ontology, with none of these
    unknown  no annotation in the sub-ontology at all: its annotation says neither yes nor no

Read `SHORTLIST`, then `candidates`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

SHORTLIST = Analysis(
    name="shortlist",
    version=1,
    meaning="Proteins that a feature calls for its GO term although they are not annotated with it",
    reads=("proteins", "statistics", "associate"),
    tables=(
        Table(
            name="candidate",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE"),
                Column("rank", "INTEGER", "1 = the highest score of those that are kept"),
                Column("accession", "VARCHAR", "of the protein, shipped or not"),
                Column("score", "REAL", "pooled activation; above the feature's threshold"),
                Column(
                    "precision", "REAL", "share of test proteins at this score or above with the term", optional=True
                ),
                Column("n_above", "INTEGER", "these test proteins"),
                Column("kin", "VARCHAR", "family | wider | sibling | far | unknown"),
                Column("near_go_id", "VARCHAR", "the annotated parent, sibling or closest ancestor", optional=True),
                Column("n_relatives", "INTEGER", "other proteins of its homology cluster"),
                Column("n_carriers", "INTEGER", "of these, with the term"),
                Column("carriers", "VARCHAR", "accessions of two of them at most, separated by a blank"),
                Column("site", "VARCHAR", "its residue annotations of the kinds that carry the term; '' for none"),
                Column("n_others", "INTEGER", "other features called after the term, which holds for them"),
                Column("n_others_call", "INTEGER", "of these, that call the protein, too"),
                Column("by_composition", "BOOLEAN", "a regression on amino-acid composition calls it as well"),
            ),
            sorted_by=("sae", "feature", "rank"),
        ),
        Table(
            name="candidate_list",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE"),
                Column("go_id", "VARCHAR", "the term that it is called after"),
                Column("n_called", "INTEGER", "proteins of the corpus that it calls, annotated in the sub-ontology"),
                Column("n_lacking", "INTEGER", "of these, without the term"),
                Column("null_lacking", "REAL", "the same if the term were dealt out at random"),
                Column("n_unknown", "INTEGER", "called proteins without any annotation in the sub-ontology"),
                Column("has_site", "BOOLEAN", "residue annotations can speak for the term"),
                Column("n_hidden", "INTEGER", "test proteins whose annotation was hidden in turn", optional=True),
                Column("recall", "REAL", "share of the hidden that a list of 20 finds", optional=True),
                Column("null_recall", "REAL", "the same of a list drawn at random", optional=True),
                Column("composition_recall", "REAL", "of one ranked by amino-acid composition", optional=True),
                Column("found", "REAL", "share of the list that is hidden: a lower bound of precision", optional=True),
                Column("null_found", "REAL", "the same of a list drawn at random", optional=True),
                Column("composition_found", "REAL", "of one ranked by amino-acid composition", optional=True),
            ),
            sorted_by=("sae", "feature"),
        ),
        Table(
            name="candidate_protein",
            columns=(
                Column("accession", "VARCHAR", "of a protein in a list"),
                Column("protein_name", "VARCHAR", "'' where unknown"),
                Column("organism", "VARCHAR", "'' where unknown"),
                Column("length", "INTEGER", "residues"),
                Column("split", "VARCHAR", "train | valid | test"),
                Column("is_shipped", "BOOLEAN", "the store holds its sequence"),
            ),
            sorted_by=("accession",),
        ),
    ),
)

KINS = ("family", "wider", "sibling", "far", "unknown")


class CandidateRow(NamedTuple):
    """A protein of a feature's list, with what speaks for and against it."""

    rank: int
    accession: str
    protein_name: str
    organism: str
    length: int
    split: str
    is_shipped: bool
    score: float
    precision: float | None
    """None where no test protein scores as high."""
    n_above: int
    kin: str
    near_go_id: str | None
    near_name: str | None
    n_relatives: int
    n_carriers: int
    carriers: str
    site: str
    n_others: int
    n_others_call: int
    by_composition: bool


class CandidateList(NamedTuple):
    """How many a feature calls without the term, beside chance, and how well such a list finds hidden annotations."""

    sae: str
    feature: int
    go_id: str
    n_called: int
    n_lacking: int
    null_lacking: float
    n_unknown: int
    has_site: bool
    n_hidden: int | None
    recall: float | None
    null_recall: float | None
    composition_recall: float | None
    found: float | None
    null_found: float | None
    composition_found: float | None


class ListQuality(NamedTuple):
    """Means over all lists of an SAE whose quality was tested."""

    n_lists: int
    recall: float | None
    null_recall: float | None
    composition_recall: float | None
    found: float | None
    null_found: float | None
    composition_found: float | None


def candidates(reader: AnalysisQueries, sae: str, feature: int) -> list[CandidateRow]:
    """A feature's list, the highest score first; empty where it has none."""
    if reader.absence(SHORTLIST):
        return []
    query = f"""
        SELECT {columns(CandidateRow, accession="c.accession", near_name="t.name", length="p.length")}
        FROM memory.main.candidate c JOIN memory.main.candidate_protein p ON p.accession = c.accession
        LEFT JOIN go_term t ON t.go_id = c.near_go_id
        WHERE c.sae = ? AND c.feature = ? ORDER BY rank
    """
    return reader.rows(CandidateRow, query, [sae, feature])


def candidate_list(reader: AnalysisQueries, sae: str, feature: int) -> CandidateList | None:
    """What a feature's list is drawn from; None where the feature has none."""
    if reader.absence(SHORTLIST):
        return None
    query = f"SELECT {columns(CandidateList)} FROM memory.main.candidate_list WHERE sae = ? AND feature = ?"
    return reader.first(CandidateList, query, [sae, feature])


def list_quality(reader: AnalysisQueries, sae: str) -> ListQuality | None:
    """How well the lists of an SAE find hidden annotations, in the mean; None where none was tested."""
    if reader.absence(SHORTLIST):
        return None
    means = {name: f"avg({name})" for name in ListQuality._fields if name != "n_lists"}
    query = f"""
        SELECT {columns(ListQuality, n_lists="count(*)", **means)}
        FROM memory.main.candidate_list WHERE sae = ? AND recall IS NOT NULL
    """
    found = reader.first(ListQuality, query, [sae])
    return found if found is not None and found.n_lists else None
