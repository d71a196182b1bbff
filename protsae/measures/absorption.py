"""Absorption: a concept's feature falls silent where a more specific concept's feature fires in its place.

A sparse code is cheaper if "kinase activity" is silent on protein kinases and their own feature says both. The feature
of the parent then has holes that its label does not show. For a parent p and a child c directly below it, on proteins
with p (hence all with c) on which a dense linear probe of p says yes, so that the PLM does know about p:

    w  = share of proteins with c on which c's feature fires
    r1 = share of those on which p's feature fires too                          recall with the child
    r0 = share of proteins with p but without c on which p's feature fires      recall without the child
    absorption of p by c = w * max(0, 1 - r1 / r0)

Why the ratio: suppose that p's feature finds a protein of p with chance r0, unless c's feature fires and absorbs it,
with chance a. Then r1 = (1 - a) r0, so a = 1 - r1 / r0 whatever the feature's recall is; w makes it a share of all
proteins with c. It is 0 where c makes no difference to p's feature, and 1 where c's feature always fires and p's never
does, even if p's feature is a poor one elsewhere. A child's feature that never fires absorbs nothing.

Cutting at 0 makes chance look like a little absorption, so a null goes beside it: the same with the firings of p's
feature shuffled over the proteins behind r0 and r1. Read `mean` against `null`.

Read `direct_pairs` and `firing_thresholds` first, then `absorption`.

Source: Chanin et al. 2024, "A is for Absorption" (arXiv:2409.14507), whose rate counts tokens that a probe finds while
the main feature is silent and another one stands in; the correction by recall without the child is designed here.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.stats import hypergeom

from protsae.errors import InputError
from protsae.measures.sparse_probing import best_threshold


class Absorption(NamedTuple):
    """Absorption of parents' features by their children's; all arrays [n_pairs], NaN where a pair is left out."""

    rate: Float[np.ndarray, " n_pairs"]
    """Share of the child's proteins on which the parent's feature was absorbed, 0 to 1."""

    mean: float
    """Of `rate`; NaN where all pairs are left out."""

    n: int
    """Pairs that `mean` is over."""

    null: float
    """What `mean` would be if the child made no difference; NaN as `mean`."""

    child_fires: Float[np.ndarray, " n_pairs"]
    """w"""

    recall_with: Float[np.ndarray, " n_pairs"]
    """r1; NaN also where the child's feature never fires."""

    recall_without: Float[np.ndarray, " n_pairs"]
    """r0"""

    null_rate: Float[np.ndarray, " n_pairs"]
    """Of each pair what `null` is over all."""

    p_value: Float[np.ndarray, " n_pairs"]
    """Of as few calls of the parent's feature where the child's fires, if the child made no difference (exact,
    hypergeometric)."""

    n_child: Int[np.ndarray, " n_pairs"]
    """Proteins with the child on which the probe says yes."""

    @property
    def excess(self) -> float:
        """`mean` beyond `null`: 0 for an SAE that respects the hierarchy."""
        return self.mean - self.null


