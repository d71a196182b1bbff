"""In how many organisms features fire: an effective number, beside activations that are dealt at random.

Read `breadths`; what the numbers mean stands in `protsae/store/analyses/breadth.py`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

N_DEALS = 50
LEAST = 10
"""Firing proteins below which a feature has no breadth."""


class Breadths(NamedTuple):
    """Of every feature; NaN where it fires in fewer than `LEAST` proteins."""

    n_firing: Int[np.ndarray, " d"]
    breadth: Float[np.ndarray, " d"]
    by_chance: Float[np.ndarray, " d"]
    z: Float[np.ndarray, " d"]
    """NaN, too, where every deal gives the same."""
    most: Int[np.ndarray, " d"]
    """The organism furthest above its share of the proteins."""
    share: Float[np.ndarray, " d"]
    expected: Float[np.ndarray, " d"]


def breadths(acts: Float[np.ndarray, "n d"], organism: Int[np.ndarray, " n"], rng: np.random.Generator) -> Breadths:
    """How widely every feature fires.

    Args:
        acts: strongest residue of each protein, 0 where it is silent.
        organism: of each protein, from 0; none is missing.
        rng: of the deals.
    """
    acts = np.ascontiguousarray(acts, dtype=np.float32)
    n_firing = (acts > 0).sum(axis=0)
    enough = n_firing >= LEAST
    member = np.eye(int(organism.max(initial=-1)) + 1, dtype=np.float32)[organism]
    total = np.maximum(acts.sum(axis=0, dtype=np.float64), 1e-12)

    def shares(order: np.ndarray) -> np.ndarray:
        return (member[order].T @ acts).astype(np.float64) / total

    own, expected = shares(np.arange(len(acts))), member.mean(axis=0, dtype=np.float64)
    dealt = np.stack([effective(shares(rng.permutation(len(acts)))) for _ in range(N_DEALS)])
    breadth, mean, spread = effective(own), dealt.mean(axis=0), dealt.std(axis=0)
    z = np.divide(breadth - mean, spread, out=np.full(len(mean), np.nan), where=enough & (spread > 1e-9))
    most = (own - expected[:, None]).argmax(axis=0)
    place = np.arange(len(most))
    breadth, mean = np.where(enough, breadth, np.nan), np.where(enough, mean, np.nan)
    return Breadths(n_firing, breadth, mean, z, most, own[most, place], expected[most])


def effective(shares: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    """exp(-sum p log p) of each column."""
    return np.exp(-(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=0))
