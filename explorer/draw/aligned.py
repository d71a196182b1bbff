"""Proteins under each other as letters on the activation ramp, aligned, under one ruler, in one box that scrolls.

A stretch of equal colour is one element and a silent stretch none, so that a dozen proteins of a thousand residues are
a few hundred elements. Names stay at the left while the letters scroll. Read `Row`, then `html`.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.draw import outward
from explorer.theme import LEVELS

_STEP = 10
"""Columns between two numbers of the ruler."""


class Row(NamedTuple):
    """One protein."""

    name: str
    href: str
    note: str
    """A second, smaller line under the name."""
    sequence: str
    values: Float[np.ndarray, " n_residues"]
    anchor: int
    """Residue, 1-based, that stands under 0 of the ruler."""
    peak: int
    """Residue of the strongest activation, 1-based; 0 where it is silent."""


def start_of_run(values: Float[np.ndarray, " n_residues"], peak: int) -> int:
    """First residue, 1-based, of the unbroken run of firing residues around the peak; 1 where nothing fires."""
    silent = np.flatnonzero(np.asarray(values)[: max(peak - 1, 0)] <= 0)
    return 1 if peak < 1 else int(silent[-1]) + 2 if len(silent) else 1


def html(rows: Sequence[Row], scale: float, label: str, *, from_one: bool = False, mark: str = "") -> str:
    """The box.

    Args:
        rows: at least one.
        scale: activation of full colour.
        label: what a screen reader calls the box.
        from_one: the ruler counts residues from 1, for rows that begin at the same column; else offsets from 0.
        mark: of the column of 0, for whoever scrolls to it.
    """
    before = max(row.anchor for row in rows) - 1
    columns = before + max(len(row.sequence) - row.anchor + 1 for row in rows)
    ruler = "".join(
        f'<span style="left:{before + offset}ch">{offset + 1 if from_one else _signed(offset)}</span>'
        for offset in _numbered(before, columns, from_one=from_one)
    )
    lines = "".join(_line(row, before, scale) for row in rows)
    zero = "" if from_one else f'<i class="zero" data-centre="{escape(mark)}" style="left:{before}ch"></i>'
    return (
        f'<div class="ps-aligned" tabindex="0" role="region" aria-label="{escape(label)}" data-scrolls>'
        f'<div class="inner"><div class="row ruler"><span class="who"></span>'
        f'<span class="letters" style="width:{columns}ch">{ruler}{zero}</span></div>{lines}</div></div>'
    )


def _numbered(before: int, columns: int, *, from_one: bool) -> Iterator[int]:
    """Offsets with a number: 0, and every tenth; residues 1, 10, 20, ... where they count from one."""
    if from_one:
        yield 0
        yield from range(_STEP - 1, columns, _STEP)
        return
    yield from range(-(before // _STEP) * _STEP, columns - before, _STEP)


def _line(row: Row, before: int, scale: float) -> str:
    who = (
        f'<a href="{escape(row.href)}">{escape(row.name)}</a><small>{outward.ids(row.note)}</small>'
        if row.href
        else f"<b>{escape(row.name)}</b><small>{outward.ids(row.note)}</small>"
    )
    return (
        f'<div class="row"><span class="who">{who}</span><span class="letters" '
        f'style="padding-left:{before - row.anchor + 1}ch">{"".join(_pieces(row, scale))}</span></div>'
    )


def _pieces(row: Row, scale: float) -> Iterator[str]:
    """The letters, a piece for every stretch of one level; the peak is a piece of its own."""
    share = np.clip(np.nan_to_num(np.asarray(row.values, float)) / (scale or 1.0), 0, 1)
    levels = np.ceil(LEVELS * share).astype(int)
    borders = set((np.flatnonzero(np.diff(levels)) + 1).tolist())
    if row.peak:
        borders |= {row.peak - 1, row.peak}
    edges = sorted(borders | {0, len(levels)})
    for start, end in pairwise(edges):
        text, level = escape(row.sequence[start:end]), int(levels[start])
        kinds = [f"v{level}"] if level else []
        kinds += ["peak"] if row.peak and start == row.peak - 1 else []
        yield f'<i class="{" ".join(kinds)}">{text}</i>' if kinds else text


def _signed(offset: int) -> str:
    return f"{offset:+d}" if offset else "0"
