"""Which features go with which residue annotations: the rows of `feature_annotation` for one SAE.

    precision = called residues that lie in a region of the kind / called residues
    recall    = regions of the kind with at least one called residue / regions of the kind
    F1        = their harmonic mean;    called: activation > threshold * max_act

The threshold, and which kinds a feature is best at, are chosen on valid and scored on test. Only proteins with at least
one annotation of the kind's source count. AUROC ranks all test residues by activation in steps of max_act / 255.
Everything streams over shards; what is kept are counts.

Read `align`. The masks and the shifted null are in `regions.py`, the counting in `residue_counts.py`.

Source: thresholds and the two units of counting from Simon and Zou 2024 (InterPLM, doi:10.1101/2024.11.14.623630).
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from precompute.align.go import MIN_GAIN, Aligned, rank_pairs, top_columns
from precompute.align.ranks import N_RESAMPLES, always_f1, bootstrap_weights, f1_of, share
from precompute.align.regions import RegionTable
from precompute.align.residue_counts import THRESHOLDS, Counts, Histograms, Pairs, Part, Resampled, read_part
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus, Shard
from precompute.pipeline.tables import empty_table

KINDS_PER_FEATURE = 3

ReadCodes = Callable[[Shard], CSR]

_COLUMNS = {
    "feature": "int64",
    "kind": "str",
    "is_best_for_kind": "bool",
    "rank_in_feature": "int64",
    "gain": "float64",
    "threshold": "float64",
    "valid_f1": "float64",
    "test_precision": "float64",
    "test_recall": "float64",
    "test_f1": "float64",
    "test_f1_low": "float64",
    "test_f1_high": "float64",
    "test_auroc": "float64",
    "null_f1": "float64",
    "n_pos_valid": "int64",
    "n_pos_test": "int64",
}
"""In order, with their types, which a table without rows has, too."""


def align(
    corpus: Corpus,
    read: ReadCodes,
    max_act: np.ndarray,
    table: RegionTable,
    *,
    seed: int,
    resamples: int = N_RESAMPLES,
) -> Aligned:
    """Choose on valid, score on test, for every kind and feature of one SAE.

    Args:
        corpus: the proteins.
        read: gives a shard's sparse codes.
        max_act: [d_sae] largest activation over the corpus.
        table: the regions.
        seed: of the bootstrap.
        resamples: of the bootstrap, over proteins.
    """
    d_sae, n_kinds = len(max_act), table.n_kinds
    if n_kinds == 0:
        nothing = np.full(d_sae, -np.inf)
        return Aligned(empty_table(_COLUMNS), nothing, nothing)

    def parts(split: str) -> Iterator[Part]:
        for shard in corpus.shards:
            if (corpus.split[shard.proteins] == split).any():
                yield read_part(read(shard), max_act, table=table, corpus=corpus, shard=shard, split=split)

    valid = Counts(table, d_sae)
    for part in parts("valid"):
        valid.add(part)
    f1 = _scores(valid, table)[2]
    threshold, best_f1 = f1.argmax(axis=0), f1.max(axis=0)
    free = always_f1(share(valid.n_residues, valid.n_known[np.tile(table.source_of_kind, 2)]))
    gain = (best_f1 - free[:, None]).T
    gain[gain < MIN_GAIN] = -np.inf
    best = best_f1.argmax(axis=1)
    is_best = np.zeros((d_sae, n_kinds), dtype=bool)
    is_best[best[:n_kinds], np.arange(n_kinds)] = best_f1[:n_kinds].max(axis=1) > 0
    feature, kind = np.nonzero(top_columns(gain[:, :n_kinds], KINDS_PER_FEATURE) | is_best)
    pairs = Pairs(feature, kind, threshold[kind, feature])

    proteins = np.flatnonzero(corpus.split == "test")
    weights = bootstrap_weights(len(proteins), resamples, seed)
    test, resampled = Counts(table, d_sae), Resampled(table, pairs, proteins, weights)
    histograms = Histograms(table, pairs, d_sae)
    for part in parts("test"):
        test.add(part)
        resampled.add(part)
        histograms.add(part)
    precision, recall, f1 = _scores(test, table)
    at = (pairs.threshold, kind, feature)
    low, high = _interval(resampled, pairs)
    shifted = kind + n_kinds
    null = f1[threshold[shifted, feature], shifted, feature]
    null_of_best = f1[threshold[shifted, best[shifted]], shifted, best[shifted]]
    rows = pd.DataFrame(
        {
            "feature": feature,
            "kind": np.array(table.kinds, dtype=object)[kind],
            "is_best_for_kind": is_best[feature, kind],
            "rank_in_feature": rank_pairs(gain[:, :n_kinds], feature, kind),
            "gain": (best_f1 - free[:, None])[kind, feature],
            "threshold": THRESHOLDS[pairs.threshold],
            "valid_f1": best_f1[kind, feature],
            "test_precision": precision[at],
            "test_recall": recall[at],
            "test_f1": f1[at],
            "test_f1_low": low,
            "test_f1_high": high,
            "test_auroc": histograms.auroc(test),
            "null_f1": np.where(is_best[feature, kind], np.maximum(null, null_of_best), null),
            "n_pos_valid": valid.n_residues[kind].astype(np.int64),
            "n_pos_test": test.n_residues[kind].astype(np.int64),
        }
    )
    rows = rows.sort_values(["feature", "rank_in_feature", "kind"], ignore_index=True)
    return Aligned(rows, gain[:, :n_kinds].max(axis=1), gain[:, n_kinds:].max(axis=1))


def _scores(counts: Counts, table: RegionTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1, each [n_thresholds, 2 n_kinds, d_sae]."""
    precision = share(counts.hits, counts.called[:, np.tile(table.source_of_kind, 2)])
    recall = share(counts.found, counts.n_regions[:, None])
    return precision, recall, f1_of(precision, recall)


def _interval(resampled: Resampled, pairs: Pairs, at_a_time: int = 2048) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.zeros(len(pairs.feature)), np.zeros(len(pairs.feature))
    for start in range(0, len(low), at_a_time):
        block = slice(start, start + at_a_time)
        precision = share(resampled.hits[:, block], resampled.called[:, block])
        recall = share(resampled.found[:, block], resampled.n_regions[:, pairs.kind[block]])
        low[block], high[block] = np.quantile(f1_of(precision, recall), [0.025, 0.975], axis=0)
    return low, high
