"""The steerability audit: does a feature that predicts a function better also raise it more?

Read `audit`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from explorer.services import data
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses.steerability import SteerabilityRow

N_PERMUTATIONS, SEED = 1000, 0
LEAST = 10
"""Features below which no correlation is told."""


class Audit(NamedTuple):
    """All validated features that were steered."""

    table: pd.DataFrame
    """sae, feature, role, term_name, f1, effect (steered, less a random feature), null (a random direction, less the
    random feature), is_steerable; effects in log-odds, of the first look, on validation proteins."""
    rho: float
    """Spearman of F1 and effect; nan below ten features."""
    null_rho: tuple[float, float]
    """95 % of the values under permutation."""


@cached_by_bundle(1, shared=True)
def steered() -> dict[FeatureRef, SteerabilityRow]:
    """What was measured of each feature."""
    return {FeatureRef(row.sae, row.feature): row for row in data.steerability()}


@cached_by_bundle(1, shared=True)
def audit() -> Audit | None:
    """F1 on test proteins against the effect of steering; None where no feature was steered."""
    found = steered()
    f1 = {(term.sae, term.feature): term.test_f1 for term in data.validated()}
    rows = [
        {
            "sae": row.sae,
            "feature": row.feature,
            "role": data.sae(row.sae).role,
            "term_name": row.term_name,
            "f1": f1[ref],
            "effect": row.seen_difference,
            "null": row.seen_null,
            "is_steerable": row.is_steerable,
        }
        for ref, row in found.items()
        if ref in f1
    ]
    if not rows:
        return None
    table = pd.DataFrame(rows)
    return Audit(table, *correlation(table["f1"].to_numpy(), table["effect"].to_numpy()))


def correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Spearman's rho and the middle 95 % of what permutations give."""
    if len(x) < LEAST:
        return float("nan"), (float("nan"), float("nan"))
    a, b = (_standard(rankdata(values)) for values in (x, y))
    rng = np.random.default_rng(SEED)
    null = [float(a @ rng.permutation(b)) for _ in range(N_PERMUTATIONS)]
    low, high = np.quantile(null, [0.025, 0.975])
    return float(a @ b), (float(low), float(high))


def _standard(ranks: np.ndarray) -> np.ndarray:
    centred = ranks - ranks.mean()
    length = np.linalg.norm(centred)
    return centred / length if length else centred
