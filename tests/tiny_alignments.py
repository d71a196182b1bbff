"""Drawn alignment scores for `tiny_bundle.py`: seeded, of the right form, without meaning."""

from typing import Any

import numpy as np
import pandas as pd
from tiny_proteins import KINDS

from protsae.store.grades import Rule, grade

CONFOUNDS = ("amino_acid", "position", "length", "family", "organism")
SITE_TERMS = ("GO:0005524", "GO:0008270")
"""Terms that are judged by residues."""
CONFOUNDED = {25: "position", 26: "amino_acid", 27: "family", 28: "length", 29: "organism"}
"""Features, of every SAE, that a confound is made to explain."""


def alignment_table(
    rng: np.random.Generator, features: pd.DataFrame, alone: list[str], counts: dict[str, dict[str, int]]
) -> pd.DataFrame:
    """For every defined feature its own term, and for every term the best feature of each SAE that none guides."""
    guided = features.loc[features["kind"] == "defined"]
    pairs = [(*pair, True) for pair in zip(guided["sae"], guided["feature"], guided["go_id"], strict=True)]
    firing = [feature for feature in range(16, 64) if feature % 16 != 15]
    for sae in alone:
        pairs += [(sae, feature, go_id, False) for feature, go_id in zip(firing, sorted(counts), strict=False)]
    rows = []
    for sae, feature, go_id, is_guiding in pairs:
        f1 = float(rng.uniform(0.4, 0.9) if is_guiding else rng.uniform(0.1, 0.7))
        rows.append(
            {
                "sae": sae,
                "feature": feature,
                "go_id": go_id,
                "is_guiding": is_guiding,
                "is_best_for_term": True,
                "pooling": "max" if feature % 2 else "mean",
                **_scores(rng, f1, rank=1, n_pos=counts[go_id]),
            }
        )
    return pd.DataFrame(rows)


def term_baseline_table(alignments: pd.DataFrame) -> pd.DataFrame:
    """Drawn so that guided features beat most of them."""
    rng = np.random.default_rng(12)
    rows = []
    for go_id in sorted(set(alignments["go_id"])):
        scores = {"all_positive_f1": rng.uniform(0.05, 0.3), "composition_auroc": rng.uniform(0.52, 0.72)}
        scores |= {"probe_auroc": rng.uniform(0.8, 0.95), "neuron_auroc": rng.uniform(0.6, 0.8)}
        rows.append({"go_id": go_id, "n_train": 28, "n_valid": 6, "n_test": 6, **scores})
    return pd.DataFrame(rows)


def difference_table(alignments: pd.DataFrame, alone: list[str]) -> pd.DataFrame:
    """A row for every guided feature and each SAE that none guides; the interval is drawn around the difference."""
    rng = np.random.default_rng(13)
    is_alone = alignments["sae"].isin(alone)
    both = alignments.loc[~is_alone].merge(alignments.loc[is_alone], on="go_id", suffixes=("", "_other"))
    gap = both["test_f1"] - both["test_f1_other"]
    half = rng.uniform(0.05, 0.4, len(both))
    found = both[["go_id", "sae", "feature"]].assign(
        other_sae=both["sae_other"], other_feature=both["feature_other"], difference=gap
    )
    return found.assign(difference_low=gap - half, difference_high=gap + half)


def kind_baseline_table() -> pd.DataFrame:
    """The letter says most of the rarest kinds."""
    kinds = [kind for kind, _, _ in KINDS]
    places = np.arange(len(kinds))
    alone = {"all_positive_f1": 0.05 + 0.1 * places, "amino_acid_auroc": 0.6 + 0.1 * places}
    return pd.DataFrame({"kind": kinds, **alone})


def graded(rows: pd.DataFrame, baselines: pd.DataFrame, key: str, rule: Rule) -> pd.DataFrame:
    """Alignments with the grades that follow from their scores."""
    judged = rows.merge(baselines, on=key, how="left")
    return rows.assign(grade=grade({name: judged[name].to_numpy() for name in judged.columns}, rule))


