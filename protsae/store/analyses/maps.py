"""The analysis `maps`: where features lie by what they fire on, and how well each map keeps a label together.

The map by decoder directions stands in the store (`umap_x`, `umap_y`). Read `MAPS`, then `Separation`.
"""

from collections.abc import Collection
from typing import Final, Literal, NamedTuple

import pandas as pd

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

Layout = Literal["activations", "directions"]
"""What lies close: features that fire in the same proteins, or that write similar directions into the model."""

LAYOUTS: Final[tuple[Layout, ...]] = ("activations", "directions")

PLACES: Final[dict[Layout, tuple[str, str]]] = {
    "activations": ("activation_x", "activation_y"),
    "directions": ("umap_x", "umap_y"),
}
"""What the places of a layout are called beside those of the other one."""

MAPS = Analysis(
    name="maps",
    version=1,
    meaning="Where features lie by what they fire on, and how well maps keep features with one label together",
    reads=("proteins", "statistics", "associate", "layout"),
    tables=(
        Table(
            name="activation_place",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; those that fire in a training protein"),
                Column("x", "REAL", "place by its activations over training proteins; no unit"),
                Column("y", "REAL", "the same, upwards"),
            ),
            sorted_by=("sae", "feature"),
        ),
        Table(
            name="map_separation",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("layout", "VARCHAR", "activations | directions"),
                Column("space", "VARCHAR", "map: the two dimensions that are drawn | full: what they are drawn from"),
                Column(
                    "grouping",
                    "VARCHAR",
                    "label: the confirmed label | branch: the part of GO that it lies in | family",
                ),
                Column("k", "INTEGER", "nearest features that are looked at, among those that are counted"),
                Column("n_features", "INTEGER", "whose label (branch, family) another one shares"),
                Column("n_groups", "INTEGER", "labels (branches, families) that these have"),
                Column("same", "REAL", "of the k nearest, those of the same group; mean over features, 0 to k"),
                Column("possible", "REAL", "the most that any map could reach, for the groups are small; 0 to k"),
                Column("by_chance", "REAL", "same with the groups shuffled over the features; mean of the shuffles"),
                Column("by_chance_high", "REAL", "the largest of the shuffles"),
            ),
            sorted_by=("sae", "layout", "space", "grouping"),
        ),
    ),
)


class Separation(NamedTuple):
    """How well one space keeps features of one group together; columns of `map_separation`."""

    sae: str
    layout: str
    space: str
    grouping: str
    k: int
    n_features: int
    n_groups: int
    same: float
    possible: float
    by_chance: float
    by_chance_high: float


def separations(reader: AnalysisQueries) -> list[Separation]:
    """All of them; empty where the analysis is absent."""
    if reader.absence(MAPS):
        return []
    query = f"""
        SELECT {columns(Separation)} FROM memory.main.map_separation
        ORDER BY {", ".join(MAPS.tables[1].sorted_by)}
    """
    return reader.rows(Separation, query)


def activation_places(reader: AnalysisQueries, sae: str) -> pd.DataFrame:
    """Columns feature, x, y of the features of an SAE that have a place by their activations."""
    if reader.absence(MAPS):
        return pd.DataFrame({"feature": [], "x": [], "y": []}).astype({"feature": int, "x": float, "y": float})
    query = "SELECT feature, x, y FROM memory.main.activation_place WHERE sae = ? ORDER BY feature"
    return reader.frame(query, [sae])


def layout_named(text: str) -> Layout:
    """The layout of this name, activations for anything but the other one."""
    return "directions" if text == "directions" else "activations"


def better_layout(found: Collection[Separation], saes: Collection[str]) -> Layout:
    """The layout whose maps of these SAEs keep labels together best; directions where nothing was measured."""
    reached = {
        layout: [
            row.same
            for row in found
            if (row.layout, row.space, row.grouping) == (layout, "map", "label") and row.sae in saes
        ]
        for layout in LAYOUTS
    }
    if not any(reached.values()):
        return "directions"
    return max(LAYOUTS, key=lambda layout: sum(reached[layout]))
