"""What the bundle's own analysis `evaluation` tells of rows, so that another machine can go on with them.

The work folder keeps a row's result in full; the bundle keeps its numbers and, in the analysis' settings, what decides
whether they fit: the row's fingerprint; beside it, on what it ran and for how long. Whoever has the bundle and has
embedded its proteins again adds a seed or a method without computing the rest once more.

Read `told_rows`; `facts_of` is what it reads back.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from precompute.evaluation.rows import Row
from protsae.bundle.layout import ANALYSES
from protsae.bundle.manifest import read_manifest
from protsae.errors import BundleError
from protsae.files import inside, read_object
from protsae.store.analyses.evaluation import EVALUATION
from protsae.store.analyses.files import DESCRIPTION, read_analysis
from protsae.store.evaluation.methods import PROBED

ROWS = "rows"
"""Of the analysis' settings: row name -> `facts_of`."""

_TYPES = {
    "fingerprint": str,
    "k": int,
    "l0": (int, float),
    "seconds": (int, float),
    "training_seconds": (int, float),
    "hardware": str,
}


def facts_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the bundle keeps of a row's result beside its numbers; times are seconds of wall clock."""
    return {
        "fingerprint": result["fingerprint"],
        "k": max((entry["k"] for entry in result["entries"]), default=0),
        "l0": result["l0"],
        "seconds": result["seconds"],
        "training_seconds": result["facts"].get("seconds", 0.0),
        "hardware": result.get("hardware", "not recorded"),
    }


def told_rows(bundle: Path, rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """Results of rows, by name, as `Results.read` gives them; none where the bundle tells nothing that can be read.

    Args:
        bundle: its folder.
        rows: that are asked for.

    Raises:
        BundleError: there is no bundle.
    """
    folder = bundle / ANALYSES / EVALUATION.name
    if not (folder / DESCRIPTION).is_file():
        return {}
    try:
        found = read_analysis(folder, EVALUATION, bundle_id=read_manifest(bundle)["bundle_id"])
    except BundleError:
        return {}  # of an older version, or another bundle's: it is replaced when this evaluation has ended
    table: pd.DataFrame = found["evaluation"].to_pandas()
    settings = read_object(inside(folder, DESCRIPTION)).get("settings")
    facts = settings.get(ROWS) if isinstance(settings, dict) else None
    if not isinstance(facts, dict):
        return {}
    return {row.name: _result(row, facts[row.name], table) for row in rows if _is_whole(facts.get(row.name))}


def _is_whole(facts: object) -> bool:
    return isinstance(facts, dict) and all(isinstance(facts.get(name), kind) for name, kind in _TYPES.items())


def _result(row: Row, facts: dict[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    names = [*row.scored_in, *([] if row.namespace in row.scored_in else [""])]
    own = table[
        (table["part"] == row.part)
        & table["method"].isin((row.method, PROBED.format(row.method)))
        & table["namespace"].isin(names)
        & (table["k"] == facts["k"])
        & (table["seed"] == row.seed)
    ]
    entries = [
        {
            "method": method,
            "namespace": name,
            "k": facts["k"],
            "metrics": dict(zip(of["metric"], of["value"], strict=True)),
        }
        for (method, name), of in own.groupby(["method", "namespace"], sort=False)
    ]
    return {
        "fingerprint": facts["fingerprint"],
        "name": row.name,
        "part": row.part,
        "seed": row.seed,
        "l0": facts["l0"],
        "entries": entries,
        "facts": {"seconds": facts["training_seconds"]},
        "seconds": facts["seconds"],
        "hardware": facts["hardware"],
    }
