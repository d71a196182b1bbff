"""Whether stretches of chains are alike in three dimensions: mean RMSD over pairs, beside random stretches.

Read `alike`; what the numbers mean stands in `protsae/store/analyses/folds.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from protsae.structure.superpose import rmsds

REACH = 7
"""Residues on either side of the strongest."""
LEAST, MOST = 4, 8
"""Structures of a feature."""
N_DRAWS = 30


class Alike(NamedTuple):
    """How alike some stretches are, in angstrom, and beyond luck."""

    rmsd: float
    by_chance: float
    z: float
    null_z: float


def centres(places: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, " m"]:
    """Residues whose whole stretch is resolved.

    Args:
        places: C-alphas by place in the sequence, NaN where unresolved.
    """
    missing = np.isnan(places).any(axis=1).astype(int)
    width = 2 * REACH + 1
    if len(places) < width:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.convolve(missing, np.ones(width, dtype=int), mode="valid") == 0) + REACH


def alike(
    chains: Sequence[Float[np.ndarray, "_ 3"]],
    at: Sequence[int],
    free: Sequence[Int[np.ndarray, " _"]],
    rng: np.random.Generator,
) -> Alike:
    """How alike the stretches around one residue of each chain are.

    Args:
        chains: C-alphas by place in the sequence.
        at: the residue of each chain; one of its `centres`.
        free: `centres` of each chain, among which random residues are drawn.
        rng: of the draws.
    """
    drawn = np.stack([rng.choice(own, N_DRAWS + 1) for own in free], axis=1)
    sets = np.concatenate([np.asarray(at)[None], drawn])
    offsets = np.arange(-REACH, REACH + 1)
    windows = np.stack([chain[own[:, None] + offsets] for chain, own in zip(chains, sets.T, strict=True)], axis=1)
    first, second = np.triu_indices(len(chains), 1)
    width = 2 * REACH + 1
    pairs = rmsds(windows[:, first].reshape(-1, width, 3), windows[:, second].reshape(-1, width, 3))
    mean = pairs.reshape(len(sets), -1).mean(axis=1)
    null = mean[1 : N_DRAWS + 1]
    spread = max(float(null.std()), 1e-9)
    by_chance = float(null.mean())
    return Alike(
        float(mean[0]), by_chance, (float(mean[0]) - by_chance) / spread, (float(mean[-1]) - by_chance) / spread
    )
