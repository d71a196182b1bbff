"""Made-up families for `tiny_bundle.py`: every SAE has one deep tree, one pair of twins, one absorbed pair.

Features 16 (root) > 17, 18 > 19 to 27 hang together, 17 is split; 40 and 41 are twins; in a guided SAE the feature of a
term and that of a term right below it are a pair of which one absorbs the other. The rest has no relatives.
"""

from typing import Any

import pandas as pd
from tiny_proteins import TERMS

from protsae.store.analyses.families import FAMILIES

TREE: dict[int, int | None] = {16: None, 17: 16, 18: 16} | dict.fromkeys(range(19, 28), 18) | {30: 17, 32: 17}
"""feature -> parent"""
SPLIT = 17
TWINS = (40, 41)


def family_tables(features: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of the analysis `families`."""
    saes = features["sae"].unique()
    members = [row for sae in saes for row in _members(sae)]
    families = [
        {"sae": sae, "family": number, "root": root, "size": size, "depth": depth, "n_named": named, **judged}
        for sae in saes
        for number, root, size, depth, named, judged in (
            (0, 16, len(TREE), 2, 6, _judged(0.62, 0.2, 0.4, 0.001, 0.002)),
            (1, TWINS[0], 2, 1, 1, _judged(None, None, None, None, None)),
        )
    ]
    absorbed = [_absorbed(*pair) for sae in saes if (pair := _general_and_specific(features, sae))]
    return {
        "feature_family": pd.DataFrame(members).astype({"parent": "Int32"}),
        "family": pd.DataFrame(families),
        "absorbed": pd.DataFrame(absorbed, columns=[column.name for column in FAMILIES.tables[2].columns]),
        "family_summary": pd.DataFrame([_summary(sae) for sae in saes]),
    }


def _members(sae: str) -> list[dict[str, Any]]:
    rows = [_member(feature, parent) for feature, parent in TREE.items()]
    rows += [_member(TWINS[0], None) | {"n_children": 1}, _member(TWINS[1], TWINS[0]) | {"relation": "twin"}]
    for row in rows:
        row |= {"sae": sae, "family": int(row["feature"] in TWINS)}
    return rows


def _member(feature: int, parent: int | None) -> dict[str, Any]:
    children = [child for child, above in TREE.items() if above == feature]
    has_parent, is_split = parent is not None, feature == SPLIT
    return {
        "feature": feature,
        "parent": parent,
        "relation": "narrower" if has_parent else "root",
        "depth": 0 if parent is None else 1 if parent in (16, TWINS[0]) else 2,
        "n_children": len(children),
        "n_fires": 300 + feature,
        "shared": 0.83 if has_parent else None,
        "chance": 0.12 if has_parent else None,
        "by_letter": 0.21 if has_parent else None,
        "overlap": 0.71 if parent == TWINS[0] else 0.3 if has_parent else None,
        "covered": (0.93 if is_split else 0.5) if children else None,
        "covered_chance": 0.2 if children else None,
        "is_split": is_split,
    }


def _judged(*values: float | None) -> dict[str, float | None]:
    return dict(zip(("agreement", "null_agreement", "null_high", "p_value", "q_value"), values, strict=True))


def _general_and_specific(features: pd.DataFrame, sae: str) -> tuple[str, int, str, int, str] | None:
    """SAE, feature and term of the general one, feature and term of the specific one."""
    guided = features.loc[(features["sae"] == sae) & (features["kind"] == "defined")]
    of_term = dict(zip(guided["go_id"], guided["feature"], strict=True))
    for go_id, feature in of_term.items():
        for parent in TERMS[go_id][2]:
            if parent in of_term:
                return sae, of_term[parent], parent, feature, go_id
    return None


def _absorbed(*pair: str | int) -> dict[str, Any]:
    return dict(zip(("sae", "feature", "go_id", "child", "child_go_id"), pair, strict=True)) | {
        "n_child": 40,
        "child_fires": 0.9,
        "recall_with": 0.2,
        "recall_without": 0.8,
        "rate": 0.675,
        "null_rate": 0.04,
        "p_value": 1e-5,
        "q_value": 1e-3,
        "is_absorbed": True,
    }


def _summary(sae: str) -> dict[str, Any]:
    return {
        "sae": sae,
        "n_residues": 1200,
        "n_considered": 60,
        "n_families": 2,
        "n_members": len(TREE) + 2,
        "share_held": 0.9,
        "null_members": 0,
        "null_letter_members": 3,
        "n_judged": 1,
        "n_agree": 1,
        "n_pairs": 1,
        "absorption": 0.675,
        "null_absorption": 0.04,
    }
