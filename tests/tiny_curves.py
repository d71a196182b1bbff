"""Drawn precision-recall curves for `tiny_bundle.py`: of the right form, without meaning.

Areas, intervals and counts fit one another: the points of a curve lie on one staircase, the difference of two areas is
theirs, and half of the unguided features serve an unrelated term.
"""

from typing import Any

import numpy as np
import pandas as pd

N_TEST = 40


def curve_tables(alignments: pd.DataFrame, alone: list[str]) -> dict[str, pd.DataFrame]:
    """All tables of the analysis `curves`, for the alignments that terms are compared by."""
    rng = np.random.default_rng(14)
    pairs = alignments.loc[alignments["is_best_for_term"] | alignments["is_guiding"]]
    go_ids = sorted(set(pairs["go_id"]))
    points: list[dict[str, Any]] = []
    areas, shared = [], []
    for pair in pairs.to_dict("records"):
        key = {name: pair[name] for name in ("go_id", "sae", "feature")}
        n_positive = int(rng.integers(6, 12))
        called = np.unique(np.concatenate([[1, N_TEST], rng.integers(2, N_TEST, 10)]))
        hits = np.minimum(n_positive, np.maximum.accumulate(np.ceil(called * pair["test_f1"]).astype(int)))
        hits[-1] = n_positive
        points += [
            {**key, "called": int(c), "hits": int(min(c, h)), "is_threshold": place == 3}
            for place, (c, h) in enumerate(zip(called, hits, strict=True))
        ]
        ap = float(pair["test_f1"])
        mixes = pair["sae"] in alone and pair["feature"] % 2 == 0
        areas.append(
            {
                **key,
                "n_test": N_TEST,
                "n_positive": n_positive,
                "ap": ap,
                "ap_low": ap - 0.1,
                "ap_high": min(1.0, ap + 0.1),
                "null_ap": n_positive / N_TEST,
                "null_ap_high": n_positive / N_TEST + 0.1,
                "n_unrelated": float(mixes),
                "serves_own": True,
            }
        )
        others = [go_id for go_id in go_ids if go_id != pair["go_id"]]
        shared += [{**key, "rank": 1, "other_go_id": others[0]}] if mixes else []
    area = pd.DataFrame(areas)
    alone_ap = {f"{name}_ap": rng.uniform(0.1, 0.6, len(go_ids)) for name in ("composition", "neuron", "probe")}
    return {
        "term_curve": pd.DataFrame(points),
        "term_area": area,
        "area_difference": _differences(area, alone),
        "area_baseline": pd.DataFrame({"go_id": go_ids, **alone_ap}),
        "shared_term": pd.DataFrame(shared, columns=["go_id", "sae", "feature", "rank", "other_go_id"]),
        "sae_sharing": pd.DataFrame(
            [
                {
                    "sae": sae,
                    "namespace": namespace,
                    "n_terms": 5,
                    "share_serving": 0.8,
                    "mean": 2.5 if sae in alone else 0.5,
                    "share_pure": 0.25 if sae in alone else 0.75,
                    "null_mean": 0.01,
                }
                for sae in sorted(set(area["sae"]))
                for namespace in ("MFO", "BPO", "CCO")
            ]
        ),
    }


def _differences(area: pd.DataFrame, alone: list[str]) -> pd.DataFrame:
    is_alone = area["sae"].isin(alone)
    both = area.loc[~is_alone].merge(area.loc[is_alone], on="go_id", suffixes=("", "_other"))
    gap = both["ap"] - both["ap_other"]
    return pd.DataFrame(
        {
            **{name: both[name] for name in ("go_id", "sae", "feature")},
            "other_sae": both["sae_other"],
            "other_feature": both["feature_other"],
            "difference": gap,
            "difference_low": gap - 0.2,
            "difference_high": gap + 0.2,
        }
    )
