"""Made-up places by activations, and how well maps keep labels together, for the tiny bundle; they mean nothing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def map_tables(features: pd.DataFrame, saes: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The tables of the analysis `maps`: every feature that fires but the first has a place, activations lie better."""
    rng = np.random.default_rng(11)
    placed = features.loc[(features["density"] > 0) & (features["feature"] > 0), ["sae", "feature"]]
    places = placed.assign(x=rng.normal(5, 2, len(placed)), y=rng.normal(-3, 1, len(placed)))
    rows = [
        (sae, layout, space, grouping, 10, 20, 6, same, 8.0, 0.3, 0.5)
        for sae in saes
        for grouping in ("label", "branch")
        for layout, space, same in (
            ("activations", "full", 5.0),
            ("activations", "map", 4.1),
            ("directions", "full", 1.3),
            ("directions", "map", 0.9),
        )
    ]
    names = (
        "sae", "layout", "space", "grouping", "k", "n_features", "n_groups", "same", "possible", "by_chance",
        "by_chance_high",
    )  # fmt: skip
    return {"activation_place": places, "map_separation": pd.DataFrame(rows, columns=list(names))}
