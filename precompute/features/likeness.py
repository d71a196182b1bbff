"""Which features fire alike: by the correlation of what they do over proteins.

Read `standardised`, then `alike`.
"""

import numpy as np

from precompute.corpus.codes import CSC

MOST_PROTEINS = 20_000
"""Over so many proteins, drawn at random, features are compared; a correlation needs no more."""

_AT_A_TIME = 1024


def standardised(mean: CSC, features: np.ndarray, *, seed: int) -> np.ndarray:
    """[n_features, n_proteins] float32 rows of mean 0 and length 1, whose products are correlations; 0 where constant.

    Args:
        mean: sparse [all proteins, d_sae] mean activations.
        features: the columns wanted.
        seed: of the proteins that are drawn where there are more than `MOST_PROTEINS`.
    """
    rows = np.arange(mean.shape[0])
    if len(rows) > MOST_PROTEINS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_PROTEINS, replace=False))
    profile = np.ascontiguousarray(mean.tocsr()[rows][:, features].toarray().T, dtype=np.float32)
    profile -= profile.mean(axis=1, keepdims=True)
    length = np.linalg.norm(profile, axis=1, keepdims=True)
    return np.divide(profile, length, out=np.zeros_like(profile), where=length > 0)


def alike(own: np.ndarray, theirs: np.ndarray, n: int, *, within: bool) -> tuple[np.ndarray, np.ndarray]:
    """Places and correlations, each [n_own, n], of the most alike of `theirs`; a tie goes to the lower place.

    Args:
        own: [n_own, n_proteins] of `standardised`.
        theirs: [n_theirs, n_proteins] of the same proteins.
        n: how many, at most as many as there are.
        within: `theirs` are `own`, and none is its own neighbour.
    """
    n = max(0, min(n, len(theirs) - within))
    places, correlations = np.zeros((len(own), n), dtype=np.int64), np.zeros((len(own), n))
    for start in range(0, len(own), _AT_A_TIME) if n else ():
        block = slice(start, min(len(own), start + _AT_A_TIME))
        correlation = own[block] @ theirs.T
        if within:
            correlation[np.arange(block.stop - start), np.arange(start, block.stop)] = -np.inf
        places[block] = np.argsort(-correlation, axis=1, kind="stable")[:, :n]
        correlations[block] = np.take_along_axis(correlation, places[block], axis=1)
    return places, np.clip(correlations, -1, 1)
