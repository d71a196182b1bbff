"""Queries over all features of an SAE at once, for maps of them.

Read `MapQueries.counterparts`.
"""

import pandas as pd

from protsae.store.queries import Queries


class MapQueries(Queries):
    """Look-ups by SAE."""

    def counterparts(self, sae: str, other: str) -> pd.DataFrame:
        """For every feature the one of another SAE that fires most alike.

        Columns: feature, other_feature, correlation (NaN where not measured).
        """
        query = """
            SELECT feature, other_feature, correlation FROM neighbour
            WHERE sae = ? AND other_sae = ? AND rank = 1 ORDER BY feature
        """
        return self.frame(query, [sae, other])

    def label_namespaces(self, sae: str) -> dict[str, str]:
        """Sub-ontology of every GO term that a feature of the SAE is called after, or guessed to mean."""
        query = """
            SELECT DISTINCT label_id, t.namespace FROM feature f JOIN go_term t ON t.go_id = f.label_id WHERE f.sae = ?
        """
        return dict(self.tuples(query, [sae]))

    def confirmed(self, sae: str) -> pd.DataFrame:
        """What is confirmed of every feature on unseen proteins, the terms above included, but for GO's three roots.

        Columns: feature, id (a GO id or a kind of annotation), name, kind (MFO | BPO | CCO | annotation) and
        n_proteins (that carry the term; 0 for annotations), each pair once.
        """
        query = """
            WITH RECURSIVE above(feature, id) AS (
                SELECT feature, go_id FROM feature_go WHERE sae = $1 AND grade <> 'none'
                UNION SELECT above.feature, e.parent FROM above JOIN go_edge e ON e.child = above.id)
            SELECT feature, id, t.name AS name, t.namespace AS kind, n_train + n_valid + n_test AS n_proteins
            FROM above JOIN go_term t ON t.go_id = id WHERE id IN (SELECT child FROM go_edge)
            UNION ALL
            SELECT feature, a.kind, a.kind, 'annotation', 0 FROM feature_annotation a
            WHERE sae = $1 AND grade <> 'none'
            ORDER BY feature, id
        """
        return self.frame(query, [sae])
