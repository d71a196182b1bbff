"""What substitutions do to a protein: scans that grow in slices, and typed variants in full.

A scan reads one feature in every single mutant, or the language model's log-odds, position by position; what is known
stays, so a reader may stop and go on. A variant is encoded whole, so that every feature it changes is known. Read
`scan`, then `effect`.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.services import live
from explorer.services.cached import bound, cached_by_bundle
from explorer.services.slices import Known, Slices
from protsae.alphabet import AMINO_ACIDS
from protsae.measures.feature_reader import FeatureReader
from protsae.measures.mutation import masked_marginal, scan_position, wild_type_marginals
from protsae.measures.variants import Variant

Kind = Literal["mean", "peak", "masked", "wild"]
"""What a map shows: a feature's mean or peak over the chain, or log-odds with the residue hidden or seen."""

WORKERS = min(4, os.cpu_count() or 1)
"""Positions that are computed at once."""

SLICE_SECONDS = 1.0
LEAST_CHANGE = 0.05
"""Share of full colour by which a feature's peak or mean must move to be listed."""


class Question(NamedTuple):
    """What is scanned; hashable, so it is the key of the cache."""

    sequence: str
    sae: str
    feature: int | None
    """None for the likelihood with the residue hidden."""


class Row(NamedTuple):
    """One position replaced by each amino acid, in the order of AMINO_ACIDS."""

    position: int
    """From 1."""
    values: dict[Kind, Float[np.ndarray, " 20"]]


class Change(NamedTuple):
    """One feature in the wild type and in a variant; activations."""

    feature: int
    wild_peak: float
    peak: float
    wild_mean: float
    mean: float
    full: float
    """Activation of full colour."""

    @property
    def kind(self) -> str:
        """Gained or lost where it fires nowhere in one of the two, else stronger or weaker."""
        if self.wild_peak == 0 or self.peak == 0:
            return "gained" if self.wild_peak == 0 else "lost"
        return "stronger" if self.moved > 0 else "weaker"

    @property
    def moved(self) -> float:
        """Change of the mean over the chain, relative to the larger of the two: -1 (lost) to 1 (gained)."""
        return (self.mean - self.wild_mean) / max(self.mean, self.wild_mean)


class Effect(NamedTuple):
    """What a variant does."""

    variant: Variant
    masked: float
    """Sum over its substitutions of the log-odds with the residue hidden, in nats; below 0: less likely."""
    wild: float
    """The same with the wild type seen."""
    changes: list[Change]
    """Features that it moves: those with a confirmed label first, the most moved first."""

    def count(self, kind: str) -> int:
        """How many features are gained, lost, stronger or weaker."""
        return sum(change.kind == kind for change in self.changes)


def scan(question: Question, seconds: float = 0) -> Known[Row]:
    """What is known after computing for so long; 0 for what is known already.

    Raises:
        ArtifactError: the language model cannot be loaded.
        InputError: the sequence has a letter that the model does not know.
    """
    known = _scan(question).known(seconds)
    rows = [row for block in known.items for row in block]
    return Known(rows, len(question.sequence))


@cached_by_bundle(12, shared=True)
def _scan(question: Question) -> Slices[list[Row]]:
    n = len(question.sequence)
    blocks = [range(start, min(start + WORKERS, n + 1)) for start in range(1, n + 1, WORKERS)]
    compute = _likelihood(question) if question.feature is None else _feature(question, question.feature)
    pool = ThreadPoolExecutor(WORKERS)  # idle threads cost nothing; they end with the cache's entry
    return Slices(len(blocks), lambda place: list(pool.map(compute, blocks[place])))


def _feature(question: Question, feature: int) -> Callable[[int], Row]:
    plm, spec = live.language_model()
    reader = FeatureReader(plm, spec, live.sae(question.sae), feature)
    wild = reader.read([question.sequence], precise=False)[0].numpy()

    def compute(position: int) -> Row:
        found = scan_position(reader, question.sequence, position, wild)
        return Row(position, {"mean": found.mean, "peak": found.peak})

    return compute


def _likelihood(question: Question) -> Callable[[int], Row]:
    seen = marginals(question.sequence)

    def compute(position: int) -> Row:
        return Row(position, {"masked": masked(question.sequence, position), "wild": seen[position - 1]})

    return bound(compute)


@cached_by_bundle(8, shared=True)
def marginals(sequence: str) -> Float[np.ndarray, "n_residues 20"]:
    """Wild-type marginals at every residue, in nats."""
    return wild_type_marginals(live.language_model().plm, sequence)


@cached_by_bundle(4000, shared=True)
def masked(sequence: str, position: int) -> Float[np.ndarray, " 20"]:
    """Masked marginals at one residue, in nats."""
    return masked_marginal(live.language_model().plm, sequence, position)


@cached_by_bundle(400, shared=True, spinner="Reading the variant …")
def effect(sequence: str, sae: str, variant: Variant) -> Effect:
    """What a variant does to every feature, and how likely it is.

    Raises:
        ArtifactError: the language model cannot be loaded.
    """
    ones = variant.substitutions
    places = [(one.position, AMINO_ACIDS.index(one.mutant)) for one in ones]
    hidden = sum(float(masked(sequence, position)[letter]) for position, letter in places)
    seen = sum(float(marginals(sequence)[position - 1, letter]) for position, letter in places)
    changes = sorted(_changes(sequence, variant.of(sequence), sae), key=lambda change: _order(change, _validated(sae)))
    return Effect(variant, hidden, seen, changes)


def _order(change: Change, validated: frozenset[int]) -> tuple[bool, float]:
    """Features with a confirmed label first, then by how far all their activation moves, in shares of full colour."""
    return change.feature not in validated, -abs(change.mean - change.wild_mean) / change.full


@cached_by_bundle(8, shared=True)
def _validated(sae: str) -> frozenset[int]:
    """Features whose label is confirmed on unseen proteins."""
    table = live.features(sae)
    return frozenset(table.loc[table["label_grade"] != "none", "feature"].tolist())


def _changes(wild: str, mutant: str, sae: str) -> Iterator[Change]:
    before, after = live.by_feature(wild, sae), live.by_feature(mutant, sae)
    table = live.features(sae)
    full = np.where(table["p999_act"] > 0, table["p999_act"], table["max_act"]).astype(float)
    for feature in np.flatnonzero(np.diff(before.starts) + np.diff(after.starts)).tolist():
        one, other = before.of(feature)[1], after.of(feature)[1]
        peaks = float(one.max(initial=0)), float(other.max(initial=0))
        if full[feature] > 0 and abs(peaks[1] - peaks[0]) >= LEAST_CHANGE * full[feature]:
            means = float(one.sum()) / len(wild), float(other.sum()) / len(mutant)
            yield Change(feature, peaks[0], peaks[1], means[0], means[1], float(full[feature]))
