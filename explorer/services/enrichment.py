"""What a set of features has more often than luck would give: GO terms and kinds of residue annotation.

    p = P(X >= k),  X hypergeometric: n features drawn from N, of which K carry the term

A feature carries a term where an alignment with it, or with a narrower term, holds on unseen proteins. Terms that the
same features carry are one test, called after the rarest. Terms of fewer than `LEAST` features are not tested; that is
decided before anything is drawn. Of terms that nearly the same features of the set carry the surest stands for all.

Read `over_represented`.

Source: Benjamini and Hochberg 1995 for q; Haldane 1956 for the odds ratio, whose four counts are each raised by 1/2.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool
from scipy import sparse
from scipy.stats import false_discovery_control, hypergeom

from explorer.services.cached import bundle, cached_by_bundle

LEAST = 3
"""Features that carry a term which is tested."""

MOST_ALIKE = 0.7
"""Share of the features of two terms, within the set, that both have, from which on they are shown as one."""

MOST_Q = 0.05
"""A term is over-represented where its q lies below this."""


class Enriched(NamedTuple):
    """A term that is over-represented in a set of features."""

    id: str
    """GO id, or kind of annotation."""
    name: str
    kind: str
    """MFO | BPO | CCO | annotation"""
    n_set: int
    """Features of the set that carry it."""
    n_all: int
    """Features of the universe that do."""
    odds_ratio: float
    p_value: float
    q_value: float
    also: tuple[str, ...]
    """Names of less sure terms that say little else of the set: nearly the same of its features carry them."""


class Enrichment(NamedTuple):
    """What came of testing a set."""

    n_set: int
    n_universe: int
    n_tested: int
    least_q: float
    """Smallest corrected p of all tests, 1 where there was none."""
    rows: list[Enriched]
    """Those with q below `MOST_Q`, the surest first."""


class Term(NamedTuple):
    """A GO term, or a kind of residue annotation."""

    id: str
    name: str
    kind: str
    """MFO | BPO | CCO | annotation"""
    also: tuple[str, ...]
    """Names of the others that the same features carry."""


class Carriers(NamedTuple):
    """Which features carry which terms; terms of equal features are one column."""

    features: np.ndarray
    """[n] the universe, ascending."""
    matrix: sparse.csc_array
    """[n, n_terms] of 0 and 1."""
    terms: list[Term]
    """[n_terms]"""


def over_represented(carriers: Carriers, chosen: Collection[int]) -> Enrichment:
    """Terms that features of a set carry more often than the others of the universe do.

    Args:
        carriers: of the universe.
        chosen: features; those outside the universe do not count.
    """
    in_set = np.isin(carriers.features, list(chosen))
    n, universe = int(in_set.sum()), len(in_set)
    carried = np.asarray(carriers.matrix.sum(axis=0)).ravel().astype(int)
    hits = np.asarray(carriers.matrix[in_set].sum(axis=0)).ravel().astype(int)
    if n == 0 or len(carried) == 0:
        return Enrichment(n, universe, len(carried), 1.0, [])
    p = np.clip(hypergeom.sf(hits - 1, universe, carried, n), 0, 1)
    q = false_discovery_control(p)
    both, term_only, set_only, neither = (
        count + 0.5 for count in (hits, carried - hits, n - hits, universe - carried - n + hits)
    )
    odds = both * neither / (term_only * set_only)
    found = [column for column in np.lexsort((-odds, p)).tolist() if q[column] < MOST_Q]
    rows = []
    for first, *merged in _merged(carriers.matrix[in_set][:, found].toarray() > 0):
        column = found[first]
        term = carriers.terms[column]
        like = [carriers.terms[found[place]] for place in merged]
        rows.append(
            Enriched(
                id=term.id,
                name=term.name,
                kind=term.kind,
                n_set=int(hits[column]),
                n_all=int(carried[column]),
                odds_ratio=float(odds[column]),
                p_value=float(p[column]),
                q_value=float(q[column]),
                also=(*term.also, *(name for other in like for name in (other.name, *other.also))),
            )
        )
    return Enrichment(n, universe, len(carried), float(q.min()), rows)


def _merged(carry: Bool[np.ndarray, "n_set n_terms"]) -> list[list[int]]:
    """Places of terms in groups, each behind the first that is carried by nearly the same features."""
    both = carry.T.astype(np.float32) @ carry.astype(np.float32)
    either = both.diagonal()[:, None] + both.diagonal() - both
    groups: dict[int, list[int]] = {}
    for place in range(carry.shape[1]):
        first = next((other for other in groups if both[other, place] >= MOST_ALIKE * either[other, place]), place)
        groups.setdefault(first, []).append(place)
    return list(groups.values())


def carriers_of(universe: np.ndarray, carried: pd.DataFrame) -> Carriers:
    """Who carries what, for terms of at least `LEAST` features.

    Args:
        universe: features that count, ascending.
        carried: columns feature, id, name, kind and n_proteins, each pair once.
    """
    counted = carried.loc[carried["feature"].isin(universe)]
    by_term = counted.groupby("id", sort=True)["feature"].agg(lambda features: tuple(sorted(features)))
    by_term = by_term.loc[by_term.map(len) >= LEAST]
    facts = carried.drop_duplicates("id").set_index("id").loc[by_term.index].assign(features=by_term)
    facts = facts.sort_values("n_proteins", kind="stable")
    terms: dict[tuple[int, ...], Term] = {}
    for go_id, name, kind, features in zip(facts.index, facts["name"], facts["kind"], facts["features"], strict=True):
        known = terms.get(features)
        terms[features] = known._replace(also=(*known.also, name)) if known else Term(go_id, name, kind, ())
    rows = np.searchsorted(universe, [feature for features in terms for feature in features]).astype(int)
    columns = np.repeat(np.arange(len(terms)), [len(features) for features in terms])
    shape = (len(universe), len(terms))
    matrix = sparse.csc_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=shape)
    return Carriers(universe, matrix, list(terms.values()))


@cached_by_bundle(8, shared=True)
def carriers(sae: str) -> Carriers:
    """Of all features of an SAE that fire."""
    reader = bundle().reader
    points = reader.map_points(sae)
    universe = points.loc[points["density"] > 0, "feature"].to_numpy()
    return carriers_of(universe, reader.confirmed(sae))


@cached_by_bundle(32, shared=True)
def enrichment(sae: str, chosen: tuple[int, ...]) -> Enrichment:
    """Of a set of features against all of their SAE that fire."""
    return over_represented(carriers(sae), chosen)
