"""Entanglement: how many unrelated concepts one feature serves beside the concept it was chosen for.

Let f be the feature of concept c (its own, or the best on valid). f *serves* concept d among a set of proteins if

    AUROC(f, d) >= 0.7   and   f ranks the proteins with d above those without, one-sided Mann-Whitney test

with the false discovery rate held at 5 % over the concepts that are tested at the same time. GO terms overlap, so any
detector of c also ranks proteins with an overlapping d high. The count therefore asks what c does not account for:

    1. kept = proteins without c;  open = concepts unrelated to c (neither ancestor nor descendant)
    2. which open concepts does f serve among the kept proteins? none: stop
    3. count the one it separates most clearly (largest z); drop its proteins from kept, and it and its relatives from
       open; back to 2

Each counted concept is thus separated among proteins with neither c nor any concept counted before, and the counted
ones are mutually unrelated: a branch of GO counts once, and so do two terms that the same proteins carry. A feature
that fires on one concept and nowhere else counts 0; one that is the OR of three independent concepts counts 2.
The null repeats all of it with the rows of the labels shuffled.

    z = (U - n1 n0 / 2 - 1/2) / sqrt(n1 n0 S^2 / n)      S^2: sample variance of the midranks, exact under ties

Strength and purity are two things. A silent feature serves nothing and counts 0, so read `mean` beside `share_serving`,
or take `mean_serving`. And a good detector counts more than a poor one: proteins with terms of one kind look alike to
the PLM, so that even a linear probe of c ranks other terms high. Given such a probe as `reference`, concepts that it
serves in step 2 are not held against the feature, and the count is what the feature mixes in by itself; a feature that
ranks as the probe does counts 0. Proteins count as independent: give one per homology cluster where clusters are large.

Read `entanglement` first.

Source: designed here. The test: Mann and Whitney 1947 (doi:10.1214/aoms/1177730491), with its permutation variance
under ties (Lehmann 1975, Nonparametrics, 1.4); the false discovery rate: Benjamini and Hochberg 1995
(doi:10.1111/j.2517-6161.1995.tb02031.x).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.sparse import csr_array
from scipy.special import ndtr
from scipy.stats import false_discovery_control

from protsae.measures.ranking import midranks, share_of_pairs, wins


class Entanglement(NamedTuple):
    """What the features of the concepts serve beside their own."""

    n_unrelated: Float[np.ndarray, " m"]
    """Unrelated concepts that the feature serves; NaN where it has no feature or too few proteins carry the concept."""

    others: tuple[tuple[int, ...], ...]
    """The counted concepts of each feature, the one it separates most clearly first."""

    serves_own: Bool[np.ndarray, " m"]
    """Whether the feature serves its own concept, among all proteins and without correction; False where left out."""

    null: float
    """Mean count with the rows of the labels shuffled; NaN where all are left out."""

    @property
    def mean(self) -> float:
        """Mean count over the concepts; NaN where all are left out."""
        return _mean(self.n_unrelated)

    @property
    def mean_serving(self) -> float:
        """Mean count over the features that serve their own concept; NaN where none does."""
        return _mean(self.n_unrelated[self.serves_own])

    @property
    def share_serving(self) -> float:
        """Share of features that serve their own concept."""
        return _mean(np.where(np.isnan(self.n_unrelated), np.nan, self.serves_own))


class _Rules(NamedTuple):
    """What serving means."""

    level: float
    min_auroc: float
    min_positives: int


class _Tests(NamedTuple):
    """Mann-Whitney tests of a features against m labels."""

    auroc: Float[np.ndarray, "a m"]
    z: Float[np.ndarray, "a m"]
    is_tested: Bool[np.ndarray, "a m"]
    """Enough proteins with the label, and without it."""


def entanglement(
    acts: Num[np.ndarray, "n m"],
    labels: Bool[np.ndarray, "n m"],
    related: Bool[np.ndarray, "m m"],
    *,
    reference: Num[np.ndarray, "n m"] | None = None,
    level: float = 0.05,
    min_auroc: float = 0.7,
    min_positives: int = 5,
    n_null: int = 3,
    seed: int = 0,
) -> Entanglement:
    """Count the unrelated concepts that each concept's feature serves on held-out proteins.

    Args:
        acts: activation of every concept's feature, the maximum over each test protein's residues (`feature_acts`); a
            column of NaN stands for a concept without a feature.
        labels: of the same proteins, closed under ancestors.
        related: whether one of two concepts is the other's ancestor; its direction and diagonal do not matter.
        reference: scores of a plain detector of every concept; what it serves too is not counted.
        level: false discovery rate over the concepts tested at once.
        min_auroc: that a served concept reaches.
        min_positives: least proteins with a concept, and least without it, among those it is tested on.
        n_null: shuffles of the labels for the null.
        seed: of the shuffles.
    """
    labels = np.asarray(labels, bool)
    related = np.asarray(related, bool) | np.asarray(related, bool).T | np.eye(labels.shape[1], dtype=bool)
    acts = np.asarray(acts, np.float64)
    n_positive = labels.sum(axis=0)
    enough = np.minimum(n_positive, len(labels) - n_positive) >= max(1, min_positives)
    concept = np.flatnonzero(enough & ~np.isnan(acts).any(axis=0))
    rules = _Rules(level, min_auroc, max(1, min_positives))
    plain = None if reference is None else np.asarray(reference, np.float64)[:, concept]
    found = _counts(acts[:, concept], concept, labels, related, reference=plain, rules=rules)
    count = np.full(labels.shape[1], np.nan)
    count[concept] = [len(others) for others in found]
    others: list[tuple[int, ...]] = [()] * labels.shape[1]
    for number, served in zip(concept.tolist(), found, strict=True):
        others[number] = tuple(served)
    own = _tests(acts[:, concept], np.ones((len(labels), len(concept)), dtype=bool), labels, rules)
    pair = (np.arange(len(concept)), concept)
    serves_own = np.zeros(labels.shape[1], dtype=bool)
    serves_own[concept] = (own.auroc[pair] >= min_auroc) & (ndtr(-own.z[pair]) <= level)
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(labels) for _ in range(n_null)]
    chance = [_counts(acts[:, concept], concept, rows, related, reference=plain, rules=rules) for rows in shuffled]
    null = _mean(np.array([len(served) for counts in chance for served in counts], np.float64))
    return Entanglement(count, tuple(others), serves_own, null)


def feature_acts(codes: csr_array, features: Int[np.ndarray, " m"]) -> Float[np.ndarray, "n m"]:
    """Activation of every concept's feature.

    Args:
        codes: [n, d_sae] pooled codes.
        features: one per concept; -1 for none, which gives a column of NaN.
    """
    columns = csr_array(codes).tocsc()[:, np.maximum(features, 0)].toarray().astype(np.float64)
    columns[:, np.asarray(features) < 0] = np.nan
    return columns


def _counts(
    acts: Float[np.ndarray, "n a"],
    concept: Int[np.ndarray, " a"],
    labels: Bool[np.ndarray, "n m"],
    related: Bool[np.ndarray, "m m"],
    *,
    reference: Float[np.ndarray, "n a"] | None,
    rules: _Rules,
) -> list[list[int]]:
    """The served concepts of each feature, all features a round at a time."""
    kept, is_open = ~labels[:, concept], ~related[concept]
    if reference is not None:
        is_open &= ~_served(_tests(reference, kept, labels, rules), is_open, rules)
    found: list[list[int]] = [[] for _ in concept]
    active = np.arange(len(concept))
    while len(active):
        tests = _tests(acts[:, active], kept[:, active], labels, rules)
        is_served = _served(tests, is_open[active], rules)
        clearest = np.where(is_served, tests.z, -np.inf).argmax(axis=1)
        goes_on = is_served.any(axis=1)
        active, clearest = active[goes_on], clearest[goes_on]
        for feature, served in zip(active.tolist(), clearest.tolist(), strict=True):
            found[feature].append(served)
        kept[:, active] &= ~labels[:, clearest]
        is_open[active] &= ~related[clearest]
    return found


def _served(tests: _Tests, is_open: Bool[np.ndarray, "a m"], rules: _Rules) -> Bool[np.ndarray, "a m"]:
    """Which open concepts the features serve."""
    p = np.where(tests.is_tested & is_open, ndtr(-tests.z), np.nan)
    return _rejects(p, rules.level) & (tests.auroc >= rules.min_auroc)


def _tests(
    acts: Float[np.ndarray, "n a"], kept: Bool[np.ndarray, "n a"], labels: Bool[np.ndarray, "n m"], rules: _Rules
) -> _Tests:
    """Every feature against every label, each feature among its own kept proteins.

    Proteins that are not kept get the lowest place, so that taking their number off leaves the ranks among the kept.
    """
    n_kept = kept.sum(axis=0)
    ranks = midranks(np.where(kept, acts, -np.inf)) - (len(acts) - n_kept)
    ranks = np.where(kept, ranks, 0.0)
    truth = labels.astype(np.float64)
    n1 = kept.T.astype(np.float64) @ truth
    n0 = n_kept[:, None] - n1
    is_tested = np.minimum(n1, n0) >= rules.min_positives
    won = wins(ranks.T @ truth, n1)
    middle = (n_kept + 1) / 2
    spread = (np.where(kept, ranks - middle, 0.0) ** 2).sum(axis=0) / np.maximum(n_kept - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (won - n1 * n0 / 2 - 0.5) / np.sqrt(n1 * n0 * (spread / np.maximum(n_kept, 1))[:, None])
    is_flat = (spread == 0)[:, None]
    auroc = np.where(is_tested, share_of_pairs(won, n1, n0), np.nan)
    return _Tests(auroc, np.where(is_tested & ~is_flat, z, -np.inf), is_tested)


def _rejects(p: Float[np.ndarray, "a m"], level: float) -> Bool[np.ndarray, "a m"]:
    """Tests of each row that the procedure of Benjamini and Hochberg rejects; NaN is no test."""
    rejected = np.zeros(p.shape, dtype=bool)
    for row, tests in enumerate(p):
        places = np.flatnonzero(~np.isnan(tests))
        if len(places):
            rejected[row, places] = false_discovery_control(tests[places]) <= level
    return rejected


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
