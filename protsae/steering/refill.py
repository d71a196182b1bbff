"""How letters are chosen once a push tells what the model would write: pure functions of its predictions.

    masked      hide all of the chosen residues, refill them over a few passes, the most certain first
    gibbs       hide a few at a time in random order, see what was written before, until enough residues differ
    unmasked    hide nothing; take the substitutions that the push favours most

    attributable: a residue changes only where the push alters the choice, so a push of nothing changes nothing
    temperature:  the choice is argmax(logp / T + Gumbel noise), the same noise with and without the push

Each takes `predict(letters, hidden)`, which returns predictions for every residue. Read `masked`, then `gibbs`.

Source: Liu et al. 2025 (arXiv:2509.05309) for the masked refill; Gibbs sampling of a masked model: Wang and Cho 2019
(arXiv:1902.04094); Gumbel noise for sampling: Maddison et al. 2014 (arXiv:1411.0030).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from protsae.alphabet import AMINO_ACIDS
from protsae.steering.types import Predictions, Rewritten, SteerConfig

Predict = Callable[[str, Int[np.ndarray, " n_masked"]], Predictions]
"""Letters and the positions hidden in them -> predictions of every residue."""


class _Rows(NamedTuple):
    """Predictions at the residues that were visited, the last visit's."""

    of: dict[int, Predictions]

    def written(self, original: str, letters: Sequence[str]) -> Rewritten:
        places = np.array(sorted(self.of), dtype=np.int64)
        rows = Predictions(*(np.stack(part) for part in zip(*(self.of[p] for p in places.tolist()), strict=True)))
        return Rewritten(original, "".join(letters), places, *rows)


def masked(
    predict: Predict, sequence: str, hidden: Int[np.ndarray, " n_masked"], config: SteerConfig, seed: int
) -> Rewritten:
    """Refill hidden residues in `config.rounds` passes."""
    noise = dict(zip(hidden.tolist(), np.random.default_rng(seed).gumbel(size=(len(hidden), 20)), strict=True))
    letters, still, rows = list(sequence), hidden, _Rows({})
    for left in range(config.rounds, 0, -1):
        found = predict("".join(letters), still)
        certain_first = still[np.argsort(-found.after[still].max(axis=1), kind="stable")]
        for position in certain_first[: -(-len(still) // left)].tolist():
            rows.of[position] = here = Predictions(*(part[position] for part in found))
            letters[position] = chosen(sequence[position], here, noise[position], config)
        still = np.array([p for p in still.tolist() if p not in rows.of], dtype=np.int64)
        if not len(still):
            break
    return rows.written(sequence, letters)


def gibbs(
    predict: Predict, sequence: str, free: Int[np.ndarray, " n_free"], config: SteerConfig, seed: int
) -> Rewritten:
    """Refill a few residues at a time until the configuration's share of the free ones differs from the original.

    Every residue is visited at most `config.rounds` times; each pass takes them in another random order.
    """
    rng = np.random.default_rng([seed, 1])
    enough, step = wanted(len(free), config), max(1, round(config.at_once * len(free)))
    letters, rows = list(sequence), _Rows({})
    for _ in range(config.rounds):
        order = rng.permutation(free)
        for hidden in (order[first : first + step] for first in range(0, len(order), step)):
            found, noise = predict("".join(letters), np.sort(hidden)), rng.gumbel(size=(len(hidden), 20))
            for position, own in zip(hidden.tolist(), noise, strict=True):
                rows.of[position] = here = Predictions(*(part[position] for part in found))
                letters[position] = chosen(letters[position], here, own, config)
                if sum(a != b for a, b in zip(sequence, letters, strict=True)) >= enough:
                    return rows.written(sequence, letters)
    return rows.written(sequence, letters)


def unmasked(
    predict: Predict, sequence: str, free: Int[np.ndarray, " n_free"], config: SteerConfig, seed: int
) -> Rewritten:
    """Take the substitutions that the push favours most over the letter that is there, at most the chosen share.

    At each residue the candidate is the likeliest other letter under the push (or a sample of them); it counts by how
    much the push raises its log-odds against the letter that is there, and only where it does.
    """
    found = predict(sequence, np.zeros(0, dtype=np.int64)).at(free)
    own, each = np.array([AMINO_ACIDS.index(sequence[p]) for p in free], dtype=np.int64), np.arange(len(free))
    score = found.after.copy()
    if config.temperature > 0:
        score = score / config.temperature + np.random.default_rng(seed).gumbel(size=score.shape)
    score[each, own] = -np.inf
    letter = score.argmax(axis=1)
    gain = found.after - found.before
    favour = gain[each, letter] - gain[each, own]
    first = np.argsort(-favour, kind="stable")[: wanted(len(free), config)]
    letters = list(sequence)
    for place in first[favour[first] > 0].tolist():
        letters[free[place]] = AMINO_ACIDS[letter[place]]
    return Rewritten(sequence, "".join(letters), free, *found)


def wanted(n_free: int, config: SteerConfig) -> int:
    """How many residues the configuration's share is, one at least."""
    return max(1, round(config.mask_ratio * n_free))


def chosen(there: str, here: Predictions, noise: Float[np.ndarray, " 20"], config: SteerConfig) -> str:
    """The letter of one residue.

    Args:
        there: that stands there.
        here: predictions of this residue, [20] each.
        noise: Gumbel, used above temperature 0.
        config: temperature and refill.
    """
    old, new = here.before, here.after
    if config.temperature > 0:
        old, new = (logp / config.temperature + noise for logp in (old, new))
    if config.refill == "attributable" and old.argmax() == new.argmax():
        return there
    return AMINO_ACIDS[new.argmax()]