def annotation_alignment_table(rng: np.random.Generator, saes: list[str]) -> pd.DataFrame:
    rows = []
    for sae in saes:
        for rank, (kind, _, _) in enumerate(KINDS, start=1):
            scores = _scores(rng, 0.7 - 0.1 * rank, rank=rank, n_pos={"valid": 40, "test": 55})
            rows.append({"sae": sae, "feature": 20, "kind": kind, "is_best_for_kind": True, **scores})
    return pd.DataFrame(rows)


def confound_table(features: pd.DataFrame) -> pd.DataFrame:
    """Five rows for every feature that fires; the one that `CONFOUNDED` names for it scores high, the others low."""
    rng = np.random.default_rng(11)
    rows = []
    for sae, feature, max_act in zip(features["sae"], features["feature"], features["max_act"], strict=True):
        for confound in CONFOUNDS if max_act > 0 else ():
            f1 = float(rng.uniform(0.05, 0.25)) + (0.65 if CONFOUNDED.get(feature) == confound else 0.0)
            auroc = None if confound == "family" and feature % 8 == 0 else 0.5 + f1 / 2
            explains = CONFOUNDED.get(feature) == confound
            rows.append((sae, feature, confound, auroc, f1, float(rng.uniform(0.02, 0.1)), explains))
    return pd.DataFrame(rows, columns=["sae", "feature", "confound", "auroc", "f1", "null_f1", "explains"])


def site_tables(features: pd.DataFrame, alone: list[str]) -> dict[str, pd.DataFrame]:
    """Guided features of `SITE_TERMS` and one feature a term of every SAE without guidance; baselines; liveness."""
    rng = np.random.default_rng(12)
    guided = features.loc[features["go_id"].isin(SITE_TERMS) & (features["kind"] == "defined")]
    judged = [(*row, True) for row in zip(guided["sae"], guided["feature"], guided["go_id"], strict=True)]
    judged += [(sae, 20 + place, go_id, False) for sae in alone for place, go_id in enumerate(SITE_TERMS)]
    found = [
        {"sae": sae, "feature": feature, "go_id": go_id, "is_guiding": is_guiding}
        | _site_scores(rng, 0.5 if is_guiding else 0.3)
        | {"top_share": 0.6, "density": 0.01}
        for sae, feature, go_id, is_guiding in judged
    ]
    baselines = [
        {"go_id": go_id, "baseline": name} | _site_scores(rng, ap)
        for go_id in SITE_TERMS
        for name, ap in (("letter", 0.15), ("window", 0.35), ("neuron", 0.25), ("probe", 0.6))
    ]
    lives = [
        {"sae": sae, "n_residues": 500, "share_live": 0.97, "share_dense": 0.01, "guided_density": None}
        for sae in features["sae"].unique()
    ]
    return {
        "feature_site": pd.DataFrame(found),
        "site_baseline": pd.DataFrame(baselines),
        "sae_liveness": pd.DataFrame(lives),
    }


def _site_scores(rng: np.random.Generator, ap: float) -> dict[str, Any]:
    ap = float(rng.uniform(0.9, 1.1)) * ap
    return {
        "n_proteins": 12,
        "n_residues": 40,
        "ap": ap,
        "auroc": 0.5 + ap / 2,
        "pooled_ap": ap,
        "pooled_auroc": 0.5 + ap / 2,
        "f1": ap,
        "null_ap": 0.05,
        "null_f1": 0.04,
    }


def _scores(rng: np.random.Generator, f1: float, *, rank: int, n_pos: dict[str, int]) -> dict[str, Any]:
    return {
        "rank_in_feature": rank,
        "threshold": 0.15,
        "valid_f1": min(1.0, f1 + 0.05),
        "test_precision": f1,
        "test_recall": f1,
        "test_f1": f1,
        "test_f1_low": f1 - 0.08,
        "test_f1_high": min(1.0, f1 + 0.08),
        "test_auroc": 0.5 + f1 / 2,
        "test_auroc_low": 0.46 + f1 / 2,
        "test_auroc_high": min(1.0, 0.54 + f1 / 2),
        "null_f1": float(rng.uniform(0.05, 0.3)),
        "n_pos_valid": n_pos.get("valid", 0),
        "n_pos_test": n_pos.get("test", 0),
    }
