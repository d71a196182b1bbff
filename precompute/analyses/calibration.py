"""The analysis `calibration`: the share of carriers among test proteins in bands of a guided feature's signal.

    edges   = signal of the 10th, 20th, 40th, ... strongest valid protein, as long as it is above 0
    bands   = [edge_1, inf), [edge_2, edge_1), ..., [0, edge_last)

Equal signals lie in one band. Read `compute`, then `bands`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from precompute.align.go import term_tables
from precompute.align.ranks import POOLINGS
from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import read_corpus
from precompute.corpus.trained import read_trained
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table
from protsae.store.analyses.calibration import CALIBRATION

RANKS = (10, 20, 40, 80, 160, 320, 640, 1280, 2560)
"""Valid proteins above an edge."""


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """The table of `CALIBRATION`."""
    corpus, saes = read_corpus(work), read_trained(work)
    terms = read_table(work / "proteins" / "go_term.parquet", ["go_id", "name", "namespace"])
    terms = terms.sort_values("go_id", ignore_index=True)
    labels = read_labels(work, corpus, terms)
    guiding = sorted({go_id for sae in saes for go_id in sae.concepts})
    rows = read_table(work / "associate" / "feature_go.parquet")
    rows = rows.loc[rows["is_guiding"], ["sae", "feature", "go_id", "pooling"]]
    scores = {name: read_pooled(work / "statistics" / f"{name}.pooled.npz")._asdict() for name in set(rows["sae"])}
    found = []
    for table in term_tables(labels, terms, corpus.split, guiding=guiding, seed=config.seed):
        report(Transient(f"calibration: {table.namespace}"))
        column = {go_id: place for place, go_id in enumerate(table.go_id.tolist())}
        here = rows.loc[rows["go_id"].isin(table.go_id)]
        pooled = {
            (name, pooling): (scores[name][pooling].tocsr()[table.valid].tocsc(),
                              scores[name][pooling].tocsr()[table.test].tocsc())
            for name in here["sae"].unique()
            for pooling in POOLINGS
        }  # fmt: skip
        for row in here.to_dict("records"):
            place = column[row["go_id"]]
            valid, test = (part[:, [row["feature"]]].toarray().ravel() for part in pooled[row["sae"], row["pooling"]])
            cut = bands(valid, table.labels_valid[:, place] > 0, test, table.labels_test[:, place] > 0)
            found.append(cut.assign(sae=row["sae"], feature=row["feature"], go_id=row["go_id"]))
    report(f"calibration: {sum(map(len, found)):,} bands of {len(found):,} guided features")
    contract = CALIBRATION.tables[0]
    kinds = {column.name: "str" if column.type == "VARCHAR" else "float64" for column in contract.columns}
    joined = pd.concat(found, ignore_index=True) if found else empty_table(kinds)
    return Computed({contract.name: joined}, {"ranks": RANKS})


def bands(
    valid: Float[np.ndarray, " n_valid"],
    valid_truth: Bool[np.ndarray, " n_valid"],
    test: Float[np.ndarray, " n_test"],
    test_truth: Bool[np.ndarray, " n_test"],
) -> pd.DataFrame:
    """One row a band: columns band, low, valid_n, valid_hits, test_n, test_hits, n_test, n_positive.

    Args:
        valid: signal of each valid protein, 0 where silent.
        valid_truth: which of them carry the term.
        test: the same for test proteins.
        test_truth: which of them carry the term.
    """
    ranked = np.sort(valid)[::-1]
    edges = [float(ranked[rank - 1]) for rank in RANKS if rank <= len(ranked) and ranked[rank - 1] > 0]
    lows = [*sorted(set(edges), reverse=True), 0.0]
    rows = []
    high = np.inf
    for band, low in enumerate(lows):
        in_valid, in_test = ((part >= low) & (part < high) for part in (valid, test))
        counts = (in_valid, in_valid & valid_truth, in_test, in_test & test_truth)
        rows.append((band, low, *(int(part.sum()) for part in counts), len(test), int(test_truth.sum())))
        high = low
    names = ["band", "low", "valid_n", "valid_hits", "test_n", "test_hits", "n_test", "n_positive"]
    return pd.DataFrame(rows, columns=names)
