"""Which features go with which GO terms: the rows of `feature_go` for one SAE.

Within a sub-ontology only proteins with at least one annotation there count: on the others the labels are unknown. A
term is scored where both valid and test hold at least 5 proteins with it and 5 without. Every term appears twice, with
its labels and with the labels shuffled over the proteins of each split; what the shuffled copy reaches is the null.

Features, poolings and thresholds are chosen on valid alone. A feature's terms are ranked by gain: valid F1 minus the F1
of calling every protein positive, because F1 itself is high for any common term.

Read `align`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.align import ranks
from precompute.align.ranks import POOLINGS, Choice
from precompute.corpus.codes import CSC, CSR
from precompute.pipeline.tables import empty_table

MIN_POSITIVES = 5
"""Least proteins with the term, and least without it, in valid and in test."""

TERMS_PER_FEATURE = 3
MIN_GAIN = 1e-4
"""Below it a pair is no better than calling every protein positive, and gets no rank."""

_PAIRS_AT_A_TIME = 4096


class TermTable(NamedTuple):
    """The terms of one sub-ontology that are scored, and their labels."""

    namespace: str
    go_id: np.ndarray
    """[n_terms]"""

    is_eligible: np.ndarray
    """[n_terms]: enough positives and negatives; the others are here because they guide a feature."""

    valid: np.ndarray
    """Rows of `Corpus`: annotated valid proteins."""

    test: np.ndarray
    """Rows of `Corpus`: annotated test proteins."""

    labels_valid: np.ndarray
    """[n_valid, 2 n_terms] float32; the second half is shuffled."""

    labels_test: np.ndarray
    """[n_test, 2 n_terms] float32; the second half is shuffled."""


class Aligned(NamedTuple):
    """What `align` makes of one SAE."""

    rows: pd.DataFrame
    """`feature_go` without the columns sae and grade, and with `gain` (on valid) and `namespace`."""

    best_gain: np.ndarray
    """[d_sae] largest gain of each feature on valid; -inf where no term is scored."""

    null_gain: np.ndarray
    """[d_sae] the same with shuffled labels."""


def term_tables(
    protein_go: CSR,
    terms: pd.DataFrame,
    split: np.ndarray,
    *,
    guiding: Sequence[str],
    seed: int,
) -> list[TermTable]:
    """Labels per sub-ontology.

    Args:
        protein_go: [n_proteins, n_terms] of 0 and 1, closed under ancestors.
        terms: go_id and namespace of the columns.
        split: [n_proteins] train, valid or test.
        guiding: terms that must be there because they guide a feature.
        seed: of the shuffling.
    """
    tables = []
    for namespace in ("MFO", "BPO", "CCO"):
        columns = np.flatnonzero(terms["namespace"] == namespace)
        labels = protein_go[:, columns]
        annotated = labels.sum(axis=1) > 0
        rows = {part: np.flatnonzero(annotated & (split == part)) for part in ("valid", "test")}
        eligible = np.ones(len(columns), dtype=bool)
        for row in rows.values():
            positives = labels[row].sum(axis=0)
            eligible &= (positives >= MIN_POSITIVES) & (len(row) - positives >= MIN_POSITIVES)
        go_id = terms["go_id"].to_numpy(dtype=str)[columns]
        kept = np.flatnonzero(eligible | np.isin(go_id, guiding))
        if len(kept) == 0 or min(map(len, rows.values())) == 0:
            continue
        both = []
        for number, row in enumerate(rows.values()):
            dense = labels[row][:, kept].toarray().astype(np.float32)
            both.append(np.concatenate([dense, np.random.default_rng([seed, number]).permutation(dense)], axis=1))
        tables.append(TermTable(namespace, go_id[kept], eligible[kept], rows["valid"], rows["test"], *both))
    return tables


def align(
    scores: Mapping[str, CSC],
    tables: Sequence[TermTable],
    *,
    guiding: Sequence[str],
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Aligned:
    """Choose on valid, score on test, for every term and feature of one SAE.

    Args:
        scores: pooling -> sparse [n_proteins, d_sae].
        tables: of `term_tables`.
        guiding: terms of the defined features 0, 1, ...
        seed: of the bootstrap.
        advance: called with the number of features done, once per table.
    """
    d_sae = scores[POOLINGS[0]].shape[1]
    choices = [
        ranks.choose({n: scores[n].tocsr()[t.valid].tocsc() for n in POOLINGS}, t.labels_valid, advance=advance)
        for t in tables
    ]
    gain, null_gain = _gains(choices, tables, d_sae)
    frames, first = [], 0
    for table, choice in zip(tables, choices, strict=True):
        terms = slice(first, first + len(table.go_id))
        first = terms.stop
        rows = _choose_rows(table, choice, gain, terms, guiding)
        test = {name: scores[name].tocsr()[table.test].tocsc() for name in POOLINGS}
        frames.append(_score_rows(rows, table, choice, test, seed))
    rows = pd.concat(frames, ignore_index=True) if frames else empty_table(_COLUMNS)
    rows = rows.sort_values(["feature", "rank_in_feature", "go_id"], ignore_index=True)
    return Aligned(rows, gain.max(axis=1, initial=-np.inf), null_gain)


_COLUMNS = {
    "feature": "int64",
    "go_id": "str",
    "namespace": "str",
    "is_guiding": "bool",
    "is_best_for_term": "bool",
    "rank_in_feature": "int64",
    "gain": "float64",
    "valid_f1": "float64",
    "pooling": "str",
    "threshold": "float64",
    "test_precision": "float64",
    "test_recall": "float64",
    "test_f1": "float64",
    "test_f1_low": "float64",
    "test_f1_high": "float64",
    "test_auroc": "float64",
    "test_auroc_low": "float64",
    "test_auroc_high": "float64",
    "null_f1": "float64",
    "n_pos_valid": "int64",
    "n_pos_test": "int64",
}
"""In order, with their types, which a table without rows has, too."""


def rank_pairs(gain: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """1 + how many columns of the pair's row have a larger gain."""
    rank = np.empty(len(row), dtype=np.int64)
    for start in range(0, len(row), _PAIRS_AT_A_TIME):
        block = slice(start, start + _PAIRS_AT_A_TIME)
        own = gain[row[block], column[block]]
        rank[block] = 1 + (gain[row[block]] > own[:, None]).sum(axis=1)
    return rank


