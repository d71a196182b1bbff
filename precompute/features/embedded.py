"""How well a label, as a point among sequences, ranks the proteins in which its feature fires above silent ones.

    query of a label = mean unit vector of train proteins that carry it - mean of those known not to
    score            = AUROC of firing over silent test proteins, ranked by vector . query

Vectors are of triplets of eight classes of amino acids (`alikeness.profiles`): nothing of the language model or of an
SAE is in them. Delphi embeds the words of an explanation and the contexts with one sentence encoder; no encoder embeds
a GO term and a sequence alike, so the label is embedded as what its train proteins have in common. Delphi draws as many
firing examples from each tenth of the activations: tenths are as large as one another, so here all are taken.

Shuffled labels would be an easy null, for a query of random proteins points nowhere. The null is other labels: it
counts what any label tells, such as that a protein is an enzyme, or lies in a membrane.

Read `queries`, then `embedded`.

Source: Paulo et al. 2024 (arXiv:2410.13928), embedding score.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from protsae.measures.ranking import aurocs

LEAST = 10
"""Train proteins with the label, and without it, below which it has no query; firing, and silent, test proteins."""
N_OTHERS = 10


class Embedded(NamedTuple):
    """Of one feature; NaN where there are too few proteins."""

    embedding: float
    null_embedding: float
    """Mean over other labels."""
    embedding_high: float
    """The best of these."""


def queries(
    vectors: Float[np.ndarray, "n k"],
    carries: Sequence[Bool[np.ndarray, " n"]],
    known: Sequence[Bool[np.ndarray, " n"]],
) -> Float[np.ndarray, "m k"]:
    """The query of every label; NaN where fewer than `LEAST` proteins carry it, or are known not to.

    Args:
        vectors: unit vectors of train proteins.
        carries: of every label.
        known: proteins of which it is known whether they carry it.
    """
    found = np.full((len(carries), vectors.shape[1]), np.nan)
    for row, (own, told) in enumerate(zip(carries, known, strict=True)):
        others = told & ~own
        if min(np.count_nonzero(own), np.count_nonzero(others)) >= LEAST:
            found[row] = vectors[own].mean(axis=0, dtype=np.float64) - vectors[others].mean(axis=0, dtype=np.float64)
    return found


def embedded(
    fires: Bool[np.ndarray, " n"],
    ranked: Float[np.ndarray, "n m"],
    label: int,
    others: Int[np.ndarray, " o"],
    rng: np.random.Generator,
) -> Embedded:
    """How well one label ranks where its feature fires, beside others.

    Args:
        fires: the feature, in test proteins.
        ranked: vectors of these proteins times the queries of all labels.
        label: its column.
        others: columns to draw the null from, all of which have a query.
        rng: of the draws.
    """
    n = np.count_nonzero(fires)
    others = others[others != label]
    if min(n, len(fires) - n) < LEAST or not len(others) or np.isnan(ranked[0, label]):
        return Embedded(np.nan, np.nan, np.nan)
    drawn = rng.choice(others, min(N_OTHERS, len(others)), replace=False)
    columns = ranked[:, np.concatenate([[label], drawn])]
    own, *by_others = aurocs(columns, np.repeat(fires[:, None], columns.shape[1], axis=1)).tolist()
    return Embedded(own, float(np.mean(by_others)), max(by_others))
