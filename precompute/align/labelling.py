"""What a feature is called, and how well that very name holds.

A match is likely if its F1 on valid is at least .2 and its gain over calling everything positive exceeds both the
feature's own best gain on shuffled labels and 95 % of all features' (so that about one feature in twenty that means
nothing has a likely match).

A feature bears the name of an alignment that holds on test proteins (grade strong or weak): its guiding term first,
else the GO term or the residue annotation with the largest gain on valid among those that are likely. Where none holds
the name is a guess and its grade none: the guiding term of a defined feature, the best match of a free one, if it is
likely.

Test scores only say whether a name holds, never which of two that hold is taken: the score beside a name is no maximum.

Read `label_features`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from precompute.align.go import Aligned

MIN_F1 = 0.2
NULL_QUANTILE = 0.95

COLUMNS = ("label", "label_id", "label_origin", "label_grade", "label_f1", "label_null_f1")
"""Of `feature`: what is decided here."""


def label_features(
    d_sae: int, guiding: Sequence[str], names: Mapping[str, str], go: Aligned, annotation: Aligned
) -> pd.DataFrame:
    """Column feature, and those of `COLUMNS`.

    Args:
        d_sae: features.
        guiding: terms of the defined features 0, 1, ...
        names: GO id -> name.
        go: alignment with GO terms, graded (column grade).
        annotation: alignment with residue annotations, graded.
    """
    rows = pd.concat([_candidates(go, "go", "go_id"), _candidates(annotation, "annotation", "kind")], ignore_index=True)
    rows["holds"] = rows["grade"].isin(["strong", "weak"])
    rows["annotates"] = rows["label_origin"] == "annotation"
    is_named = rows["is_likely"] & (rows["holds"] | rows["is_first"])
    rows = rows.loc[rows["is_guiding"] | is_named]
    rows = rows.sort_values(
        ["feature", "holds", "is_guiding", "preference", "annotates", "label_id"],
        ascending=[True, False, False, False, True, True],
    ).drop_duplicates("feature")
    chosen = rows.set_index("feature").reindex(np.arange(d_sae))
    guides = pd.Series([*guiding, *[""] * (d_sae - len(guiding))])
    is_bare = chosen["label_id"].isna() & (guides != "")
    label_id = chosen["label_id"].where(~is_bare, guides).fillna("")
    origin = chosen["label_origin"].where(~is_bare, "guided").fillna("none")
    return pd.DataFrame(
        {
            "feature": np.arange(d_sae),
            "label": [names.get(name, name) for name in label_id],
            "label_id": label_id,
            "label_origin": origin,
            "label_grade": chosen["grade"].fillna("none"),
            "label_f1": chosen["test_f1"].astype(np.float64),
            "label_null_f1": chosen["null_f1"].astype(np.float64),
        }
    )


def null_level(aligned: Aligned) -> np.ndarray:
    """[d_sae] the gain that a feature must exceed to be more than chance."""
    finite = aligned.null_gain[np.isfinite(aligned.null_gain)]
    common = np.quantile(finite, NULL_QUANTILE) if len(finite) else -np.inf
    return np.maximum(aligned.null_gain, common)


def _candidates(aligned: Aligned, origin: str, key: str) -> pd.DataFrame:
    """Every alignment with what decides about it.

    `preference` orders names of one kind: those that hold by gain, guesses by F1, both on valid.
    """
    rows = aligned.rows
    feature, gain, f1 = (rows[name].to_numpy(dtype=float) for name in ("feature", "gain", "valid_f1"))
    level = null_level(aligned)[feature.astype(np.int64)] if len(rows) else np.zeros(0)
    is_guiding = rows["is_guiding"].to_numpy(dtype=bool) if "is_guiding" in rows else np.zeros(len(rows), dtype=bool)
    holds = rows["grade"].isin(["strong", "weak"]).to_numpy()
    return pd.DataFrame(
        {
            "feature": feature.astype(np.int64),
            "label_id": rows[key].to_numpy(dtype=object),
            "label_origin": np.where(is_guiding, "guided", origin),
            "is_guiding": is_guiding,
            "is_first": rows["rank_in_feature"].to_numpy() == 1,
            "is_likely": (gain > level) & (f1 >= MIN_F1),
            "preference": np.where(holds, gain, f1),
            "grade": rows["grade"].to_numpy(dtype=object),
            "test_f1": rows["test_f1"].to_numpy(dtype=float),
            "null_f1": rows["null_f1"].to_numpy(dtype=float),
        }
    )
