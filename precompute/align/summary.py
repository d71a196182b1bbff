"""Held-out alignment in a few numbers per guided SAE, for the bundle's manifest.

Read `summarise`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from protsae.ontology.namespaces import members


def summarise(feature_go: pd.DataFrame, guided: Mapping[str, str], baseline: str | None) -> dict[str, Any]:
    """Mean and median test F1 and AUROC, and grades, of each guided SAE, on the same terms for every column.

    `concept_terms` are those that guide a feature and are scored; `all_terms` are all that are scored.

    Args:
        feature_go: rows of all SAEs, with the columns sae and namespace.
        guided: name of each guided SAE -> scope of its terms, one sub-ontology or all of GO.
        baseline: name of the SAE without guidance that they are held against; None where the run has none.
    """
    return {sae: _one(feature_go, scope, sae, baseline) for sae, scope in guided.items()}


def _one(feature_go: pd.DataFrame, scope: str, sae: str, baseline: str | None) -> dict[str, Any]:
    rows = feature_go.loc[feature_go["namespace"].isin(members(scope))]
    best = rows.loc[rows["is_best_for_term"]]
    tables = {
        "guided": rows.loc[(rows["sae"] == sae) & rows["is_guiding"]].set_index("go_id"),
        "guided_best": best.loc[best["sae"] == sae].set_index("go_id"),
    }
    scored = tables["guided_best"].index
    if baseline is not None:
        tables["baseline_best"] = best.loc[best["sae"] == baseline].set_index("go_id")
        scored = scored.intersection(tables["baseline_best"].index)
    concepts = scored.intersection(tables["guided"].index)
    everything = {name: table.loc[scored] for name, table in tables.items() if name != "guided"}
    guiding = {name: table.loc[concepts] for name, table in tables.items()}
    return {
        "namespace": scope,
        "baseline": baseline,
        "concept_terms": {"n": len(concepts), **_columns(guiding), "guided_beats_baseline": _wins(guiding)},
        "all_terms": {"n": len(scored), **_columns(everything)},
    }


def _columns(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    return {name: _numbers(table) for name, table in tables.items()}


def _numbers(table: pd.DataFrame) -> dict[str, float | int | None]:
    columns = {"f1": "test_f1", "auroc": "test_auroc", "null_f1": "null_f1"}
    numbers: dict[str, float | int | None] = {
        f"n_{grade}": int((table["grade"] == grade).to_numpy().sum()) for grade in ("strong", "weak")
    }
    for name, column in columns.items():
        values = table[column].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        numbers[f"mean_{name}"] = float(values.mean()) if len(values) else None
        numbers[f"median_{name}"] = float(np.median(values)) if len(values) else None
    return numbers


def _wins(tables: Mapping[str, pd.DataFrame]) -> float | None:
    """Share of concept terms on which the guided feature's test F1 is above the baseline's best feature's."""
    if "baseline_best" not in tables:
        return None
    guided, baseline = (tables[name]["test_f1"].to_numpy(dtype=float) for name in ("guided", "baseline_best"))
    return float((guided > baseline).mean()) if len(guided) else None
