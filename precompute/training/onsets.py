"""How well the features of an SAE rank proteins by GO terms while it is trained: what the analysis `onsets` is made of.

At some steps of a training, ever further apart, the SAE encodes a fixed sample of residues of fixed proteins. A
protein's score for a feature is its largest or its mean activation. For each guiding term

    guided SAE     the feature that the term guides, the pooling chosen on valid proteins
    unguided SAE   the feature and pooling with the highest AUROC on valid proteins, chosen anew at every step

and its AUROC on test proteins is kept, beside the same with labels shuffled within each split.

Read `watch_onsets`, then `Sample.score`.

Source: Chen et al. 2023 (arXiv:2309.07311) follow one readable quantity through a training; this one is designed here.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_array

from precompute.pipeline.tables import write_arrays
from precompute.training.recipes import Sources
from protsae.measures.ranking import aurocs, sparse_aurocs
from protsae.ontology.namespaces import WHOLE_GO
from protsae.sae import SAE, ProtSAE
from protsae.training.loop import Watch

LOOKS = 18
"""At most; the first before the training, the last at its end."""

FIRST_LOOK = 4
"""Step of the second one."""

PROTEINS = 700
"""Of valid, and of test."""

RESIDUES = 80
"""Of each protein."""

MIN_POSITIVES = 10
"""Proteins with the term, and without it, in both samples."""

_ROWS = 4096
"""Residues that are encoded together."""


class Scores(NamedTuple):
    """The SAE at one step."""

    auroc: np.ndarray
    """[n_terms] on test."""
    null_auroc: np.ndarray
    """[n_terms] the same with shuffled labels."""
    feature: np.ndarray
    """[n_terms] the feature that was scored."""
    error: float
    """Share of the sample's variance that is not explained."""


class Part(NamedTuple):
    """Proteins of one split."""

    x: np.ndarray
    """[n_residues, d_model] float16, protein after protein"""
    first: np.ndarray
    """[n_proteins] row of each protein's first residue"""
    labels: np.ndarray
    """[n_proteins, n_terms] bool"""
    shuffled: np.ndarray
    """[n_proteins, n_terms] bool, rows permuted"""
    known: np.ndarray
    """[n_proteins, n_terms] bool: the labels say anything"""
    known_shuffled: np.ndarray
    """[n_proteins, n_terms] bool, permuted alike"""


class Sample(NamedTuple):
    """What is scored at every step."""

    go_id: np.ndarray
    """[n_terms]"""
    concept: np.ndarray
    """[n_terms] their places among the guiding terms of all of GO"""
    valid: Part
    test: Part

    def score(self, sae: SAE) -> Scores:
        """The SAE as it is now."""
        pooled = [_pooled(sae, part) for part in (self.valid, self.test)]
        guided = {go_id: number for number, go_id in enumerate(sae.cfg.concepts)} if isinstance(sae, ProtSAE) else None
        own = None if guided is None else np.array([guided.get(str(go_id), -1) for go_id in self.go_id])
        own = None if own is None or (own < 0).any() else own
        feature, auroc = _chosen(pooled, [self.valid.labels, self.test.labels], self._known(), own)
        shuffled = [part.shuffled for part in (self.valid, self.test)]
        null = _chosen(pooled, shuffled, [part.known_shuffled for part in (self.valid, self.test)], own)[1]
        return Scores(auroc, null, feature, pooled[1].error)

    def _known(self) -> list[np.ndarray]:
        return [self.valid.known, self.test.known]


class _Pooled(NamedTuple):
    """Protein scores."""

    poolings: list[np.ndarray]
    """max and mean: [n_proteins, d_sae]"""
    error: float


def looks(steps: int) -> frozenset[int]:
    """The steps of a training of so many after which it is looked at: 0, then a constant factor apart, and the last."""
    spaced = np.geomspace(min(FIRST_LOOK, steps), steps, LOOKS - 1)
    return frozenset({0, *np.unique(spaced.round().astype(int)).tolist()})


def onset_path(folder: Path, step: int) -> Path:
    """File of one look, in the folder of a training."""
    return folder / "onset" / f"step-{step:07d}.npz"


def watch_onsets(sources: Sources, folder: Path, seed: int) -> Watch:
    """Scores the SAE of `folder` on the way and keeps what it finds there.

    Args:
        sources: of the run.
        folder: of the training.
        seed: of the sample.
    """
    held: list[Sample] = []

    def look(step: int, sae: SAE) -> None:
        path = onset_path(folder, step)
        if path.is_file():
            return
        if not held:
            held.append(draw(sources, seed))
        path.parent.mkdir(exist_ok=True)
        write_arrays(
            path, {"go_id": held[0].go_id, **{k: np.asarray(v) for k, v in held[0].score(sae)._asdict().items()}}
        )

    return Watch(looks, look)


