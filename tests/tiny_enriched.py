"""Drawn terms of strongest proteins for `tiny_bundle.py`: of free features 0, 2, 4 ... of those that fire."""

from typing import Any

import pandas as pd

SITE = "Domain: Protein kinase"


def enriched_tables(features: pd.DataFrame, go_ids: list[str]) -> dict[str, pd.DataFrame]:
    """The tables of the analysis `enriched`; the first term is confirmed on test, the second, an annotation, is not."""
    free = features.loc[(features["kind"] == "free") & (features["max_act"] > 0)]
    rows: list[dict[str, Any]] = []
    for sae, own in free.groupby("sae", sort=False):
        for place, feature in enumerate(own["feature"].tolist()[::2]):
            names = (("MFO", go_ids[place % len(go_ids)]), ("annotation", SITE))
            for rank, (kind, term) in enumerate(names, start=1):
                rows.append(
                    {
                        "sae": sae, "feature": feature, "rank": rank, "kind": kind, "term": term, "n_merged": 2 - rank,
                        "n_set": 90, "n_hits": 40, "n_universe": 6000, "n_carry": 200, "p_value": 1e-20 * rank,
                        "q_value": 1e-17 * rank, "test_set": 15, "test_hits": 6 if rank == 1 else 0,
                        "test_expected": 0.5, "test_p": 1e-5 if rank == 1 else 1.0,
                    }
                )  # fmt: skip
    counts = free.groupby("sae").size()
    summary = [
        {
            "sae": sae, "n_features": n, "n_terms": 300, "n_found": (n + 1) // 2, "n_confirmed": (n + 1) // 2,
            "null_found": 0.3, "null_confirmed": 1.0,
        }
        for sae, n in counts.items()
    ]  # fmt: skip
    return {"enriched_term": pd.DataFrame(rows), "enriched_summary": pd.DataFrame(summary)}
