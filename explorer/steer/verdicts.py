"""What a steering run and a dose-response curve say, in words: the same ones whether the concept comes or not.

The mean activation over the chain judges: a peak is one residue. A change is called specific where it exceeds those
that random features of about the same density bring about, by rank. Read `read`, then `read_curve`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from explorer.draw import words
from explorer.services.slices import Known
from explorer.steer.runs import Dose, Push
from protsae.steering.controls import Rank, rank
from protsae.steering.steer import Reading, SteerResult
from protsae.store.rows import FeatureRow

SPECIFIC = 0.05
"""A change is specific where its p is at most this: with 20 random features, where it beats them all."""

NATURAL = (0.0, 1.0)
"""Strengths between untouched and the feature's 99th percentile in natural proteins."""

THERE = 0.5
"""A concept is there where its peak reaches this share of the feature's 99th percentile in natural proteins."""

CLEAR = 0.05
"""Share by which the mean must rise above the untouched one for a curve to rise."""

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
    done = "Raised" if up else "Lowered"
    faint = "" if is_there(row, after) or not up else FAINT.format(words.percent(after.max_act / row.p99_act))
    if not random.is_whole:
        return Verdict(f"{done}.", _join(moved, faint, beyond))
    mean, peak = ranks(result, random.items)
    title = f"{done}, and specific." if mean.p_value <= SPECIFIC else f"{done}, but not specific."
    return Verdict(title, _join(moved, faint, _ranked(mean, peak), beyond))


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


def read_curve(doses: Sequence[Dose]) -> Verdict:
    """The curve in words: does the concept follow the strength, and does it within the natural range?"""
    at = {dose.strength: dose for dose in doses}
    start, natural, top = (at[s].steered.mean_act for s in (0.0, 1.0, max(at)))
    best = max(doses, key=lambda dose: dose.steered.mean_act)
    highest = best.steered.mean_act
    if best.strength <= 0 or highest <= start * (1 + CLEAR):
        return Verdict(
            "No strength makes the new sequence carry more of it.",
            f"Untouched, its mean over the chain is {words.amount(start)}; at every strength it stays at or below "
            f"{words.amount(max(highest, start))}.",
        )
    control = max(reading.mean_act for dose in doses for reading in dose.readings[1:])
    title = "Turning it up makes the new sequence carry more of it."
    if control - start >= RANDOM_TOO * (highest - start):
        title = "It rises, but so it does under a control."
    within = natural > start + 0.5 * (highest - start)
    tail = "" if top >= 0.8 * highest else "Stronger pushes lose it again."
    found = (
        f"Its mean over the chain goes from {words.amount(start)}, untouched, to {words.amount(highest)} at strength "
        f"{best.strength:g}, to {words.amount(control)} at most under one random feature or direction; most of the "
        f"effect comes {'within the natural range' if within else 'beyond nature'}."
    )
    return Verdict(title, _join(found, tail))


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
