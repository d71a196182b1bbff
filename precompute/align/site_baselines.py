"""What a site score must be held against: letters alone, their neighbourhood, the PLM's states with supervision.

    letter    the share of labelled residues among those of the same amino acid, on train
    window    logistic regression on the letters of 15 residues about the residue, one-hot
    probe     logistic regression on the residue's own PLM state: the ceiling of what one direction can reach
    neuron    the single dimension of the PLM's states, above or below its mean, that is best on valid

All are fitted on residues of annotated train proteins, where labelled residues are positive and the others negative,
and are told as features are. Negatives are drawn by seed where there are many, which moves all logits alike.
The penalty is the one with the best within-protein average precision on valid.

Read `Inputs`, then `baselines`. Source: designed here.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from precompute.align.site_tasks import SiteTasks, choose_features, of_features, score
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import N_AMINO_ACIDS, Corpus, amino_acid_codes
from protsae.measures.logistic import fit_path
from protsae.measures.ranking import average_precisions
from protsae.measures.site import SiteScore
from protsae.shards import ShardReader

PENALTIES = (1.0, 0.1, 0.01, 0.001)
MOST_RESIDUES = 10_000
"""Of a term, at most half of them labelled, on which a regression is fitted."""
WINDOW = 15
"""Residues of the window, the residue itself in the middle."""
N_LETTERS = N_AMINO_ACIDS + 1
"""The amino acids, and any other letter; beyond the chain's ends there is none."""
MEAN_OF = 500
"""Train proteins that the mean state is taken of."""

Rows = Callable[[int], np.ndarray]
"""[n_residues, d] of one protein"""


class Inputs(NamedTuple):
    """What baselines read."""

    corpus: Corpus
    reader: ShardReader
    """Of the PLM's states; its proteins are those of the corpus, in its order."""

    def states(self, protein: int) -> np.ndarray:
        """[n_residues, d_model] float32."""
        return np.asarray(self.reader.protein(protein), dtype=np.float32)

    def letters(self, protein: int) -> np.ndarray:
        """[n_residues, N_LETTERS] one-hot."""
        return np.eye(N_LETTERS, dtype=np.float32)[amino_acid_codes(self.corpus.sequence[protein])]

    def window(self, protein: int) -> np.ndarray:
        """[n_residues, WINDOW * N_LETTERS] one-hot, the residue before the window's middle first."""
        letters, reach = self.letters(protein), WINDOW // 2
        padded = np.pad(letters, ((reach, reach), (0, 0)))
        return np.concatenate([padded[at : at + len(letters)] for at in range(WINDOW)], axis=1)


def letter(tasks: SiteTasks, inputs: Inputs, *, seed: int) -> list[SiteScore]:
    """The amino acid alone."""
    n_labelled, n_all = np.zeros((N_LETTERS, tasks.n)), np.zeros((N_LETTERS, tasks.n))
    for protein in tasks.proteins("train").tolist():
        letters, used = inputs.letters(protein), tasks.members["train"][protein]
        n_labelled += used * (letters.T @ tasks.label(protein))
        n_all += used * letters.sum(axis=0)[:, None]
    rate = (n_labelled + n_labelled.sum(axis=0) / np.maximum(n_all.sum(axis=0), 1)) / (n_all + 1)
    return _told(tasks, lambda protein: inputs.letters(protein) @ rate, seed)


def window(tasks: SiteTasks, inputs: Inputs, *, seed: int) -> list[SiteScore]:
    """Logistic regression on letters about the residue."""
    return _regression(tasks, inputs.window, seed)


def probe(tasks: SiteTasks, inputs: Inputs, *, seed: int) -> list[SiteScore]:
    """Logistic regression on the residue's PLM state."""
    return _regression(tasks, inputs.states, seed)