def absorption(
    acts: Num[np.ndarray, "n m"],
    threshold: Float[np.ndarray, " m"],
    labels: Bool[np.ndarray, "n m"],
    pairs: Sequence[tuple[int, int]] | Int[np.ndarray, "n_pairs 2"],
    says_yes: Bool[np.ndarray, "n m"],
    *,
    min_positives: int = 5,
    n_null: int = 100,
    seed: int = 0,
) -> Absorption:
    """Absorption of every pair of parent and child on held-out proteins.

    Args:
        acts: activation of every concept's feature in each test protein, NaN for a concept without one.
        threshold: above which a feature fires, chosen on valid (`firing_thresholds`); NaN for a concept without one.
        labels: of the same proteins, closed under ancestors.
        pairs: (parent, child), as `direct_pairs` gives them.
        says_yes: calls of a dense probe for every concept.
        min_positives: least proteins with the child, and least proteins with the parent but not the child on which
            the parent's feature fires (fewer give no recall to compare with), all of them found by the probe.
        n_null: shuffles for the null.
        seed: of the shuffles.

    Raises:
        InputError: a parent lacks a protein that its child has, so the labels are not closed under ancestors.
    """
    labels, says_yes = np.asarray(labels, bool), np.asarray(says_yes, bool)
    parent, child = np.asarray(pairs, dtype=np.int64).reshape(-1, 2).T
    has_parent, has_child = labels[:, parent], labels[:, child]
    open_pairs = np.flatnonzero((has_child & ~has_parent).any(axis=0))
    if len(open_pairs):
        first = open_pairs[0]
        raise InputError(
            f"Concept {child[first]} has a protein that its parent {parent[first]} lacks: close labels under ancestors."
        )
    fires = np.asarray(acts) > threshold  # NaN fires nowhere
    known = has_parent & says_yes[:, parent]
    with_child = known & has_child
    behind_r1, behind_r0 = with_child & fires[:, child], known & ~has_child
    n_child, n1, n0 = (rows.sum(axis=0) for rows in (with_child, behind_r1, behind_r0))
    k1, k0 = ((rows & fires[:, parent]).sum(axis=0) for rows in (behind_r1, behind_r0))
    least = max(1, min_positives)
    has_feature = ~(np.isnan(acts).any(axis=0) | np.isnan(threshold))
    kept = (n_child >= least) & (k0 >= least) & has_feature[parent] & has_feature[child]

    def where_kept(values: Float[np.ndarray, " n_pairs"]) -> Float[np.ndarray, " n_pairs"]:
        return np.where(kept, values, np.nan)

    w = n1 / np.maximum(n_child, 1)
    rate = where_kept(_rate(w, n1, k1, n0, k0))
    shuffled = np.random.default_rng(seed).hypergeometric(k0 + k1, n0 + n1 - k0 - k1, n1, size=(n_null, len(n1)))
    every = _rate(w, n1, shuffled, n0, k0 + k1 - shuffled)
    chance = every[:, kept]
    return Absorption(
        rate=rate,
        mean=float(rate[kept].mean()) if kept.any() else float("nan"),
        n=int(kept.sum()),
        null=float(chance.mean()) if chance.size else float("nan"),
        child_fires=where_kept(w),
        recall_with=where_kept(np.where(n1 > 0, k1 / np.maximum(n1, 1), np.nan)),
        recall_without=where_kept(k0 / np.maximum(n0, 1)),
        null_rate=where_kept(every.mean(axis=0) if n_null else np.zeros(len(n1))),
        p_value=where_kept(hypergeom.cdf(k1, n0 + n1, k0 + k1, n1)),
        n_child=n_child,
    )


def firing_thresholds(acts: Num[np.ndarray, "n m"], labels: Bool[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """Activation above which each concept's feature fires: the best F1 on the proteins given, never below 0.

    Returns:
        NaN where no protein carries the concept, or where the concept has no feature (NaN activations).
    """
    missing = np.isnan(acts).any(axis=0)
    found = best_threshold(np.where(missing, 0.0, acts), labels, floor=0.0)
    return np.where(missing, np.nan, found)


def direct_pairs(ancestors: Bool[np.ndarray, "m m"]) -> Int[np.ndarray, "n_pairs 2"]:
    """(parent, child) of concepts with no other concept between them, ordered by parent, then child.

    Args:
        ancestors: [c, p] whether p is an ancestor of c, closed; the diagonal does not matter.
    """
    strict = np.asarray(ancestors, bool) & ~np.eye(len(ancestors), dtype=bool)
    steps = strict.astype(np.float32)
    direct = strict & (steps @ steps == 0)
    return np.argwhere(direct.T)


def _rate(w: np.ndarray, n1: np.ndarray, k1: np.ndarray, n0: np.ndarray, k0: np.ndarray) -> np.ndarray:
    """Absorption from counts: w max(0, 1 - r1 / r0); 0 where r0 or w is 0, for then nothing can be absorbed."""
    expected = n1 * k0
    ratio = np.divide(k1 * n0, expected, out=np.ones(np.shape(k1)), where=expected > 0)
    return w * np.maximum(0, 1 - ratio)
