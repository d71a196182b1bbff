"""Whether a guided feature fits its term better than the best feature of an SAE without guidance.

    difference = F1 of the one - F1 of the other        on test, feature, pooling and threshold chosen on valid

The interval is a bootstrap over proteins in which both features meet the same resample, so that what makes a resample
easy or hard for both cancels. Two intervals that overlap say nothing of that kind.

Read `differences`.

Source: Efron 1979, percentile bootstrap.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.align.go import TermTable
from precompute.align.ranks import N_RESAMPLES, POOLINGS, Pairs, resampled_f1
from precompute.corpus.codes import CSC
from precompute.pipeline.tables import empty_table

_COLUMNS = {
    "go_id": "str",
    "sae": "str",
    "feature": "int64",
    "other_sae": "str",
    "other_feature": "int64",
    "difference": "float64",
    "difference_low": "float64",
    "difference_high": "float64",
}


def differences(
    feature_go: pd.DataFrame,
    roles: Mapping[str, str],
    scores: Mapping[str, Mapping[str, CSC]],
    tables: Sequence[TermTable],
    *,
    seed: int,
    resamples: int = N_RESAMPLES,
) -> pd.DataFrame:
    """Rows of `feature_difference`.

    Args:
        feature_go: alignments of all SAEs, with the column sae.
        roles: SAE -> guided | unguided | imported.
        scores: SAE -> pooling -> sparse [n_proteins, d_sae].
        tables: of all terms in `feature_go`.
        seed: of the resamples.
        resamples: number of resamples.
    """
    own, theirs = compared(feature_go, roles)
    frames = [empty_table(_COLUMNS)]
    for table in tables:
        drawn: dict[str, _Drawn] = {}
        for side in (own, theirs):
            for name, rows in side.loc[side["go_id"].isin(table.go_id)].groupby("sae"):
                test = {pooling: scores[str(name)][pooling].tocsr()[table.test].tocsc() for pooling in POOLINGS}
                pairs = _as_pairs(rows, table)
                f1 = resampled_f1(test, table.labels_test, pairs, seed=seed, resamples=resamples)
                drawn[str(name)] = _Drawn(rows, f1)
        for name, ours in drawn.items():
            frames += [
                _differences(ours, others)
                for other, others in drawn.items()
                if roles[name] == "guided" and roles[other] != "guided"
            ]
    found = [frame for frame in frames if len(frame)]
    return pd.concat(found, ignore_index=True) if found else frames[0]


def compared(feature_go: pd.DataFrame, roles: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The alignments that terms are compared by: guided SAEs' and those of SAEs without guidance.

    Of a guided SAE the feature that the term guides, else its best on valid; of the others the best on valid.

    Args:
        feature_go: alignments of all SAEs, with the column sae.
        roles: SAE -> guided | unguided | imported.
    """
    is_guided = feature_go["sae"].map(roles) == "guided"
    own = feature_go.loc[is_guided & (feature_go["is_guiding"] | feature_go["is_best_for_term"])]
    own = own.sort_values("is_guiding", ascending=False, kind="stable").drop_duplicates(["sae", "go_id"])
    theirs = feature_go.loc[~is_guided & feature_go["is_best_for_term"]].drop_duplicates(["sae", "go_id"])
    return own, theirs


class _Drawn(NamedTuple):
    """One SAE's alignments, and their F1 in every resample."""

    rows: pd.DataFrame
    f1: np.ndarray
    """[resamples, n]"""


def _as_pairs(rows: pd.DataFrame, table: TermTable) -> Pairs:
    """Features with columns of the table's labels, the pooling and threshold that were chosen."""
    column = pd.Series(np.arange(len(table.go_id)), index=table.go_id)
    poolings = {name: place for place, name in enumerate(POOLINGS)}
    return Pairs(
        rows["feature"].to_numpy(),
        column.loc[rows["go_id"]].to_numpy(),
        rows["pooling"].map(poolings).to_numpy(),
        rows["threshold"].to_numpy(),
    )


def _differences(ours: _Drawn, others: _Drawn) -> pd.DataFrame:
    """One row a term that both sides have."""
    left, right = (side.rows.assign(place=np.arange(len(side.rows))) for side in (ours, others))
    both = left.merge(right, on="go_id", suffixes=("", "_other"), validate="one_to_one")
    drawn = ours.f1[:, both["place"].to_numpy()] - others.f1[:, both["place_other"].to_numpy()]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0) if len(both) else (np.zeros(0), np.zeros(0))
    return pd.DataFrame(
        {
            "go_id": both["go_id"],
            "sae": both["sae"],
            "feature": both["feature"],
            "other_sae": both["sae_other"],
            "other_feature": both["feature_other"],
            "difference": both["test_f1"] - both["test_f1_other"],
            "difference_low": low,
            "difference_high": high,
        }
    )
