"""What a feature at a residue, or the language model's belief in a residue, relies on: grows step by step, and is kept.

Read `Question`, then `reliance`.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from explorer.services import live
from explorer.services.cached import cached_by_bundle
from explorer.services.mutating import WORKERS
from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError
from protsae.measures.feature_reader import FeatureReader
from protsae.measures.reliance import Reliance, Value, attribute

RADIUS = 5
"""Residues on either side that are the residue's own window."""
MOST_VALUES = 500
"""Values that the order may ask for; bounds the time."""


class Question(NamedTuple):
    """What is explained; hashable, so it is the key of the cache."""

    sequence: str
    focus: int
    """Residue, from 1."""
    sae: str
    feature: int | None
    """None for the language model's belief in the residue itself."""


class _Growing:
    """An attribution that goes on when it is asked, by one reader at a time."""

    def __init__(self, steps: Iterator[Reliance]) -> None:
        self._steps, self._lock = steps, threading.Lock()
        self._found: Reliance | None = None

    def known(self, seconds: float) -> Reliance | None:
        with self._lock:
            end = time.monotonic() + seconds
            while seconds > 0 and not (self._found is not None and self._found.is_whole):
                self._found = next(self._steps)
                if time.monotonic() >= end:
                    break
            return self._found


def reliance(question: Question, seconds: float = 0) -> Reliance | None:
    """What is known after computing for so long; None where nothing is yet. Others may see it grow.

    Raises:
        ArtifactError: the language model cannot be loaded.
        InputError: the feature is silent at the residue, or the residue is none of the twenty amino acids.
        ConfigError: there is nothing to explain.
    """
    return _growing(question).known(seconds)


@cached_by_bundle(12, shared=True)
def _growing(question: Question) -> _Growing:
    value = _belief(question) if question.feature is None else _activation(question, question.feature)
    steps = attribute(value, len(question.sequence), question.focus - 1, radius=RADIUS, max_values=MOST_VALUES)
    return _Growing(steps)


def _activation(question: Question, feature: int) -> Value:
    plm, spec = live.language_model()
    reader = FeatureReader(plm, spec, live.sae(question.sae), feature)
    place = question.focus - 1
    if not live.by_feature(question.sequence, question.sae).dense(feature)[place] > 0:
        letter = question.sequence[place]
        raise InputError(f"Feature {feature} is silent at {letter}{question.focus}: choose a residue where it fires.")
    pool = ThreadPoolExecutor(WORKERS)

    def few(hidden: Sequence[Sequence[int]]) -> list[float]:
        read = reader.read([question.sequence] * len(hidden), masked=hidden, precise=False)
        return [float(acts[place]) for acts in read]

    def value(hidden: Sequence[Sequence[int]]) -> list[float]:
        parts = [hidden[start::WORKERS] for start in range(min(WORKERS, len(hidden)))]
        found = np.zeros(len(hidden))
        for start, part in enumerate(pool.map(few, parts)):
            found[start::WORKERS] = part
        return found.tolist()

    return value


def _belief(question: Question) -> Value:
    """Probability of the residue's own letter, itself always hidden."""
    plm, _ = live.language_model()
    place = question.focus - 1
    letter = question.sequence[place]
    if letter not in AMINO_ACIDS:
        raise InputError(f"{letter}{question.focus} is none of the twenty amino acids: choose another residue.")
    if len(question.sequence) > plm.max_residues:
        raise InputError(
            f"The chain has {len(question.sequence):,} residues, more than the {plm.max_residues:,} that the language "
            "model reads at once: give a part of it."
        )
    pool = ThreadPoolExecutor(WORKERS)

    def one(hidden: Sequence[int]) -> float:
        logits = plm.logits(question.sequence, masked=sorted({*hidden, place}))[place]
        return float(logits.double().softmax(dim=-1)[AMINO_ACIDS.index(letter)])

    return lambda hidden: list(pool.map(one, hidden))
