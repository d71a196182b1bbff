"""What a language model of words is asked: stretches of sequence in which a feature fires, and which ones would.

The explainer sees proteins of train and valid; the scorer is asked about stretches of test proteins, half around a
residue on which the feature fires, half from the same proteins where it is silent.

Read `Windows`, then `explain_prompt` and `score_prompt`.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from protsae.store.rows import ExampleRow

REACH = 12
"""Residues on either side of the middle of a stretch."""
SHOWN = 20
"""Stretches that the explainer sees."""
ASKED = 5
"""Stretches of each kind that the scorer is asked about."""
MARKED = 0.5
"""Residues are marked from this share of the protein's strongest activation on."""
ANSWER_TOKENS = 120
LETTERS_PER_TOKEN = 2.0
"""Of amino-acid sequences; words have about four, so this estimates high."""


class Window(NamedTuple):
    """A stretch of a protein."""

    text: str
    """With residues on which the feature fires strongly in brackets, where it is shown to the explainer."""
    fires: bool


class Windows(NamedTuple):
    """What is shown to the explainer, and asked of the scorer."""

    shown: list[str]
    asked: list[Window]
    """As many that fire as are silent; empty where test proteins are too few."""


def windows_of(examples: Sequence[ExampleRow], *, seed: int) -> Windows:
    """Stretches of a feature's example proteins.

    Args:
        examples: of all bands; a protein may be in several.
        seed: of the silent stretches.
    """
    firing = {row.accession: row for row in examples if row.peak_act > 0 and len(row.positions)}
    seen = [row for row in firing.values() if row.split != "test"]
    shown = [_marked(row) for row in seen[:: max(1, -(-len(seen) // SHOWN))]][:SHOWN]
    rng = np.random.default_rng(seed)
    asked: list[Window] = []
    for row in (row for row in firing.values() if row.split == "test"):
        silent = _silent(row, rng)
        if silent is not None and len(asked) < 2 * ASKED:
            asked += [Window(_around(row.sequence, row.peak_pos), fires=True), Window(silent, fires=False)]
    order = rng.permutation(len(asked))
    return Windows(shown, [asked[place] for place in order] if len(asked) == 2 * ASKED else [])


def explain_prompt(windows: Windows) -> str:
    """The explainer's prompt."""
    return (
        "A unit inside a protein language model fires on the residues in [brackets] of these stretches of protein "
        "sequence (one-letter amino acids, strongest and weak examples mixed). Say in one short sentence what the "
        "stretches have in common that makes it fire. If you see nothing, answer: nothing in common.\n\n"
        + "\n".join(windows.shown)
    )


def score_prompt(explanation: str, asked: Sequence[Window]) -> str:
    """The scorer's prompt."""
    numbered = "\n".join(f"{number}. {window.text}" for number, window in enumerate(asked, start=1))
    return (
        f"A unit inside a protein language model is described so: {explanation.strip()}\nOn which of these stretches "
        "of protein sequence does it fire near the middle? Answer with a JSON list of their numbers and nothing else, "
        f"for example [1, 4].\n\n{numbered}"
    )


def read_answer(text: str, n_asked: int) -> frozenset[int] | None:
    """The numbers of an answer; None where it holds no list of them."""
    found = re.search(r"\[[\d,\s]*\]", text)
    if found is None:
        return None
    try:
        numbers = json.loads(found.group())
    except ValueError:
        return None
    return frozenset(number for number in numbers if 1 <= number <= n_asked)


def balanced_accuracy(chosen: frozenset[int], asked: Sequence[Window]) -> float:
    """Share of right answers, firing and silent stretches counting alike; .5 is guessing."""
    right = [(number in chosen) == window.fires for number, window in enumerate(asked, start=1)]
    return float(
        np.mean(
            [np.mean([ok for ok, w in zip(right, asked, strict=True) if w.fires is kind]) for kind in (True, False)]
        )
    )


def n_tokens(prompt: str) -> int:
    """About how many tokens a prompt has; rather too many than too few."""
    return round(len(prompt) / LETTERS_PER_TOKEN)


def _marked(row: ExampleRow) -> str:
    strong = set(row.positions[row.acts >= MARKED * row.peak_act].tolist())
    first, last = max(1, row.peak_pos - REACH), min(row.length, row.peak_pos + REACH)
    letters = (row.sequence[place - 1] for place in range(first, last + 1))
    return "".join(
        f"[{letter}]" if place in strong else letter
        for place, letter in zip(range(first, last + 1), letters, strict=True)
    )


def _around(sequence: str, middle: int) -> str:
    return sequence[max(0, middle - 1 - REACH) : middle + REACH]


def _silent(row: ExampleRow, rng: np.random.Generator) -> str | None:
    """A stretch of the protein without any firing residue; None where there is none."""
    fires = np.zeros(row.length, dtype=int)
    fires[row.positions - 1] = 1
    width = 2 * REACH + 1
    if row.length < width:
        return None
    free = np.flatnonzero(np.convolve(fires, np.ones(width, dtype=int), mode="valid") == 0)
    return None if not len(free) else _around(row.sequence, int(rng.choice(free)) + REACH + 1)
