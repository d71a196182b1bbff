"""Two sets of proteins run through the language model and one autoencoder, and the features that tell them apart.

A protein's score under a feature is the largest or the mean activation over its residues. Proteins are run one after
another, a moment at a time (`slices.py`), and what was run is kept. Read `Plan`, then `run`, then `tested`.
"""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from explorer.services import live
from explorer.services.cached import cached_by_bundle
from explorer.services.slices import Known, Slices
from protsae.measures.two_sets import compare, found_by_chance

Pooling = Literal["max", "mean"]
LEVEL = 0.05
"""False discovery rate below which a feature counts as found."""
N_SHUFFLES = 20
_ROWS_AT_ONCE = 256
_SEED = 0


class Plan(NamedTuple):
    """What is run; hashable, so it is the key of every cache."""

    sae: str
    a: tuple[str, ...]
    """Sequences of set A."""
    b: tuple[str, ...]


class Scores(NamedTuple):
    """One protein's scores under the features that fire in it."""

    feature: Int[np.ndarray, " n_firing"]
    peak: Float[np.ndarray, " n_firing"]
    """Largest activation."""
    mean: Float[np.ndarray, " n_firing"]
    """Over all residues."""


class Tested(NamedTuple):
    """How the features differ between the sets."""

    features: pd.DataFrame
    """Those that fire anywhere: feature, auroc, low, high, p, q, firing_a, firing_b, mean_a, mean_b; by p."""
    by_chance: tuple[int, ...]
    """Features found in each random dealing of the same proteins."""


def run(plan: Plan, *, seconds: float = 0) -> Known[Scores]:
    """Scores of the proteins that are known after so long, A's first.

    Args:
        plan: what is run.
        seconds: for how long to run what is not known yet, one protein at least; 0 for nothing.

    Raises:
        ArtifactError: the language model cannot be loaded.
        InputError: a sequence has a letter that the model does not know.
    """
    return _slices(plan).known(seconds)


@cached_by_bundle(8, shared=True)
def _slices(plan: Plan) -> Slices[Scores]:
    sequences = plan.a + plan.b
    return Slices(len(sequences), lambda place: scores(sequences[place], plan.sae))


@cached_by_bundle(4000, shared=True)
def scores(sequence: str, name: str) -> Scores:
    """Pooled activations of one protein; the model sees it now if it has not before."""
    plm, spec = live.language_model()
    model = live.sae(name)
    peak, total = None, None
    with torch.inference_mode():
        for x in plm.embed(sequence, layer=spec.layer, site=spec.site).split(_ROWS_AT_ONCE):
            acts = model.encode(x)
            here, sums = acts.amax(dim=0), acts.sum(dim=0, dtype=torch.float64)
            peak, total = (here, sums) if peak is None or total is None else (torch.maximum(peak, here), total + sums)
    assert peak is not None, sequence
    assert total is not None, sequence
    firing = np.flatnonzero(peak.numpy() > 0)
    mean = total.numpy()[firing] / len(sequence)
    return Scores(firing.astype(np.int32), peak.numpy()[firing], mean.astype(np.float32))


@cached_by_bundle(16, spinner="Testing every feature …")
def tested(plan: Plan, pooling: Pooling) -> Tested:
    """Every feature tested, once all proteins are run."""
    known = run(plan)
    assert known.is_whole, f"{len(known.items)} of {known.total}"
    matrix = stacked(known.items, pooling, len(live.features(plan.sae)))
    is_a = np.arange(known.total) < len(plan.a)
    found = compare(matrix, is_a)
    mean_a, mean_b = (np.asarray(matrix[rows].mean(axis=0)).ravel() for rows in (is_a, ~is_a))
    table = pd.DataFrame(
        {
            "feature": np.arange(matrix.shape[1]),
            "auroc": found.auroc,
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "q": found.q,
            "firing_a": found.n_firing_a,
            "firing_b": found.n_firing_b,
            "mean_a": mean_a,
            "mean_b": mean_b,
        }
    )
    table = table.loc[found.n_firing_a + found.n_firing_b > 0]
    order = np.lexsort((table["feature"], -np.abs(table["auroc"] - 0.5), table["p"]))
    chance = found_by_chance(matrix, is_a, LEVEL, n_shuffles=N_SHUFFLES, seed=_SEED)
    return Tested(table.iloc[order].reset_index(drop=True), tuple(chance.tolist()))


def stacked(rows: list[Scores], pooling: Pooling, d_sae: int) -> csr_array:
    """Scores [n_proteins, d_sae] of proteins in their order."""
    values = [row.peak if pooling == "max" else row.mean for row in rows]
    starts = np.cumsum([0, *(len(row.feature) for row in rows)])
    indices = np.concatenate([row.feature for row in rows])
    return csr_array((np.concatenate(values).astype(np.float64), indices, starts), shape=(len(rows), d_sae))
