"""Where features lie: a UMAP of each SAE's decoder directions, and each feature's nearest neighbours.

Only features that fire at all take part. Writes `umap.parquet` (sae, feature, umap_x, umap_y) and `neighbour.parquet`
(columns of `neighbour`): five neighbours within the SAE, three in each other one, by cosine.

Read `run`.

Source: McInnes et al. 2018 (arXiv:1802.03426).
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.corpus.trained import decoder, read_trained
from precompute.pipeline.progress import Transient

N_WITHIN = 5
N_ACROSS = 3
MIN_FOR_UMAP = 50
"""With fewer features there is no neighbourhood to speak of: the two leading principal components do."""

_AT_A_TIME = 1024


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write both tables."""
    stats = pd.read_parquet(work / "statistics" / "feature_stats.parquet", columns=["sae", "feature", "density"])
    alive: dict[str, np.ndarray] = {}
    directions: dict[str, np.ndarray] = {}
    for sae in read_trained(work):
        rows = stats.loc[(stats["sae"] == sae.name) & (stats["density"] > 0)]
        alive[sae.name] = np.sort(rows["feature"].to_numpy())
        directions[sae.name] = decoder(sae.load())[alive[sae.name]]
    maps, near = [], []
    for name, own in directions.items():
        report(Transient(f"layout: {len(own):,} features of {name}"))
        place = project(own, seed=config.seed)
        maps.append(pd.DataFrame({"sae": name, "feature": alive[name], "umap_x": place[:, 0], "umap_y": place[:, 1]}))
        for other, theirs in directions.items():
            found, cosine = nearest(own, theirs, N_WITHIN if other == name else N_ACROSS, within=other == name)
            near.append(_neighbour_table(name, alive[name], other, alive[other][found], cosine))
    pd.concat(maps, ignore_index=True).to_parquet(work / "layout" / "umap.parquet", index=False)
    neighbours = pd.concat(near, ignore_index=True).sort_values(["sae", "feature", "other_sae", "rank"])
    neighbours.to_parquet(work / "layout" / "neighbour.parquet", index=False)
    return {"placed": sum(map(len, alive.values())), "neighbours": len(neighbours)}


def project(directions: np.ndarray, *, seed: int) -> np.ndarray:
    """[n, 2] float32 coordinates: UMAP under the cosine distance, the same for the same seed."""
    if len(directions) < MIN_FOR_UMAP:
        centred = directions - directions.mean(axis=0) if len(directions) else directions
        place = np.zeros((len(directions), 2), dtype=np.float32)
        if len(directions) > 1:
            left, scale, _ = np.linalg.svd(centred, full_matrices=False)
            n = min(2, left.shape[1])
            place[:, :n] = left[:, :n] * scale[:n]
        return place
    from umap import UMAP  # noqa: PLC0415 - 40 s of compilation that no other stage should pay

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value", category=UserWarning)
        model = UMAP(n_neighbors=min(15, len(directions) - 1), metric="cosine", random_state=seed, n_jobs=1)
        return np.asarray(model.fit_transform(directions), dtype=np.float32)


def nearest(own: np.ndarray, theirs: np.ndarray, n: int, *, within: bool) -> tuple[np.ndarray, np.ndarray]:
    """Places and cosines, each [n_own, n], of the nearest of `theirs`, best first; ties go to the lower place.

    Args:
        own: [n_own, d_model] of unit length.
        theirs: [n_theirs, d_model] of unit length.
        n: how many, at most as many as there are.
        within: `theirs` are `own`, and none is its own neighbour.
    """
    n = min(n, len(theirs) - within)
    places, cosines = np.zeros((len(own), max(n, 0)), dtype=np.int64), np.zeros((len(own), max(n, 0)))
    if n <= 0:
        return places, cosines
    for start in range(0, len(own), _AT_A_TIME):
        block = slice(start, min(len(own), start + _AT_A_TIME))
        cosine = own[block] @ theirs.T
        if within:
            cosine[np.arange(block.stop - start), np.arange(start, block.stop)] = -np.inf
        places[block] = np.argsort(-cosine, axis=1, kind="stable")[:, :n]
        cosines[block] = np.take_along_axis(cosine, places[block], axis=1)
    return places, np.clip(cosines, -1, 1)


def _neighbour_table(sae: str, features: np.ndarray, other: str, found: np.ndarray, cosine: np.ndarray) -> pd.DataFrame:
    n = found.shape[1]
    return pd.DataFrame(
        {
            "sae": sae,
            "feature": np.repeat(features, n),
            "other_sae": other,
            "other_feature": found.ravel(),
            "cosine": cosine.ravel().astype(np.float64),
            "rank": np.tile(np.arange(1, n + 1), len(features)),
        }
    )
