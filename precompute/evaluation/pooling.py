"""One pass of an SAE over many proteins: codes pooled by protein, and how well residues are reconstructed.

    mean, max [n_proteins, d_sae]        over the residues that were encoded
    explained variance and L0            over test residues

Training proteins are represented by a sample of their residues, valid and test proteins by all of theirs. Nothing but
a block of residues is in memory at a time.

Read `Pooled`, then `pool`.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_array, vstack

from precompute.corpus.codes import CSR, runs_of
from protsae.measures.reconstruction import ErrorSums
from protsae.sae import ProtSAE
from protsae.sae.base import SAE
from protsae.shards import ShardReader

ROWS_AT_A_TIME = 16_384


class Pooled(NamedTuple):
    """Proteins as an SAE sees them."""

    rows: np.ndarray
    """[n] proteins of `Corpus`, ascending"""

    mean: CSR
    """[n, d_sae] mean activation over the encoded residues"""

    max: CSR
    """[n, d_sae] largest activation"""

    pi_mean: np.ndarray
    """[n, m] mean of the concept predictor's probability; [n, 0] where there is no predictor; 0 on train"""

    pi_max: np.ndarray
    """[n, m] largest probability"""

    pi_pooled: np.ndarray
    """[n, m] probability of the protein's logit, pooled as the annotation loss pools"""

    ev: float
    """Explained variance on test residues"""

    l0: float
    """Active features per test residue"""

    density: np.ndarray
    """[d_sae] share of the encoded valid and test residues on which each feature fires"""

    @property
    def share_alive(self) -> float:
        """Features that fire on at least one valid or test residue."""
        return float((self.density > 0).mean())

    def on(self, rows: np.ndarray) -> "Pooled":
        """The same for some of the proteins, given as numbers of `Corpus`."""
        place = np.searchsorted(self.rows, rows)
        return self._replace(
            rows=rows,
            mean=self.mean[place],
            max=self.max[place],
            pi_mean=self.pi_mean[place],
            pi_max=self.pi_max[place],
            pi_pooled=self.pi_pooled[place],
        )


def pool(
    sae: SAE,
    reader: ShardReader,
    rows: np.ndarray,
    split: np.ndarray,
    *,
    train_residues: int,
    other_residues: int | None = None,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Pooled:
    """Encode and pool.

    Args:
        sae: on any device.
        reader: of the activations.
        rows: [n] proteins, ascending.
        split: [n] train | valid | test.
        train_residues: most residues of a training protein.
        other_residues: most residues of the others; None for all.
        seed: of the residues drawn.
        advance: called with the number of proteins done.
    """
    sums = _Sums(reader.d_model, sae.d_sae)
    means, maxima, predicted = [], [], []
    for block in _blocks(reader.lengths[rows], split, train_residues, other_residues):
        parts = [
            _draw(reader, int(rows[i]), train_residues if split[i] == "train" else other_residues, seed) for i in block
        ]
        sizes = np.array([len(part) for part in parts])
        owner = np.repeat(np.arange(len(block)), sizes)
        x = torch.from_numpy(np.concatenate(parts).astype(np.float32)).to(sae.W_dec.device)
        codes = sae.encode_sparse(x)
        mean, highest = _pool_codes(codes, owner, sizes)
        means.append(mean)
        maxima.append(highest)
        predicted.append(_pool_predictor(sae, x, owner, sizes, held_out=split[block] != "train"))
        sums.add(sae, x, codes, is_test=(split[block] == "test")[owner], held_out=(split[block] != "train")[owner])
        advance(len(block))
    pi_mean, pi_max, pi_pooled = (np.concatenate(parts) for parts in zip(*predicted, strict=True))
    mean, highest = vstack(means, format="csr"), vstack(maxima, format="csr")
    return Pooled(rows, mean, highest, pi_mean, pi_max, pi_pooled, *sums.results())


class _Sums:
    """Reconstruction on test residues, firing on held-out residues."""

    def __init__(self, d_model: int, d_sae: int) -> None:
        self.active = 0
        self.errors = ErrorSums.zeros(d_model)
        self.fires = np.zeros(d_sae, dtype=np.int64)
        self.n_held_out = 0

    def add(self, sae: SAE, x: torch.Tensor, codes: CSR, *, is_test: np.ndarray, held_out: np.ndarray) -> None:
        self.fires += np.bincount(codes[np.flatnonzero(held_out)].indices, minlength=len(self.fires))
        self.n_held_out += int(held_out.sum())
        if not is_test.any():
            return
        here = np.flatnonzero(is_test)
        codes, x = codes[here], x[torch.from_numpy(here).to(x.device)]
        self.active += codes.nnz
        self.errors = self.errors.plus(ErrorSums.of(x.cpu().numpy(), sae.decode_sparse(codes, x)))

    def results(self) -> tuple[float, float, np.ndarray]:
        l0 = self.active / max(1, self.errors.n)
        return self.errors.explained_variance, l0, self.fires / max(1, self.n_held_out)


def _blocks(
    lengths: np.ndarray, split: np.ndarray, train_residues: int, other_residues: int | None
) -> Iterator[np.ndarray]:
    """Runs of proteins with at most about `ROWS_AT_A_TIME` residues together."""
    limit = np.where(split == "train", train_residues, other_residues or np.iinfo(np.int64).max)
    ends = np.cumsum(np.minimum(lengths, limit))
    for group in np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(ends // ROWS_AT_A_TIME)) + 1):
        if len(group):
            yield group


def _draw(reader: ShardReader, row: int, most: int | None, seed: int) -> np.ndarray:
    states = reader.protein(row)
    if most is None or len(states) <= most:
        return states
    return states[np.sort(np.random.default_rng([seed, row]).choice(len(states), most, replace=False))]


def _pool_codes(codes: CSR, owner: np.ndarray, sizes: np.ndarray) -> tuple[CSR, CSR]:
    runs = runs_of(codes, owner)
    shape = (len(sizes), codes.shape[1])
    total = np.add.reduceat(runs.value, runs.start[:-1])
    place = (runs.protein, runs.feature)
    mean = csr_array(((total / sizes[runs.protein]).astype(np.float32), place), shape=shape)
    highest = csr_array((np.maximum.reduceat(runs.value, runs.start[:-1]).astype(np.float32), place), shape=shape)
    return mean, highest


@torch.no_grad()
def _pool_predictor(
    sae: SAE, x: torch.Tensor, owner: np.ndarray, sizes: np.ndarray, *, held_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and largest probability of the residues, and that of the protein; 0 on train."""
    wanted = held_out[owner]
    logits = sae.concept_logits(sae.rescaled(x[torch.from_numpy(wanted).to(x.device)]))
    m = 0 if logits is None else logits.shape[1]
    mean, highest, pooled = (np.zeros((len(sizes), m), dtype=np.float32) for _ in range(3))
    if logits is None or not held_out.any():
        return mean, highest, pooled
    pi = logits.sigmoid().cpu().numpy()
    start = np.concatenate([[0], np.cumsum(sizes[held_out])[:-1]])
    mean[held_out] = np.add.reduceat(pi, start, axis=0) / sizes[held_out][:, None]
    highest[held_out] = np.maximum.reduceat(pi, start, axis=0)
    if isinstance(sae, ProtSAE):
        proteins = [sae.protein_logits(part) for part in logits.split(sizes[held_out].tolist())]
        pooled[held_out] = torch.stack(proteins).sigmoid().cpu().numpy()
    return mean, highest, pooled
