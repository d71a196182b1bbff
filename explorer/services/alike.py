"""Which features fire alike along one chain: many directions of a dictionary are variants of one.

    r_ij = (mean(x_i x_j) - mean(x_i) mean(x_j)) / (sd_i sd_j)        over the chain's residues

From the most unusual feature on, each takes those that correlate with it by more than `ALIKE` and were not taken yet.
The codes are sparse, and two features that never fire on one residue cannot correlate so: only pairs that meet are
looked at. Read `leaders`, then `fold`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from scipy import sparse

from explorer.services import live
from explorer.services.cached import cached_by_bundle
from explorer.services.live import ActiveFeature

ALIKE = 0.9
"""Correlation along the chain from which on two features are shown as one."""


class Row(NamedTuple):
    """A feature of a list, and what is folded under it."""

    feature: ActiveFeature
    n_folded: int
    """Features of the list that fire alike and are not shown."""
    leader: int | None
    """The feature that this one fires like, where both are shown; else None."""


@cached_by_bundle(64, shared=True)
def leaders(sequence: str, name: str) -> dict[int, int]:
    """For every feature that fires, the most unusual one that fires like it; itself where none does."""
    order = [active.feature for active in live.top_features(sequence, name)]
    return dict(zip(order, np.array(order)[first_alike(live.encode(sequence, name).acts, order)].tolist(), strict=True))


def first_alike(acts: sparse.csr_array, order: Sequence[int]) -> Int[np.ndarray, " n"]:
    """For each place of `order` the place of the feature that it is folded under, never a later one.

    Args:
        acts: activations [n_residues, d_sae].
        order: features, the one that others are folded under before these.
    """
    x = sparse.csc_array(acts)[:, list(order)].astype(float)
    mean = np.asarray(x.mean(axis=0)).ravel()
    together = (x.T @ x) / x.shape[0]
    deviation = np.sqrt(np.maximum(together.diagonal() - mean**2, 0))
    pairs = sparse.coo_array(together)
    i, j = pairs.coords
    scale = deviation[i] * deviation[j]
    near = (i < j) & (scale > 0) & (pairs.data - mean[i] * mean[j] > ALIKE * scale)
    under = np.arange(len(mean))
    for first, later in sorted(zip(i[near].tolist(), j[near].tolist(), strict=True)):
        if under[first] == first and under[later] == later:
            under[later] = first
    return under


def fold(listed: Sequence[ActiveFeature], leader_of: dict[int, int], *, apart: bool) -> list[Row]:
    """A list with features that fire alike as one row, where the first of them stands; or one below the other.

    Args:
        listed: features in the order of the list.
        leader_of: as `leaders` gives it.
        apart: show every feature.
    """
    groups: dict[int, list[ActiveFeature]] = {}
    for active in listed:
        groups.setdefault(leader_of[active.feature], []).append(active)
    if not apart:
        return [Row(group[0], len(group) - 1, None) for group in groups.values()]
    return [
        Row(active, 0, None if active is group[0] else group[0].feature)
        for group in groups.values()
        for active in group
    ]
