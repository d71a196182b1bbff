"""Queries about GO terms: the graph, synonyms, and the features that align with a term.

Read `TermQueries.term_features`. Search stands in `search.py`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import pandas as pd

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


class TermQueries(Queries):
    """Look-ups by GO term."""

    def term(self, go_id: str) -> TermRow | None:
        """A term by its id or an alternative id, None where neither is known."""
        go_id = go_id.strip().upper()
        query = f"SELECT {TERM} FROM go_term WHERE go_id = ?"
        found = self.first(TermRow, query, [go_id])
        if found is None:
            current = self.tuples("SELECT go_id FROM go_synonym WHERE scope = 'ALT_ID' AND synonym = ?", [go_id])
            found = self.first(TermRow, query, current[0]) if current else None
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
        query = f"SELECT {TERM} FROM go_term WHERE go_id IN (SELECT parent FROM go_edge WHERE child = ?) ORDER BY name"
        return self.rows(TermRow, query, [go_id])

    def children(self, go_id: str) -> list[TermRow]:
        """Direct children, those that most test proteins carry first."""
        query = f"""
            SELECT {TERM} FROM go_term WHERE go_id IN (SELECT child FROM go_edge WHERE parent = ?)
            ORDER BY n_test DESC, name
        """
        return self.rows(TermRow, query, [go_id])

    def siblings(self, go_id: str) -> list[TermRow]:
        """Terms of its sub-ontology that share a direct parent with it and lie neither above nor below it.

        Those that most test proteins carry come first.
        """
        parents, children = self._edges
        near = {child for parent in parents.get(go_id, ()) for child in children[parent]}
        apart = near - {go_id} - _reached(children, go_id) - _reached(parents, go_id)
        query = f"""
            SELECT {TERM} FROM go_term WHERE go_id IN (SELECT unnest($1))
                AND namespace = (SELECT namespace FROM go_term WHERE go_id = $2)
            ORDER BY n_test DESC, n_shipped DESC, name
        """
        return self.rows(TermRow, query, [sorted(apart), go_id])

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
        query = f"{ALIGNMENTS} WHERE a.go_id IN (SELECT unnest($1)) AND is_guiding ORDER BY test_f1 DESC, a.sae"
        return self.rows(TermFeature, query, [list(go_ids)])

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
        query = f"""
            SELECT {TERM} FROM go_term WHERE go_id IN (SELECT unnest($1)) ORDER BY n_train + n_valid + n_test, name
        """
        return self.rows(TermRow, query, [sorted(_reached(self._edges[0], go_id))])

    def below(self, go_id: str) -> list[str]:
        """GO ids of all terms below, without the term itself."""
        return sorted(_reached(self._edges[1], go_id))

    def term_features(self, go_id: str) -> list[TermFeature]:
        """Of each SAE the feature the term guides and the one that fits it best, guided first, then by held-out F1."""
        query = f"""
            {ALIGNMENTS} WHERE a.go_id = ? AND (is_guiding OR is_best_for_term)
            ORDER BY is_guiding DESC, test_f1 DESC, a.sae, a.feature
        """
        return self.rows(TermFeature, query, [go_id])

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
