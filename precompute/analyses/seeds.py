"""The analysis `seeds`: which features come back when an SAE is trained again from another seed.

A feature is found in another training where one of its decoder directions has a cosine of `FOUND` or more with it. What
luck gives: random directions as many, drawn evenly, and drawn with the spread of the other dictionary, which is the
harder one. Guided features are known in every training by their term; how far their AUROC differs is measured on one
sample of test proteins (`precompute/training/onsets.py`). What is not trained yet is trained.

Read `compute`. Source of the threshold: Gadgil et al. 2025 (arXiv:2505.16077).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.trained import TrainedSAE, decoder
from precompute.pipeline.tables import empty_table
from precompute.training.onsets import Sample, draw
from precompute.training.recipes import Sources
from precompute.training.seeds import MEMBERS, Repeat, train_seeds
from protsae.errors import InputError
from protsae.files import read_json
from protsae.measures.stability import best, matched, random_directions
from protsae.store.analyses.seeds import SEEDS

FOUND = 0.7
"""Cosine from which on two directions are one feature."""

_TYPES = {"VARCHAR": "str", "INTEGER": "int32", "REAL": "float32"}


class _Found(NamedTuple):
    """One SAE beside its other trainings."""

    features: pd.DataFrame
    pairs: pd.DataFrame
    terms: pd.DataFrame


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Features, terms and pairs of every SAE."""
    repeats = train_seeds(config, work, report, MEMBERS)
    sample = draw(Sources(config, work), config.seed)
    found = []
    for name in dict.fromkeys(repeat.sae.name for repeat in repeats):
        own = [repeat for repeat in repeats if repeat.sae.name == name]
        found.append(_compared(own[0].sae, own, sample, config.seed, report))
    names = ("feature_seed", "sae_seed", "term_seed")
    tables = {
        name: pd.concat(parts, ignore_index=True)
        for name, parts in zip(
            names, zip(*((one.features, one.pairs, one.terms) for one in found), strict=True), strict=True
        )
    }
    return Computed(tables, {"seed": config.seed, "members": MEMBERS, "found": FOUND})


def _compared(
    sae: TrainedSAE, repeats: Sequence[Repeat], sample: Sample, seed: int, report: Callable[[str], None]
) -> _Found:
    own = decoder(sae.load())
    hits, cosines, nulls, pairs = np.ones(len(own), dtype=int), [], [], []
    haar = random_directions(len(own), own.shape[1], seed)
    luck = matched(random_directions(len(own), own.shape[1], seed + 1), haar)
    for repeat in repeats:
        report(f"seeds: {sae.display_name}, seed {repeat.seed} beside the bundle's own")
        other = decoder(repeat.load())
        cosine, null = best(own, other)[1], best(own, alike(other, seed + repeat.seed))[1]
        hits += cosine >= FOUND
        cosines.append(cosine)
        nulls.append(null)
        pairs.append(
            {
                "sae": sae.name,
                "seed": repeat.seed,
                "share_found": (cosine >= FOUND).mean(),
                "null_share_found": (null >= FOUND).mean(),
                "cosine": cosine.mean(),
                "null_cosine": null.mean(),
                "haar_cosine": best(own, haar)[1].mean(),
                **_in_order(own, other),
                "null_stability": luck.stability,
                "null_orderedness": luck.orderedness,
                **_by_term(own, other, len(sae.concepts)),
                **_training(repeat),
            }
        )
    facts = {"sae": sae.name, "feature": np.arange(len(own)), "n_seeds": len(repeats) + 1, "n_found": hits}
    mean = {"cosine": np.mean(cosines, axis=0), "null_cosine": np.mean(nulls, axis=0)}
    return _Found(pd.DataFrame({**facts, **mean}), pd.DataFrame(pairs), _terms(sae, repeats, sample, report))


def alike(directions: np.ndarray, seed: int) -> np.ndarray:
    """Random directions, as many, whose spread over the dimensions is that of `directions`."""
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(directions.T.astype(np.float64) @ directions / len(directions))
    drawn = rng.standard_normal(directions.shape) * np.sqrt(values.clip(0)) @ vectors.T
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def _in_order(own: np.ndarray, other: np.ndarray) -> dict[str, float]:
    pairs = matched(own, other)
    return {"stability": pairs.stability, "orderedness": pairs.orderedness}


def _by_term(own: np.ndarray, other: np.ndarray, n_concepts: int) -> dict[str, float]:
    """Cosine of features that the same term guides, and of those that the next one does."""
    if n_concepts < 2:
        return {"guided_cosine": np.nan, "null_guided_cosine": np.nan}
    first, second = own[:n_concepts], other[:n_concepts]
    same, next_one = ((first * part).sum(axis=1).mean() for part in (second, np.roll(second, 1, axis=0)))
    return {"guided_cosine": float(same), "null_guided_cosine": float(next_one)}


def _training(repeat: Repeat) -> dict[str, float]:
    result: dict[str, Any] | None = read_json(repeat.folder / "result.json")
    if result is None:
        raise InputError(f"{repeat.folder} holds no result.json; delete it and run `precompute seeds` again")
    return {"explained_variance": result["validation"]["explained_variance"], "l0": result["l0"]}


def _terms(sae: TrainedSAE, repeats: Sequence[Repeat], sample: Sample, report: Callable[[str], None]) -> pd.DataFrame:
    if not len(sample.go_id):
        declared = next(table for table in SEEDS.tables if table.name == "term_seed")
        return empty_table({column.name: _TYPES[column.type] for column in declared.columns})
    report(f"seeds: {sae.display_name}, {len(sample.go_id):,} terms over {len(repeats) + 1} seeds")
    scores = [sample.score(one) for one in (sae.load(), *(repeat.load() for repeat in repeats))]
    auroc = np.array([score.auroc for score in scores])
    return pd.DataFrame(
        {
            "sae": sae.name,
            "go_id": sample.go_id,
            "feature": scores[0].feature,
            "n_seeds": len(scores),
            "auroc": auroc[0],
            "auroc_low": auroc.min(axis=0),
            "auroc_high": auroc.max(axis=0),
            "null_auroc": np.mean([score.null_auroc for score in scores], axis=0),
        }
    )
