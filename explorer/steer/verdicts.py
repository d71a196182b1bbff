"""What a steering run and a dose-response curve say, in words: the same ones whether the concept comes or not.

The mean activation over the chain judges: a peak is one residue. A change is called specific where it exceeds those
that random features of about the same density bring about, by rank; where the peak moves with the mean; and where more
came of it than one amino acid over and over. Read `read`, then `read_curve`.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from explorer.draw import confounded, words
from explorer.services.slices import Known
from explorer.steer.doses import CONTROLS, Dose
from explorer.steer.runs import Push
from protsae.steering.controls import Rank, rank
from protsae.steering.steer import Reading, SteerResult
from protsae.store.rows import FeatureRow

SPECIFIC = 0.05
"""A change is specific where its p is at most this: with 20 random features, where it beats them all."""

ONE_LETTER = 0.8
"""From this share on of the changed residues that became the same amino acid, a change is one of composition."""

LEAST_ALIKE = 3
"""Changed residues of which that can be told; fewer are often alike by chance."""

NATURAL = (0.0, 1.0)
"""Strengths between untouched and the feature's 99th percentile in natural proteins."""

THERE = 0.5
"""A concept is there where its peak reaches this share of the feature's 99th percentile in natural proteins."""

CLEAR = 0.05
"""Share by which the mean must rise above the untouched one for a curve to rise."""

CLEAR_SPREADS = 0.25
"""The same of the probe's log-odds, in standard deviations over proteins."""

RANDOM_TOO = 0.5
"""A curve says nothing of the feature where a control rises by this share of its rise."""

BEYOND = (
    "Strength {:g} is beyond nature: the push exceeds the feature's 99th percentile in natural proteins, so the answer "
    "says little about them."
)


FAINT = "Even so its peak is at {} of the feature's 99th percentile in natural proteins: the concept is barely there."


class Verdict(NamedTuple):
    """What came of it, in a few words, and the sentences behind them."""

    title: str
    text: str


def read(row: FeatureRow, result: SteerResult, random: Known[Push]) -> Verdict:
    """What one strength did to one sequence."""
    hidden = words.count(len(result.masked), "hidden residue")
    if result.strength == 0:
        return Verdict(
            "Untouched.", "At strength 0 nothing is pushed, so the model writes exactly the original sequence."
        )
    beyond = BEYOND.format(result.strength) if result.strength > NATURAL[1] else ""
    if not result.n_changed:
        text = f"At strength {result.strength:+.2f} the push alters the model's choice at none of {hidden}."
        return Verdict("Nothing changes.", _join(text, beyond))
    before, after = result.before[0], result.after[0]
    name = row.label if row.label_grade != "none" else f"feature #{row.feature}"
    moved = (
        f"{result.n_changed} of {hidden} change; re-read by the autoencoder, the mean of “{name}” over the chain "
        f"{_moves(before.mean_act, after.mean_act)}, its peak {_moves(before.max_act, after.max_act)}."
    )
    up = result.strength > 0
    if (after.mean_act > before.mean_act) is not up or after.mean_act == before.mean_act:
        carried = "more" if up else "less"
        return Verdict(f"The new sequence does not carry {carried} of it.", _join(moved, beyond))
    faint = "" if is_there(row, after) or not up else FAINT.format(words.percent(after.max_act / row.p99_act))
    alike = one_letter(result)
    against = ["by one letter"] if alike else []
    if (after.max_act > before.max_act) is not up or after.max_act == before.max_act:
        against.append("not in the peak")
    ranked = ""
    if random.is_whole:
        mean, peak = ranks(result, random.items)
        ranked = _ranked(mean, peak)
        against += ["not specific"] if mean.p_value > SPECIFIC else []
    so = f", but {words.join(against)}" if against else ", and specific" if random.is_whole else ""
    composed = _composed(row, alike, result.n_changed) if alike else ""
    return Verdict(f"{'Raised' if up else 'Lowered'}{so}.", _join(composed, moved, faint, ranked, beyond))


class Alike(NamedTuple):
    """The amino acid that nearly all changed residues became."""

    letter: str
    n: int
    """So many of them."""


def one_letter(result: SteerResult) -> Alike | None:
    """The amino acid that at least `ONE_LETTER` of the changed residues became; None where none did."""
    if result.n_changed < LEAST_ALIKE:
        return None
    ((letter, n),) = Counter(result.steered[place] for place in result.changed.tolist()).most_common(1)
    return Alike(letter, n) if n >= ONE_LETTER * result.n_changed else None


def _composed(row: FeatureRow, alike: Alike, n_changed: int) -> str:
    """How many residues became the one letter, and whether the feature fires on it in natural proteins, too."""
    gain = dict(confounded.enriched(row.aa_enrichment)).get(alike.letter)
    likes = "" if gain is None else f", which the feature likes anyway ({2**gain:.1f} times as frequent where it fires)"
    return f"{alike.n} of {n_changed} changed residues became {alike.letter}{likes}."


