"""Names that stand on a map: confirmed labels whose features lie together there. Read `clusters`."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from protsae.store.analyses.maps import PLACES, Layout

LEAST = 5
"""Features that a label needs."""

NEAR = 0.04
"""A feature lies at its label's middle where it is nearer than this share of the map's larger extent."""

MOST_AWAY = 0.5
"""Share of a label's features that may lie elsewhere."""


class Cluster(NamedTuple):
    """A label with the place that most of its features are at."""

    name: str
    x: float
    y: float
    n: int
    """Its features that are there."""


def clusters(points: pd.DataFrame, layout: Layout) -> list[Cluster]:
    """Labels that a layout keeps together, those of most features first.

    A label's middle is the median of its features' places, in both directions.
    """
    x, y = PLACES[layout]
    confirmed = points.loc[(points["label_grade"] != "none") & points[x].notna(), ["label", x, y]]
    near = NEAR * float(np.ptp(points[[x, y]].dropna().to_numpy(dtype=float), axis=0).max(initial=0))
    middle = confirmed.groupby("label")[[x, y]].transform("median")
    there = confirmed.loc[np.hypot(confirmed[x] - middle[x], confirmed[y] - middle[y]) <= near]
    sizes, inside = confirmed["label"].value_counts(), there["label"].value_counts()
    kept = inside.loc[(inside >= LEAST) & (inside >= (1 - MOST_AWAY) * sizes.reindex(inside.index))]
    at = middle.assign(label=confirmed["label"]).drop_duplicates("label").set_index("label")
    counts = {str(name): int(n) for name, n in kept.items()}
    return [
        Cluster(name, float(at[x].loc[name]), float(at[y].loc[name]), n)
        for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
