"""The terms that are judged at the level of sites, on which proteins, and how any score is judged on them.

A term is judged where enough annotated proteins lie in every split. Of many, `MOST` a split are drawn by seed; all
methods are judged on the same ones. A score is whatever gives each residue of a protein a number a term: a feature of
an SAE, a probe, a letter.

    choose_features     valid: for each term the feature with the best within-protein average precision
    score               valid and test: every number of `protsae/measures/site.py`

Read `SiteTasks`, then `score`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array

from precompute.align.sites import SiteLabels
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus
from protsae.measures.ranking import sparse_average_precisions
from protsae.measures.site import Residues, SiteScore, score_sites

LEAST: dict[str, int] = {"train": 5, "valid": 3, "test": 5}
"""Annotated proteins of each split that a term needs."""

MOST: dict[str, int] = {"train": 200, "valid": 100, "test": 100}
"""Annotated proteins of each split that are used."""


class SiteTasks(NamedTuple):
    """What is judged."""

    go_id: tuple[str, ...]
    """Of the terms, in the order of the map."""

    first: np.ndarray
    """[n_proteins + 1] where each protein's residues begin in `residues`"""

    residues: CSR
    """[n_residues, n_tasks] of 1: carries the function"""

    members: Mapping[str, np.ndarray]
    """By split: [n_proteins, n_tasks] bool, used for the term"""

    @classmethod
    def of(cls, labels: SiteLabels, corpus: Corpus, *, seed: int) -> Self:
        """The terms with enough proteins.

        Args:
            labels: of all terms of the map.
            corpus: their proteins, with their splits.
            seed: of the proteins drawn where there are more than `MOST`.
        """
        counts = {part: labels.n_annotated(corpus.split, part) for part in LEAST}
        enough = np.all([counts[part] >= least for part, least in LEAST.items()], axis=0)
        kept = np.flatnonzero(enough)
        members = {part: _drawn(labels, corpus, kept, part, seed) for part in LEAST}
        residues = csr_array(labels.residues[:, kept])
        return cls(tuple(labels.terms[column].go_id for column in kept), labels.first, residues, members)

    @property
    def n(self) -> int:
        """Terms."""
        return len(self.go_id)

    def proteins(self, part: str) -> np.ndarray:
        """Proteins of one split that some term uses, ascending."""
        return np.flatnonzero(self.members[part].any(axis=1))

    def label(self, protein: int) -> np.ndarray:
        """[n_residues, n_tasks] bool of one protein."""
        return self.residues[self.first[protein] : self.first[protein + 1]].toarray() > 0

    def only(self, go_id: Iterable[str]) -> Self:
        """Those of the terms that are among the given ones."""
        wanted = frozenset(go_id)
        kept = np.array([place for place, name in enumerate(self.go_id) if name in wanted], dtype=np.int64)
        return self._replace(
            go_id=tuple(self.go_id[place] for place in kept),
            residues=csr_array(self.residues[:, kept]),
            members={part: members[:, kept] for part, members in self.members.items()},
        )


Codes = Iterable[tuple[int, CSR]]
"""(protein, [n_residues, d_sae]) one after the other"""

Scores = Iterable[tuple[int, np.ndarray]]
"""(protein, [n_residues, n_tasks]) one after the other"""


def choose_features(tasks: SiteTasks, valid: Codes, d_sae: int) -> tuple[np.ndarray, np.ndarray]:
    """The best feature of each term on valid, and its mean within-protein average precision; both [n_tasks].

    Args:
        tasks: the terms.
        valid: codes of all their valid proteins.
        d_sae: features.
    """
    total, n_judged = np.zeros((d_sae, tasks.n)), np.zeros(tasks.n)
    for protein, codes in valid:
        label, here = tasks.label(protein), np.flatnonzero(tasks.members["valid"][protein])
        here = here[~label[:, here].all(axis=0)]
        total[:, here] += sparse_average_precisions(codes, label[:, here])
        n_judged[here] += 1
    mean = total / np.maximum(n_judged, 1)
    return mean.argmax(axis=0), mean.max(axis=0, initial=0)


def of_features(codes: Codes, features: np.ndarray) -> Scores:
    """The codes of one feature a term, `features` [n_tasks], as scores."""
    for protein, firing in codes:
        yield protein, firing[:, features].toarray()


def score(tasks: SiteTasks, valid: Scores, test: Scores, *, floor: float, seed: int) -> list[SiteScore]:
    """One score a term.

    Args:
        tasks: the terms.
        valid: scores of all their valid proteins.
        test: scores of all their test proteins.
        floor: what a call exceeds at least; 0 for features.
        seed: of the shifts.
    """
    before, after = collect(tasks, "valid", valid), collect(tasks, "test", test)
    return [score_sites(*pair, floor=floor, seed=seed) for pair in zip(before, after, strict=True)]


def collect(tasks: SiteTasks, part: str, scores: Scores) -> list[Residues]:
    """The residues of each term's proteins of one split with their scores."""
    found: list[list[tuple[int, np.ndarray, np.ndarray]]] = [[] for _ in range(tasks.n)]
    for protein, values in scores:
        label = tasks.label(protein)
        for task in np.flatnonzero(tasks.members[part][protein]):
            found[task].append((protein, values[:, task], label[:, task]))
    return [_joined(parts) for parts in found]


def _joined(parts: Sequence[tuple[int, np.ndarray, np.ndarray]]) -> Residues:
    return Residues(
        np.concatenate([values for _, values, _ in parts]) if parts else np.zeros(0),
        np.concatenate([label for _, _, label in parts]) if parts else np.zeros(0, dtype=bool),
        np.array([len(values) for _, values, _ in parts], dtype=np.int64),
        np.array([protein for protein, _, _ in parts], dtype=np.int64),
    )


def _drawn(labels: SiteLabels, corpus: Corpus, kept: np.ndarray, part: str, seed: int) -> np.ndarray:
    members = labels.annotated[:, kept] & (corpus.split == part)[:, None]
    order = np.random.default_rng(seed).permutation(corpus.n_proteins)  # nested: small terms share their proteins
    place = np.cumsum(members[order], axis=0)
    within = np.zeros_like(members)
    within[order] = place <= MOST[part]
    return members & within
