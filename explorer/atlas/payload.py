"""Points of both maps as the browser keeps them. Read `payload`."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from explorer.atlas import brushes, colours
from explorer.atlas.clusters import clusters
from explorer.components.atlas import packed
from explorer.draw import words
from explorer.services import data, maps
from explorer.services.cached import cached_by_bundle
from protsae.store.analyses.maps import PLACES, Layout

CODED = ("origin", "kind", "namespace", "grade", "family")
NONE = -1


@cached_by_bundle(4, shared=True)
def payload(saes: tuple[str, ...]) -> dict[str, Any]:
    """What `send_features` takes: these autoencoders' points, their names, and the axes that can be brushed.

    Its token is a hash of all else.
    """
    tables = tables_of(saes)
    called = pd.concat([_called(table) for table in tables.values()], ignore_index=True)
    names = pd.Index(called.unique())
    terms = pd.Index(pd.concat([_confirmed(table) for table in tables.values()]).dropna().unique())
    sides = [_side(sae, table, _other(sae, tables), names, terms) for sae, table in tables.items()]
    axes = [axis._asdict() for axis in brushes.axes(list(tables.values()))]
    content = {"names": names.tolist(), "axes": axes, "sides": sides}
    return {"token": hashlib.blake2b(repr(content).encode(), digest_size=8).hexdigest(), **content}


def tables_of(saes: Sequence[str]) -> dict[str, pd.DataFrame]:
    """`maps.points` of these autoencoders; two are each other's counterparts."""
    return {sae: maps.points(sae, next((name for name in saes if name != sae), None)) for sae in saes}


def _side(
    sae: str, table: pd.DataFrame, other: pd.DataFrame | None, names: pd.Index, terms: pd.Index
) -> dict[str, Any]:
    layouts: dict[Layout, list[str]] = {
        layout: list(pair) for layout, pair in PLACES.items() if table[list(pair)].notna().any(axis=None)
    }
    rows = (
        np.full(len(table), NONE)
        if other is None
        else pd.Index(other["feature"]).get_indexer(pd.Index(table["counterpart"]))
    )
    return {
        "name": sae,
        "role": data.sae(sae).role,
        "features": packed(table["feature"].to_numpy(), "<i4"),
        "called": packed(names.get_indexer(pd.Index(_called(table))), "<i4"),
        "terms": packed(terms.get_indexer(pd.Index(_confirmed(table))), "<i4"),
        "counterpart": packed(rows, "<i4"),
        "clusters": {layout: clusters(table, layout) for layout in layouts},
        "places": {layout: packed(table[pair].to_numpy(), "<f4") for layout, pair in layouts.items()},
        "values": {
            "density": packed(table["density"].to_numpy(), "<f4"),
            "f1": packed(table["label_f1"].to_numpy(), "<f4"),
            "correlation": packed(table["correlation"].to_numpy(), "<f4"),
            "family": packed(table["family"].to_numpy(), "<f4"),
        },
        "codes": {name: packed(colours.codes(table, name), "u1") for name in CODED},
    }


def _other(sae: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame | None:
    return next((table for name, table in tables.items() if name != sae), None)


def _called(table: pd.DataFrame) -> pd.Series:
    """What each feature is called under the pointer."""
    pairs = zip(table["label"], table["label_grade"], strict=True)
    return pd.Series([words.label(*pair) for pair in pairs], dtype=object)


def _confirmed(table: pd.DataFrame) -> pd.Series:
    """The id of each confirmed label, missing where there is none."""
    return table["label_id"].where((table["label_grade"] != "none") & (table["label_id"] != ""))
