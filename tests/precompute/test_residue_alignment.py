"""Alignment with residue annotations: a planted feature, parity with a plain loop, the shifted null."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from precompute.align import residues as residue_alignment
from precompute.align.go import Aligned
from precompute.align.regions import RegionTable, ranges, shard_regions
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus, Shard


def corpus_of(lengths: list[int], split: list[str]) -> Corpus:
    n = len(lengths)
    half = n // 2
    shards = []
    for number, proteins in enumerate((np.arange(half), np.arange(half, n))):
        length = np.array(lengths)[proteins]
        shards.append(Shard(number, proteins, np.cumsum(length) - length, length))
    names = np.array([f"P{i:05d}" for i in range(n)])
    return Corpus(names, np.array(split), np.ones(n, dtype=bool), ["A" * length for length in lengths], shards)


class Residues:
    """80 proteins in two shards with 6 features; feature 2 is exactly the kind Motif."""

    def __init__(self) -> None:
        rng = np.random.default_rng(2)
        lengths = rng.integers(30, 60, 80).tolist()
        self.corpus = corpus_of(lengths, ["valid", "test"] * 40)
        rows = []
        for protein, length in enumerate(lengths):
            for kind, span in (("Motif", 6), ("Region", 12), ("Rare", 1)):
                if kind == "Rare" and protein > 3:
                    continue
                start = int(rng.integers(0, length - span))
                rows.append((f"P{protein:05d}", kind, start, start + span - 1, "uniprot"))
        self.annotations = pd.DataFrame(rows, columns=["accession", "kind", "start_pos", "end_pos", "source"])
        self.table = RegionTable.from_annotations(self.annotations, self.corpus, seed=0)
        self.codes = []
        for shard in self.corpus.shards:
            dense = np.where(rng.random((shard.n_rows, 6)) < 0.2, rng.random((shard.n_rows, 6)), 0)
            dense[:, 2] = 0
            for protein, first in zip(shard.proteins, shard.first_row, strict=True):
                own = self.annotations[self.annotations["accession"] == f"P{protein:05d}"]
                for _, a in own[own["kind"] == "Motif"].iterrows():
                    dense[first + a["start_pos"] : first + a["end_pos"] + 1, 2] = 0.9
            self.codes.append(csr_array(dense.astype(np.float32)))
        self.max_act = np.max([c.toarray().max(axis=0) for c in self.codes], axis=0).astype(np.float64)

    def align(self) -> Aligned:
        return residue_alignment.align(
            self.corpus, lambda shard: self.codes[shard.number], self.max_act, self.table, seed=0, resamples=200
        )


@pytest.fixture(scope="module")
def residues() -> Residues:
    return Residues()


@pytest.fixture(scope="module")
def aligned(residues: Residues) -> pd.DataFrame:
    return residues.align().rows


def test_kinds_must_be_common_enough(residues: Residues) -> None:
    assert residues.table.kinds == ["Motif", "Region"]


def test_a_planted_residue_feature_scores_one(aligned: pd.DataFrame) -> None:
    found = aligned[(aligned["feature"] == 2) & (aligned["kind"] == "Motif")].iloc[0]

    assert found[["valid_f1", "test_f1", "test_f1_low", "test_f1_high", "test_auroc"]].tolist() == [1.0] * 5
    assert found["is_best_for_kind"]
    assert found["n_pos_test"] == 40 * 6
    assert found["null_f1"] < 0.6


def test_residue_counts_equal_a_plain_loop(residues: Residues, aligned: pd.DataFrame) -> None:
    corpus = residues.corpus
    for _, one in aligned.iterrows():
        called_n = hit_n = found_n = regions_n = 0
        truth, score = [], []
        for shard in corpus.shards:
            dense = residues.codes[shard.number].toarray()[:, one["feature"]]
            for protein, first, length in zip(shard.proteins, shard.first_row, shard.length, strict=True):
                if corpus.split[protein] != "test":
                    continue
                act = dense[first : first + length]
                called = act > one["threshold"] * residues.max_act[one["feature"]]
                mask = np.zeros(length, dtype=bool)
                own = residues.annotations[residues.annotations["accession"] == corpus.accession[protein]]
                for _, a in own[own["kind"] == one["kind"]].iterrows():
                    span = slice(a["start_pos"], a["end_pos"] + 1)
                    mask[span] = True
                    found_n += called[span].any()
                    regions_n += 1
                called_n += called.sum()
                hit_n += (called & mask).sum()
                truth.append(mask)
                score.append(act)
        precision, recall = hit_n / max(1, called_n), found_n / regions_n
        assert one["test_precision"] == pytest.approx(precision)
        assert one["test_recall"] == pytest.approx(recall)
        assert one["test_f1"] == pytest.approx(2 * precision * recall / max(1e-12, precision + recall))
        assert one["test_auroc"] == pytest.approx(roc_auc_score(np.concatenate(truth), np.concatenate(score)), abs=5e-3)
        assert one["test_f1_low"] <= one["test_f1"] <= one["test_f1_high"]


def test_random_residue_features_stay_near_the_null(aligned: pd.DataFrame) -> None:
    rest = aligned[aligned["feature"] != 2]
    assert rest["test_f1"].mean() == pytest.approx(rest["null_f1"].mean(), abs=0.05)


def test_shifted_regions_keep_their_lengths_and_stay_in_their_protein(residues: Residues) -> None:
    for shard in residues.corpus.shards:
        here = shard_regions(residues.table, residues.corpus, shard, "test")
        own, shifted = here.mask[:2].toarray().sum(axis=1), here.mask[2:].toarray().sum(axis=1)
        assert own.tolist() == shifted.tolist()
        assert (own[0] != shifted[0]) or not np.array_equal(here.mask[[0]].toarray(), here.mask[[2]].toarray())
        protein = here.row_protein[here.regions.indices]
        assert (protein == np.repeat(here.region_protein, np.diff(here.regions.indptr))).all()


def test_without_annotations_nothing_is_aligned(residues: Residues) -> None:
    table = RegionTable.from_annotations(residues.annotations.iloc[:0], residues.corpus, seed=0)

    def read(shard: Shard) -> CSR:
        pytest.fail(f"shard {shard.number} was read")

    empty = residue_alignment.align(residues.corpus, read, residues.max_act, table, seed=0)
    assert len(empty.rows) == 0
    assert not np.isfinite(empty.best_gain).any()


def test_ranges_concatenate() -> None:
    assert ranges([5, 0, 9], [2, 0, 3]).tolist() == [5, 6, 9, 10, 11]
