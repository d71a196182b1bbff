"""The analysis `breadth`: in how many organisms a feature fires. Read `compute`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.proteins import read_corpus
from precompute.corpus.trained import read_trained
from precompute.features import breadth
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table

_TYPES = {
    "sae": "str", "feature": "int32", "n_firing": "int32", "n_organisms": "int32", "breadth": "float32",
    "by_chance": "float32", "z": "float32", "organism": "str", "share": "float32", "expected": "float32",
}  # fmt: skip


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `breadth`; none where test proteins name fewer than two organisms."""
    corpus = read_corpus(work)
    proteins = read_table(work / "proteins" / "proteins.parquet", ["cluster", "organism"])
    named = (corpus.split == "test") & (proteins["organism"].fillna("") != "").to_numpy()
    first = ~proteins.loc[named].duplicated().to_numpy()
    rows = np.flatnonzero(named)[first]
    organism, names = pd.factorize(proteins["organism"].to_numpy(dtype=str)[rows], sort=True)
    tables = [empty_table(_TYPES)]
    for sae in read_trained(work) if len(names) > 1 else ():
        report(Transient(f"breadth: {sae.name}"))
        peak = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").max.tocsr()[rows].toarray()
        found = breadth.breadths(peak, organism, np.random.default_rng(config.seed))
        columns = found._asdict() | {"organism": names[found.most], "n_organisms": len(names)}
        table = pd.DataFrame({"sae": sae.name, "feature": np.arange(sae.d_sae)} | columns)
        tables.append(table.loc[table["z"].notna(), list(_TYPES)])
        report(
            f"breadth: {sae.name}, mean {tables[-1]['breadth'].mean():.2f} of {len(names)} organisms (dealt at random: "
            f"{tables[-1]['by_chance'].mean():.2f}), {int((tables[-1]['z'] < -3).sum())} features narrower by 3 "
            "standard deviations"
        )
    settings = {"seed": config.seed, "deals": breadth.N_DEALS, "proteins": len(rows)}
    return Computed({"breadth": pd.concat(tables[1:] or tables, ignore_index=True)}, settings)
