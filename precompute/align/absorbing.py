"""Pairs of features for a GO term and one right below it, where the general feature is silent on what the other finds.

Every term has one feature of the SAE: the one that it guides, else the one that fits it best on valid; only alignments
that hold are taken. Terms are paired over the ontology, with none between them that has a feature, too. A feature calls
a protein by its frozen pooling and threshold, and the dense probe that vouches for the language model's knowing the
general term is a logistic regression on mean states, its threshold the best on valid. Proteins are those of test.

Read `absorbed_pairs`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from precompute.align.ranks import POOLINGS
from precompute.corpus.codes import CSC
from precompute.corpus.hierarchy import Hierarchy
from precompute.pipeline.tables import empty_table
from protsae.measures.absorption import absorption, direct_pairs
from protsae.measures.probes import choose_logistic
from protsae.measures.sparse_probing import best_threshold

MIN_RATE = 0.2
MAX_Q = 0.05
MIN_POSITIVES = 5

COLUMNS = {
    "feature": "int64",
    "go_id": "str",
    "child": "int64",
    "child_go_id": "str",
    "n_child": "int64",
    "child_fires": "float64",
    "recall_with": "float64",
    "recall_without": "float64",
    "rate": "float64",
    "null_rate": "float64",
    "p_value": "float64",
}


def one_feature_a_term(alignments: pd.DataFrame) -> pd.DataFrame:
    """Rows of `feature_go` of one SAE: of every term the alignment that speaks for it, if it holds."""
    speaks = alignments.loc[alignments["is_guiding"] | alignments["is_best_for_term"]]
    first = speaks.sort_values(["go_id", "is_guiding"], ascending=[True, False]).drop_duplicates("go_id")
    return first.loc[first["grade"] != "none"].reset_index(drop=True)


def learnable(labels: np.ndarray, split: np.ndarray) -> np.ndarray:
    """[m] places of the terms of which train and valid hold proteins with and without."""
    parts = [labels[split == part] for part in ("train", "valid")]
    return np.flatnonzero(np.logical_and.reduce([part.any(axis=0) & ~part.all(axis=0) for part in parts]))


def probe_calls(x: np.ndarray, labels: np.ndarray, split: np.ndarray) -> np.ndarray:
    """[n_test, m] bool: calls of a logistic regression on states, fitted on train, its threshold best on valid.

    A term that cannot be learnt is called nowhere.
    """
    valid, test = (np.flatnonzero(split == part) for part in ("valid", "test"))
    calls, fits = np.zeros((len(test), labels.shape[1]), dtype=bool), learnable(labels, split)
    if len(fits):
        probe = choose_logistic(x, labels[:, fits], split, criterion="auc")
        calls[:, fits] = probe.scores(x[test]) > best_threshold(probe.scores(x[valid]), labels[valid][:, fits])
    return calls


def scores_of(scores: Mapping[str, CSC], feature: np.ndarray, pooling: np.ndarray) -> np.ndarray:
    """[n_proteins, n_pairs] float32: the score of each pair's feature by its pooling."""
    found = np.empty((scores[POOLINGS[0]].shape[0], len(feature)), dtype=np.float32)
    for name in POOLINGS:
        here = np.flatnonzero(pooling == name)
        if len(here):
            found[:, here] = scores[name][:, feature[here]].toarray()
    return found


def pairs_among(terms: pd.DataFrame, hierarchy: Hierarchy) -> np.ndarray:
    """[n_pairs, 2] rows of `terms`, (general, specific), with none of them between; two features each."""
    pairs = direct_pairs(hierarchy.ancestors_among(terms["go_id"].tolist()))
    feature = terms["feature"].to_numpy()
    return pairs[feature[pairs[:, 0]] != feature[pairs[:, 1]]]


def absorbed_pairs(
    terms: pd.DataFrame,
    pairs: np.ndarray,
    scores: Mapping[str, CSC],
    carried: np.ndarray,
    says_yes: np.ndarray,
    *,
    seed: int,
) -> pd.DataFrame:
    """Rows of `absorbed` without those columns that look at all pairs of an SAE (`judged` adds them).

    Args:
        terms: of `one_feature_a_term`, of one sub-ontology.
        pairs: of `pairs_among`.
        scores: pooling -> sparse [n_test, d_sae], test proteins that are annotated in the sub-ontology.
        carried: [n_test, n_terms] bool, closed under ancestors.
        says_yes: [n_test, n_terms] calls of the probe.
        seed: of the null.
    """
    if not len(pairs):
        return empty_table(COLUMNS)
    acts = scores_of(scores, terms["feature"].to_numpy(), terms["pooling"].to_numpy(dtype=str))
    threshold = terms["threshold"].to_numpy(np.float64)
    found = absorption(acts, threshold, carried, pairs, says_yes, min_positives=MIN_POSITIVES, seed=seed)
    table = pd.DataFrame(
        {
            "feature": terms["feature"].to_numpy()[pairs[:, 0]],
            "go_id": terms["go_id"].to_numpy(dtype=object)[pairs[:, 0]],
            "child": terms["feature"].to_numpy()[pairs[:, 1]],
            "child_go_id": terms["go_id"].to_numpy(dtype=object)[pairs[:, 1]],
            "n_child": found.n_child,
            "child_fires": found.child_fires,
            "recall_with": found.recall_with,
            "recall_without": found.recall_without,
            "rate": found.rate,
            "null_rate": found.null_rate,
            "p_value": found.p_value,
        }
    )
    return table.loc[np.isfinite(found.recall_with) & np.isfinite(found.rate)].reset_index(drop=True)


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """With `q_value` over all its rows, and `is_absorbed`."""
    q_value = false_discovery_control(table["p_value"].to_numpy(np.float64)) if len(table) else np.zeros(0)
    is_absorbed = (q_value < MAX_Q) & (table["rate"].to_numpy(np.float64) >= MIN_RATE)
    return table.assign(q_value=q_value, is_absorbed=is_absorbed)
