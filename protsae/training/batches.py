"""Training batches: some residues of every protein per epoch, shuffled, the same for the same (seed, epoch).

    proteins in random order -> sampled residues of each -> chunks of about `buffer_rows` residues, shuffled -> batches

Nothing depends on what was drawn before: batch i of an epoch can be asked for directly, which is how a killed training
goes on where it stopped. Only a chunk is in memory. Where several processes train together all draw the same batches,
and each reads its share of their residues.

Read `BatchStream.epoch`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from protsae.parallel.ranks import ALONE, Ranks
from protsae.sae.base import SAE
from protsae.shards import ShardReader


class Batch(NamedTuple):
    """Residues of many proteins, or one process's share of them."""

    x: Float[Tensor, "n d_model"]
    """Activations in the PLM's own units, float32."""

    proteins: Int[np.ndarray, " n"]
    """Number of each residue's protein in the `ShardReader`."""

    everyone: Int[np.ndarray, " n_all"]
    """The same of all processes' residues."""


class BatchStream:
    """Endless supply of shuffled residues from the given proteins."""

    def __init__(
        self,
        reader: ShardReader,
        proteins: Int[np.ndarray, " n_proteins"],
        *,
        batch_size: int,
        residues_per_protein: int = 100,
        seed: int = 0,
        buffer_rows: int = 131_072,
        drop_last: bool = True,
        ranks: Ranks = ALONE,
    ) -> None:
        """Describe the stream.

        Args:
            reader: of the activations.
            proteins: numbers of the proteins to draw from.
            batch_size: residues per batch.
            residues_per_protein: drawn from each protein and epoch without repetition; all of a shorter one.
            seed: of order and draw.
            buffer_rows: residues that are shuffled together.
            drop_last: leave out the last batch of an epoch if it is not full (unless it is the only one).
            ranks: processes that share every batch.
        """
        self._reader, self._proteins, self._seed = reader, np.asarray(proteins, np.int64), seed
        self._per_protein, self._batch_size, self._buffer_rows = residues_per_protein, batch_size, buffer_rows
        self._ranks = ranks
        self.n_rows = int(np.minimum(reader.lengths[self._proteins], residues_per_protein).sum())
        full, rest = divmod(self.n_rows, batch_size)
        self.n_batches: int = full + bool(rest and (not drop_last or not full))

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, from batch `start` (counted from 0) on."""
        rng = np.random.default_rng((self._seed, epoch))
        order = rng.permutation(self._proteins)
        ends = np.cumsum(np.minimum(self._reader.lengths[order], self._per_protein))
        chunks = self._chunks(ends)
        held_chunk, held = -1, None
        for number in range(start, self.n_batches):
            row = number * self._batch_size
            stop = min(row + self._batch_size, self.n_rows)
            parts = []
            while row < stop:
                chunk = int(np.searchsorted(chunks.last_row, row, side="right"))
                if chunk != held_chunk or held is None:
                    first, last = chunks.first_protein[chunk], chunks.last_protein[chunk]
                    held_chunk = chunk
                    held = self._draw(order[first:last], epoch, chunk, int(chunks.first_row[chunk]))
                begin = int(chunks.first_row[chunk])
                until = min(stop, int(chunks.last_row[chunk]))
                parts.append(held.batch(row - begin, until - begin))
                row = until
            x, proteins, everyone = (np.concatenate(part) for part in zip(*parts, strict=True))
            yield Batch(torch.from_numpy(x.astype(np.float32)), proteins, everyone)

    def _chunks(self, ends: Int[np.ndarray, " n_proteins"]) -> "_Chunks":
        """Whole proteins, in order, in chunks of at least `buffer_rows` residues (the last may be smaller)."""
        starts = np.concatenate([[0], ends[:-1]])
        n_chunks = max(1, -(-int(ends[-1]) // self._buffer_rows))
        bounds = np.searchsorted(starts, np.arange(n_chunks + 1) * self._buffer_rows)
        bounds = np.unique(bounds.clip(0, len(ends)))
        return _Chunks(bounds[:-1], bounds[1:], starts[bounds[:-1]], ends[bounds[1:] - 1])

    def _draw(self, proteins: np.ndarray, epoch: int, chunk: int, first_row: int) -> "_Held":
        rng = np.random.default_rng((self._seed, epoch, chunk))
        n = self._per_protein
        residues = [
            np.arange(length) if length <= n else rng.choice(length, n, replace=False, shuffle=False)
            for length in self._reader.lengths[proteins].tolist()
        ]
        owners = np.repeat(proteins, [len(part) for part in residues])
        order = rng.permutation(len(owners))
        owners, places = owners[order], np.concatenate(residues)[order]
        is_own = self._is_own(first_row + np.arange(len(owners)))
        n_own = np.concatenate([[0], is_own.cumsum()])
        return _Held(self._reader.gather(owners[is_own], places[is_own]), n_own, is_own, owners)

    def _is_own(self, rows: Int[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Which rows of an epoch are this process's."""
        number, place = np.divmod(rows, self._batch_size)
        n_rows = np.minimum(self._batch_size, self.n_rows - number * self._batch_size)
        return np.equal(((place + 1) * self._ranks.size - 1) // n_rows, self._ranks.rank)


@torch.no_grad()
def fit_input(sae: SAE, stream: BatchStream, ranks: Ranks = ALONE) -> None:
    """`SAE.fit_input` with the residues of the stream's first epoch, of all processes together."""
    total, squares, units = sums = torch.zeros(3, sae.d_model, dtype=torch.float64)
    n = 0
    for batch in stream.epoch(0):
        x = batch.x.double()
        norms = torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(1e-12)
        total += x.sum(0)
        squares += x.pow(2).sum(0)
        units += (x / norms).sum(0)
        n += len(batch.everyone)
    total, squares, units = ranks.total(sums)
    mean = total / n
    sae.fit_input(
        mean.float(),
        float(squares.sum()) / n,
        deviation=(squares / n - mean.pow(2)).clamp_min(0).sqrt().float(),
        unit_mean=(units / n * sae.d_model**0.5).float(),
    )


class _Held(NamedTuple):
    """A chunk's residues."""

    x: np.ndarray
    """Of this process."""
    n_own: np.ndarray
    """[n_all + 1] rows of this process before each row"""
    is_own: np.ndarray
    owners: np.ndarray
    """Proteins of all processes' rows."""

    def batch(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The fields of `Batch` for some rows."""
        everyone = self.owners[start:stop]
        return self.x[self.n_own[start] : self.n_own[stop]], everyone[self.is_own[start:stop]], everyone


class _Chunks(NamedTuple):
    first_protein: np.ndarray
    last_protein: np.ndarray
    """Index after the chunk's last protein."""
    first_row: np.ndarray
    last_row: np.ndarray
    """Index after the chunk's last row."""
