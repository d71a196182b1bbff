"""Sequences for masked language modelling: tokenised, cut, held out by homology, and batched the same way every time.

Sequences are cut into pieces of at most 382 residues at an offset that changes every epoch; pieces of like length share
a batch and are cut to one length there, at most 15 residues off, so nothing is padded. Proteins of the held-out
homology clusters, and every sequence that shares a cluster with one of them, are never batched; the same hash makes
them the proteins stage's test split.

Read `Corpus` first.
"""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from esm.data import Alphabet
from torch import Tensor

from precompute.inputs.fasta import read_fasta
from precompute.inputs.homology import read_clusters, split_of
from protsae.errors import ConfigError, InputError

MAX_TOKENS = 384
"""Longest piece, two special tokens included."""

LENGTH_STEP = 16
"""A batch is a multiple of so many tokens long, and every piece in it is cut to that: no padding, which costs a third
of the speed, and few shapes. The CPU's matrix library keeps a kernel for every shape that it meets; with a shape a
batch a training's memory grew from 2 to 6.5 GB in 300 steps."""

LENGTHS = range(2 * LENGTH_STEP, MAX_TOKENS + 1, LENGTH_STEP)

AMINO_ACID_TOKENS = range(4, 24)
"""Tokens of the twenty amino acids in the ESM-1b alphabet."""

EVALUATION_SEQUENCES = 1000
"""Most held-out sequences that a perplexity is measured on."""

EVALUATION_MASKED = 0.15


class Batch(NamedTuple):
    tokens: Tensor
    """[batch, length], masked."""

    positions: Tensor
    """Flat indices of the residues to predict."""

    targets: Tensor
    """Their tokens."""


