"""On which residues features fire together: counts over a sample, beside what chance and amino acids would give.

Read `sample_firing`, then `Firing.together`.
"""

from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, vstack

from precompute.corpus.codes import CSC, CSR, code_path, read_codes
from precompute.corpus.proteins import N_AMINO_ACIDS, Corpus


class Firing:
    """Which features fire on which of some residues."""

    def __init__(self, fires: CSR, letters: np.ndarray, protein: np.ndarray) -> None:
        """Take what was sampled.

        Args:
            fires: [n_residues, d_sae] float32, 1 where a feature fires.
            letters: [n_residues] amino acid of each, its place in AMINO_ACIDS; 20 for any other.
            protein: [n_residues] row of `Corpus`.
        """
        self.fires = fires
        self.letters = letters
        self.protein = protein
        letter = csr_array(
            (np.ones(len(letters), np.float32), (letters, np.arange(len(letters)))),
            shape=(N_AMINO_ACIDS + 1, len(letters)),
        )
        self.by_letter: np.ndarray = (letter @ fires).toarray().astype(np.float64)
        """[21, d_sae] residues of each amino acid on which a feature fires"""
        self.n_letter = np.bincount(letters, minlength=N_AMINO_ACIDS + 1).astype(np.float64)
        """[21]"""

    @property
    def n_residues(self) -> int:
        """Residues of the sample."""
        return self.fires.shape[0]

    @property
    def count(self) -> np.ndarray:
        """[d_sae] residues on which each fires."""
        return self.by_letter.sum(axis=0)

    @property
    def density(self) -> np.ndarray:
        """[d_sae] share of the residues."""
        return self.count / max(1, self.n_residues)

    @cached_property
    def n_proteins(self) -> np.ndarray:
        """[d_sae] proteins in which each fires."""
        pairs = np.repeat(self.protein.astype(np.int64), np.diff(self.fires.indptr)) * self.fires.shape[1]
        return np.bincount(np.unique(pairs + self.fires.indices) % self.fires.shape[1], minlength=self.fires.shape[1])

    @cached_property
    def columns(self) -> CSC:
        """The same by feature."""
        return self.fires.tocsc()

    def together(self) -> np.ndarray:
        """[d_sae, d_sae] float32: residues on which both fire."""
        return (self.fires.T @ self.fires).toarray()

    def letter_share(self) -> np.ndarray:
        """[21, d_sae] share of an amino acid's residues on which each fires."""
        return self.by_letter / np.maximum(self.n_letter, 1)[:, None]

    def shuffled(self, rng: np.random.Generator, *, within_letters: bool) -> "Firing":
        """Each feature on as many residues, drawn at random from all, or from those of the same amino acids."""
        rows, columns = [], []
        places = [np.flatnonzero(self.letters == letter) for letter in range(N_AMINO_ACIDS + 1)]
        for feature, counts in enumerate(self.by_letter.T.astype(np.int64)):
            if within_letters:
                drawn = [
                    rng.choice(place, n, replace=False, shuffle=False)
                    for place, n in zip(places, counts, strict=True)
                    if n
                ]
            else:
                drawn = [rng.choice(self.n_residues, int(counts.sum()), replace=False, shuffle=False)]
            rows += drawn
            columns += [np.full(len(part), feature) for part in drawn]
        index = (np.concatenate(rows), np.concatenate(columns)) if rows else (np.empty(0, int), np.empty(0, int))
        fires = csr_array((np.ones(len(index[0]), np.float32), index), shape=self.fires.shape)
        return Firing(fires, self.letters, self.protein)


def sample_firing(corpus: Corpus, folder: Path, *, n_residues: int, seed: int) -> dict[str, Firing]:
    """Residues of valid and of test proteins, drawn evenly from all of each; the same ones for every SAE.

    Args:
        corpus: all proteins.
        folder: of an SAE's codes.
        n_residues: most of each split.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    total = {part: int(corpus.length[corpus.split == part].sum()) for part in ("valid", "test")}
    rate = {part: min(1.0, n_residues / max(1, n)) for part, n in total.items()}
    found: dict[str, list[tuple[CSR, np.ndarray, np.ndarray]]] = {part: [] for part in total}
    for shard in corpus.shards:
        codes, protein, letters = (
            read_codes(code_path(folder, shard.number)),
            shard.row_protein,
            corpus.amino_acids(shard),
        )
        codes.data = np.ones(len(codes.data), np.float32)
        drawn, split = rng.random(len(protein)), corpus.split[protein]
        for part, share in rate.items():
            rows = np.flatnonzero((split == part) & (drawn < share))
            found[part].append((codes[rows], letters[rows], protein[rows]))
    return {part: _joined(pieces) for part, pieces in found.items()}


def _joined(pieces: list[tuple[CSR, np.ndarray, np.ndarray]]) -> Firing:
    fires, letters, protein = zip(*pieces, strict=True)
    return Firing(vstack(fires, format="csr"), np.concatenate(letters), np.concatenate(protein))
