"""What each feature does over the corpus, gathered in two passes over its sparse codes.

The first pass counts, sums and finds the largest activation and the pooled score of every protein in which a feature
fires. The second, which knows the largest activation, fills fine histograms. Quantiles come from them: the upper edge
of one of 4,000 equal bins over (0, max], so at most max / 4,000 too high and never too low.

Read `FirstPass`, then `SecondPass`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array

from precompute.corpus.codes import CSC, Runs
from precompute.corpus.proteins import N_AMINO_ACIDS
from protsae.files import whole

N_BINS = 40
"""Bins of the stored histogram."""

FINE_BINS = 4000
"""Bins that quantiles are read from; a multiple of N_BINS."""


_RUNS = ("run_feature", "run_protein", "run_peak", "run_total")


class Pooled(NamedTuple):
    """Protein scores, sparse [n_proteins, d_sae]."""

    max: CSC
    """Largest activation over the protein's residues."""

    mean: CSC
    """Mean over all residues of the protein, firing or not."""


class FirstPass:
    """Counts, sums, maxima and pooled scores."""

    def __init__(self, n_proteins: int, d_sae: int) -> None:
        self._shape = (n_proteins, d_sae)
        self.count = np.zeros(d_sae, dtype=np.int64)
        """Residues on which the feature fires."""
        self.total = np.zeros(d_sae)
        """Sum of its activations."""
        self.amino_acids = np.zeros((d_sae, N_AMINO_ACIDS), dtype=np.int64)
        """Firing residues by amino acid."""
        self.runs: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
        """Of each shard: feature, protein, largest activation and sum of every run."""

    def add(self, runs: Runs, amino_acids: np.ndarray) -> None:
        """Add one shard.

        Args:
            runs: of its codes.
            amino_acids: [n_rows] places in AMINO_ACIDS, 20 for other letters.
        """
        if len(runs.value) == 0:
            return
        d_sae = self._shape[1]
        length = np.diff(runs.start)
        total = np.add.reduceat(runs.value.astype(np.float64), runs.start[:-1])
        self.count += np.bincount(runs.feature, weights=length, minlength=d_sae).astype(np.int64)
        self.total += np.bincount(runs.feature, weights=total, minlength=d_sae)
        letter = amino_acids[runs.row]
        flat = np.repeat(runs.feature.astype(np.int64), length) * (N_AMINO_ACIDS + 1) + letter
        letters = np.bincount(flat, minlength=d_sae * (N_AMINO_ACIDS + 1)).reshape(d_sae, N_AMINO_ACIDS + 1)
        self.amino_acids += letters[:, :N_AMINO_ACIDS]
        peak = np.maximum.reduceat(runs.value, runs.start[:-1])
        self.runs.append((runs.feature, runs.protein.astype(np.int32), peak, total.astype(np.float32)))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was counted, as `merge` takes it."""
        parts = list(zip(*self.runs, strict=True)) or [[]] * len(_RUNS)
        runs = {name: np.concatenate(part) if part else np.empty(0) for name, part in zip(_RUNS, parts, strict=True)}
        return {"count": self.count, "total": self.total, "amino_acids": self.amino_acids, **runs}

    def merge(self, other: Mapping[str, np.ndarray]) -> None:
        """Add what another pass has counted (its `to_arrays`); shards are merged in their order."""
        self.count += other["count"]
        self.total += other["total"]
        self.amino_acids += other["amino_acids"]
        feature, protein, peak, total = (other[name] for name in _RUNS)
        if len(feature):
            self.runs.append((feature, protein, peak, total))

    def pooled(self, length: np.ndarray) -> Pooled:
        """Pooled scores of all proteins of these lengths."""
        feature, protein, peak, total = (np.concatenate(parts) for parts in zip(*self.runs, strict=True))
        index = (protein, feature)
        mean = total / length[protein].astype(np.float32)
        return Pooled(csc_array((peak, index), shape=self._shape), csc_array((mean, index), shape=self._shape))


class SecondPass:
    """Histograms over (0, max] of each feature."""

    def __init__(self, max_act: np.ndarray) -> None:
        self._max = max_act
        self.fine = np.zeros((len(max_act), FINE_BINS), dtype=np.int32)

    def add(self, runs: Runs) -> None:
        """Add one shard."""
        feature = np.repeat(runs.feature.astype(np.int64), np.diff(runs.start))
        place = np.ceil(runs.value / self._max[feature] * FINE_BINS).astype(np.int64) - 1
        flat = feature * FINE_BINS + np.clip(place, 0, FINE_BINS - 1)
        self.fine += np.bincount(flat, minlength=self.fine.size).reshape(self.fine.shape).astype(np.int32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was counted, as `merge` takes it: the bins that are not empty, in integers as short as they may be."""
        place = np.flatnonzero(self.fine)
        residues = self.fine.ravel()[place]
        return {name: _short(values) for name, values in (("place", place), ("residues", residues))}

    def merge(self, other: Mapping[str, np.ndarray]) -> None:
        """Add what another pass over other shards, with the same maxima, has counted (its `to_arrays`)."""
        self.fine.reshape(-1)[other["place"]] += other["residues"]

    def quantile(self, q: float) -> np.ndarray:
        """[d_sae] q-quantile of the positive activations; 0 for a feature that never fires."""
        reached = np.cumsum(self.fine, axis=1)
        wanted = np.ceil(q * reached[:, -1:])
        place = (reached >= np.maximum(wanted, 1)).argmax(axis=1)
        return np.where(reached[:, -1] > 0, (place + 1) / FINE_BINS * self._max, 0.0)

    def histogram(self) -> np.ndarray:
        """[d_sae, N_BINS] residues in equal bins over (0, max]."""
        return self.fine.reshape(len(self.fine), N_BINS, -1).sum(axis=2)


def _short(values: np.ndarray) -> np.ndarray:
    return values.astype(np.min_scalar_type(values.max(initial=0)))


def enrichment(firing: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """Log2 of each amino acid's share among firing residues over its share in the corpus; 0 is no preference.

    One pseudo-residue of the corpus' composition is added, so that a letter on which the feature never fires has a
    finite value.

    Args:
        firing: [d_sae, 20] firing residues by amino acid.
        corpus: [20] residues of the corpus by amino acid.
    """
    background = corpus / max(1, corpus.sum())
    shares = (firing + background) / (firing.sum(axis=1, keepdims=True) + 1)
    return np.where(background > 0, np.log2(np.maximum(shares, 1e-12) / np.maximum(background, 1e-12)), 0.0)


def write_pooled(path: Path, pooled: Pooled) -> None:
    """Save pooled scores; both share their sparsity."""
    with whole(path) as temporary, temporary.open("wb") as handle:
        np.savez(
            handle,
            indptr=pooled.max.indptr,
            protein=pooled.max.indices,
            max=pooled.max.data,
            mean=pooled.mean.data,
            shape=np.array(pooled.max.shape),
        )


def read_pooled(path: Path) -> Pooled:
    """Pooled scores as `write_pooled` saved them."""
    with np.load(path, allow_pickle=False) as file:
        shape = tuple(file["shape"])
        both = [csc_array((file[name], file["protein"], file["indptr"]), shape=shape) for name in Pooled._fields]
    return Pooled(*both)
