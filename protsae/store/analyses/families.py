"""The analysis `families`: which features fire where others do, as trees of broader and narrower ones.

Residues are a seeded sample. A tree is chosen on residues of valid proteins; every number in the tables below is told
on test proteins. Feature c is *narrower* than p where p fires less rarely than c and on most residues on which c fires:

    shared = share of the residues with c on which p fires, too
    excess = (shared - by_letter) / (1 - by_letter)       by_letter: what amino acids alone would share

Two features are *twins* where each fires on most of the other's residues (Jaccard index). A feature has one parent at
most; a family is all that hangs on one root. `precompute/analyses/families.py` has the thresholds.

Read `FAMILIES`, then `family_of_feature`; `family_numbers` is for a page that needs all features of an SAE at once.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.grades import Grade
from protsae.store.queries import columns

FAMILIES = Analysis(
    name="families",
    version=1,
    meaning="Families of features that fire on the same residues: broader and narrower ones, splits and absorption",
    reads=("proteins", "embed", "activations", "statistics", "associate"),
    tables=(
        Table(
            name="feature_family",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; features without a relative have no row"),
                Column("family", "INTEGER", "from 0 within its SAE, the largest first"),
                Column("parent", "INTEGER", "the broader feature or twin that it hangs on; NULL: root", optional=True),
                Column("relation", "VARCHAR", "root | narrower | twin: what it is to its parent"),
                Column("depth", "INTEGER", "0 = root"),
                Column("n_children", "INTEGER", "directly below it"),
                Column("n_fires", "INTEGER", "sampled test residues on which it fires"),
                Column("shared", "REAL", "share of these on which its parent fires, too", optional=True),
                Column("chance", "REAL", "share of all residues on which its parent fires", optional=True),
                Column("by_letter", "REAL", "`shared` if both kept nothing but their amino acids", optional=True),
                Column("overlap", "REAL", "Jaccard index with its parent: both fire / either fires", optional=True),
                Column("covered", "REAL", "share of its residues on which a child fires, too", optional=True),
                Column("covered_chance", "REAL", "the same if children kept only their amino acids", optional=True),
                Column("is_split", "BOOLEAN", "its narrower children, no one alone, fire on nearly all its residues"),
            ),
            sorted_by=("sae", "feature"),
        ),
        Table(
            name="family",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("family", "INTEGER", "as in feature_family"),
                Column("root", "INTEGER", "the broadest feature"),
                Column("size", "INTEGER", "features"),
                Column("depth", "INTEGER", "of the deepest"),
                Column("n_named", "INTEGER", "members called after a GO term that guides them or holds"),
                Column(
                    "agreement",
                    "REAL",
                    "mean Lin similarity of the terms of two named members, 0 to 1; NULL below two",
                    optional=True,
                ),
                Column(
                    "null_agreement",
                    "REAL",
                    "the same of named features of matched density and kind, drawn at random; mean",
                    optional=True,
                ),
                Column("null_high", "REAL", "95 % quantile of these draws", optional=True),
                Column("p_value", "DOUBLE", "share of the draws that agree at least as well", optional=True),
                Column("q_value", "DOUBLE", "p_value after Benjamini and Hochberg, within the SAE", optional=True),
            ),
            sorted_by=("sae", "family"),
        ),
        Table(
            name="absorbed",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "called after the general term"),
                Column("go_id", "VARCHAR", "the general term"),
                Column("child", "INTEGER", "called after the term below it"),
                Column("child_go_id", "VARCHAR", "the term below it"),
                Column(
                    "n_child", "INTEGER", "test proteins with the child's term that a probe calls for the general one"
                ),
                Column("child_fires", "REAL", "share of these that the child calls"),
                Column("recall_with", "REAL", "share of those called by the child that the feature calls, too"),
                Column("recall_without", "REAL", "share that it calls of proteins with its term, not the child's"),
                Column("rate", "REAL", "absorption, 0 to 1: protsae/measures/absorption.py"),
                Column("null_rate", "REAL", "the same with the feature's calls shuffled over these proteins; mean"),
                Column("p_value", "DOUBLE", "one-sided exact test that recall is lower with the child"),
                Column("q_value", "DOUBLE", "p_value after Benjamini and Hochberg, within the SAE"),
                Column("is_absorbed", "BOOLEAN", "q_value and rate pass the thresholds of the analysis"),
            ),
            sorted_by=("sae", "feature", "child"),
        ),
        Table(
            name="family_summary",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("n_residues", "INTEGER", "test residues that were sampled"),
                Column("n_considered", "INTEGER", "features that fire often enough, and not nearly everywhere"),
                Column("n_families", "INTEGER", "of two features or more"),
                Column("n_members", "INTEGER", "features in them"),
                Column(
                    "share_held", "REAL", "edges chosen on valid that pass the same threshold on test", optional=True
                ),
                Column("null_members", "INTEGER", "features in families where each fires on random residues instead"),
                Column("null_letter_members", "INTEGER", "the same on random residues of the same amino acids"),
                Column("n_judged", "INTEGER", "families with two named members or more"),
                Column("n_agree", "INTEGER", "of these, q_value below .05"),
                Column("n_pairs", "INTEGER", "pairs judged for absorption"),
                Column("absorption", "REAL", "mean rate of these", optional=True),
                Column("null_absorption", "REAL", "mean null_rate of these", optional=True),
            ),
            sorted_by=("sae",),
        ),
    ),
)

AGREES_Q = 0.05
"""A family's terms lie closer than chance where its q_value lies below this."""


