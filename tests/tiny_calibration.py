"""Drawn bands for `tiny_bundle.py`: of the right form, without meaning; stronger signals are right more often."""

import pandas as pd

from protsae.store.analyses.calibration import CALIBRATION

N_TEST, N_POSITIVE = 40, 8


def calibration_table(alignments: pd.DataFrame) -> pd.DataFrame:
    """Three bands a guided feature: above its threshold, below it, and next to silent."""
    rows = []
    for row in alignments.loc[alignments["is_guiding"]].to_dict("records"):
        threshold = float(row["threshold"])
        for band, (low, n, hits) in enumerate(((threshold, 6, 5), (threshold / 2, 10, 2), (0.0, 24, 1))):
            counts = {"valid_n": n, "valid_hits": hits, "test_n": n, "test_hits": hits}
            key = {name: row[name] for name in ("sae", "feature", "go_id")}
            rows.append({**key, "band": band, "low": low, **counts, "n_test": N_TEST, "n_positive": N_POSITIVE})
    return pd.DataFrame(rows, columns=[column.name for column in CALIBRATION.tables[0].columns])
