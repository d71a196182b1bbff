"""Made-up lists of candidates for `tiny_bundle.py`: of every feature that a GO term names and which holds.

Each list has five candidates, one of each kin; the last one is not shipped.
"""

from typing import Any

import pandas as pd

from protsae.store.analyses.shortlist import KINS

ELSEWHERE = "Q9ZZZ9"
"""A candidate that no tiny bundle ships."""


def shortlist_tables(features: pd.DataFrame, proteins: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of the analysis `shortlist`."""
    named = features.loc[features["label_origin"].isin(["guided", "go"]) & (features["label_grade"] != "none")]
    chosen = proteins.iloc[: len(KINS) - 1]
    accessions = [*chosen["accession"], ELSEWHERE]
    rows = [
        _candidate(sae, feature, rank, accession, kin)
        for sae, feature in zip(named["sae"], named["feature"], strict=True)
        for rank, (accession, kin) in enumerate(zip(accessions, KINS, strict=True), start=1)
    ]
    lists = [_list(*pair) for pair in zip(named["sae"], named["feature"], named["label_id"], strict=True)]
    facts = chosen[["accession", "protein_name", "organism", "length", "split"]].assign(is_shipped=True)
    other = {"protein_name": "Elsewhere", "organism": "Fabula ficta", "length": 90, "split": "train"}
    facts.loc[len(facts)] = {"accession": ELSEWHERE, **other, "is_shipped": False}
    return {"candidate": pd.DataFrame(rows), "candidate_list": pd.DataFrame(lists), "candidate_protein": facts}


def _candidate(sae: str, feature: int, rank: int, accession: str, kin: str) -> dict[str, Any]:
    return {
        "sae": sae,
        "feature": feature,
        "rank": rank,
        "accession": accession,
        "score": 2.0 - rank / 4,
        "precision": 0.5 if rank > 1 else None,
        "n_above": 2 * rank - 2,
        "kin": kin,
        "near_go_id": None if kin == "unknown" else "GO:0005488",
        "n_relatives": 3,
        "n_carriers": 2 if kin == "family" else 0,
        "carriers": "Q0T081 Q0T091" if kin == "family" else "",
        "site": "Metal contact 4" if rank == 2 else "",
        "n_others": 2,
        "n_others_call": 1,
        "by_composition": rank == 3,
    }


def _list(sae: str, feature: int, go_id: str) -> dict[str, Any]:
    return {
        "sae": sae,
        "feature": feature,
        "go_id": go_id,
        "n_called": 12,
        "n_lacking": 4,
        "null_lacking": 9.0,
        "n_unknown": 1,
        "has_site": True,
        "n_hidden": 2,
        "recall": 0.6,
        "null_recall": 0.1,
        "composition_recall": 0.2,
        "found": 0.3,
        "null_found": 0.05,
        "composition_found": 0.08,
    }