def neuron(tasks: SiteTasks, inputs: Inputs, *, seed: int) -> list[SiteScore]:
    """The best of 2 d_model single neurons."""
    train = np.flatnonzero(inputs.corpus.split == "train")
    drawn = np.random.default_rng(seed).permutation(train)[:MEAN_OF]
    mean = np.average(inputs.reader.protein_means(drawn), axis=0, weights=inputs.corpus.length[drawn])

    def codes(part: str) -> Iterator[tuple[int, CSR]]:
        for protein in tasks.proteins(part).tolist():
            away = inputs.states(protein) - mean
            yield protein, csr_array(np.maximum(np.concatenate([away, -away], axis=1), 0))

    feature, _ = choose_features(tasks, codes("valid"), 2 * len(mean))
    valid, test = (of_features(codes(part), feature) for part in ("valid", "test"))
    return score(tasks, valid, test, floor=0, seed=seed)


BASELINES: dict[str, Callable[..., list[SiteScore]]] = {
    "letter": letter,
    "window": window,
    "probe": probe,
    "neuron": neuron,
}
"""By name; each takes tasks, inputs and a seed."""


def _regression(tasks: SiteTasks, rows: Rows, seed: int) -> list[SiteScore]:
    fitted = [_fit(tasks, task, rows, seed) for task in range(tasks.n)]
    weight, bias = np.stack([w for w, _ in fitted], axis=1), np.array([b for _, b in fitted])
    return _told(tasks, lambda protein: rows(protein) @ weight + bias, seed)


def _told(tasks: SiteTasks, scores: Rows, seed: int) -> list[SiteScore]:
    valid, test = (
        ((protein, scores(protein)) for protein in tasks.proteins(part).tolist()) for part in ("valid", "test")
    )
    return score(tasks, valid, test, floor=-np.inf, seed=seed)


def _fit(tasks: SiteTasks, task: int, rows: Rows, seed: int) -> tuple[np.ndarray, float]:
    """Weights [d] and bias of one term's regression."""
    x, y = _sample(tasks, task, rows, seed)
    held_out = [
        (rows(protein), tasks.label(protein)[:, task])
        for protein in np.flatnonzero(tasks.members["valid"][:, task]).tolist()
    ]
    best: tuple[float, np.ndarray, float] | None = None
    for fitted in fit_path(x, y[:, None], PENALTIES, max_iter=100, tolerance=1e-4):
        weight = (fitted.weight / fitted.scale)[0]
        found = _mean_ap(held_out, weight)
        if best is None or found > best[0]:
            best = (found, weight, float(fitted.bias[0] - weight @ fitted.mean))
    assert best is not None
    return best[1], best[2]


def _mean_ap(held_out: Sequence[tuple[np.ndarray, np.ndarray]], weight: np.ndarray) -> float:
    aps = [average_precisions((x @ weight)[:, None], label[:, None])[0] for x, label in held_out]
    return float(np.nanmean(aps)) if np.isfinite(aps).any() else 0.0


def _sample(tasks: SiteTasks, task: int, rows: Rows, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """[n, d] and [n] bool: residues of the term's train proteins, at most `MOST_RESIDUES`."""
    proteins = np.flatnonzero(tasks.members["train"][:, task]).tolist()
    labels = [tasks.label(protein)[:, task] for protein in proteins]
    label = np.concatenate(labels)
    rng = np.random.default_rng([seed, task])
    positive, negative = rng.permutation(np.flatnonzero(label)), rng.permutation(np.flatnonzero(~label))
    positive = positive[: MOST_RESIDUES // 2]
    kept = np.sort(np.concatenate([positive, negative[: MOST_RESIDUES - len(positive)]]))
    cuts = np.cumsum([len(part) for part in labels])
    parts = np.split(kept, np.searchsorted(kept, cuts[:-1]))
    starts = np.concatenate([[0], cuts[:-1]])
    x = [rows(protein)[part - start] for protein, part, start in zip(proteins, parts, starts, strict=True)]
    return np.concatenate(x), label[kept]
