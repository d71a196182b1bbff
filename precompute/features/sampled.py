"""Whole proteins drawn from one split, with the sparse codes of all their residues. Read `sample_proteins`."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from precompute.corpus.codes import CSR, code_path, read_codes
from precompute.corpus.proteins import Corpus, amino_acid_codes
from precompute.pipeline.tables import read_table


class Sample(NamedTuple):
    """Residues of some proteins, those of one protein one after the other."""

    proteins: np.ndarray
    """[n_proteins] rows of `Corpus`."""
    length: np.ndarray
    """[n_proteins] residues of each."""
    letters: np.ndarray
    """[n] place of each residue in AMINO_ACIDS; 20 for any other letter."""

    @property
    def group(self) -> np.ndarray:
        """[n] place of each residue's protein in `proteins`."""
        return np.repeat(np.arange(len(self.proteins)), self.length)

    @property
    def place(self) -> np.ndarray:
        """[n] residue of its protein, from 0."""
        first = np.cumsum(self.length) - self.length
        return np.arange(len(self.letters)) - np.repeat(first, self.length)

    def shifted(self, rng: np.random.Generator) -> np.ndarray:
        """[n] for each residue another of its protein: all of a protein moved along the chain, which closes."""
        by = np.repeat(rng.integers(0, self.length), self.length)
        n = np.repeat(self.length, self.length)
        return np.arange(len(self.letters)) - self.place + (self.place + by) % n


def sample_proteins(corpus: Corpus, part: str, n_residues: int, *, seed: int) -> Sample:
    """Proteins of a split in a random order until they have so many residues; then in the order of the shards."""
    own = np.flatnonzero(corpus.split == part)
    drawn = np.random.default_rng(seed).permutation(own)
    before = np.cumsum(corpus.length[drawn]) - corpus.length[drawn]
    return chosen_proteins(corpus, drawn[before < n_residues])


def chosen_proteins(corpus: Corpus, rows: np.ndarray) -> Sample:
    """These proteins (rows of `Corpus`), in the order of the shards."""
    kept = set(rows.tolist())
    ordered = [int(one) for shard in corpus.shards for one in shard.proteins if int(one) in kept]
    proteins = np.array(ordered, dtype=np.int64)
    letters = amino_acid_codes("".join(corpus.sequence[one] for one in ordered)).astype(np.int64)
    return Sample(proteins, corpus.length[proteins], letters)


def rows_by_shard(corpus: Corpus, sample: Sample) -> list[tuple[int, np.ndarray]]:
    """Of every shard that holds sampled proteins its number and their rows, in the order of the sample."""
    found = []
    for shard in corpus.shards:
        is_kept = np.isin(shard.proteins, sample.proteins)
        if is_kept.any():
            starts, lengths = shard.first_row[is_kept], shard.length[is_kept]
            ranges = [np.arange(first, first + n) for first, n in zip(starts, lengths, strict=True)]
            found.append((shard.number, np.concatenate(ranges)))
    return found


def sampled_codes(corpus: Corpus, folder: Path, samples: Sequence[Sample]) -> list[CSR]:
    """Codes [n, d_sae] of the residues of each sample; every shard is read once.

    Args:
        corpus: all proteins.
        folder: of an SAE's codes.
        samples: of `sample_proteins`.
    """
    wanted: dict[int, list[tuple[int, np.ndarray]]] = {}
    for number, sample in enumerate(samples):
        for shard, rows in rows_by_shard(corpus, sample):
            wanted.setdefault(shard, []).append((number, rows))
    pieces: list[list[CSR]] = [[] for _ in samples]
    for shard in sorted(wanted):
        codes = read_codes(code_path(folder, shard))
        for number, rows in wanted[shard]:
            pieces[number].append(codes[rows])
    return [csr_array(vstack(piece, format="csr")) for piece in pieces]


def annotated(work: Path, corpus: Corpus, sample: Sample) -> dict[str, np.ndarray]:
    """Kind of annotation -> [n] bool, the residues of a sample that have it; every kind of the corpus.

    Args:
        work: folder of the run.
        corpus: all proteins.
        sample: some of them.
    """
    table = read_table(work / "proteins" / "annotation.parquet", ["accession", "kind", "start_pos", "end_pos"])
    found = {str(kind): np.zeros(len(sample.letters), dtype=bool) for kind in sorted(set(table["kind"]))}
    place = {str(corpus.accession[row]): number for number, row in enumerate(sample.proteins)}
    first = np.cumsum(sample.length) - sample.length
    table = table.loc[table["accession"].isin(list(place))]
    for accession, kind, start, end in table.itertuples(index=False, name=None):
        number = place[accession]
        last = min(int(end), int(sample.length[number]) - 1)
        found[kind][first[number] + max(int(start), 0) : first[number] + last + 1] = True
    return found
