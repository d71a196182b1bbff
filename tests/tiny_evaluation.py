"""Made-up rows of the table `evaluation` for `tiny_bundle.py`: seeded, plausible in size, without meaning.

ProtSAE leads in function and meaning, TopK in fidelity, the linear probe has no features and so no such metric.
`tiny_bundle.py` takes its rows from `evaluation_table`.
"""

import numpy as np
import pandas as pd

from protsae.store.evaluation.metrics import METRICS

NAMESPACES = ("MFO", "BPO", "CCO")
SEEDS = (0, 1)
K = 8
PROTSAE = {
    "fmax": 0.58, "smin": 20.9, "aupr": 0.49, "auc": 0.8, "feature_fmax": 0.5, "feature_auc": 0.74, "ev": 0.68,
    "lr_masked": 0.86, "lr_masked_mean": 0.71, "lr_unmasked": 0.93, "lr_unmasked_mean": 0.88, "l0": 9.2,
    "l0_forced": 1.2, "share_alive": 0.93, "f1": 0.42, "f1_null": 0.11, "f1_top10": 0.81, "participation": 0.99,
    "entanglement": 0.6, "probe_1": 0.72, "probe_2": 0.76, "probe_5": 0.81, "absorption": 0.14, "perturbation": 0.31,
    "seconds": 610.0,
}  # fmt: skip
TOPK = PROTSAE | {
    "fmax": 0.44, "smin": 22.7, "aupr": 0.38, "auc": 0.57, "feature_fmax": 0.41, "feature_auc": 0.6, "ev": 0.71,
    "lr_masked": 0.88, "lr_masked_mean": 0.74, "l0": 8.0, "l0_forced": 0.0, "f1": 0.21, "f1_top10": 0.55,
    "participation": 0.0, "entanglement": 2.3, "probe_1": 0.61, "probe_2": 0.67, "probe_5": 0.75, "absorption": 0.32,
    "perturbation": 0.12, "seconds": 400.0,
}  # fmt: skip
PROBE = {"fmax": 0.54, "smin": 20.9, "aupr": 0.52, "auc": 0.75, "seconds": 90.0}
SAME_FOR_ALL = ("ev", "lr_masked", "lr_masked_mean", "lr_unmasked", "lr_unmasked_mean", "l0", "share_alive", "seconds")
"""What an SAE without guidance has once, not once a namespace."""
CHANGED = ("auc", "feature_auc", "ev", "lr_masked", "l0", "f1", "participation")
"""Metrics of the shorter parts."""
VARIANTS = {
    "ablation": {"no detach": -0.15, "no axioms": -0.06, "no forced activation": -0.02, "no rescale": -0.04},
    "guidance": {"protein mean": 0.02, "weighted positives": 0.01},
}
"""What each does to ProtSAE's numbers."""
SWEEP = {4: -0.05, 16: 0.04, 32: 0.07}
"""k: what it does to both SAEs' numbers."""


def evaluation_table() -> pd.DataFrame:
    """All columns of `evaluation`; the main part with every metric, the others with a few."""
    rng = np.random.default_rng(7)
    rows = []
    for namespace in NAMESPACES:
        for seed in SEEDS:
            rows += _rows(rng, ("main", "ProtSAE", namespace, K, seed), PROTSAE)
            rows += _rows(rng, ("main", "TopK", namespace, K, seed), _without(TOPK, SAME_FOR_ALL))
            rows += _rows(rng, ("main", "linear probe", namespace, 0, seed), PROBE)
    for seed in SEEDS:
        rows += _rows(rng, ("main", "TopK", "", K, seed), {key: TOPK[key] for key in SAME_FOR_ALL})
        for part, methods in VARIANTS.items():
            for method, change in methods.items():
                rows += _rows(rng, (part, method, "MFO", K, seed), _moved(PROTSAE, change))
        for k, change in SWEEP.items():
            for method, values in (("ProtSAE", PROTSAE), ("TopK", TOPK)):
                rows += _rows(rng, ("sparsity", method, "MFO", k, seed), _moved(values, change) | {"l0": float(k)})
    columns = ["part", "method", "namespace", "k", "seed", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def _rows(
    rng: np.random.Generator, run: tuple[str, str, str, int, int], values: dict[str, float]
) -> list[tuple[str, str, str, int, int, str, float]]:
    assert set(values) <= METRICS.keys()
    return [(*run, metric, value * float(rng.normal(1, 0.01))) for metric, value in values.items()]


def _without(values: dict[str, float], keys: tuple[str, ...]) -> dict[str, float]:
    return {key: value for key, value in values.items() if key not in keys}


def _moved(values: dict[str, float], change: float) -> dict[str, float]:
    return {key: values[key] * (1 + change) for key in CHANGED}
