"""What a label gives away without any feature: the rows of `term_baseline` and `kind_baseline`.

    all positive   F1 of calling everything positive: 2 p / (1 + p), p the share of positives
    composition    logistic regression on the 20 amino-acid shares and the log of the length
    probe          logistic regression on the PLM's mean state
    neuron         the dimension of the PLM's mean state, and its sign, with the best AUROC on train
    amino acid     each residue scored by the share of its letter that lies within the kind, counted on train

All but the last are of proteins, one number a term. Regressions are fitted on train, all terms of a sub-ontology at one
penalty, the one with the best mean AUROC on valid. Everything is told on the test proteins that features are scored on.

Read `term_baselines`, then `kind_baselines`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from precompute.align.go import TermTable
from precompute.align.ranks import always_f1, share
from precompute.align.regions import RegionTable, shard_regions
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import N_AMINO_ACIDS, Corpus
from precompute.pipeline.tables import empty_table
from protsae.measures.probes import choose_logistic
from protsae.measures.ranking import aurocs, aurocs_of_counts, midranks, share_of_pairs, wins

_TERM_COLUMNS = {
    "go_id": "str",
    "n_train": "int64",
    "n_valid": "int64",
    "n_test": "int64",
    "all_positive_f1": "float64",
    "composition_auroc": "float64",
    "probe_auroc": "float64",
    "neuron_auroc": "float64",
}


def term_baselines(
    tables: Sequence[TermTable],
    protein_go: CSR,
    terms: pd.DataFrame,
    split: np.ndarray,
    *,
    letters: np.ndarray,
    states: np.ndarray,
) -> pd.DataFrame:
    """The rows of `term_baseline`; AUROCs are NaN where train, valid or test lack a positive or a negative.

    Args:
        tables: of `term_tables`; their test proteins are those that everything is told on.
        protein_go: [n_proteins, n_terms] of 0 and 1, closed under ancestors.
        terms: go_id and namespace of its columns.
        split: [n_proteins] train, valid or test.
        letters: [n_proteins, 21] shares of the amino acids and log of the length.
        states: [n_proteins, d_model] mean state of the PLM.
    """
    frames = [empty_table(_TERM_COLUMNS)] if not tables else []
    for table in tables:
        rows, labels = known_labels(table, protein_go, terms, split)
        frames.append(
            pd.DataFrame(
                {
                    "go_id": table.go_id,
                    **{f"n_{part}": len(row) for part, row in zip(("train", "valid", "test"), rows, strict=True)},
                    "all_positive_f1": always_f1(labels[2].mean(axis=0)),
                    "composition_auroc": _regression([letters[row] for row in rows], labels),
                    "probe_auroc": _regression([states[row] for row in rows], labels),
                    "neuron_auroc": _best_column([states[row] for row in rows], labels),
                }
            )
        )
    return pd.concat(frames, ignore_index=True).sort_values("go_id", ignore_index=True)


def known_labels(
    table: TermTable, protein_go: CSR, terms: pd.DataFrame, split: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Rows of the train, valid and test proteins that say something of a table's terms, and their labels.

    Args:
        table: of `term_tables`.
        protein_go: [n_proteins, n_terms] of 0 and 1, closed under ancestors.
        terms: go_id and namespace of its columns.
        split: [n_proteins] train, valid or test.
    """
    in_scope = protein_go[:, np.flatnonzero(terms["namespace"] == table.namespace)].sum(axis=1) > 0
    rows = [np.flatnonzero(in_scope & (split == "train")), table.valid, table.test]
    places = pd.Index(terms["go_id"]).get_indexer(pd.Index(table.go_id))
    return rows, [protein_go[row][:, places].toarray() > 0 for row in rows]


def kind_baselines(corpus: Corpus, table: RegionTable) -> pd.DataFrame:
    """The rows of `kind_baseline`.

    Args:
        corpus: the proteins.
        table: the regions; only proteins with an annotation of the kind's source count.
    """
    n_levels, n_kinds = N_AMINO_ACIDS + 1, table.n_kinds
    counts = {part: np.zeros((2, n_levels, n_kinds)) for part in ("train", "test")}
    for shard in corpus.shards if n_kinds else ():
        letter = corpus.amino_acids(shard)
        for part, sums in counts.items():
            here = shard_regions(table, corpus, shard, part)
            one_hot = np.eye(n_levels, dtype=np.float32)[letter[here.rows]]
            known = table.is_known[:, here.row_protein].astype(np.float32) @ one_hot
            sums += [(here.mask[:n_kinds] @ one_hot).T, known[table.source_of_kind].T]
    (within, known), (positive, total) = counts["train"], counts["test"]
    return pd.DataFrame(
        {
            "kind": pd.Series(table.kinds, dtype="str"),
            "all_positive_f1": always_f1(share(positive.sum(axis=0), total.sum(axis=0))),
            "amino_acid_auroc": aurocs_of_counts(share(within, known), positive, total - positive),
        }
    )


def _regression(x: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> np.ndarray:
    """[n_terms] test AUROC of a logistic regression; x and labels of train, valid and test."""
    auroc = np.full(labels[0].shape[1], np.nan)
    fits = np.flatnonzero(has_both(labels))
    if len(fits):
        part = np.repeat(["train", "valid"], [len(labels[0]), len(labels[1])])
        fitted = choose_logistic(np.concatenate(x[:2]), np.concatenate(labels[:2])[:, fits], part, criterion="auc")
        auroc[fits] = aurocs(fitted.logits(x[2]), labels[2][:, fits])
    return auroc


def _best_column(x: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> np.ndarray:
    """[n_terms] test AUROC of the column of x, up or down, with the highest AUROC on train."""
    auroc = np.full(labels[0].shape[1], np.nan)
    fits = np.flatnonzero(has_both(labels))
    if len(fits):
        auroc[fits] = aurocs(best_columns(x, [part[:, fits] for part in labels]), labels[2][:, fits])
    return auroc


def best_columns(x: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> np.ndarray:
    """[n_test, n_terms] for each term the column of x, up or down, with the highest AUROC on train.

    Args:
        x: of train, valid and test proteins.
        labels: [n_proteins, n_terms] of the same; train has a positive and a negative of each term.
    """
    truth = csr_array(labels[0].T, dtype=np.float64)
    n_positive, n = truth.sum(axis=1), len(x[0])
    on_train = share_of_pairs(wins(np.asarray(truth @ midranks(x[0])).T, n_positive), n_positive, n - n_positive)
    best = np.abs(on_train - 0.5).argmax(axis=0)
    sign = np.where(on_train[best, np.arange(truth.shape[0])] < 0.5, -1, 1)
    return sign * x[2][:, best]


def has_both(labels: Sequence[np.ndarray]) -> np.ndarray:
    """[n_terms] every split has a positive and a negative."""
    return np.logical_and.reduce([part.any(axis=0) & ~part.all(axis=0) for part in labels])
