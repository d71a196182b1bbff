"""Training batches: some residues of every protein per epoch, shuffled, the same for the same (seed, epoch).

    proteins in random order -> sampled residues of each -> chunks of about `buffer_rows` residues, shuffled -> batches

Nothing depends on what was drawn before: batch i of an epoch can be asked for directly, which is how a killed training
goes on where it stopped. Only a chunk is in memory.

Read `BatchStream.epoch`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.sae.base import SAE
from protsae.shards import ShardReader


class Batch(NamedTuple):
    """Residues of many proteins."""

    x: Float[Tensor, "n d_model"]
    """Activations in the PLM's own units, float32."""

    proteins: Int[np.ndarray, " n"]
    """Number of each residue's protein in the `ShardReader`."""


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
        """
        self._reader, self._proteins, self._seed = reader, np.asarray(proteins, np.int64), seed
        self._per_protein, self._batch_size, self._buffer_rows = residues_per_protein, batch_size, buffer_rows
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
                    held_chunk, held = chunk, self._draw(order[first:last], epoch, chunk)
                begin = int(chunks.first_row[chunk])
                until = min(stop, int(chunks.last_row[chunk]))
                parts.append((held[0][row - begin : until - begin], held[1][row - begin : until - begin]))
                row = until
            x = np.concatenate([part[0] for part in parts]).astype(np.float32)
            yield Batch(torch.from_numpy(x), np.concatenate([part[1] for part in parts]))

    def _chunks(self, ends: Int[np.ndarray, " n_proteins"]) -> "_Chunks":
        """Whole proteins, in order, in chunks of at least `buffer_rows` residues (the last may be smaller)."""
        starts = np.concatenate([[0], ends[:-1]])
        n_chunks = max(1, -(-int(ends[-1]) // self._buffer_rows))
        bounds = np.searchsorted(starts, np.arange(n_chunks + 1) * self._buffer_rows)
        bounds = np.unique(bounds.clip(0, len(ends)))
        return _Chunks(bounds[:-1], bounds[1:], starts[bounds[:-1]], ends[bounds[1:] - 1])

    def _draw(self, proteins: np.ndarray, epoch: int, chunk: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self._seed, epoch, chunk))
        n = self._per_protein
        residues = [
            np.arange(length) if length <= n else rng.choice(length, n, replace=False, shuffle=False)
            for length in self._reader.lengths[proteins].tolist()
        ]
        owners = np.repeat(proteins, [len(part) for part in residues])
        order = rng.permutation(len(owners))
        owners = owners[order]
        return self._reader.gather(owners, np.concatenate(residues)[order]), owners


@torch.no_grad()
def fit_input(sae: SAE, stream: BatchStream) -> None:
    """`SAE.fit_input` with the residues of the stream's first epoch."""
    total, squares, units = (torch.zeros(sae.d_model, dtype=torch.float64) for _ in range(3))
    n = 0
    for batch in stream.epoch(0):
        x = batch.x.double()
        norms = torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(1e-12)
        total += x.sum(0)
        squares += x.pow(2).sum(0)
        units += (x / norms).sum(0)
        n += len(x)
    mean = total / n
    sae.fit_input(
        mean.float(),
        float(squares.sum()) / n,
        deviation=(squares / n - mean.pow(2)).clamp_min(0).sqrt().float(),
        unit_mean=(units / n * sae.d_model**0.5).float(),
    )


class _Chunks(NamedTuple):
    first_protein: np.ndarray
    last_protein: np.ndarray
    """Index after the chunk's last protein."""
    first_row: np.ndarray
    last_row: np.ndarray
    """Index after the chunk's last row."""
