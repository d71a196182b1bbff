"""What single features mean: held-out F1, sparse probes, entanglement, absorption, targeted perturbation.

A guided SAE is judged by each term's own feature, an unguided one by the feature that train or valid chose for it.

Read `measure`; each metric has a module of its own in `protsae/`.
"""

import numpy as np

from precompute.align import ranks
from precompute.align.ranks import POOLINGS
from precompute.corpus.trained import plm_directions
from precompute.evaluation.context import Context, Space
from precompute.evaluation.pooling import Pooled
from protsae.measures.absorption import absorption, direct_pairs, firing_thresholds
from protsae.measures.entanglement import entanglement, feature_acts
from protsae.measures.perturbation import attributed_features, targeted_perturbation
from protsae.measures.sparse_probing import best_threshold, sparse_probe
from protsae.sae.base import SAE

PROBE_SIZES = (1, 2, 5)
TOP = 10
"""Terms of `f1_top10`, as in the paper's figure of the ten best features."""


def measure(
    context: Context,
    sae: SAE,
    space: Space,
    pooled: Pooled,
    *,
    own: np.ndarray | None,
    best: np.ndarray,
    seed: int,
) -> dict[str, float]:
    """All metrics of the group "meaning" that follow from pooled codes.

    Args:
        context: for the linear probe.
        sae: for the decoder's directions.
        space: labels [n, m].
        pooled: of the n proteins.
        own: [m] feature of each term where the SAE is guided, else None.
        best: [m] feature of each term: its own, or the best on train.
        seed: of shuffled labels.
    """
    found = held_out_f1(space, pooled, own, seed=seed)
    for n in (n for n in PROBE_SIZES if n <= sae.d_sae):
        probe = sparse_probe(pooled.mean, space.labels, space.split, n_features=n, own=own)
        found[f"probe_{n}"] = _mean(probe.auroc)
    test = np.flatnonzero(space.on("test"))
    acts = feature_acts(pooled.max, best)
    plain = context.probe(space.namespace).scores(context.states[space.rows[test]])
    tangled = entanglement(acts[test], space.labels[test], space.related, reference=plain, seed=seed)
    found["serves_own"], found["entanglement"] = tangled.share_serving, tangled.mean_serving
    found["absorption"] = absorbed(context, space, acts, seed=seed)
    found["perturbation"] = perturbation(context, sae, space, pooled, own)
    return found


def absorbed(context: Context, space: Space, acts: np.ndarray, *, seed: int) -> float:
    """Absorption of parents by children on test proteins, beyond what chance makes of it.

    Args:
        context: for the dense probe, whose "yes" is the threshold with the best F1 on valid.
        space: labels [n, m].
        acts: [n, m] largest activation of every term's feature.
        seed: of the null.
    """
    valid, test = np.flatnonzero(space.on("valid")), np.flatnonzero(space.on("test"))
    score = context.probe(space.namespace).scores(context.states[space.rows])
    says_yes = score[test] > best_threshold(score[valid], space.labels[valid])
    threshold = firing_thresholds(acts[valid], space.labels[valid])
    pairs = direct_pairs(space.ancestors)
    return absorption(acts[test], threshold, space.labels[test], pairs, says_yes, seed=seed).excess


def held_out_f1(space: Space, pooled: Pooled, own: np.ndarray | None, *, seed: int) -> dict[str, float]:
    """F1 on test with feature, pooling and threshold from valid; the same with shuffled labels; the ten best terms."""
    m = space.m
    parts = {part: np.flatnonzero(space.on(part)) for part in ("valid", "test")}
    labels, scores = {}, {}
    for number, (part, rows) in enumerate(parts.items()):
        real = space.labels[rows].astype(np.float32)
        shuffled = np.random.default_rng([seed, number]).permutation(real)
        labels[part] = np.concatenate([real, shuffled], axis=1)
        codes = {pooling: getattr(pooled, pooling)[rows] for pooling in POOLINGS}
        scores[part] = codes if own is None else {name: matrix[:, own] for name, matrix in codes.items()}
    choice = ranks.choose(scores["valid"], labels["valid"])
    feature = choice.f1.argmax(axis=0) if own is None else np.tile(np.arange(m), 2)
    pairs = choice.pairs(feature, np.arange(2 * m))
    f1 = ranks.evaluate(scores["test"], labels["test"], pairs, seed=seed, resamples=0).f1
    judged = np.flatnonzero(labels["test"][:, :m].any(axis=0))
    if not len(judged):
        return {}
    valid_f1 = choice.f1[feature[judged], judged]
    top = judged[np.argsort(-valid_f1, kind="stable")[:TOP]]
    return {
        "f1": float(f1[judged].mean()),
        "f1_null": float(f1[m + judged].mean()),
        "f1_top10": float(f1[top].mean()),
    }


def perturbation(context: Context, sae: SAE, space: Space, pooled: Pooled, own: np.ndarray | None) -> float:
    """How much more switching off a term's one feature blinds the linear probe of that term than of other terms."""
    probe = context.probe(space.namespace)
    weight = probe.weight / probe.scale
    directions = plm_directions(sae).cpu().numpy()
    train, test = np.flatnonzero(space.on("train")), np.flatnonzero(space.on("test"))
    if own is None:
        features = attributed_features(pooled.mean[train], space.labels[train], directions, weight, n_features=1)
    else:
        features = [np.array([feature]) for feature in own]
    found = targeted_perturbation(
        context.states[space.rows[test]],
        pooled.mean[test],
        directions,
        probe_weight=weight,
        probe_bias=probe.bias - weight @ probe.mean,
        labels=space.labels[test],
        related=space.related,
        features=features,
    )
    return found.mean


def _mean(values: np.ndarray) -> float:
    """Mean of the values that are defined; NaN where none is."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
