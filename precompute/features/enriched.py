"""What a feature's strongest units have in common: over-representation of terms, each feature against all terms.

    p = P(X >= hits),  X hypergeometric: n_set units drawn from the universe, of which `carried` carry the term

Units are homology clusters: fifty copies of one protein are one unit, and change nothing. The universe of a term are
the units with any term of its kind; the others say nothing of it.

Read `strongest_sets`, then `found_terms`.

Source: scFeatureLens, Schuster 2024 (arXiv:2410.11468), which takes a binomial test and no correction over features;
Benjamini and Hochberg 1995 for q.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array, csc_array, csr_array
from scipy.special import gammaln

from precompute.corpus.codes import CSC, CSR

SHARE = 0.01
"""Of the units make a feature's set."""
LEAST_FIRING = 10
"""Units below which a feature is not tested, and the least size of a set."""
LARGEST_SET = 500
LEAST_CARRIED, MOST_CARRIED = 10, 500
"""Units that carry a term which is tested."""
LEAST_HITS = 2
"""Fewer tell nothing: their p counts as 1."""

_AT_A_TIME = 2_000_000


class Terms(NamedTuple):
    """Which units carry the terms of one kind."""

    kind: str
    name: list[str]
    carried: CSC
    """[n_units, n_terms] of 0 and 1."""
    known: Bool[np.ndarray, " n_units"]


class Found(NamedTuple):
    """Pairs of feature and term; all [n]."""

    feature: Int[np.ndarray, " n"]
    term: Int[np.ndarray, " n"]
    n_set: Int[np.ndarray, " n"]
    n_hits: Int[np.ndarray, " n"]
    p: Float[np.ndarray, " n"]


def by_unit(peak: CSC, unit: Int[np.ndarray, " n_proteins"]) -> CSC:
    """[n_units, d_sae] largest score over the proteins of a unit.

    Args:
        peak: [n_proteins, d_sae], no entry negative.
        unit: of each protein, from 0; -1 for those that are left out.
    """
    feature = np.repeat(np.arange(peak.shape[1]), np.diff(peak.indptr))
    own = unit[peak.indices]
    kept = own >= 0
    own, feature, value = own[kept], feature[kept], peak.data[kept]
    order = np.lexsort((-value, own, feature))
    own, feature, value = own[order], feature[order], value[order]
    first = np.ones(len(own), dtype=bool)
    first[1:] = (own[1:] != own[:-1]) | (feature[1:] != feature[:-1])
    shape = (int(unit.max(initial=-1)) + 1, peak.shape[1])
    return csc_array((value[first], (own[first], feature[first])), shape=shape)


def strongest_sets(score: CSC) -> CSR:
    """[d_sae, n_units] of 0 and 1: the units with the highest score; none for a feature that fires in too few."""
    n_units, d_sae = score.shape
    size = min(LARGEST_SET, max(LEAST_FIRING, round(SHARE * n_units)))
    rows, columns = [], []
    for feature in range(d_sae):
        inside = slice(score.indptr[feature], score.indptr[feature + 1])
        units, value = score.indices[inside], score.data[inside]
        if len(units) >= LEAST_FIRING:
            chosen = units[np.lexsort((units, -value))[:size]]
            rows.append(np.full(len(chosen), feature))
            columns.append(chosen)
    index = (np.concatenate([np.zeros(0, int), *rows]), np.concatenate([np.zeros(0, int), *columns]))
    return csr_array(coo_array((np.ones(len(index[0])), index), shape=(d_sae, n_units)))


def frequent(terms: Terms, units: Bool[np.ndarray, " n_units"]) -> Int[np.ndarray, " n"]:
    """Terms that neither too few nor too many of some units carry."""
    count = np.asarray(terms.carried[np.flatnonzero(units & terms.known)].sum(axis=0)).ravel()
    return np.flatnonzero((count >= LEAST_CARRIED) & (count <= MOST_CARRIED))


def found_terms(sets: CSR, terms: Terms, universe: Bool[np.ndarray, " n_units"]) -> Found:
    """Every pair of a feature and a term with `LEAST_HITS` or more; all others have a p of 1.

    Args:
        sets: of `strongest_sets`.
        terms: of one kind.
        universe: [n_units] units that count, where they are known.
    """
    rows = np.flatnonzero(universe & terms.known)
    own, carried = sets[:, rows], csr_array(terms.carried.tocsr()[rows])
    n_set = np.asarray(own.sum(axis=1)).ravel().astype(np.int64)
    n_carry = np.asarray(carried.sum(axis=0)).ravel().astype(np.int64)
    hits = coo_array(own @ carried)
    kept = hits.data >= LEAST_HITS
    feature, term = (part[kept].astype(np.int64) for part in hits.coords)
    n_hits = hits.data[kept].astype(np.int64)
    p = upper_tail(n_hits, len(rows), n_carry[term], n_set[feature])
    return Found(feature, term, n_set[feature], n_hits, p)


def upper_tail(
    hits: Int[np.ndarray, " n"], universe: int, carried: Int[np.ndarray, " n"], drawn: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """P(X >= hits) of hypergeometric X; as scipy's `hypergeom.sf(hits - 1, ...)`, a hundred times as fast for many."""
    pairs, place = np.unique(np.stack([carried, drawn]), axis=1, return_inverse=True)
    log = gammaln(np.arange(universe + 2) + 1.0)
    width = int(drawn.max(initial=0)) + 1
    x = np.arange(width)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(pairs.shape[1] + 1))
    p = np.ones(len(hits))
    at_a_time = max(1, _AT_A_TIME // width)
    for first in range(0, pairs.shape[1], at_a_time):
        last = min(first + at_a_time, pairs.shape[1])
        k, n = pairs[0, first:last, None], pairs[1, first:last, None]
        parts = (x, k - x, n - x, universe - k - n + x)
        possible = (parts[1] >= 0) & (parts[2] >= 0) & (parts[3] >= 0)
        inner = sum(log[np.clip(part, 0, universe)] for part in parts)
        ways = log[k] + log[universe - k] + log[n] + log[universe - n] - log[universe] - inner
        mass = np.where(possible, np.exp(np.where(possible, ways, 0)), 0)
        tail = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
        rows = order[bounds[first] : bounds[last]]
        p[rows] = np.where(hits[rows] < width, tail[place[rows] - first, np.minimum(hits[rows], width - 1)], 0)
    return np.clip(p, 0, 1)


def corrected(p: Float[np.ndarray, " n"], n_tests: int) -> Float[np.ndarray, " n"]:
    """The q of these p-values, all other tests of `n_tests` having a p of 1."""
    order = np.argsort(p, kind="stable")
    raised = p[order] * n_tests / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1)
    return q


def merged(terms: list[str], related: Callable[[str, str], bool]) -> list[list[int]]:
    """Places of terms in groups, each behind the first (the surest) that lies above or below it."""
    groups: dict[int, list[int]] = {}
    for place, term in enumerate(terms):
        head = next((other for other in groups if related(terms[other], term)), place)
        groups.setdefault(head, []).append(place)
    return list(groups.values())
