"""How much biology the PLM carries: a ridge probe on mean-pooled states, against one on amino-acid composition.

    W     = argmin |X W - Y|^2 + alpha |W|^2        X standardised [n_proteins, d], Y GO labels [n_proteins, n_terms]
    score = mean over terms of the AUROC on the test split, held out by homology

Features of the PLM cannot mean more than its states do, so this is the ceiling to read every alignment against.
Composition alone predicts a good deal of function; a PLM worth interpreting must stand clear of it.

Read `probe_auroc` first.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from precompute.config import RunConfig
from precompute.corpus.proteins import composition
from protsae.measures.ranking import aurocs
from protsae.shards import ShardReader

ALPHAS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Ridge penalties tried; the one with the best mean AUROC on the valid split is kept."""

MIN_TRAIN_POSITIVES = 50
MIN_TEST_POSITIVES = 10


class ProbeData(NamedTuple):
    states: np.ndarray
    """[n_proteins, d_model], mean over residues."""

    composition: np.ndarray
    """[n_proteins, 20], shares of the amino acids."""

    labels: np.ndarray
    """[n_proteins, n_terms] bool, closed under ancestors."""

    split: np.ndarray
    """[n_proteins], 'train', 'valid' or 'test'."""


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write `probe/probe.json` and return the AUROCs."""
    data = load(work)
    result: dict[str, int | float | str] = {
        "terms": data.labels.shape[1],
        "auroc_plm": probe_auroc(data.states, data.labels, data.split),
        "auroc_composition": probe_auroc(data.composition, data.labels, data.split),
        "plm": Path(config.plm).name,
    }
    report(f"ridge probe on {result['terms']} MFO terms: AUROC {result['auroc_plm']:.3f}")
    (work / "probe" / "probe.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def load(work: Path) -> ProbeData:
    """Mean-pooled states, compositions and MFO labels of all proteins that carry an MFO annotation."""
    proteins = pd.read_parquet(work / "proteins" / "proteins.parquet").set_index("accession")
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "namespace"])
    pairs = pd.read_parquet(work / "proteins" / "protein_go.parquet", columns=["accession", "go_id"])
    pairs = pairs.merge(terms.query("namespace == 'MFO'"), on="go_id")
    annotated = proteins.loc[proteins.index.intersection(pairs["accession"].unique(), sort=False)]
    table = pd.crosstab(pairs["accession"], pairs["go_id"]).reindex(annotated.index).to_numpy() > 0
    split = annotated["split"].to_numpy().astype(str)
    positives = {part: table[split == part].sum(axis=0) for part in ("train", "valid", "test")}
    is_root = table.all(axis=0)
    kept = (positives["train"] >= MIN_TRAIN_POSITIVES) & (positives["test"] >= MIN_TEST_POSITIVES)
    kept &= (positives["valid"] > 0) & ~is_root
    reader = ShardReader(work / "embed")
    means = reader.protein_means([reader.row_of(accession) for accession in annotated.index])
    return ProbeData(means, composition(annotated["sequence"].tolist()), table[:, kept], split)


def probe_auroc(x: np.ndarray, labels: np.ndarray, split: np.ndarray) -> float:
    """Mean test AUROC over terms, 0.5 is chance, 1 is perfect; NaN where there is no term.

    Args:
        x: [n_proteins, d] predictors.
        labels: [n_proteins, n_terms] bool; every term needs a positive and a negative in valid and test.
        split: [n_proteins], 'train', 'valid' or 'test'.
    """
    if labels.shape[1] == 0:
        return float("nan")
    parts = {name: split == name for name in ("train", "valid", "test")}
    mean, deviation = x[parts["train"]].mean(axis=0), x[parts["train"]].std(axis=0)
    x = (x - mean) / np.where(deviation > 0, deviation, 1.0)
    fitted = [Ridge(alpha=alpha).fit(x[parts["train"]], labels[parts["train"]]) for alpha in ALPHAS]

    def score(model: Ridge, part: str) -> float:
        return float(aurocs(model.predict(x[parts[part]]), labels[parts[part]]).mean())

    best = max(fitted, key=lambda model: score(model, "valid"))
    return score(best, "test")
