"""Laying one chain over another at the residues that count, and how often random residues fit as well.

Residues correspond where they lie at the same distance in sequence from each chain's anchor. The fit is that of Kabsch:
the proper rotation and the translation that bring the C-alphas closest together, in the least squares.

    RMSD = sqrt(mean |R a_i + t - b_i|^2)          angstrom, over the corresponding C-alphas

A few residues in a row fit well almost anywhere, for chains are made of helices and strands. So the same distances are
laid at random anchors of the same two chains, too, wherever
that pairs other residues than these: `Fit.null_median`, and `Fit.n_as_small` of `Fit.n_random`.

Read `Chain`, then `superpose`.

Source: Kabsch 1976 (doi:10.1107/S0567739476001873), by singular values as in Kabsch 1978.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

LEAST = 5
"""Corresponding residues from which on a fit says anything; three points fit three others well wherever they lie."""

REACH = 30
"""Residues from the anchor within which a distance in sequence means the same place; further on insertions shift it."""

RANDOM = 300
"""Pairs of random anchors."""

_FEWEST_ANCHORS = 5
"""Of a chain, below which there is nothing to draw from."""


class Chain(NamedTuple):
    """The modelled residues of one chain, what counts in it and where its anchor lies."""

    places: Float[np.ndarray, "n_residues 3"]
    """C-alphas, angstrom."""
    positions: Int[np.ndarray, " n_residues"]
    """Place in the sequence; 0 = not in it."""
    counts: Bool[np.ndarray, " n_residues"]
    """Residues that may correspond to others."""
    anchor: int
    """Place in the sequence of the residue that distances are taken from."""


class Fit(NamedTuple):
    """How one chain lies over another."""

    distances: tuple[int, ...]
    """Of the corresponding residues from the anchors, ascending."""
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    """A point p of the moved chain goes to rotation @ p + translation."""
    rmsd: float
    """Angstrom."""
    null_median: float | None
    """Angstrom, of the same distances at random anchors; None where the chains leave no room for any."""
    n_as_small: int
    """Random anchors with an RMSD as small."""
    n_random: int

    def moved(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Points of the moved chain in the other one's frame."""
        return points @ self.rotation.T + self.translation


def superpose(moving: Chain, fixed: Chain, *, seed: int = 0) -> Fit | None:
    """Lay one chain over another; None where fewer than `LEAST` residues correspond.

    Args:
        moving: the chain that is moved.
        fixed: the chain that stays.
        seed: of the random anchors.
    """
    distances = shared(moving, fixed)
    if len(distances) < LEAST:
        return None
    one, other = (_at(chain, np.array([chain.anchor]), distances)[0] for chain in (moving, fixed))
    rotation, translation = kabsch(one, other)
    rmsd = float(rmsds(one[None], other[None])[0])
    null = _at_random(moving, fixed, distances, np.random.default_rng(seed))
    return Fit(
        tuple(distances.tolist()),
        rotation,
        translation,
        rmsd,
        float(np.median(null)) if len(null) else None,
        int((null <= rmsd).sum()),
        len(null),
    )


def shared(one: Chain, other: Chain) -> Int[np.ndarray, " n_shared"]:
    """Distances from the anchor at which a residue counts in both chains, ascending, at most `REACH` away."""
    return np.intersect1d(_distances(one), _distances(other))


def _distances(chain: Chain) -> Int[np.ndarray, " n"]:
    found = chain.positions - chain.anchor
    return found[chain.counts & (chain.positions > 0) & (np.abs(found) <= REACH)]


def kabsch(
    moving: Float[np.ndarray, "n 3"], fixed: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Proper rotation and translation that bring `moving` closest to `fixed`, point by point."""
    a, b = moving.mean(axis=0), fixed.mean(axis=0)
    u, _, vt = np.linalg.svd((moving - a).T @ (fixed - b))
    turn = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    rotation = vt.T @ turn @ u.T
    return rotation, b - rotation @ a


def rmsds(moving: Float[np.ndarray, "sets n 3"], fixed: Float[np.ndarray, "sets n 3"]) -> Float[np.ndarray, " sets"]:
    """Angstrom, after the best fit of each set."""
    a, b = (points - points.mean(axis=1, keepdims=True) for points in (moving, fixed))
    u, singular, vt = np.linalg.svd(np.swapaxes(a, 1, 2) @ b)
    singular[:, 2] *= np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    squares = (a**2).sum(axis=(1, 2)) + (b**2).sum(axis=(1, 2)) - 2 * singular.sum(axis=1)
    return np.sqrt(np.maximum(squares, 0.0) / moving.shape[1])


def _at_random(
    moving: Chain, fixed: Chain, distances: Int[np.ndarray, " n"], rng: np.random.Generator
) -> Float[np.ndarray, " n_random"]:
    """RMSDs at random pairs of anchors that do not lie alike; none where a chain has too few."""
    anchors = [_anchors(chain, distances) for chain in (moving, fixed)]
    if min(map(len, anchors)) < _FEWEST_ANCHORS:
        return np.zeros(0)
    one, other = (rng.choice(own, RANDOM) for own in anchors)
    apart = one - moving.anchor != other - fixed.anchor  # moved along alike they would still correspond
    return rmsds(_at(moving, one[apart], distances), _at(fixed, other[apart], distances))


def _anchors(chain: Chain, distances: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n_anchors"]:
    """Residues other than the anchor from which all distances lead to a modelled one."""
    known = set(chain.positions[chain.positions > 0].tolist())
    steps = distances.tolist()
    return np.array([p for p in sorted(known - {chain.anchor}) if all(p + step in known for step in steps)], dtype=int)


def _at(
    chain: Chain, anchors: Int[np.ndarray, " n_anchors"], distances: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n_anchors n 3"]:
    index = np.zeros(int(chain.positions.max()) + 1, dtype=int)
    index[chain.positions] = np.arange(len(chain.positions))
    return chain.places[index[anchors[:, None] + distances]]
