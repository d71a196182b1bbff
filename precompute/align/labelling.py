"""What a feature is called, decided on the valid split alone.

A defined feature bears the name of its guiding term. A free feature bears the name of the GO term or the residue
annotation with the highest valid F1, if that is at least .2 and its gain over calling everything positive exceeds both
the feature's own best gain on shuffled labels and 95 % of all features' (so that about one feature in twenty that means
nothing gets a name).

Read `label_features`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from precompute.align.go import Aligned

MIN_F1 = 0.2
NULL_QUANTILE = 0.95


def label_features(
    d_sae: int, guiding: Sequence[str], names: Mapping[str, str], go: Aligned, annotation: Aligned
) -> pd.DataFrame:
    """Columns feature, label, label_origin (guided | go | annotation | none).

    Args:
        d_sae: features.
        guiding: terms of the defined features 0, 1, ...
        names: GO id -> name.
        go: alignment with GO terms.
        annotation: alignment with residue annotations.
    """
    label = np.full(d_sae, "", dtype=object)
    origin = np.full(d_sae, "none", dtype=object)
    best_f1 = np.full(d_sae, MIN_F1)
    for kind, aligned, column in (("go", go, "go_id"), ("annotation", annotation, "kind")):
        rows = aligned.rows.loc[aligned.rows["rank_in_feature"] == 1].drop_duplicates("feature")
        rows = rows.loc[
            rows["gain"].to_numpy(dtype=float) > null_level(aligned)[rows["feature"].to_numpy(dtype=np.int64)]
        ]
        for feature, name, f1 in zip(rows["feature"], rows[column], rows["valid_f1"], strict=True):
            if f1 >= best_f1[feature]:
                best_f1[feature], label[feature], origin[feature] = f1, names.get(name, name), kind
    label[: len(guiding)] = [names.get(go_id, go_id) for go_id in guiding]
    origin[: len(guiding)] = "guided"
    return pd.DataFrame({"feature": np.arange(d_sae), "label": label, "label_origin": origin})


def null_level(aligned: Aligned) -> np.ndarray:
    """[d_sae] the gain that a feature must exceed to be more than chance."""
    finite = aligned.null_gain[np.isfinite(aligned.null_gain)]
    common = np.quantile(finite, NULL_QUANTILE) if len(finite) else -np.inf
    return np.maximum(aligned.null_gain, common)
