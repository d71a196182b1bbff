"""Where features lie: a UMAP of each SAE's decoder directions, and the features that fire in the same proteins.

Only features that fire at all take part. Writes `umap.parquet` (sae, feature, umap_x, umap_y) and `neighbour.parquet`
(columns of `neighbour`): five neighbours within the SAE, three in each other one, by the correlation of their mean
activations over proteins. Directions say little across SAEs: those of two trainings from one seed resemble each other
most where they have the same index, whatever they have become.

Read `run`, then `alike`.

Source: McInnes et al. 2018 (arXiv:1802.03426).
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.corpus.codes import CSC
from precompute.corpus.trained import decoder, read_trained
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient

N_WITHIN = 5
N_ACROSS = 3
MIN_FOR_UMAP = 50
"""With fewer features there is no neighbourhood to speak of: the two leading principal components do."""

MOST_PROTEINS = 20_000
"""Over so many proteins, drawn at random, features are compared; a correlation needs no more."""

_AT_A_TIME = 1024


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


def standardised(mean: CSC, features: np.ndarray, *, seed: int) -> np.ndarray:
    """[n_features, n_proteins] float32 rows of mean 0 and length 1, whose products are correlations; 0 where constant.

    Args:
        mean: sparse [all proteins, d_sae] mean activations.
        features: the columns wanted.
        seed: of the proteins that are drawn where there are more than `MOST_PROTEINS`.
    """
    rows = np.arange(mean.shape[0])
    if len(rows) > MOST_PROTEINS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_PROTEINS, replace=False))
    profile = np.ascontiguousarray(mean.tocsr()[rows][:, features].toarray().T, dtype=np.float32)
    profile -= profile.mean(axis=1, keepdims=True)
    length = np.linalg.norm(profile, axis=1, keepdims=True)
    return np.divide(profile, length, out=np.zeros_like(profile), where=length > 0)


def alike(own: np.ndarray, theirs: np.ndarray, n: int, *, within: bool) -> tuple[np.ndarray, np.ndarray]:
    """Places and correlations, each [n_own, n], of the most alike of `theirs`; a tie goes to the lower place.

    Args:
        own: [n_own, n_proteins] of `standardised`.
        theirs: [n_theirs, n_proteins] of the same proteins.
        n: how many, at most as many as there are.
        within: `theirs` are `own`, and none is its own neighbour.
    """
    n = max(0, min(n, len(theirs) - within))
    places, correlations = np.zeros((len(own), n), dtype=np.int64), np.zeros((len(own), n))
    for start in range(0, len(own), _AT_A_TIME) if n else ():
        block = slice(start, min(len(own), start + _AT_A_TIME))
        correlation = own[block] @ theirs.T
        if within:
            correlation[np.arange(block.stop - start), np.arange(start, block.stop)] = -np.inf
        places[block] = np.argsort(-correlation, axis=1, kind="stable")[:, :n]
        correlations[block] = np.take_along_axis(correlation, places[block], axis=1)
    return places, np.clip(correlations, -1, 1)


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