class FamilyNumber(NamedTuple):
    """The family of one feature."""

    feature: int
    family: int


class Member(NamedTuple):
    """A feature in its family, with what is needed to name it."""

    sae: str
    feature: int
    family: int
    parent: int | None
    relation: str
    """root | narrower | twin"""
    depth: int
    n_children: int
    n_fires: int
    shared: float | None
    chance: float | None
    by_letter: float | None
    overlap: float | None
    covered: float | None
    covered_chance: float | None
    is_split: bool
    label: str
    label_id: str
    label_origin: str
    label_grade: Grade
    density: float


class FamilyRow(NamedTuple):
    """One family: its size, and whether its terms lie close in the ontology."""

    sae: str
    family: int
    root: int
    size: int
    depth: int
    n_named: int
    agreement: float | None
    null_agreement: float | None
    null_high: float | None
    p_value: float | None
    q_value: float | None


class AbsorbedRow(NamedTuple):
    """A pair of features for a general term and one below it: how often the one is silent where the other fires."""

    sae: str
    feature: int
    go_id: str
    term_name: str
    child: int
    child_go_id: str
    child_name: str
    n_child: int
    child_fires: float
    recall_with: float
    recall_without: float
    rate: float
    null_rate: float
    p_value: float
    q_value: float
    is_absorbed: bool


class FamilySummary(NamedTuple):
    """All families of one SAE beside their nulls; columns of `family_summary`."""

    sae: str
    n_residues: int
    n_considered: int
    n_families: int
    n_members: int
    share_held: float | None
    null_members: int
    null_letter_members: int
    n_judged: int
    n_agree: int
    n_pairs: int
    absorption: float | None
    null_absorption: float | None


def family_numbers(reader: AnalysisQueries, sae: str) -> list[FamilyNumber]:
    """The family of every feature of an SAE that has one; empty where the analysis is absent."""
    if reader.absence(FAMILIES):
        return []
    query = "SELECT feature, family FROM memory.main.feature_family WHERE sae = ? ORDER BY feature"
    return reader.rows(FamilyNumber, query, [sae])


def family_of_feature(reader: AnalysisQueries, sae: str, feature: int) -> list[Member]:
    """All members of a feature's family, by depth, then the densest first; empty where it has no relatives."""
    if reader.absence(FAMILIES):
        return []
    query = f"""
        SELECT {columns(Member, sae="m.sae", feature="m.feature")}
        FROM memory.main.feature_family m JOIN feature f ON f.sae = m.sae AND f.feature = m.feature
        WHERE m.sae = $1 AND m.family = (
            SELECT family FROM memory.main.feature_family WHERE sae = $1 AND feature = $2)
        ORDER BY depth, density DESC, m.feature
    """
    return reader.rows(Member, query, [sae, feature])


def family(reader: AnalysisQueries, sae: str, number: int) -> FamilyRow | None:
    """One family; None where there is none of this number."""
    if reader.absence(FAMILIES):
        return None
    query = f"SELECT {columns(FamilyRow)} FROM memory.main.family WHERE sae = ? AND family = ?"
    return reader.first(FamilyRow, query, [sae, number])


def absorbed_pairs(reader: AnalysisQueries, sae: str, feature: int) -> list[AbsorbedRow]:
    """Pairs in which a feature is the general or the specific one, the strongest absorption first."""
    if reader.absence(FAMILIES):
        return []
    named = {"term_name": "coalesce(t.name, a.go_id)", "child_name": "coalesce(c.name, a.child_go_id)"}
    query = f"""
        SELECT {columns(AbsorbedRow, go_id="a.go_id", **named)} FROM memory.main.absorbed a
        LEFT JOIN go_term t ON t.go_id = a.go_id LEFT JOIN go_term c ON c.go_id = a.child_go_id
        WHERE a.sae = $1 AND (a.feature = $2 OR a.child = $2)
        ORDER BY is_absorbed DESC, rate DESC, a.feature, a.child
    """
    return reader.rows(AbsorbedRow, query, [sae, feature])


def family_summary(reader: AnalysisQueries, sae: str) -> FamilySummary | None:
    """All families of an SAE in numbers; None where the analysis is absent."""
    if reader.absence(FAMILIES):
        return None
    query = f"SELECT {columns(FamilySummary)} FROM memory.main.family_summary WHERE sae = ?"
    return reader.first(FamilySummary, query, [sae])
