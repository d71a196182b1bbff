"""The analysis `maps`: where features lie by what they fire on, and how well each map keeps labels together.

A feature's profile is the largest activation in each training protein; two features are near where these correlate.
Labels were chosen on valid and confirmed on test, so no protein that confirms a label places a feature. A feature that
fires in no training protein has no profile and no place.

Source: UMAP, McInnes et al. 2018 (arXiv:1802.03426). Read `compute`.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.trained import TrainedSAE, decoder, read_trained
from precompute.features.counts import read_pooled
from precompute.features.likeness import standardised
from precompute.features.placing import project
from precompute.features.separation import (
    N_SHUFFLES,
    K,
    nearest_in_full,
    nearest_on_map,
    separation,
    shared,
)
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table
from protsae.bundle.layout import ANALYSES, MANIFEST
from protsae.errors import BundleError
from protsae.files import read_json
from protsae.store.analyses.families import FAMILIES
from protsae.store.analyses.files import DESCRIPTION, read_analysis

_SEPARATION = {
    "sae": "str", "layout": "str", "space": "str", "grouping": "str", "k": "int32", "n_features": "int32",
    "n_groups": "int32", "same": "float32", "possible": "float32", "by_chance": "float32", "by_chance_high": "float32",
}  # fmt: skip


class Placed(NamedTuple):
    """The features of one SAE that have a place by their activations."""

    features: np.ndarray
    """[n] ascending."""
    profiles: np.ndarray
    """[n, n_proteins] of `standardised`."""
    places: np.ndarray
    """[n, 2] on the map."""


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `activation_place` and `map_separation`."""
    split = read_table(work / "proteins" / "proteins.parquet", columns=["split"])["split"].to_numpy()
    drawn = read_table(work / "layout" / "umap.parquet")
    labels = grouped(read_table(work / "associate" / "label.parquet"), branches(*read_ontology(work)))
    families = known_families(config.out, work)
    places, rows = [], []
    for sae in read_trained(work):
        report(Transient(f"maps: {sae.name}"))
        placed = place(sae, work, np.flatnonzero(split == "train"), seed=config.seed)
        places.append(
            pd.DataFrame(
                {"sae": sae.name, "feature": placed.features, "x": placed.places[:, 0], "y": placed.places[:, 1]}
            )
        )
        own = drawn.loc[drawn["sae"] == sae.name].set_index("feature").loc[placed.features]
        spaces = {
            ("activations", "map"): placed.places,
            ("activations", "full"): placed.profiles,
            ("directions", "map"): own[["umap_x", "umap_y"]].to_numpy(dtype=float),
            ("directions", "full"): decoder(sae.load())[placed.features],
        }
        of_sae = labels.loc[labels["sae"] == sae.name].set_index("feature")[["label", "branch"]]
        groupings = of_sae.reindex(placed.features, fill_value="")
        if families is not None:
            groupings["family"] = families(sae.name).reindex(placed.features, fill_value="")
        rows += [{"sae": sae.name, **row} for row in judged(spaces, groupings, seed=config.seed)]
    report(_told(rows))
    table = pd.DataFrame(rows) if rows else empty_table(_SEPARATION)
    return Computed(
        {"activation_place": pd.concat(places, ignore_index=True), "map_separation": table},
        {
            "seed": config.seed,
            "k": K,
            "shuffles": N_SHUFFLES,
            "profile": "largest activation, training proteins",
            "families": families is not None,
        },
    )


def place(sae: TrainedSAE, work: Path, proteins: np.ndarray, *, seed: int) -> Placed:
    """Places of the features of an SAE by their activations over these proteins (rows of the corpus)."""
    peaks = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").max.tocsr()[proteins].tocsc()
    profiles = standardised(peaks, np.arange(sae.d_sae), seed=seed)
    features = np.flatnonzero(profiles.any(axis=1))
    profiles = profiles[features]
    return Placed(features, profiles, project(profiles, seed=seed, exact=True))


