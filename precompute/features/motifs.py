"""The letters around a feature's strongest residues, and around residues that were drawn at random.

Of each homology cluster the protein with the strongest residue counts, so that no family makes a motif by itself; of
these the `MOST` strongest, whatever their split. Two nulls keep the proteins and draw the residue: any one of the
protein, and any other one with the peak's own letter, which leaves nothing but what a letter's surroundings always say.

Read `strongest`, then `Letters.motif`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from precompute.corpus.codes import CSC, Runs
from precompute.corpus.proteins import N_AMINO_ACIDS, Shard, amino_acid_codes
from protsae.measures.motif import corrected_bits
from protsae.store.analyses.motifs import MOST, REACH

DRAWS = 20
"""Of each null: a motif above all of them is one that luck gives less than once in 20 times."""

WIDTH = 2 * REACH + 1
_OFFSETS = np.arange(-REACH, REACH + 1)
_FLANK = _OFFSETS != 0


class Motif(NamedTuple):
    """One feature's letters; information in bits, corrected for few sequences, so that luck gives 0."""

    counts: np.ndarray
    """[WIDTH, 20] of each letter at each offset from the peak"""
    peak_bits: float
    """Of the peak's own column"""
    null_peak_bits: float
    """The same at random residues of the same proteins, mean over draws"""
    flank_bits: float
    """Of all other columns together"""
    null_flank_bits: float
    """The same around other residues with the peak's letter in the same proteins, mean over draws"""
    null_flank_most: float
    """The largest of these draws"""


class Letters:
    """All proteins as one row of letters, and where each letter stands in each protein."""

    def __init__(self, sequences: Sequence[str]) -> None:
        gap = np.full(REACH, N_AMINO_ACIDS, dtype=np.uint8)
        parts = [piece for sequence in sequences for piece in (gap, amino_acid_codes(sequence))]
        self._row = np.concatenate([*parts, gap])
        self._length = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        self._first = np.cumsum(self._length + REACH) - self._length
        protein = np.repeat(np.arange(len(sequences)), self._length)
        place = np.arange(len(protein)) + REACH * (protein + 1)
        bucket = protein * (N_AMINO_ACIDS + 1) + self._row[place]
        order = np.argsort(bucket, kind="stable")
        self._same = place[order]
        """Places of residues, those of one protein and letter together and ascending."""
        n_buckets = len(sequences) * (N_AMINO_ACIDS + 1)
        self._start = np.concatenate([[0], np.cumsum(np.bincount(bucket, minlength=n_buckets))])
        self._rank = np.empty(len(self._row), dtype=np.int64)
        self._rank[self._same] = np.arange(len(order)) - self._start[bucket[order]]
        letters = np.bincount(self._row, minlength=N_AMINO_ACIDS + 1)[:N_AMINO_ACIDS]
        self.background = letters / max(1, letters.sum())
        """[20] share of each letter in the corpus"""

    def motif(self, proteins: np.ndarray, positions: np.ndarray, rng: np.random.Generator) -> Motif:
        """The letters around one residue of each of some proteins.

        Args:
            proteins: [n] rows of the corpus.
            positions: [n] residue of each, from 0.
            rng: of the nulls.
        """
        peak = self._first[proteins] + positions
        counts = self._counts(peak[None])[0]
        bits = corrected_bits(counts, self.background)
        anywhere = self._first[proteins] + (rng.random((DRAWS, len(proteins))) * self._length[proteins]).astype(int)
        at_peak = corrected_bits(self._counts(anywhere)[:, REACH], self.background)
        around = corrected_bits(self._counts(self._elsewhere(proteins, peak, rng)), self.background)
        flanks = around[:, _FLANK].sum(axis=1)
        return Motif(
            counts=counts,
            peak_bits=float(bits[REACH]),
            null_peak_bits=float(at_peak.mean()),
            flank_bits=float(bits[_FLANK].sum()),
            null_flank_bits=float(flanks.mean()),
            null_flank_most=float(flanks.max()),
        )

    def _elsewhere(self, proteins: np.ndarray, peak: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """[DRAWS, n] another residue with the same letter in the same protein; 0, a gap, where there is none."""
        bucket = proteins * (N_AMINO_ACIDS + 1) + self._row[peak]
        others = self._start[bucket + 1] - self._start[bucket] - 1
        drawn = (rng.random((DRAWS, len(peak))) * others).astype(np.int64)
        drawn += drawn >= self._rank[peak]
        found = self._same[np.minimum(self._start[bucket] + drawn, len(self._same) - 1)]
        return np.where(others > 0, found, 0)

    def _counts(self, places: np.ndarray) -> np.ndarray:
        """[n_sets, WIDTH, 20] letters around the places [n_sets, n]; those at 0 count for nothing."""
        n_sets = len(places)
        window = self._row[np.clip(places[..., None] + _OFFSETS, 0, len(self._row) - 1)]
        window = np.where(places[..., None] > 0, window, N_AMINO_ACIDS)
        cell = np.arange(n_sets)[:, None, None] * WIDTH + np.arange(WIDTH)
        flat = np.bincount(
            (cell * (N_AMINO_ACIDS + 1) + window).ravel(), minlength=n_sets * WIDTH * (N_AMINO_ACIDS + 1)
        )
        return flat.reshape(n_sets, WIDTH, N_AMINO_ACIDS + 1)[..., :N_AMINO_ACIDS]


def strongest(peak: CSC, cluster: np.ndarray, most: int = MOST) -> list[np.ndarray]:
    """Of each feature the proteins with the strongest residue, the strongest first, one of each homology cluster.

    Args:
        peak: [n_proteins, d_sae] largest activations.
        cluster: [n_proteins] number of each protein's cluster.
        most: proteins of a feature.
    """
    chosen = []
    for feature in range(peak.shape[1]):
        column = slice(peak.indptr[feature], peak.indptr[feature + 1])
        protein, value = peak.indices[column].astype(np.int64), peak.data[column]
        protein = protein[np.lexsort((protein, -value))]
        _, first = np.unique(cluster[protein], return_index=True)
        chosen.append(protein[np.sort(first)[:most]])
    return chosen


class Peaks:
    """Collects the strongest residue of chosen proteins from shard after shard."""

    def __init__(self, chosen: Sequence[np.ndarray], n_proteins: int) -> None:
        self._n_proteins = n_proteins
        feature = np.repeat(np.arange(len(chosen)), [len(proteins) for proteins in chosen])
        self._key = feature * n_proteins + np.concatenate([np.empty(0, dtype=np.int64), *chosen])
        self._order = np.argsort(self._key)
        self._sorted = self._key[self._order]
        self._ends = np.cumsum([0, *(len(proteins) for proteins in chosen)])
        self._position = np.full(len(self._key), -1)

    def add(self, runs: Runs, shard: Shard) -> None:
        """Take what one shard holds of the chosen proteins."""
        if not len(self._key):
            return
        key = runs.feature.astype(np.int64) * self._n_proteins + runs.protein
        place = np.minimum(np.searchsorted(self._sorted, key), len(self._sorted) - 1)
        first_row = np.zeros(self._n_proteins, dtype=np.int64)
        first_row[shard.proteins] = shard.first_row
        for run in np.flatnonzero(self._sorted[place] == key).tolist():
            inside = slice(runs.start[run], runs.start[run + 1])
            row = runs.row[inside][runs.value[inside].argmax()]
            self._position[self._order[place[run]]] = row - first_row[runs.protein[run]]

    def of(self, feature: int) -> np.ndarray:
        """Residue, from 0, of each chosen protein of a feature, in their order."""
        return self._position[self._ends[feature] : self._ends[feature + 1]]