class Corpus:
    """Tokenised sequences and their split into training, random held-out and homology held-out."""

    def __init__(
        self, sequences: Path, clusters: Sequence[Path], *, tokens_per_step: int, mask_fraction: float, seed: int
    ) -> None:
        """Read and split everything.

        Args:
            sequences: FASTA, optionally gzipped.
            clusters: homology clusters; the first decides what is held out, all of them what is too close to it.
            tokens_per_step: tokens in a batch, padding included.
            mask_fraction: share of residues to predict.
            seed: of cuts, order and masks.

        Raises:
            InputError: a file is missing or holds nothing usable, or a set of sequences comes out empty.
        """
        self.alphabet = Alphabet.from_architecture("ESM-1b")
        self.tokens_per_step = tokens_per_step
        self.mask_fraction = mask_fraction
        self.seed = seed
        table = np.full(256, self.alphabet.unk_idx, dtype=np.uint8)
        for token in self.alphabet.standard_toks:
            table[ord(token)] = self.alphabet.get_idx(token)
        names: list[str] = []
        encoded: list[np.ndarray] = []
        for protein in read_fasta(sequences):
            names.append(protein.accession)
            encoded.append(table[np.frombuffer(protein.sequence.encode(), dtype=np.uint8)])
        held_out = _held_out_names(names, clusters)
        rest = [i for i, name in enumerate(names) if name not in held_out.dropped]
        share = min(0.05, 2 * EVALUATION_SEQUENCES / max(len(rest), 1))
        is_random = {i for i in rest if _hash(names[i]) < share}
        self.train = [encoded[i] for i in rest if i not in is_random]
        self.random = [encoded[i] for i in rest if i in is_random][:EVALUATION_SEQUENCES]
        homology = [i for i, name in enumerate(names) if name in held_out.test]
        homology.sort(key=lambda i: _hash(names[i]))
        self.homology = [encoded[i] for i in homology[:EVALUATION_SEQUENCES]]
        self._check(sequences, clusters, names, held_out)
        counts = np.bincount(np.concatenate(self.train), minlength=len(self.alphabet))
        self.unigram = counts / counts.sum()

    def arrays(self) -> Iterator[np.ndarray]:
        """Tokens and lengths of the training and held-out sequences: all that a training sees of the files."""
        for part in (self.train, self.random, self.homology):
            yield np.concatenate(part)
            yield np.array([len(sequence) for sequence in part])

    def _check(self, path: Path, clusters: Sequence[Path], names: Sequence[str], held_out: "_HeldOut") -> None:
        given = ", ".join(map(str, clusters))
        if not held_out.n_known:
            raise InputError(
                f"none of the {len(names)} names of {path} ({names[0]!r}, ...) is in the first cluster file of "
                f"{given or 'none'}, so no family can be held out; give the clusters of these sequences"
            )
        if not self.homology:
            raise InputError(
                f"none of the {held_out.n_known} clustered sequences of {path} falls into the held-out 15 % of the "
                f"clusters of {given}; give more sequences"
            )
        for part, what in ((self.train, "to train on"), (self.random, "to hold out at random")):
            if not part:
                raise InputError(
                    f"{path} leaves no sequence {what} beside {len(held_out.dropped)} of held-out families; give more"
                )

    def batches(self, start: int) -> Iterator[Batch]:
        """Training batches from step `start` on; the same for the same seed."""
        step = 0
        epoch = 0
        while True:
            plan = self._plan(np.random.default_rng([self.seed, epoch]))
            if not plan:
                raise ConfigError(
                    f"tokens_per_step={self.tokens_per_step} is more than the {len(self.train)} training sequences "
                    "fill; make it smaller or give more sequences"
                )
            for length, pieces in plan:
                if step >= start:
                    yield self._batch(pieces, length, np.random.default_rng([self.seed, epoch, step]))
                step += 1
            epoch += 1

    def evaluation_batches(self, sequences: Sequence[np.ndarray]) -> Iterator[Batch]:
        """15 % of the residues, all of them masked, the same ones on every call."""
        order = sorted(sequences, key=len)
        for number in range(0, len(order), 25):
            chunk = [s[: MAX_TOKENS - 2] for s in order[number : number + 25]]
            tokens, is_residue = self._pad(chunk, max(map(len, chunk)) + 2)
            rng = np.random.default_rng([1, number])
            chosen = (rng.random(tokens.shape) < EVALUATION_MASKED) & is_residue
            targets = tokens[chosen]
            tokens[chosen] = self.alphabet.mask_idx
            yield _as_batch(tokens, chosen, targets)

    def _plan(self, rng: np.random.Generator) -> list[tuple[int, list[np.ndarray]]]:
        longest = MAX_TOKENS - 2
        pieces: dict[int, list[np.ndarray]] = {length: [] for length in LENGTHS}
        for sequence in self.train:
            offset = int(rng.integers(0, longest)) if len(sequence) > longest else 0
            cuts = [0, *range(offset or longest, len(sequence), longest), len(sequence)]
            for begin, end in itertools.pairwise(cuts):
                if end - begin >= LENGTHS[0] - 2:
                    pieces[_length_of(end - begin)].append(sequence[begin:end])
        plan = []
        left: list[np.ndarray] = []
        for length in reversed(LENGTHS):  # what fills no batch is cut down to the next length
            members = pieces[length] + left
            per_batch = max(1, self.tokens_per_step // length)
            order = rng.permutation(len(members))
            full = len(order) // per_batch * per_batch
            plan.extend(
                (length, [members[i] for i in order[first : first + per_batch]]) for first in range(0, full, per_batch)
            )
            left = [members[i] for i in order[full:]]
        return [plan[i] for i in rng.permutation(len(plan))]

    def _batch(self, pieces: Sequence[np.ndarray], length: int, rng: np.random.Generator) -> Batch:
        size = length - 2
        starts = [int(rng.integers(0, len(piece) - size + 1)) for piece in pieces]
        windows = [piece[start : start + size] for piece, start in zip(pieces, starts, strict=True)]
        tokens, is_residue = self._pad(windows, length)
        residues = np.flatnonzero(is_residue)
        chosen = np.zeros(tokens.shape, dtype=bool)
        n_chosen = max(1, round(self.mask_fraction * len(residues)))
        chosen.flat[rng.choice(residues, n_chosen, replace=False)] = True
        targets = tokens[chosen]
        fate = rng.random(targets.shape)
        replaced = np.where(fate < 0.8, self.alphabet.mask_idx, targets)
        is_random = (fate >= 0.8) & (fate < 0.9)
        replaced[is_random] = rng.integers(AMINO_ACID_TOKENS.start, AMINO_ACID_TOKENS.stop, is_random.sum())
        tokens[chosen] = replaced
        return _as_batch(tokens, chosen, targets)

    def _pad(self, pieces: Sequence[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
        tokens = np.full((len(pieces), length), self.alphabet.padding_idx, dtype=np.int64)
        is_residue = np.zeros_like(tokens, dtype=bool)
        for row, piece in enumerate(pieces):
            tokens[row, 0] = self.alphabet.cls_idx
            tokens[row, 1 : 1 + len(piece)] = piece
            tokens[row, 1 + len(piece)] = self.alphabet.eos_idx
            is_residue[row, 1 : 1 + len(piece)] = True
        return tokens, is_residue


class _HeldOut(NamedTuple):
    test: set[str]
    """Names in held-out clusters."""
    dropped: set[str]
    """These, and names that share a cluster with one of them."""
    n_known: int
    """Names that have a cluster."""


def _held_out_names(names: Sequence[str], cluster_files: Sequence[Path]) -> _HeldOut:
    tables = [read_clusters(path) for path in cluster_files]
    test = {name for name, cluster in tables[0].items() if split_of(cluster) == "test"} if tables else set()
    dropped = set(test)
    for table in tables[1:]:
        touched = {table[name] for name in test if name in table}
        dropped |= {name for name in names if table.get(name) in touched}
    n_known = sum(name in tables[0] for name in names) if tables else 0
    return _HeldOut(test & set(names), dropped & set(names), n_known)


def _length_of(n_residues: int) -> int:
    """Length in tokens of the batch that a piece goes into: the longest that it fills."""
    return (n_residues + 2) // LENGTH_STEP * LENGTH_STEP


def _as_batch(tokens: np.ndarray, chosen: np.ndarray, targets: np.ndarray) -> Batch:
    positions = torch.from_numpy(np.flatnonzero(chosen))
    return Batch(torch.from_numpy(tokens), positions, torch.from_numpy(targets))


def _hash(name: str) -> float:
    return int.from_bytes(hashlib.sha256(f"plm:{name}".encode()).digest()[:8], "big") / 2**64