def is_there(row: FeatureRow, after: Reading) -> bool:
    """Whether a sequence carries the concept about as strongly as natural proteins do."""
    return after.max_act >= THERE * row.p99_act


def ranks(result: SteerResult, random: Sequence[Push]) -> tuple[Rank, Rank]:
    """Where the change of the mean, and that of the peak, stand among those by random features."""
    sign = 1 if result.strength > 0 else -1
    before, after = result.before[0], result.after[0]
    return (
        rank(sign * (after.mean_act - before.mean_act), [sign * (p.after.mean_act - before.mean_act) for p in random]),
        rank(sign * (after.max_act - before.max_act), [sign * (p.after.max_act - before.max_act) for p in random]),
    )


def read_curve(doses: Sequence[Dose], clear: float | None = None, carriers: float | None = None) -> Verdict:
    """The curve in words: does the concept follow the strength more than under controls, and what does it better?

    Args:
        doses: all strengths, 0 and 1 among them.
        clear: rise of the probe's log-odds that counts; None where only the feature itself can judge.
        carriers: log-odds of proteins that carry the term, median.
    """
    judged = Judged.of(doses, clear)
    natural_ones = f"Proteins that carry the term have {carriers:+.2f} (median)." if carriers is not None else ""
    start, natural = (judged.at(strength, "feature") for strength in (0.0, 1.0))
    best = max(doses, key=lambda dose: judged.of_arm(dose, "feature"))
    highest = judged.of_arm(best, "feature")
    if best.strength <= 0 or highest - start <= judged.clear:
        return Verdict(
            "No strength makes the new sequence carry more of it.",
            f"Untouched, {judged.what} is {judged.shown(start)}; at every strength it stays at or below "
            + _join(f"{judged.shown(max(highest, start))}.", natural_ones, _alternatives(judged, doses)),
        )
    control = max(judged.of_arm(dose, arm) for dose in doses for arm in CONTROLS)
    title = "Turning it up makes the new sequence carry more of it."
    if control - start >= RANDOM_TOO * (highest - start):
        title = "It rises, but so it does under a control."
    within = natural > start + 0.5 * (highest - start)
    top = judged.of_arm(max(doses), "feature")
    tail = "" if top >= start + 0.8 * (highest - start) else "Stronger pushes lose it again."
    found = (
        f"{words.capitalised(judged.what)} goes from {judged.shown(start)}, untouched, to {judged.shown(highest)} at "
        f"strength {best.strength:g}, to {judged.shown(control)} at most under one random feature or direction; most "
        f"of the effect comes {'within the natural range' if within else 'beyond nature'}."
    )
    return Verdict(title, _join(found, natural_ones, _alternatives(judged, doses), tail))


class Judged(NamedTuple):
    """What the curve is read by: the probe where the term can be read out, else the feature itself."""

    what: str
    clear: float
    doses: Sequence[Dose]
    by_probe: bool

    @classmethod
    def of(cls, doses: Sequence[Dose], clear: float | None) -> "Judged":
        """The judge of a curve."""
        if clear is not None and doses[0].told["feature"].log_odds is not None:
            return cls("the term's log-odds by a probe that steering did not touch", clear, doses, by_probe=True)
        start = next(dose.told["feature"].reading.mean_act for dose in doses if dose.strength == 0)
        return cls("the feature's own mean over the chain", CLEAR * start, doses, by_probe=False)

    def of_arm(self, dose: Dose, arm: str) -> float:
        """What the judge says of one arm at one strength."""
        told = dose.told[arm]
        return told.log_odds if self.by_probe and told.log_odds is not None else told.reading.mean_act

    def at(self, strength: float, arm: str) -> float:
        """The same at a strength that the curve has."""
        return next(self.of_arm(dose, arm) for dose in self.doses if dose.strength == strength)

    def shown(self, value: float) -> str:
        """A value of the judge."""
        return f"{value:+.2f}" if self.by_probe else words.amount(value)


OTHERS = {
    "difference_of_means": "the difference of means",
    "unguided": "the best feature without guidance",
    "logits": "amplifying logits",
}
"""Alternatives, as sentences call them."""


def _alternatives(judged: Judged, doses: Sequence[Dose]) -> str:
    """How high alternatives reach; '' where none was run."""
    reached = [
        f"{name} reaches {judged.shown(max(judged.of_arm(dose, arm) for dose in doses))}"
        for arm, name in OTHERS.items()
        if arm in doses[0].told
    ]
    return f"By the same judge {words.join(reached)}." if reached else ""


def _moves(before: float, after: float) -> str:
    if after == before:
        return f"stays at {words.amount(before)}"
    return f"{'rises' if after > before else 'falls'} from {words.amount(before)} to {words.amount(after)}"


def _ranked(mean: Rank, peak: Rank) -> str:
    only = "" if mean.p_value <= SPECIFIC else "only "
    return (
        f"The mean moves further than under {only}{mean.n_less} of {mean.n} random features pushed as hard "
        f"(p = {mean.p_value:.2g}), the peak further than under {peak.n_less}."
    )


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)
