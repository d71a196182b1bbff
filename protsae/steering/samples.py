"""Many steered sequences from one push: one a seed, equal ones once, ranked by how well a judge likes them.

Read `samples`, then `ranked`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from protsae.steering.steer import Steering
from protsae.steering.types import Rewritten

MOST_SAMPLES = 200


class Sample(NamedTuple):
    """One sequence that was written."""

    seed: int
    written: Rewritten


def samples(
    steering: Steering,
    features: Mapping[int, float],
    number: int,
    *,
    strength: float | None = None,
    always: Mapping[int, float] | None = None,
) -> Iterator[Sample]:
    """Sequences under the same push, each with the next seed from the configuration's on; equal ones are not dropped.

    Args:
        steering: the sequence; at temperature 0 all samples of a masked refill are equal.
        features: those that are raised, each with its p99_act.
        number: of samples.
        strength: None for the configuration's.
        always: features that are raised whatever the strength, each with what is added to it.

    Raises:
        InputError: a feature cannot be used.
    """
    for seed in range(steering.config.seed, steering.config.seed + number):
        yield Sample(seed, steering.rewrite(features, strength=strength, always=always, seed=seed))


def ranked(scores: Sequence[float], found: Sequence[Sample]) -> list[tuple[float, Sample, int]]:
    """Different sequences with their score and how often each was written, the best first, then the least changed.

    Args:
        scores: of each sample, higher is better; equal sequences have equal ones.
        found: the samples.
    """
    first: dict[str, tuple[float, Sample, int]] = {}
    for score, sample in zip(scores, found, strict=True):
        known = first.get(sample.written.steered)
        first[sample.written.steered] = (known[0], known[1], known[2] + 1) if known else (score, sample, 1)
    return sorted(first.values(), key=lambda one: (-one[0], len(one[1].written.changed), one[1].seed))