def judged(
    spaces: Mapping[tuple[str, str], np.ndarray], groupings: pd.DataFrame, *, seed: int
) -> Iterator[dict[str, str | int | float]]:
    """Separation of every grouping (a column, '' for none) in every space (layout, map or full), rows in one order."""
    for name in groupings:
        groups = groupings[name].to_numpy(dtype=str)
        counted = shared(groups)
        for (layout, space), points in spaces.items():
            near = (nearest_on_map if space == "map" else nearest_in_full)(points[counted])
            found = separation(near, groups[counted], seed=seed)
            sizes = {"n_features": len(counted), "n_groups": len(set(groups[counted]))}
            yield {"layout": layout, "space": space, "grouping": str(name), **sizes, **found._asdict()}


def grouped(labels: pd.DataFrame, branch_of: Mapping[str, str]) -> pd.DataFrame:
    """Columns sae, feature, label and branch ('' for none) of features whose label is confirmed.

    A residue annotation is a branch of its own.
    """
    confirmed = labels.loc[(labels["label_grade"] != "none") & (labels["label_id"] != "")]
    names = confirmed["label_id"]
    return pd.DataFrame({
        "sae": confirmed["sae"],
        "feature": confirmed["feature"],
        "label": names,
        "branch": [branch_of.get(name, "" if name.startswith("GO:") else name) for name in names],
    }).astype({"label": object, "branch": object})  # fmt: skip


def read_ontology(work: Path) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Parents of every term, and the proteins that carry it."""
    edges = read_table(work / "proteins" / "go_edge.parquet", columns=["child", "parent"])
    terms = read_table(work / "proteins" / "go_term.parquet")
    carried = terms[["n_train", "n_valid", "n_test"]].sum(axis=1)
    parents = edges.groupby("child")["parent"].agg(list).to_dict()
    return {str(k): v for k, v in parents.items()}, dict(zip(terms["go_id"], carried.tolist(), strict=True))


def branches(parents: Mapping[str, list[str]], carried: Mapping[str, int]) -> dict[str, str]:
    """For every term the child of its root that it lies below, or is; the rarest where it lies below several.

    Args:
        parents: direct ones of each term; a root has none.
        carried: proteins that carry a term.
    """

    def rarest(names: set[str]) -> str:
        return min(names, key=lambda name: (carried.get(name, 0), name))

    found: dict[str, set[str]] = {}

    def above(term: str) -> set[str]:
        if term not in found:
            found[term] = set()
            direct = parents.get(term, [])
            if any(not parents.get(parent) for parent in direct):
                found[term] = {term}
            else:
                found[term] = set().union(*(above(parent) for parent in direct))
        return found[term]

    return {term: rarest(above(term)) for term in parents if above(term)}


def known_families(bundle: Path, work: Path) -> Callable[[str], pd.Series] | None:
    """Gives of an SAE the family of each feature ('' has none); None where the run's bundle holds no such analysis.

    A bundle that another run has made, or that this one is about to replace, says nothing of this run's features. One
    that has no manifest yet is being built by this run.
    """
    folder, here = bundle / ANALYSES / FAMILIES.name, read_json(bundle / MANIFEST)
    about = read_json(folder / DESCRIPTION)
    made = about if here is None else (read_json(work / "publish" / "done.json") or {}).get("numbers")
    if about is None or made is None or (here or made).get("bundle_id") != made.get("bundle_id"):
        return None
    try:
        table = read_analysis(folder, FAMILIES, bundle_id=made["bundle_id"])["feature_family"].to_pandas()
    except BundleError:  # of another version
        return None
    names = table["family"].astype(str).astype(object)
    return lambda sae: names.loc[table["sae"] == sae].set_axis(table.loc[table["sae"] == sae, "feature"])


def _told(rows: list[dict[str, str | int | float]]) -> str:
    on_maps = [row for row in rows if row["space"] == "map" and row["grouping"] == "label"]
    parts = [f"{row['sae']} {row['layout']} {row['same']:.1f} (chance {row['by_chance']:.1f})" for row in on_maps]
    return f"maps: of {K} neighbours with a label, so many of the same: {', '.join(parts)}"
