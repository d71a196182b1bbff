"""Families of features: which is broader than which, as a forest.

    shared(c, p) = share of the residues with c on which p fires, too
    excess(c, p) = (shared - by_letter) / (1 - by_letter)
    by_letter    = what `shared` would be if both kept nothing but how often they fire on each amino acid

p is broader than c where it fires on at least `BROADER` times as many residues and excess is `MIN_EXCESS` or more. Of
several, c hangs on the rarest whose excess is within `NEAR_BEST` of the best: in a chain of ever broader features it
is the next one. c and p are twins where they fire on the same residues more often than not (Jaccard index
`MIN_OVERLAP` or more, excess as above) and neither is broader; c then hangs on its twin of the highest index, the
rarer on the denser one. Dense features (more than `MAX_DENSITY` of residues) stay out, since with them everything would
be family, and so do rare ones (fewer than `MIN_FIRES` residues or `MIN_PROTEINS` proteins of the sample), of which it
says nothing.

Read `choose_parents`, then `forest`.

Source: "feature families" of O'Neill et al. 2024 (arXiv:2408.00657), whose maximum spanning tree links denser features
to sparser ones by co-activation; the correction for amino acids and the choice of the parent are designed here.
"""

from typing import NamedTuple

import numpy as np

from precompute.features.coactivation import Firing

BROADER = 1.25
MIN_EXCESS = 0.5
NEAR_BEST = 0.9
MIN_OVERLAP = 0.5
MAX_DENSITY = 0.1
MIN_FIRES = 30
MIN_PROTEINS = 5

NO_PARENT = -1
_ROWS = 512


class Parents(NamedTuple):
    """On whom each feature hangs; both [d_sae]."""

    parent: np.ndarray
    """NO_PARENT where it hangs on none"""

    is_twin: np.ndarray
    """It is its parent's twin."""


class Forest(NamedTuple):
    """Families; all [d_sae]."""

    family: np.ndarray
    """From 0, the largest first (ties: the denser root, then the lower index); -1 for a feature without a relative"""

    root: np.ndarray
    depth: np.ndarray
    n_children: np.ndarray

    @property
    def is_member(self) -> np.ndarray:
        """[d_sae] it has a relative."""
        return self.family >= 0


def considered(firing: Firing) -> np.ndarray:
    """[d_sae] features that fire often enough, in enough proteins, and not nearly everywhere."""
    often = (firing.count >= MIN_FIRES) & (firing.n_proteins >= MIN_PROTEINS)
    return often & (firing.density <= MAX_DENSITY)


def excess_of(shared: np.ndarray, by_letter: np.ndarray) -> np.ndarray:
    """What is shared of the residues that amino acids do not explain: 1 = all, 0 = nothing, or none are left."""
    left = 1 - by_letter
    return np.divide(shared - by_letter, left, out=np.zeros_like(left), where=left > 1e-9)


def choose_parents(firing: Firing) -> Parents:
    """The parent of every feature, by one sample."""
    eligible, count, rate = considered(firing), firing.count, firing.letter_share()
    both = firing.together()
    parent, is_twin = np.full(len(count), NO_PARENT), np.zeros(len(count), dtype=bool)
    index = np.arange(len(count))
    for start in range(0, len(count), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(count)))
        own = count[rows, None]
        allowed = eligible[rows, None] & eligible[None]
        by_letter = firing.by_letter[:, rows].T / np.maximum(own, 1) @ rate
        excess = excess_of(both[rows] / np.maximum(own, 1), by_letter)
        allowed &= excess >= MIN_EXCESS
        broader = allowed & (count >= BROADER * own)
        best = np.where(broader, excess, 0.0).max(axis=1, keepdims=True)
        rarest = np.where(broader & (excess >= NEAR_BEST * best), count, np.inf)
        found = rarest.argmin(axis=1)
        overlap = both[rows] / np.maximum(own + count - both[rows], 1)
        denser = (count > own) | ((count == own) & (index < rows[:, None]))
        twin = np.where(allowed & denser & (count < BROADER * own) & (overlap >= MIN_OVERLAP), overlap, 0.0)
        has_twin, has_broader = twin.max(axis=1) > 0, np.isfinite(rarest.min(axis=1))
        parent[rows] = np.where(has_twin, twin.argmax(axis=1), np.where(has_broader, found, NO_PARENT))
        is_twin[rows] = has_twin
    return Parents(parent, is_twin)


def forest(parents: Parents, count: np.ndarray) -> Forest:
    """Families of features that hang together.

    Args:
        parents: of every feature; a parent fires on more residues than its child, or on as many with a lower index.
        count: [d_sae] residues on which each fires.
    """
    n = len(count)
    root, depth = np.arange(n), np.zeros(n, dtype=np.int64)
    for feature in np.lexsort((np.arange(n), -count)):
        above = parents.parent[feature]
        if above != NO_PARENT:
            root[feature], depth[feature] = root[above], depth[above] + 1
    size = np.bincount(root, minlength=n)
    roots = np.flatnonzero(size > 1)
    family = np.full(n, -1)
    ordered = roots[np.lexsort((roots, -count[roots], -size[roots]))]
    number = np.full(n, -1)
    number[ordered] = np.arange(len(ordered))
    family = number[root]
    n_children = np.bincount(parents.parent[parents.parent != NO_PARENT], minlength=n)
    return Forest(family, root, depth, n_children)
