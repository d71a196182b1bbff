"""Whether the members of a family are called after terms that lie close in the ontology, beside a null.

    agreement = mean Lin similarity over pairs of named members

The null draws in every member's place a named feature of the same kind (guided or not) of nearly the same density, anew
for each of `N_DRAWS`; the p-value counts the draws that agree at least as well, the observed family among them.

Read `agreements`.
"""

from typing import NamedTuple

import numpy as np

N_DRAWS = 1000
N_NEAREST = 40
"""Features of nearest density that one is drawn from."""

_PAIRS_AT_A_TIME = 2_000_000


class Named(NamedTuple):
    """The features of an SAE that are called after a GO term that guides them or holds; all [n]."""

    feature: np.ndarray
    term: np.ndarray
    """Row and column of the similarities."""

    density: np.ndarray
    is_guided: np.ndarray


class Agreement(NamedTuple):
    """How well one family agrees."""

    n_named: int
    agreement: float = np.nan
    null: float = np.nan
    null_high: float = np.nan
    p_value: float = np.nan


def agreements(family: np.ndarray, named: Named, alike: np.ndarray, *, seed: int) -> list[Agreement]:
    """Of every family 0, 1, ...

    Args:
        family: [d_sae] of each feature, -1 where it has none.
        named: features with a term.
        alike: [m, m] similarity of the terms.
        seed: of the draws.
    """
    rng, near = np.random.default_rng(seed), nearest(named)
    of_named = family[named.feature]
    return [
        _agreement(np.flatnonzero(of_named == number), named, alike, near, rng) for number in range(family.max() + 1)
    ]


def nearest(named: Named) -> np.ndarray:
    """[n, N_NEAREST] for each named feature those of its kind with the nearest density, itself among them.

    Where a kind has fewer, they repeat.
    """
    level = np.log(np.maximum(named.density, 1e-12))
    found = np.zeros((len(level), N_NEAREST), dtype=np.int64)
    for kind in np.unique(named.is_guided):
        own = np.flatnonzero(named.is_guided == kind)
        order = np.argsort(np.abs(level[own][:, None] - level[own]), axis=1, kind="stable")[:, :N_NEAREST]
        times = -(-N_NEAREST // order.shape[1])
        found[own] = own[np.tile(order, (1, times))[:, :N_NEAREST]]
    return found


def _agreement(
    members: np.ndarray, named: Named, alike: np.ndarray, near: np.ndarray, rng: np.random.Generator
) -> Agreement:
    if len(members) < 2:
        return Agreement(len(members))
    first, second = np.triu_indices(len(members), 1)
    term = named.term[members]
    observed = float(alike[term[first], term[second]].mean())
    null = np.empty(N_DRAWS)
    at_a_time = max(1, _PAIRS_AT_A_TIME // len(first))
    for start in range(0, N_DRAWS, at_a_time):
        n = min(at_a_time, N_DRAWS - start)
        drawn = near[members[None], rng.integers(0, N_NEAREST, (n, len(members)))]
        terms = named.term[drawn]
        values = alike[terms[:, first], terms[:, second]]
        differ = drawn[:, first] != drawn[:, second]
        total = (values * differ).sum(axis=1)
        null[start : start + n] = np.divide(total, differ.sum(axis=1), out=np.zeros(n), where=differ.any(axis=1))
    p_value = (1 + int((null >= observed - 1e-12).sum())) / (1 + N_DRAWS)
    return Agreement(len(members), observed, float(null.mean()), float(np.quantile(null, 0.95)), p_value)
