"""The difference of means (CAA): the direction from proteins without a term to those with it, in the PLM's states.

It needs no SAE, so it is what a feature has to beat as a thing to steer along. Read `difference_of_means`.

Source: Panickssery et al. 2024 (arXiv:2312.06681), contrastive activation addition.
"""

import numpy as np
from jaxtyping import Bool, Float


def difference_of_means(x: Float[np.ndarray, "n d"], labels: Bool[np.ndarray, "n m"]) -> Float[np.ndarray, "m d"]:
    """Mean row of those that carry each label, minus that of those that do not.

    Args:
        x: a row per protein, e.g. its mean state.
        labels: a column per term; each is carried by some rows and not by others.
    """
    x, carried = np.asarray(x, np.float64), np.asarray(labels, np.float64)
    n_with = carried.sum(axis=0)[:, None]
    total = carried.T @ x
    return total / n_with - (x.sum(axis=0) - total) / (len(x) - n_with)