def top_columns(gain: np.ndarray, n: int) -> np.ndarray:
    """[n_rows, n_columns] bool: the n largest finite entries of each row; the earlier column wins a tie."""
    n = min(n, gain.shape[1])
    order = np.argsort(-gain, axis=1, kind="stable")[:, :n]
    chosen = np.zeros(gain.shape, dtype=bool)
    np.put_along_axis(chosen, order, values=True, axis=1)
    return chosen & np.isfinite(gain)


def _gains(choices: Sequence[Choice], tables: Sequence[TermTable], d_sae: int) -> tuple[np.ndarray, np.ndarray]:
    """Gains [d_sae, all terms], -inf where there is none or the term is not eligible; and each feature's best null."""
    real, null = [np.empty((d_sae, 0), dtype=np.float32)], np.full(d_sae, -np.inf)
    for choice, table in zip(choices, tables, strict=True):
        n_terms = len(table.go_id)
        gain = choice.f1 - ranks.always_f1(table.labels_valid.mean(axis=0))
        gain[(gain < MIN_GAIN) | ~np.tile(table.is_eligible, 2)] = -np.inf
        real.append(gain[:, :n_terms])
        null = np.maximum(null, gain[:, n_terms:].max(axis=1, initial=-np.inf))
    return np.concatenate(real, axis=1), null


def _choose_rows(
    table: TermTable, choice: Choice, gain: np.ndarray, terms: slice, guiding: Sequence[str]
) -> pd.DataFrame:
    """The pairs that get a row: best feature per term, guiding pairs, best terms per feature."""
    n_terms = len(table.go_id)
    f1 = choice.f1[:, :n_terms]
    wanted = top_columns(gain, TERMS_PER_FEATURE)[:, terms]
    best = f1.argmax(axis=0)
    has_best = table.is_eligible & (f1.max(axis=0) > 0)
    wanted[best[has_best], np.flatnonzero(has_best)] = True
    guide_of = {go_id: feature for feature, go_id in enumerate(guiding)}
    guide = np.array([guide_of.get(go_id, -1) for go_id in table.go_id])
    wanted[guide[guide >= 0], np.flatnonzero(guide >= 0)] = True
    feature, term = np.nonzero(wanted)
    return pd.DataFrame(
        {
            "feature": feature,
            "term": term,
            "is_guiding": guide[term] == feature,
            "is_best_for_term": has_best[term] & (best[term] == feature),
            "rank_in_feature": rank_pairs(gain, feature, terms.start + term),
            "gain": f1[feature, term] - ranks.always_f1(table.labels_valid.mean(axis=0))[term],
            "valid_f1": f1[feature, term],
        }
    )


def _score_rows(
    rows: pd.DataFrame, table: TermTable, choice: Choice, test: Mapping[str, CSC], seed: int
) -> pd.DataFrame:
    """Test scores of the rows, and of their nulls: choice repeated with shuffled labels, scored on shuffled labels."""
    n_terms = len(table.go_id)
    feature, term = rows["feature"].to_numpy(), rows["term"].to_numpy()
    pairs = choice.pairs(feature, term)
    scored = ranks.evaluate(test, table.labels_test, pairs, seed=seed)
    null = ranks.evaluate(test, table.labels_test, choice.pairs(feature, term + n_terms), seed=seed, resamples=0)
    best = choice.f1[:, n_terms:].argmax(axis=0)
    of_best = choice.pairs(best, n_terms + np.arange(n_terms))
    null_best = ranks.evaluate(test, table.labels_test, of_best, seed=seed, resamples=0).f1[term]
    is_best = rows["is_best_for_term"].to_numpy()
    scores = pd.DataFrame(
        {
            **{name: rows[name] for name in rows.columns if name != "term"},
            "go_id": table.go_id[term],
            "namespace": table.namespace,
            "pooling": np.array(POOLINGS)[pairs.pooling],
            "threshold": pairs.threshold.astype(np.float64),
            "test_precision": scored.precision,
            "test_recall": scored.recall,
            "test_f1": scored.f1,
            "test_f1_low": scored.low,
            "test_f1_high": scored.high,
            "test_auroc": scored.auroc,
            "test_auroc_low": scored.auroc_low,
            "test_auroc_high": scored.auroc_high,
            "null_f1": np.where(is_best, np.maximum(null.f1, null_best), null.f1),
            "n_pos_valid": table.labels_valid[:, term].sum(axis=0).astype(np.int64),
            "n_pos_test": table.labels_test[:, term].sum(axis=0).astype(np.int64),
        }
    )
    return scores.reindex(columns=list(_COLUMNS))
