"""How GO terms lie above each other, and how alike two of them are.

    lin(a, b) = 2 IC(m) / (IC(a) + IC(b))        m: their common ancestor (or one of them) of the highest IC

Read `read_hierarchy`, then `Hierarchy.lin`.

Source: Lin 1998, "An information-theoretic definition of similarity"; information content as in `go_term`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd


class Hierarchy:
    """Ancestors over is_a and part_of, and information contents."""

    def __init__(self, edges: pd.DataFrame, content: dict[str, float]) -> None:
        """Index the edges.

        Args:
            edges: child and parent of every direct edge of the closure.
            content: information content of terms that proteins carry, bits.
        """
        self._parents: dict[str, list[str]] = {}
        self._children: dict[str, list[str]] = {}
        for child, parent in zip(edges["child"], edges["parent"], strict=True):
            self._parents.setdefault(child, []).append(parent)
            self._children.setdefault(parent, []).append(child)
        self._above: dict[str, frozenset[str]] = {}
        self.content = content

    def parents(self, go_id: str) -> list[str]:
        """Direct ones."""
        return self._parents.get(go_id, [])

    def children(self, go_id: str) -> list[str]:
        """Direct ones."""
        return self._children.get(go_id, [])

    def above(self, go_id: str) -> frozenset[str]:
        """All ancestors, without the term itself."""
        if go_id not in self._above:
            parents = self.parents(go_id)
            self._above[go_id] = frozenset(parents).union(*(self.above(parent) for parent in parents))
        return self._above[go_id]

    def ancestors_among(self, go_ids: Sequence[str]) -> np.ndarray:
        """[m, m] bool: [c, a] where term a is a proper ancestor of term c."""
        place = {go_id: number for number, go_id in enumerate(go_ids)}
        found = np.zeros((len(go_ids), len(go_ids)), dtype=bool)
        for go_id, row in place.items():
            found[row, [place[above] for above in self.above(go_id) if above in place]] = True
        return found

    def lin(self, go_ids: Sequence[str]) -> np.ndarray:
        """[m, m] Lin similarity, 0 to 1; 1 of a term with itself, 0 where nothing is shared."""
        under: dict[str, list[int]] = {}
        for row, go_id in enumerate(go_ids):
            for above in (go_id, *self.above(go_id)):
                under.setdefault(above, []).append(row)
        shared = np.zeros((len(go_ids), len(go_ids)))
        for above in sorted(under, key=lambda go_id: (self.content.get(go_id, 0.0), go_id)):
            shared[np.ix_(under[above], under[above])] = self.content.get(above, 0.0)
        own = np.array([self.content.get(go_id, 0.0) for go_id in go_ids])
        both = own[:, None] + own
        alike = np.divide(2 * shared, both, out=np.zeros_like(shared), where=both > 0)
        np.fill_diagonal(alike, 1.0)
        return alike


def read_hierarchy(work: Path) -> Hierarchy:
    """The hierarchy of a run's ontology."""
    edges = pd.read_parquet(work / "proteins" / "go_edge.parquet", columns=["child", "parent"])
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "information_content"]).dropna()
    return Hierarchy(edges, dict(zip(terms["go_id"], terms["information_content"], strict=True)))
