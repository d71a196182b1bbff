"""Queries about the evaluation: every method's numbers on held-out proteins.

Read `EvaluationQueries.evaluation`; the metrics are explained in `metrics.py`.
"""

import pandas as pd

from protsae.store.queries import Queries


class EvaluationQueries(Queries):
    """Look-ups in the table `evaluation`."""

    def evaluation(self) -> pd.DataFrame:
        """All numbers, one a row: part, method, namespace, k, seed, metric, value; empty where nothing was evaluated.

        Namespace is '' where a number holds for all three. Values that were undefined (NaN) are left out.
        """
        return self.frame(
            """
            SELECT part, method, namespace, k, seed, metric, value FROM evaluation
            WHERE isfinite(value) ORDER BY part, method, namespace, k, seed, metric
            """
        )
