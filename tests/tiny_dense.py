"""Drawn tags of dense features for `tiny_bundle.py`: of an SAE's first three only the first carries anything."""

from typing import Any

import pandas as pd

from protsae.store.analyses.dense import DENSEST, TAGS

PARTNER = 5


def dense_table(features: pd.DataFrame) -> pd.DataFrame:
    """Rows of `dense_tag` for every feature above the limit: all tags."""
    rows: list[dict[str, Any]] = []
    for sae, own in features.loc[features["density"] > DENSEST].groupby("sae", sort=False):
        for place, feature in enumerate(own["feature"].tolist()):
            for tag in TAGS:
                holds = place % 3 == 0 and tag in ("antipodal", "amino_acid")
                is_pair = tag in ("antipodal", "duplicate")
                row = {
                    "sae": sae,
                    "feature": feature,
                    "tag": tag,
                    "detail": "L" if tag == "amino_acid" else "",
                    "value": 0.95 if holds else 0.1,
                    "by_chance": 0.05,
                    "partner": PARTNER if is_pair else None,
                    "holds": holds,
                }
                rows.append(row)
    return pd.DataFrame(rows).astype({"partner": "Int32"})
