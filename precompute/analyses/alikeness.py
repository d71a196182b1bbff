"""The analysis `alikeness`: whether the proteins on which a feature fires are alike in sequence.

Test proteins, one a homology cluster (the longest), so that close relatives do not make every feature look alike. See
`precompute/features/alikeness.py` for the score. Read `compute`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.proteins import read_corpus
from precompute.corpus.trained import read_trained
from precompute.features import alikeness
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import read_table

MOST_PROTEINS = 5000
"""Drawn at random where there are more."""


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `alikeness`."""
    corpus = read_corpus(work)
    cluster = read_table(work / "proteins" / "proteins.parquet", ["cluster"])["cluster"].to_numpy(dtype=str)
    rows = one_a_cluster(np.flatnonzero(corpus.split == "test"), cluster, corpus.length)
    if len(rows) > MOST_PROTEINS:
        rows = np.sort(np.random.default_rng(config.seed).choice(rows, MOST_PROTEINS, replace=False))
    vectors = alikeness.profiles([corpus.sequence[row] for row in rows])
    tables = []
    for sae in read_trained(work):
        report(Transient(f"alikeness: {sae.name}"))
        peak = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").max.tocsr()[rows].toarray()
        found = alikeness.scores(alikeness.scaled(peak), vectors, np.random.default_rng(config.seed))
        table = pd.DataFrame({"sae": sae.name, "feature": np.arange(sae.d_sae)} | found._asdict())
        tables.append(table.loc[table["z"].notna()])
        own = tables[-1]
        report(
            f"alikeness: {sae.name}, mean {own['score'].mean():.3f} (all pairs {own['by_chance'].mean():.3f}), "
            f"{int((own['z'] > 3).sum())} of {len(own)} features beyond 3 standard deviations"
        )
    settings = {"seed": config.seed, "proteins": len(rows), "deals": alikeness.N_DEALS, "classes": alikeness.CLASSES}
    return Computed({"alikeness": pd.concat(tables, ignore_index=True)}, settings)


def one_a_cluster(rows: np.ndarray, cluster: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Of these proteins the longest of each cluster, the first of equals; ascending."""
    order = rows[np.lexsort((rows, -length[rows]))]
    _, first = np.unique(cluster[order], return_index=True)
    return np.sort(order[first])
