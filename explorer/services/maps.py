"""What maps of all features show: places in each layout, counterparts in another SAE, families, how good a map is.

Read `points`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from explorer.services.cached import bundle, cached_by_bundle
from protsae.store.analyses import families, maps
from protsae.store.analyses.maps import LAYOUTS, MAPS, PLACES, Layout, Separation
from protsae.store.rows import FeatureRow


@cached_by_bundle(8, shared=True, spinner="Reading the map …")
def points(sae: str, other: str | None) -> pd.DataFrame:
    """Every feature of an SAE that has a place in a layout, by number.

    Columns of `FeatureQueries.map_points` and: activation_x and activation_y (NaN for none), counterpart (feature of
    `other` that fires most alike, -1 for none), correlation with it (NaN for none), namespace (MFO | BPO | CCO |
    annotation of a confirmed label, '' for none), family (from 0, the largest first; -1 for none).
    """
    reader = bundle().reader
    found = reader.map_points(sae)
    by_acts = maps.activation_places(reader, sae).rename(columns={"x": "activation_x", "y": "activation_y"})
    found = found.merge(by_acts, on="feature", how="left", validate="one_to_one")
    if other is not None:
        near = reader.counterparts(sae, other).rename(columns={"other_feature": "counterpart"})
        found = found.merge(near, on="feature", how="left", validate="one_to_one")
        found["counterpart"] = found["counterpart"].fillna(-1).astype(int)
    else:
        found = found.assign(counterpart=-1, correlation=np.nan)
    of_term = reader.label_namespaces(sae)
    confirmed = found["label_grade"] != "none"
    namespace = found["label_id"].map(of_term).fillna("annotation").where(confirmed, "")
    placed = found[[column for pair in PLACES.values() for column in pair]].notna().any(axis=1)
    family = {row.feature: row.family for row in families.family_numbers(reader, sae)}
    found["family"] = found["feature"].map(family).fillna(-1).astype(int)
    return found.assign(namespace=namespace).loc[placed].reset_index(drop=True)


@cached_by_bundle(8)
def family_roots(sae: str, number: int) -> dict[int, FeatureRow]:
    """The broadest feature of each of the largest families, by the number of the family."""
    reader = bundle().reader
    found = {row.family: row.root for i in range(number) if (row := families.family(reader, sae, i)) is not None}
    rows = {family: reader.feature(sae, root) for family, root in found.items()}
    return {family: row for family, row in rows.items() if row is not None}


@cached_by_bundle(4)
def separations() -> list[Separation]:
    """How well each map keeps features of one label together; empty where it was not measured."""
    return maps.separations(bundle().reader)


def layouts(saes: Sequence[str]) -> list[Layout]:
    """Layouts that the bundle has, the one that keeps labels of these SAEs together best first."""
    if bundle().reader.absence(MAPS):
        return ["directions"]
    better = maps.better_layout(separations(), saes)
    return sorted(LAYOUTS, key=lambda layout: layout != better)
