"""Small column charts as HTML: an axis, columns that say their value under pointer or finger, and letters below.

They need no script and no request, follow theme and width by the style sheet, and are read out whole by a screen
reader. Read `columns`, then `histogram` and `amino_acids`.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer import theme
from explorer.draw import words
from protsae import palette
from protsae.alphabet import AMINO_ACIDS

LEAST = -3.0
"""Enrichment below which columns are cut: an amino acid that never occurs would flatten all others."""
_BELOW_ONE = 0.5
"""Where a logarithmic axis of counts begins, so that a single one is seen."""


class Column(NamedTuple):
    """One column; places are shares of the axis, from below."""

    low: float
    high: float
    colour: str
    """CSS."""
    says: str
    name: str = ""
    """What stands below it."""


class Tick(NamedTuple):
    """A mark of an axis."""

    at: float
    """Share of the axis, from below or from the left."""
    name: str


def columns(
    drawn: Sequence[Column], up: Iterable[Tick], *, title: str, across: Iterable[Tick] = (), units: Sequence[str] = ()
) -> str:
    """The chart; what it says in words is its name for a screen reader.

    Args:
        drawn: columns of one width, from the left.
        up: marks of the axis at the left.
        title: what the chart shows.
        across: marks of the axis below.
        units: what is measured upwards, and across.
    """
    boxes = "".join(
        f'<span data-says="{escape(one.says)}"><i style="bottom:{100 * one.low:.1f}%;'
        f'height:{100 * (one.high - one.low):.1f}%;background:{one.colour}"></i></span>'
        for one in drawn
    )
    lines = "".join(f'<b style="bottom:{100 * tick.at:.1f}%"><u>{escape(tick.name)}</u></b>' for tick in up)
    names = "".join(f"<span>{escape(one.name)}</span>" for one in drawn) if any(one.name for one in drawn) else ""
    marks = "".join(f'<b style="left:{100 * tick.at:.1f}%">{escape(tick.name)}</b>' for tick in across)
    upwards, sideways = (*units, "", "")[:2]
    said = f"{title}: {'; '.join(one.says for one in drawn)}."
    return (
        f'<div class="ps-columns" role="img" aria-label="{escape(said)}">'
        f'<div class="unit">{escape(upwards)}</div><div class="plot">{lines}<div class="boxes">{boxes}</div></div>'
        f'<div class="names">{names}{marks}</div><div class="unit across">{escape(sideways)}</div></div>'
    )


def histogram(counts: Sequence[int], max_act: float, p999: float) -> str:
    """Residues by activation, counts on a logarithmic axis; the columns take the ramp, so they explain the strips.

    Args:
        counts: residues in equal steps from 0 to `max_act`.
        max_act: strongest activation.
        p999: activation of full colour.
    """
    step = max_act / max(len(counts), 1)
    decades = math.ceil(math.log10(max(*counts, 1))) if len(counts) else 0
    floor, top = math.log10(_BELOW_ONE), max(math.log10(max([*counts, 1])), 0.3)

    def place(count: float) -> float:
        return (math.log10(count) - floor) / (top - floor)

    drawn = [
        Column(
            0.0,
            place(count) if count else 0.0,
            theme.shade_pair((index + 0.5) * step / (p999 or max_act or 1)),
            f"activation {(index + 0.5) * step:.3g}, {words.count(count, 'residue')}",
        )
        for index, count in enumerate(counts)
    ]
    up = [Tick(place(10**power), f"{10**power:,}") for power in range(decades + 1) if place(10**power) <= 1]
    across = [Tick(value / max_act, f"{value:g}") for value in round_values(0.0, max_act)] if max_act > 0 else []
    return columns(drawn, up, title="Residues by activation", across=across, units=("residues", "activation"))


def amino_acids(values: Float[np.ndarray, " 20"], unit: str, title: str) -> str:
    """One column an amino acid, largest first; violet above zero, grey below and cut at `LEAST`."""
    heights = np.maximum(np.asarray(values, dtype=float), LEAST)
    low, high = min(0.0, float(heights.min())), max(0.0, float(heights.max()))
    room = (high - low) or 1.0

    def place(value: float) -> float:
        return (value - low) / room

    drawn = []
    for index in np.argsort(-np.asarray(values, dtype=float), kind="stable").tolist():
        letter, height = AMINO_ACIDS[index], float(heights[index])
        colour = theme.pair({mode: ramp[3] for mode, ramp in palette.RAMP.items()} if height > 0 else palette.MUTED)
        says = f"{words.AMINO_ACID_NAMES[letter]} {values[index]:+.2f} {unit}"
        drawn.append(Column(place(min(height, 0.0)), place(max(height, 0.0)), colour, says, letter))
    return columns(drawn, [Tick(place(value), f"{value:g}") for value in round_values(low, high)], title=title)


def round_values(low: float, high: float, most: int = 4) -> list[float]:
    """At most `most` + 1 round numbers from `low` to `high`, one step apart: 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if (high - low) / (power * factor) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]
