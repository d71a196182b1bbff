"""Targeted perturbation: does switching off a concept's features blind the probe of that concept, and no other one?

    state'   = state - mean code[F] @ directions[F]                  # the features F of concept c, switched off
    s_j      = state . w_j + b_j                                     # linear probe of concept j on mean states
    drop_cj  = max(AUROC_j, 1/2) - max(AUROC'_j, 1/2)                # of probe j, when c's features are off
    score_c  = drop_cc - mean over unrelated j of drop_cj            # 1/2 at most; 0 for features without a meaning

All is linear in the mean state, so that subtracting the mean code is the same as switching the features off at every
residue; the SAE's error stays in. An AUROC below 1/2 counts as 1/2: a probe turned round is not blinder than a coin.

Features, probes and directions are chosen on train and scored on test. Read `targeted_perturbation`, then
`attributed_features` and `random_features` (the null).

Source: Karvonen et al. 2024 (arXiv:2411.18895), "targeted probe perturbation", there with classifiers of tokens and
their accuracy; attribution after Marks et al. 2024 (arXiv:2403.19647). Whole proteins, AUROC and the chance floor are
designed here.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array, csr_array

from protsae.errors import ConfigError, InputError
from protsae.measures.ranking import aurocs

N_UNRELATED = 20
"""Unrelated concepts that each concept is compared with."""

_CHANCE = 0.5
_DECIMALS = 9
"""Scores that differ by less than this many decimals of their deviation tie: a blind probe ranks by rounding errors."""


class Perturbation(NamedTuple):
    """What switching off each concept's features did; nan where a concept could not be judged."""

    score: Float[np.ndarray, " m"]
    """Own drop minus other drop."""

    own_drop: Float[np.ndarray, " m"]
    """Fall of the concept's own AUROC; nan without positives or negatives."""

    other_drop: Float[np.ndarray, " m"]
    """Mean fall of the unrelated concepts' AUROC; nan where there are none."""

    auroc: Float[np.ndarray, " m"]
    """Of each probe before: `own_drop` cannot exceed what it has above 1/2."""

    @property
    def mean(self) -> float:
        """Mean score over the concepts that could be judged; nan where there is none."""
        return float(np.nanmean(self.score)) if np.isfinite(self.score).any() else float("nan")


def targeted_perturbation(
    states: Float[np.ndarray, "n d_model"],
    codes: csr_array,
    directions: Float[np.ndarray, "d_sae d_model"],
    *,
    probe_weight: Float[np.ndarray, "m d_model"],
    probe_bias: Float[np.ndarray, " m"],
    labels: Bool[np.ndarray, "n m"],
    related: Bool[np.ndarray, "m m"],
    features: Sequence[Int[np.ndarray, " _"]],
    n_unrelated: int | None = N_UNRELATED,
    seed: int = 0,
) -> Perturbation:
    """Switch off each concept's features in turn and see which probes fall.

    `states` and `directions` must be in one unit. For probes on standardised states divide both by the deviations, or
    put the standardisation into the probe.

    Args:
        states: mean residue state of each test protein.
        codes: mean code of each test protein, sparse [n, d_sae].
        directions: what one unit of a feature adds to a residue's state: W_dec / scale.
        probe_weight: of the probes, fitted on train.
        probe_bias: of the probes; it moves no rank.
        labels: of the same proteins, closed under ancestors.
        related: pairs of concepts of which one is an ancestor of the other; a concept is related to itself anyway.
        features: of each concept, those to switch off.
        n_unrelated: unrelated concepts drawn for each concept; None for all of them.
        seed: of the draws; the same seed compares with the same concepts, whatever the features.

    Raises:
        ConfigError: `n_unrelated` is below 1, or there is not one list of features for each concept.
    """
    m = labels.shape[1]
    if n_unrelated is not None and n_unrelated < 1:
        raise ConfigError(f"At least 1 unrelated concept is needed to compare with, got {n_unrelated}.")
    if len(features) != m:
        raise ConfigError(f"Each of the {m} concepts needs its list of features, got {len(features)} lists.")
    rng = np.random.default_rng(seed)
    columns, weight = csc_array(codes), np.asarray(probe_weight, np.float64)
    before = np.asarray(states, np.float64) @ weight.T + probe_bias
    spread = np.where((deviation := before.std(axis=0)) > 0, deviation, 1.0)
    before, weight = before / spread, weight / spread[:, None]
    auroc = aurocs(before.round(_DECIMALS), labels)
    unrelated = ~(related | np.eye(m, dtype=bool)) & np.isfinite(auroc)
    own, other = np.full(m, np.nan), np.full(m, np.nan)
    for concept, off in enumerate(features):
        others = np.flatnonzero(unrelated[concept])
        if n_unrelated is not None and len(others) > n_unrelated:
            others = rng.choice(others, n_unrelated, replace=False)
        seen = np.append(concept, others)
        push = np.asarray(directions[off], np.float64) @ weight[seen].T
        after = before[:, seen] - columns[:, off] @ push
        drop = np.maximum(auroc[seen], _CHANCE) - np.maximum(aurocs(after.round(_DECIMALS), labels[:, seen]), _CHANCE)
        own[concept] = drop[0]
        if len(others):
            other[concept] = drop[1:].mean()
    return Perturbation(own - other, own, other, auroc)


