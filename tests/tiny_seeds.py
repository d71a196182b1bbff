"""Trainings from other seeds, for `tiny_bundle.py`: of five, feature i is found in 2 + i modulo 4, feature 0 in one."""

import numpy as np
import pandas as pd

N_SEEDS = 5
STEPS = (0, 4, 40, 400)


def seed_tables(features: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every feature, every guiding term, and each SAE beside its four others."""
    rows = features[["sae", "feature"]].assign(n_seeds=N_SEEDS, cosine=0.8, null_cosine=0.25)
    rows["n_found"] = np.where(rows["feature"] == 0, 1, 2 + rows["feature"] % (N_SEEDS - 1))
    guided = features.dropna(subset=["go_id"])
    terms = guided[["sae", "go_id", "feature"]].assign(
        n_seeds=N_SEEDS, auroc=0.81, auroc_low=0.78, auroc_high=0.84, null_auroc=0.5
    )
    pairs = []
    for sae in features["sae"].unique():
        is_guided = sae in set(guided["sae"])
        for seed in range(1, N_SEEDS):
            same = {"guided_cosine": 0.9, "null_guided_cosine": 0.1} if is_guided else {}
            facts = {"share_found": 0.6, "null_share_found": 0.02, "cosine": 0.8, "null_cosine": 0.25}
            more = {"haar_cosine": 0.2, "stability": 0.7, "null_stability": 0.15, "orderedness": 0.02}
            rest = {"null_orderedness": 0.01, "explained_variance": 0.85, "l0": 8.0}
            empty = {"guided_cosine": np.nan, "null_guided_cosine": np.nan}
            pairs.append({"sae": sae, "seed": seed, **empty, **facts, **more, **rest, **same})
    return {"feature_seed": rows, "term_seed": terms, "sae_seed": pd.DataFrame(pairs)}


def onset_tables(features: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every SAE steps up at step 40 in two of its three terms."""
    looks, terms, rules = [], [], []
    for sae in features["sae"].unique():
        for step, auroc in zip(STEPS, (0.5, 0.51, 0.7, 0.8), strict=True):
            spread = {"auroc_low": auroc - 0.05, "auroc_high": auroc + 0.05, "null_auroc": 0.5, "unexplained": 0.2}
            looks.append({"sae": sae, "step": step, "auroc": auroc, **spread})
        terms += [
            {"sae": sae, "go_id": f"GO:000000{number}", "step": step, "rise": 0.2, "auroc": 0.8}
            for number, step in ((4, 40), (5, 40), (6, None))
        ]
        rules.append({"sae": sae, "n_terms": 3, "least_rise": 0.05, "null_share": 0.04})
    onset = pd.DataFrame(terms).astype({"step": "Int32"})
    return {"onset_look": pd.DataFrame(looks), "term_onset": onset, "onset_rule": pd.DataFrame(rules)}