def draw(sources: Sources, seed: int) -> Sample:
    """Proteins, residues and terms: the same for the same seed."""
    concepts, split = sources.concepts(WHOLE_GO), sources.corpus.split
    rng = np.random.default_rng([seed, 17])
    chosen = []
    for part in ("valid", "test"):
        annotated = np.flatnonzero((split == part) & concepts.annotated)
        chosen.append(np.sort(rng.choice(annotated, min(PROTEINS, len(annotated)), replace=False)))
    kept = np.ones(len(concepts.go_id), dtype=bool)
    for rows in chosen:
        carried, known = concepts.labels[rows] & concepts.known[rows], concepts.known[rows]
        kept &= (carried.sum(0) >= MIN_POSITIVES) & ((known & ~carried).sum(0) >= MIN_POSITIVES)
    concept = np.flatnonzero(kept)
    parts = [_part(sources, rows, concept, rng) for rows in chosen]
    return Sample(np.array(concepts.go_id)[concept], concept, *parts)


def _part(sources: Sources, rows: np.ndarray, concept: np.ndarray, rng: np.random.Generator) -> Part:
    concepts, reader, accession = sources.concepts(WHOLE_GO), sources.reader, sources.corpus.accession
    stored = np.array([reader.row_of(str(accession[row])) for row in rows])
    places = [
        np.sort(rng.choice(length, min(length, RESIDUES), replace=False)) for length in reader.lengths[stored].tolist()
    ]
    sizes = np.array([len(part) for part in places])
    x = reader.gather(np.repeat(stored, sizes), np.concatenate(places)).astype(np.float16)
    order = rng.permutation(len(rows))
    labels, known = concepts.labels[rows][:, concept], concepts.known[rows][:, concept]
    return Part(x, np.cumsum(sizes) - sizes, labels, labels[order], known, known[order])


@torch.no_grad()
def _pooled(sae: SAE, part: Part) -> _Pooled:
    ends = np.append(part.first[1:], len(part.x))
    largest, mean = (np.zeros((len(part.first), sae.d_sae), dtype=np.float32) for _ in range(2))
    error = total = 0.0
    centre = part.x.astype(np.float64).mean(0).astype(np.float32)
    start = 0
    while start < len(part.first):
        stop = max(start + 1, int(np.searchsorted(ends, part.first[start] + _ROWS, side="right")))
        begin, end = int(part.first[start]), int(ends[stop - 1])
        x = part.x[begin:end].astype(np.float32)
        given = torch.from_numpy(x).to(sae.W_dec.device)
        codes = sae.encode_sparse(given)
        error += float(((sae.decode_sparse(codes, given) - x) ** 2).sum())
        total += float(((x - centre) ** 2).sum())
        dense, at = codes.toarray(), part.first[start:stop] - begin
        largest[start:stop] = np.maximum.reduceat(dense, at)
        mean[start:stop] = np.add.reduceat(dense, at) / (ends[start:stop] - part.first[start:stop])[:, None]
        start = stop
    return _Pooled([largest, mean], error / total)


def _chosen(
    pooled: list[_Pooled], labels: list[np.ndarray], known: list[np.ndarray], own: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Feature and test AUROC of every term, feature and pooling chosen on valid."""
    n_terms = labels[0].shape[1]
    feature, auroc = np.zeros(n_terms, dtype=np.int64), np.full(n_terms, np.nan)
    masks, place = np.unique(np.concatenate(known).T, axis=0, return_inverse=True)
    n_valid = len(known[0])
    for number, mask in enumerate(masks):
        terms = np.flatnonzero(place == number)
        rows = [np.flatnonzero(mask[:n_valid]), np.flatnonzero(mask[n_valid:])]
        truth = [part[row][:, terms] for part, row in zip(labels, rows, strict=True)]
        found = []
        for valid, test in zip(*(part.poolings for part in pooled), strict=True):
            here = valid[rows[0]]
            if own is not None:
                best, on_valid = own[terms], aurocs(here[:, own[terms]], truth[0])
            else:
                each = np.nan_to_num(sparse_aurocs(csr_array(here), truth[0]))
                best = each.argmax(axis=0)
                on_valid = each[best, np.arange(len(terms))]
            found.append((on_valid, best, aurocs(test[rows[1]][:, best], truth[1])))
        better = np.argmax([one[0] for one in found], axis=0)
        feature[terms] = np.choose(better, [one[1] for one in found])
        auroc[terms] = np.choose(better, [one[2] for one in found])
    return feature, auroc


class Looks(NamedTuple):
    """What was noted of one training."""

    step: np.ndarray
    """[n_looks] ascending"""
    go_id: np.ndarray
    """[n_terms]"""
    auroc: np.ndarray
    """[n_looks, n_terms]"""
    null_auroc: np.ndarray
    """[n_looks, n_terms]"""
    error: np.ndarray
    """[n_looks]"""


def read_looks(folder: Path) -> Looks:
    """Everything that `watch_onsets` has kept in the folder of a finished training; no terms where it kept nothing."""
    paths = sorted((folder / "onset").glob("step-*.npz"))
    found = []
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            found.append({name: file[name] for name in ("go_id", "auroc", "null_auroc", "error")})
    if not found:
        nothing = np.zeros((0, 0))
        return Looks(np.zeros(0, np.int64), np.zeros(0, np.str_), nothing, nothing, np.zeros(0))
    step = np.array([int(path.stem.removeprefix("step-")) for path in paths])
    auroc, null = (np.array([one[name] for one in found]) for name in ("auroc", "null_auroc"))
    return Looks(step, found[0]["go_id"], auroc, null, np.array([one["error"] for one in found]))
