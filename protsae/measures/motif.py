"""How much the letters of a column of aligned sequences say, in bits, and how much of that luck explains.

    R = sum over letters of p log2(p / q)          p in the column, q in the corpus
    corrected = R - E[R]                           E[R] of as many letters drawn from q

A column of few letters differs from q by chance, so R alone is above 0 everywhere: the expectation of n letters drawn
from q is taken away, exactly and not by its approximation (s - 1) / (2 n ln 2), which is poor for few sequences.

Read `corrected_bits`.

Source: Schneider et al. 1986 (doi:10.1016/0022-2836(86)90165-8) for the small-sample correction; relative
entropy in the place of entropy as in Schneider 1997 (doi:10.1006/jtbi.1997.0540).
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binom


def corrected_bits(
    counts: Int[np.ndarray, "*columns n_letters"], background: Float[np.ndarray, " n_letters"]
) -> Float[np.ndarray, "*columns"]:
    """Information of columns against the background less what luck gives, in bits; about 0 where they are alike.

    Below 0 where a column is more like the background than luck would have it; 0 where it is empty.

    Args:
        counts: of the letters of each column.
        background: share of each letter; they sum to 1.
    """
    counts = np.asarray(counts)
    sizes = counts.sum(axis=-1)
    share = counts / np.maximum(sizes, 1)[..., None]
    gain = np.where(share > 0, np.log2(np.maximum(share, 1e-12) / np.maximum(background, 1e-12)), 0.0)
    expected = expected_bits(int(sizes.max(initial=0)), tuple(np.asarray(background, float).tolist()))
    return np.where(sizes > 0, (share * gain).sum(axis=-1) - expected[sizes], 0.0)


@lru_cache(maxsize=8)
def expected_bits(most: int, background: tuple[float, ...]) -> Float[np.ndarray, " most_plus_1"]:
    """Expected information, in bits, of n letters drawn from the background, for n = 0 to `most`; 0 for none.

    Args:
        most: letters of the largest column.
        background: share of each letter.
    """
    expected = np.zeros(most + 1)
    q = np.array([share for share in background if share > 0])
    for n in range(1, most + 1):
        k = np.arange(1, n + 1)
        terms = k / n * np.log2(k[:, None] / n / q[None, :]).T
        expected[n] = (binom.pmf(k[None, :], n, q[:, None]) * terms).sum()
    return expected
