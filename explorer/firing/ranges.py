"""Which features prefer a stretch of a chain, beyond what they do elsewhere: the share of activation, and two nulls.

    inside  = sum of activations in the stretch / sum over the chain
    fold    = inside / (length of the stretch / length of the chain)
    p_shift = share of all stretches of this length, the chain closed to a ring, that hold as much of the feature

Neighbouring residues are not independent, and a shifted stretch keeps that; the other null is how many residues the
feature's rate over the corpus lets expect. Read `preferences`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.services import live
from explorer.services.cached import cached_by_bundle

_AT_A_TIME = 2_000_000
"""Numbers of a block."""


class Preference(NamedTuple):
    """How far one feature prefers a stretch."""

    feature: int
    inside: float
    """Share of its activation, 0 to 1."""
    fold: float
    """That share over the stretch's share of the chain; 1 is even."""
    n_firing: int
    """Residues of the stretch on which it fires."""
    n_expected: float
    """As many would fire at its rate over the corpus."""
    p_shift: float
    """Share of the shifted stretches that hold as much, itself among them."""
    gain: float
    """Activation inside times log2 of the fold: what the list is sorted by."""


@cached_by_bundle(64, shared=True)
def of_protein(sequence: str, sae: str, span: tuple[int, int]) -> dict[int, Preference]:
    """Every feature that fires more in a stretch than elsewhere, the clearest first.

    Args:
        sequence: upper-case one-letter code.
        sae: the autoencoder.
        span: first and last residue, 1-based.
    """
    columns = live.by_feature(sequence, sae)
    firing = np.flatnonzero(np.diff(columns.starts)).tolist()
    density = live.features(sae)["density"].to_numpy(float)
    found: list[Preference] = []
    step = max(1, _AT_A_TIME // len(sequence))
    for start in range(0, len(firing), step):
        block = firing[start : start + step]
        values = np.stack([columns.dense(feature) for feature in block])
        found += preferences(values, span, block, density[block])
    return {one.feature: one for one in sorted(found, key=lambda one: -one.gain) if one.gain > 0}


def preferences(
    values: Float[np.ndarray, "n_features n_residues"],
    span: tuple[int, int],
    features: Sequence[int],
    density: Float[np.ndarray, " n_features"],
) -> list[Preference]:
    """One a feature, in their order; each fires somewhere.

    Args:
        values: activations.
        span: first and last residue, 1-based.
        features: their numbers.
        density: share of the corpus' residues on which each fires.
    """
    n, length = values.shape[1], span[1] - span[0] + 1
    total = values.sum(axis=1, dtype=np.float64)
    ring = np.concatenate([values, values[:, : length - 1]], axis=1)
    sums = np.concatenate([np.zeros((len(values), 1)), ring.cumsum(axis=1, dtype=np.float64)], axis=1)
    held = sums[:, length:] - sums[:, :-length]
    inside = held[:, span[0] - 1]
    share = inside / total
    fold = share * n / length
    as_much = (held >= inside[:, None] - 1e-6 * total[:, None]).mean(axis=1)
    firing = (values[:, span[0] - 1 : span[1]] > 0).sum(axis=1)
    gain = inside * np.log2(np.maximum(fold, 1e-9))
    columns = (share, fold, firing, length * density, as_much, gain)
    return [
        Preference(feature, float(a), float(b), int(c), float(d), float(e), float(f))
        for feature, a, b, c, d, e, f in zip(features, *columns, strict=True)
    ]
