"""Where features lie: a UMAP of each SAE's decoder directions, and the features that fire in the same proteins.

Only features that fire at all take part. Writes `umap.parquet` (sae, feature, umap_x, umap_y) and `neighbour.parquet`
(columns of `neighbour`): five neighbours within the SAE, three in each other one, by the correlation of their mean
activations over proteins. Directions say little across SAEs: those of two trainings from one seed resemble each other
most where they have the same index, whatever they have become.

Read `run`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.corpus.trained import decoder, read_trained
from precompute.features.counts import read_pooled
from precompute.features.likeness import alike, standardised
from precompute.features.placing import project
from precompute.pipeline.progress import Transient

N_WITHIN = 5
N_ACROSS = 3


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write both tables."""
    stats = pd.read_parquet(work / "statistics" / "feature_stats.parquet", columns=["sae", "feature", "density"])
    alive: dict[str, np.ndarray] = {}
    directions: dict[str, np.ndarray] = {}
    profiles: dict[str, np.ndarray] = {}
    for sae in read_trained(work):
        rows = stats.loc[(stats["sae"] == sae.name) & (stats["density"] > 0)]
        alive[sae.name] = np.sort(rows["feature"].to_numpy())
        directions[sae.name] = decoder(sae.load())[alive[sae.name]]
        mean = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").mean
        profiles[sae.name] = standardised(mean, alive[sae.name], seed=config.seed)
    maps, near = [], []
    for name, own in directions.items():
        report(Transient(f"layout: {len(own):,} features of {name}"))
        place = project(own, seed=config.seed)
        maps.append(pd.DataFrame({"sae": name, "feature": alive[name], "umap_x": place[:, 0], "umap_y": place[:, 1]}))
        for other, theirs in directions.items():
            within = other == name
            n = N_WITHIN if within else N_ACROSS
            found, correlation = alike(profiles[name], profiles[other], n, within=within)
            cosine = np.einsum("nd,nkd->nk", own, theirs[found]).clip(-1, 1)
            rows = _neighbour_table(alive[name], alive[other][found], correlation, cosine)
            near.append(rows.assign(sae=name, other_sae=other))
    pd.concat(maps, ignore_index=True).to_parquet(work / "layout" / "umap.parquet", index=False)
    neighbours = pd.concat(near, ignore_index=True).sort_values(["sae", "feature", "other_sae", "rank"])
    neighbours.to_parquet(work / "layout" / "neighbour.parquet", index=False)
    return {"placed": sum(map(len, alive.values())), "neighbours": len(neighbours)}


def _neighbour_table(
    features: np.ndarray, found: np.ndarray, correlation: np.ndarray, cosine: np.ndarray
) -> pd.DataFrame:
    n = found.shape[1]
    return pd.DataFrame(
        {
            "feature": np.repeat(features, n),
            "other_feature": found.ravel(),
            "correlation": correlation.ravel().astype(np.float64),
            "cosine": cosine.ravel().astype(np.float64),
            "rank": np.tile(np.arange(1, n + 1), len(features)),
        }
    )
