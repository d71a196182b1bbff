"""What residue-level alignment counts, shard by shard: sums, bootstrap sums and activation histograms.

Read `Part`, then `Counts`: the others follow its pattern.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from precompute.align.regions import RegionTable, ShardRegions, shard_regions
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus, Shard
from protsae.measures.ranking import aurocs_of_counts

THRESHOLDS = np.array([0.0, 0.15, 0.5, 0.6, 0.8])
"""Shares of max_act."""

STEPS = 255
"""Steps of the activation that AUROC distinguishes."""


class Part(NamedTuple):
    """The residues of one split in one shard."""

    level: CSR
    """[n_rows, d_sae] how many of THRESHOLDS the activation exceeds, 1 to 5"""

    step: CSR
    """[n_rows, d_sae] activation in steps of max_act / STEPS, rounded up, 1 to STEPS"""

    here: ShardRegions

    def called(self, number: int) -> CSR:
        """[n_rows, d_sae] of 1 where the activation exceeds the threshold of that number."""
        called = self.level.copy()
        called.data = (called.data > number).astype(np.float32)
        called.eliminate_zeros()
        return called


class Pairs(NamedTuple):
    """Features with kinds and the number of their threshold; all [n_pairs]."""

    feature: np.ndarray
    kind: np.ndarray
    threshold: np.ndarray


def read_part(codes: CSR, max_act: np.ndarray, *, table: RegionTable, corpus: Corpus, shard: Shard, split: str) -> Part:
    """Lay the regions over the codes of one split's proteins in a shard."""
    here = shard_regions(table, corpus, shard, split)
    rows = codes[here.rows]
    ratio = rows.data.astype(np.float64) / max_act[rows.indices]
    level = csr_array((np.searchsorted(THRESHOLDS, ratio).astype(np.int8), rows.indices, rows.indptr), rows.shape)
    step = csr_array((np.ceil(ratio * STEPS).astype(np.int16), rows.indices, rows.indptr), rows.shape)
    return Part(level, step, here)


class Counts:
    """Sums over all residues of a split, for every threshold, feature and kind (shifted copies included)."""

    def __init__(self, table: RegionTable, d_sae: int) -> None:
        n_kinds, n_sources = 2 * table.n_kinds, len(table.sources)
        self._table = table
        self.called = np.zeros((len(THRESHOLDS), n_sources, d_sae))
        """Called residues of proteins with annotations of the source."""
        self.hits = np.zeros((len(THRESHOLDS), n_kinds, d_sae))
        """Of these, within the kind."""
        self.found = np.zeros((len(THRESHOLDS), n_kinds, d_sae))
        """Regions of the kind with a called residue."""
        self.n_regions = np.zeros(n_kinds)
        self.n_residues = np.zeros(n_kinds)
        """Residues within the kind."""
        self.n_known = np.zeros(n_sources)
        """Residues of proteins with annotations of the source."""

    def add(self, part: Part) -> None:
        """Add one shard's part."""
        here, n_kinds = part.here, 2 * self._table.n_kinds
        known: CSR = csr_array(self._table.is_known[:, here.row_protein].astype(np.float32))
        kind_of = _one_hot(here.region_kind, n_kinds)
        self.n_regions += np.bincount(here.region_kind, minlength=n_kinds)
        self.n_residues += here.mask.sum(axis=1)
        self.n_known += known.sum(axis=1)
        for number in range(len(THRESHOLDS)):
            called = part.called(number)
            self.called[number] += (known @ called).toarray()
            self.hits[number] += (here.mask @ called).toarray()
            self.found[number] += (kind_of @ _is_positive(here.regions @ called)).toarray()


