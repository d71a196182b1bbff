"""The analysis `evaluation`: every method, ablation and seed, scored on held-out proteins.

Read `EVALUATION`; what methods and metrics mean stands in `protsae/store/evaluation/`.
"""

import pandas as pd

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries

EVALUATION = Analysis(
    name="evaluation",
    version=1,
    meaning="Every method, ablation and seed, trained on the bundle's embeddings and scored on held-out proteins",
    reads=("proteins", "embed"),
    own_command="evaluate",
    tables=(
        Table(
            name="evaluation",
            columns=(
                Column("part", "VARCHAR", "main | ablation | sparsity | guidance"),
                Column("method", "VARCHAR", "as shown: 'ProtSAE', 'TopK', 'no detach', ..."),
                Column("namespace", "VARCHAR", "MFO | BPO | CCO; '' where the number is the same for all three"),
                Column("k", "INTEGER", "features that TopK keeps, or the L0 aimed at; 0 where there is none"),
                Column("seed", "INTEGER", "of the training"),
                Column("metric", "VARCHAR", "a key of METRICS in evaluation/metrics.py"),
                Column("value", "DOUBLE", "in the metric's own unit; NaN where it is undefined"),
            ),
            sorted_by=("part", "method", "namespace", "k", "seed", "metric"),
        ),
    ),
)


def evaluation_rows(reader: AnalysisQueries) -> pd.DataFrame:
    """All numbers, one a row: part, method, namespace, k, seed, metric, value; empty where nothing was evaluated.

    Namespace is '' where a number holds for all three. Values that were undefined (NaN) are left out.
    """
    rows = reader.analysis_table(EVALUATION, "evaluation")
    return rows.loc[rows["value"].astype(float).abs() < float("inf")].reset_index(drop=True)
