"""Made-up steerability: which features raise their function, and a random probe for every term that was read out."""

import numpy as np
import pandas as pd


def steerability_tables(alignments: pd.DataFrame, d_model: int) -> dict[str, pd.DataFrame]:
    """All tables of the analysis."""
    table = steerability_table(alignments)
    rng = np.random.default_rng(13)
    terms = sorted(table["go_id"].unique())
    heads = [
        {"go_id": go_id, "auroc": 0.8, "bias": -1.0, "spread": 2.0, "carriers": 1.5, "others": -2.5} for go_id in terms
    ]
    rows = [
        {"go_id": go_id, "dimension": dimension, "weight": weight, "difference": difference}
        for go_id in terms
        for dimension, (weight, difference) in enumerate(rng.normal(0, 1, (d_model, 2)).tolist())
    ]
    return {"steerability": table, "term_read_out": pd.DataFrame(heads), "term_direction": pd.DataFrame(rows)}


def steerability_table(alignments: pd.DataFrame) -> pd.DataFrame:
    """A row for every feature with enough test proteins; of `protsae_mfo` alone every third one raises its function."""
    rng = np.random.default_rng(12)
    rows = []
    for row in alignments.loc[alignments["n_pos_test"] >= 5].to_dict("records"):
        raises = row["sae"] == "protsae_mfo" and row["feature"] % 3 == 0
        random_feature, difference = float(rng.normal(0, 0.05)), float(rng.uniform(0.4, 0.9)) if raises else 0.0
        rows.append(
            {
                "sae": row["sae"],
                "feature": row["feature"],
                "go_id": row["go_id"],
                "probe_auroc": 0.8,
                "n_proteins": 12,
                "effect": random_feature + difference,
                "random_feature": random_feature,
                "random_direction": float(rng.normal(0, 0.05)),
                "difference": difference,
                "difference_low": difference - 0.2,
                "difference_high": difference + 0.2,
                "p_value": 0.001 if raises else 0.6,
                "is_confirmed": raises,
                "q_value": 0.01 if raises else 1.0,
                "n_changed": 9.0,
                "n_changed_random": 4.0,
                "surprisal_change": 0.3,
                "specificity": 0.9 if raises else 0.5,
                "seen_difference": difference + float(rng.normal(0, 0.05)),
                "seen_null": float(rng.normal(0, 0.05)),
                "opposite": -difference if raises else None,
                "difference_of_means": 0.3 if raises else None,
                "kmers": 0.8 if raises else None,
                "kmers_p_value": 0.002 if raises else None,
            }
        )
    return pd.DataFrame(rows).drop_duplicates(["sae", "feature"])