class Resampled:
    """Bootstrap sums over proteins, for chosen pairs."""

    def __init__(self, table: RegionTable, pairs: Pairs, proteins: np.ndarray, weights: np.ndarray) -> None:
        """Start from zero.

        Args:
            table: the regions.
            pairs: unshifted kinds only.
            proteins: [n] rows of `Corpus` that are resampled.
            weights: [n_resamples, n] how often each was drawn.
        """
        self._table, self._pairs, self._weights = table, pairs, weights
        self._place = np.full(table.is_known.shape[1], -1, dtype=np.int64)
        self._place[proteins] = np.arange(len(proteins))
        shape = (len(weights), len(pairs.feature))
        self.called = np.zeros(shape, dtype=np.float32)
        self.hits = np.zeros(shape, dtype=np.float32)
        self.found = np.zeros(shape, dtype=np.float32)
        self.n_regions = np.zeros((len(weights), table.n_kinds), dtype=np.float32)

    def add(self, part: Part) -> None:
        """Add one shard's part."""
        here, pairs = part.here, self._pairs
        proteins, protein_of_row = np.unique(here.row_protein, return_inverse=True)
        if len(proteins) == 0:
            return
        weights = self._weights[:, self._place[proteins]]
        rows = _one_hot(protein_of_row, len(proteins))
        region_place = np.searchsorted(proteins, here.region_protein)
        for kind in range(self._table.n_kinds):
            of_kind = np.flatnonzero(here.region_kind == kind)
            self.n_regions[:, kind] += weights @ np.bincount(region_place[of_kind], minlength=len(proteins))
        for number in np.unique(pairs.threshold):
            called = part.called(number)
            per_protein = (rows @ called).tocsc()
            for kind in np.unique(pairs.kind[pairs.threshold == number]):
                chosen = np.flatnonzero((pairs.threshold == number) & (pairs.kind == kind))
                features = pairs.feature[chosen]
                known = weights * self._table.is_known[self._table.source_of_kind[kind], proteins]
                self.called[:, chosen] += known @ per_protein[:, features].toarray()
                within = here.mask[[kind]].indices
                if len(within) == 0:
                    continue
                hits = (rows[:, within] @ called[within]).tocsc()
                self.hits[:, chosen] += weights @ hits[:, features].toarray()
                of_kind = np.flatnonzero(here.region_kind == kind)
                found = _one_hot(region_place[of_kind], len(proteins)) @ _is_positive(here.regions[of_kind] @ called)
                self.found[:, chosen] += weights @ found.tocsc()[:, features].toarray()


class Histograms:
    """How often each step of activation occurs, for chosen pairs within the kind, and for all features."""

    def __init__(self, table: RegionTable, pairs: Pairs, d_sae: int) -> None:
        self._table, self._pairs, self._d_sae = table, pairs, d_sae
        self.within = np.zeros((len(pairs.feature), STEPS + 1))
        """[n_pairs, STEPS + 1] residues within the kind by step; step 0 stays empty."""
        self.known = np.zeros((len(table.sources), d_sae, STEPS + 1), dtype=np.int64)
        """Residues of proteins with annotations of the source by step; step 0 stays empty."""

    def add(self, part: Part) -> None:
        """Add one shard's part."""
        here = part.here
        for source, known in enumerate(self._table.is_known):
            rows = part.step[np.flatnonzero(known[here.row_protein])]
            flat = rows.indices.astype(np.int64) * (STEPS + 1) + rows.data
            self.known[source] += np.bincount(flat, minlength=self.known[source].size).reshape(self.known[source].shape)
        for kind in np.unique(self._pairs.kind):
            chosen = np.flatnonzero(self._pairs.kind == kind)
            place = np.full(self._d_sae, -1, dtype=np.int64)
            place[self._pairs.feature[chosen]] = np.arange(len(chosen))
            rows = part.step[here.mask[[kind]].indices]
            pair = place[rows.indices]
            flat = pair[pair >= 0] * (STEPS + 1) + rows.data[pair >= 0]
            counts = np.bincount(flat, minlength=len(chosen) * (STEPS + 1))
            self.within[chosen] += counts.reshape(len(chosen), STEPS + 1)

    def auroc(self, counts: Counts) -> np.ndarray:
        """[n_pairs] AUROC of the step of activation for lying within the kind; NaN where a class is empty."""
        source = self._table.source_of_kind[self._pairs.kind]
        positive = self.within.copy()
        positive[:, 0] = counts.n_residues[self._pairs.kind] - positive.sum(axis=1)
        total = self.known[source, self._pairs.feature].astype(np.float64)
        total[:, 0] = counts.n_known[source] - total.sum(axis=1)
        steps = np.broadcast_to(np.arange(STEPS + 1)[:, None], positive.T.shape)
        return aurocs_of_counts(steps, positive.T, (total - positive).T)


def _one_hot(place: np.ndarray, n: int) -> CSR:
    """[n, len(place)] with a 1 at (place[i], i)."""
    return csr_array((np.ones(len(place), dtype=np.float32), (place, np.arange(len(place)))), shape=(n, len(place)))


def _is_positive(matrix: CSR) -> CSR:
    matrix.data = (matrix.data > 0).astype(np.float32)
    return matrix
