"""The proteins of a run as arrays, in the order of `proteins.parquet`, and where their residues lie in the shards.

A shard's rows are residues; those of one protein are contiguous. Embeddings and sparse codes share this order, so a row
number of one is a row number of the other. Read `read_corpus`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from protsae.alphabet import AMINO_ACIDS
from protsae.shards import read_index

N_AMINO_ACIDS = len(AMINO_ACIDS)

_CODES = np.full(256, N_AMINO_ACIDS, dtype=np.uint8)
_CODES[np.frombuffer(AMINO_ACIDS.encode(), dtype=np.uint8)] = np.arange(N_AMINO_ACIDS)


class Shard(NamedTuple):
    """Which rows of one shard belong to which protein."""

    number: int
    proteins: np.ndarray
    """[n] rows of `Corpus`, in the order in which they lie in the shard."""

    first_row: np.ndarray
    """[n] the shard's row of each protein's first residue."""

    length: np.ndarray
    """[n] residues of each protein."""

    @property
    def n_rows(self) -> int:
        """Residues of the shard."""
        return int(self.length.sum())

    @property
    def row_protein(self) -> np.ndarray:
        """[n_rows] row of `Corpus` of each residue."""
        return np.repeat(self.proteins, self.length)


class Corpus(NamedTuple):
    """All proteins of a run."""

    accession: np.ndarray
    split: np.ndarray
    """train | valid | test"""

    is_shipped: np.ndarray
    sequence: list[str]
    shards: list[Shard]

    @property
    def n_proteins(self) -> int:
        """Proteins, shipped or not."""
        return len(self.accession)

    @property
    def n_residues(self) -> int:
        """Residues of all proteins."""
        return sum(shard.n_rows for shard in self.shards)

    @property
    def length(self) -> np.ndarray:
        """[n_proteins] residues."""
        return np.array([len(sequence) for sequence in self.sequence], dtype=np.int64)

    def amino_acids(self, shard: Shard) -> np.ndarray:
        """[n_rows] amino acid of each residue as its place in `AMINO_ACIDS`; 20 for any other letter."""
        return amino_acid_codes("".join(self.sequence[protein] for protein in shard.proteins))


def amino_acid_codes(sequence: str) -> np.ndarray:
    """Each letter's place in `AMINO_ACIDS`; 20 for any other letter."""
    return _CODES[np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)]


def read_corpus(work: Path) -> Corpus:
    """Join `proteins/proteins.parquet` with the indices of `embed/`."""
    proteins = pd.read_parquet(
        work / "proteins" / "proteins.parquet", columns=["accession", "split", "is_shipped", "sequence"]
    )
    index = read_index(work / "embed")
    row_of = pd.Series(np.arange(len(proteins)), index=proteins["accession"])
    index["protein"] = row_of.loc[index["accession"]].to_numpy()
    shards = []
    for number, rows in index.groupby("shard"):
        first, length = rows["first_row"].to_numpy(), rows["length"].to_numpy()
        shards.append(Shard(int(str(number)), rows["protein"].to_numpy(), first, length))
    return Corpus(
        proteins["accession"].to_numpy(dtype=str),
        proteins["split"].to_numpy(dtype=str),
        proteins["is_shipped"].to_numpy(dtype=bool),
        proteins["sequence"].tolist(),
        shards,
    )


def composition(sequences: Sequence[str]) -> np.ndarray:
    """[n, 20] share of each amino acid of `AMINO_ACIDS` among a sequence's letters."""
    counts = [np.bincount(amino_acid_codes(sequence), minlength=N_AMINO_ACIDS + 1) for sequence in sequences]
    lengths = np.array([len(sequence) for sequence in sequences])
    return np.array(counts).reshape(-1, N_AMINO_ACIDS + 1)[:, :N_AMINO_ACIDS] / lengths[:, None]
