"""GO terms that guided features call on a sequence, each with how often such a call was right on unseen proteins.

A term is called where its feature's pooled activation exceeds the threshold that was frozen on validation proteins, so
the held-out precision beside it is the share of such calls that were right. Read `calls`.
"""

from typing import NamedTuple

import numpy as np

from explorer.draw import verdicts, words
from explorer.services import data, live
from explorer.services.cached import cached_by_bundle
from explorer.services.comparing import relatives
from explorer.services.refs import FeatureRef
from protsae.store.analyses.calibration import Band, band_at, bands_of
from protsae.store.rows import TermFeature

LEAST_RIGHT = 0.3
"""Held-out precision below which a call is not worth a reader's time."""

WHOLE = 50
"""Residues from which on rates that were measured on whole proteins are told: few proteins have fewer."""


@cached_by_bundle(4, shared=True)
def _bands(sae: str) -> dict[str, list[Band]]:
    return bands_of(data.bundle().reader, sae)


class Call(NamedTuple):
    """One guided feature's verdict on one sequence."""

    term: TermFeature
    score: float
    """Pooled activation."""
    pi: float
    """Concept predictor's mean over the residues, 0 to 1."""
    information: float
    """Of the term, in bits: how much it says that a protein carries it."""
    band: Band | None = None
    """How often unseen proteins with a signal like this carry the term; None where that was not measured."""

    @property
    def is_called(self) -> bool:
        """The score exceeds the frozen threshold."""
        return self.score > self.term.threshold

    @property
    def is_firm(self) -> bool:
        """The feature is validated, and at least 30 % of its calls on unseen proteins were right."""
        return verdicts.is_validated(self.term) and self.term.test_precision >= LEAST_RIGHT

    @property
    def is_at_chance(self) -> bool:
        """Unseen proteins with a signal like this carry the term not surely more often than all do."""
        return self.band is not None and self.band.at_least <= self.band.null


@cached_by_bundle(64, shared=True)
def calls(sequence: str, preferred: str = "") -> list[Call]:
    """One call a term on `sequence`: called and firm ones first, those at chance behind, then what says most.

    A term says the more the fewer proteins carry it (information content), so `organelle` comes last; of equal ones
    that whose signal is furthest beyond its threshold comes first.

    Args:
        sequence: upper-case one-letter code.
        preferred: the autoencoder whose calls are taken where several are guided by the same terms.
    """
    found = []
    callers, information = data.callers(preferred), data.information()
    for name in dict.fromkeys(callers.values()):
        guiding = data.bundle().reader.guiding_features(name)
        terms = [term for term in guiding if callers.get(term.namespace) == name]
        values = live.feature_rows(sequence, [FeatureRef(name, term.feature) for term in terms])
        pi = live.encode(sequence, name).pi.mean(axis=0)
        for term, row in zip(terms, values, strict=True):
            chance = float(pi[term.feature]) if term.feature < len(pi) else float("nan")
            score = pooled(row, term.pooling)
            band = band_at(_bands(name).get(term.go_id, []), score)
            found.append(Call(term, score, chance, information.get(term.go_id, 0.0), band))
    return sorted(found, key=_order)


def surest(made: list[Call], most: int = 3) -> list[Call]:
    """What a sequence's calls come to: the terms that say most, surely; of those that lie on one branch, one.

        worth = information x lower end of the 95 % interval of how often unseen proteins with such a signal carry it

    Only calls whose interval lies above the term's share among all proteins; none where no signal was measured.
    """
    measured = [(call.band, call) for call in made if call.is_called and call.is_firm and call.band is not None]
    above = [(band.at_least * call.information, call) for band, call in measured if not call.is_at_chance]
    found: dict[str, Call] = {}
    for _, call in sorted(above, key=lambda one: -one[0]):
        if not any(_share_a_branch(call.term.go_id, other) for other in found):
            found[call.term.go_id] = call
        if len(found) == most:
            break
    return list(found.values())


def _share_a_branch(one: str, other: str) -> bool:
    """One term is the other, lies above it, or has a term below it that lies below the other, too."""
    below = relatives(one)[1] | {one}, relatives(other)[1] | {other}
    return not below[0].isdisjoint(below[1])


def _order(call: Call) -> tuple[bool, bool, bool, float, float]:
    beyond = call.score / call.term.threshold if call.term.threshold > 0 else call.score
    return not call.is_called, not call.is_firm, call.is_at_chance, -call.information, -beyond


def pooled(values: np.ndarray, pooling: str) -> float:
    """A protein's score: the maximum or the mean of its residues' activations."""
    return float(values.max() if pooling == "max" else values.mean())


def sentence(made: list[Call], split: str | None, length: int) -> str:
    """What the calls say, and how far to trust them.

    Args:
        made: the calls.
        split: of the stored protein that it is, or nearly is; None where there is none.
        length: of the sequence, in residues.
    """
    firm = [call for call in made if call.is_called and call.is_firm]
    if not firm:
        return "No guided feature that held up on unseen proteins calls its term here."
    text = f"{words.count(len(firm), 'term')} called by guided features that held up on unseen proteins; {_right(firm)}"
    if length < WHOLE:
        text += (
            f" That was measured on whole proteins. Few are as short as these {words.count(length, 'residue')}: take "
            "the calls as no evidence."
        )
    if split == "train":
        text += " This protein, or a near copy, trained the autoencoders: its calls are no evidence."
    if split == "valid":
        text += (
            " This protein, or a near copy, trained no autoencoder but helped to choose features and thresholds, which "
            "flatters its calls."
        )
    return text


def _right(firm: list[Call]) -> str:
    """How often such calls were right: at signals like these, or at any above the threshold if that is all we know."""
    bands = [call.band for call in firm if call.band is not None and call.band.test_n]
    if not bands:
        right = float(np.mean([call.term.test_precision for call in firm]))
        return f"there, {100 * right:.0f} % of such calls were right on average."
    right = float(np.mean([band.test_hits / band.test_n for band in bands]))
    chance = float(np.mean([band.null for band in bands]))
    at_chance = sum(call.is_at_chance for call in firm)
    behind = ""
    if at_chance:
        behind = f" {at_chance:,} of them {'is' if at_chance == 1 else 'are'} not surely above chance, and last below."
    return (
        f"at signals like these {100 * right:.0f} % of the calls were right on average there, {100 * chance:.0f} % "
        f"would be by chance.{behind}"
    )
