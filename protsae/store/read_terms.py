"""Queries about GO terms: the graph, synonyms, and the features that align with a term.

Read `TermQueries.term_features`. Search stands in `search.py`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import pandas as pd

from protsae.store.held import Held
from protsae.store.queries import Queries, columns
from protsae.store.rows import SynonymRow, TermFeature, TermRow

TERM = columns(TermRow)

TERM_FEATURE = columns(
    TermFeature,
    sae="a.sae",
    feature="a.feature",
    go_id="a.go_id",
    kind="f.kind",
    term_name="t.name",
    namespace="t.namespace",
)
ALIGNMENTS = f"""
    SELECT {TERM_FEATURE} FROM feature_go a
    JOIN feature f ON f.sae = a.sae AND f.feature = a.feature
    JOIN go_term t ON t.go_id = a.go_id
    LEFT JOIN term_baseline b ON b.go_id = a.go_id
"""
_TERMS = f"SELECT {TERM} FROM go_term ORDER BY go_id"
_STANDING = f"""
    {ALIGNMENTS} WHERE is_guiding OR is_best_for_term
    ORDER BY a.go_id, is_guiding DESC, test_f1 DESC, a.sae, a.feature
"""


class TermQueries(Queries):
    """Look-ups by GO term."""

    def term(self, go_id: str) -> TermRow | None:
        """A term by its id or an alternative id, None where neither is known."""
        go_id = go_id.strip().upper()
        found = self._terms.first(go_id)
        if found is None:
            current = self.tuples("SELECT go_id FROM go_synonym WHERE scope = 'ALT_ID' AND synonym = ?", [go_id])
            found = self._terms.first(current[0][0]) if current else None
        return found

    def frequent_terms(self, least: int) -> list[TermRow]:
        """Terms that at least so many shipped proteins carry, by name."""
        return self.rows(TermRow, f"SELECT {TERM} FROM go_term WHERE n_shipped >= ? ORDER BY lower(name)", [least])

    def information_contents(self) -> dict[str, float]:
        """Of every term that proteins carry, -log2 of the share of annotated proteins that do, in bits."""
        query = "SELECT go_id, information_content FROM go_term WHERE information_content IS NOT NULL"
        return dict(self.tuples(query))

    def synonyms(self, go_id: str) -> list[SynonymRow]:
        """Other names and alternative ids, exact ones first."""
        query = (
            f"SELECT {columns(SynonymRow)} FROM go_synonym WHERE go_id = ? ORDER BY scope <> 'EXACT', scope, synonym"
        )
        return self.rows(SynonymRow, query, [go_id])

    def parents(self, go_id: str) -> list[TermRow]:
        """Direct parents over is_a and part_of."""
        return sorted(self._rows_of(self._edges[0].get(go_id, ())), key=lambda row: row.name)

    def children(self, go_id: str) -> list[TermRow]:
        """Direct children, those that most test proteins carry first."""
        return sorted(self._rows_of(self._edges[1].get(go_id, ())), key=lambda row: (-row.n_test, row.name))

    def siblings(self, go_id: str) -> list[TermRow]:
        """Terms of its sub-ontology that share a direct parent with it and lie neither above nor below it.

        Those that most test proteins carry come first.
        """
        parents, children = self._edges
        near = {child for parent in parents.get(go_id, ()) for child in children[parent]}
        apart = near - {go_id} - _reached(children, go_id) - _reached(parents, go_id)
        own = self._terms.first(go_id)
        rows = (row for row in self._rows_of(apart) if own is not None and row.namespace == own.namespace)
        return sorted(rows, key=lambda row: (-row.n_test, -row.n_shipped, row.name))

    def _rows_of(self, go_ids: Collection[str]) -> list[TermRow]:
        """Terms by id, in the order of their ids; what is no term of the store is left out."""
        return [row for go_id in sorted(go_ids) for row in self._terms.of(go_id)]

    @property
    def _terms(self) -> Held[TermRow]:
        return self.held(TermRow, _TERMS, "go_id")

    @property
    def _standing(self) -> Held[TermFeature]:
        """By term the features that stand for it: guided by it, or the best of their SAE on valid."""
        return self.held(TermFeature, _STANDING, "go_id")

    @cached_property
    def _edges(self) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """Of every term its direct parents and its direct children; walking them in SQL takes ten times as long."""
        parents: defaultdict[str, set[str]] = defaultdict(set)
        children: defaultdict[str, set[str]] = defaultdict(set)
        for child, parent in self.tuples("SELECT child, parent FROM go_edge"):
            parents[child].add(parent)
            children[parent].add(child)
        return dict(parents), dict(children)

    def best_guided(self, go_ids: Sequence[str]) -> list[TermFeature]:
        """The features that these terms guide, best held-out F1 first."""
        found = (row for go_id in sorted(set(go_ids)) for row in self._standing.of(go_id) if row.is_guiding)
        return sorted(found, key=lambda row: (-row.test_f1, row.sae))

    def scored_terms(self) -> pd.DataFrame:
        """Of every scored term the features that stand for it: guided by it, or the best of their SAE on valid.

        Columns: go_id, sae, feature, is_guiding, test_f1, null_f1, grade, n_pos_test, density.
        """
        query = """
            SELECT a.go_id, a.sae, a.feature, a.is_guiding, a.test_f1, a.null_f1, a.grade, a.n_pos_test, f.density
            FROM feature_go a JOIN feature f ON f.sae = a.sae AND f.feature = a.feature
            WHERE is_guiding OR is_best_for_term ORDER BY a.go_id, is_guiding DESC, test_f1 DESC, a.sae, a.feature
        """
        return self.frame(query)

    def ancestors(self, go_id: str) -> list[TermRow]:
        """All terms above, without the term itself, the most general last."""
        rows = self._rows_of(_reached(self._edges[0], go_id))
        return sorted(rows, key=lambda row: (row.n_train + row.n_valid + row.n_test, row.name))

    def below(self, go_id: str) -> list[str]:
        """GO ids of all terms below, without the term itself."""
        return sorted(_reached(self._edges[1], go_id))

    def term_features(self, go_id: str) -> list[TermFeature]:
        """Of each SAE the feature the term guides and the one that fits it best, guided first, then by held-out F1."""
        return self._standing.of(go_id)

    def rolled_up(self, go_id: str, limit: int = 60) -> list[TermFeature]:
        """The same for all terms below, best held-out F1 first."""
        query = f"""
            {ALIGNMENTS} WHERE a.go_id IN (SELECT unnest($1)) AND (is_guiding OR is_best_for_term)
            ORDER BY test_f1 DESC, a.go_id, is_guiding DESC, a.sae LIMIT $2
        """
        return self.rows(TermFeature, query, [self.below(go_id), limit])


def _reached(edges: Mapping[str, Collection[str]], start: str) -> set[str]:
    """All that can be reached over edges, without the start."""
    found: set[str] = set()
    todo = [start]
    while todo:
        fresh = set(edges.get(todo.pop(), ())) - found
        found |= fresh
        todo += fresh
    return found