def attributed_features(
    codes: csr_array,
    labels: Bool[np.ndarray, "n m"],
    directions: Float[np.ndarray, "d_sae d_model"],
    probe_weight: Float[np.ndarray, "m d_model"],
    *,
    n_features: int,
) -> list[Int[np.ndarray, " n_features"]]:
    """The features that do most to raise each probe on its own positives, the strongest first.

        attribution_fc = (mean code_f of positives - mean code_f of negatives) * (directions_f . w_c)

    Args:
        codes: mean code of each training protein, sparse [n, d_sae].
        labels: of the same proteins.
        directions: what one unit of a feature adds to a residue's state, in the units of the probes' states.
        probe_weight: of the probes.
        n_features: for each concept.

    Raises:
        ConfigError: `n_features` is below 1 or above the number of features.
    """
    d_sae = codes.shape[1]
    if not 1 <= n_features <= d_sae:
        raise ConfigError(f"The number of features to switch off must be 1 to {d_sae}, got {n_features}.")
    positive = np.asarray(labels, np.float64)
    n_positive = positive.sum(axis=0)
    in_positives = codes.T @ positive
    in_all = np.asarray(codes.sum(axis=0), dtype=np.float64)[:, None]
    difference = in_positives / np.maximum(n_positive, 1)
    difference -= (in_all - in_positives) / np.maximum(len(labels) - n_positive, 1)
    attribution = difference * (np.asarray(directions, np.float64) @ np.asarray(probe_weight, np.float64).T)
    strongest = np.argsort(-attribution, axis=0, kind="stable")[:n_features]
    return list(strongest.T)


def random_features(
    codes: csr_array, features: Sequence[Int[np.ndarray, " _"]], *, seed: int = 0
) -> list[Int[np.ndarray, " _"]]:
    """The null: for each concept as many other features, drawn among those that fire at all.

    Args:
        codes: mean code of each training protein, sparse [n, d_sae].
        features: of each concept; these are never drawn for it.
        seed: of the draws.

    Raises:
        InputError: too few other features fire.
    """
    rng = np.random.default_rng(seed)
    alive = np.flatnonzero(np.asarray((codes > 0).sum(axis=0)))
    drawn = []
    for off in features:
        free = np.setdiff1d(alive, off)
        if len(free) < len(off):
            raise InputError(
                f"Only {len(free)} other features fire, too few to draw {len(off)} of them at random: switch off fewer."
            )
        drawn.append(rng.choice(free, len(off), replace=False))
    return drawn
