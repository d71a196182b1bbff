"""A sequence logo as SVG: letters stacked at each offset from the peak, as high as what they say in bits.

A column is as high as its information against the corpus, less what luck gives (`protsae/measures/motif.py`); within it
a letter takes its share. Columns that say no more than luck stay empty. Colours stand for chemistry and are safe for
colour-blind readers; the letters themselves say the same. Read `logo_svg`.

Source: Schneider and Stephens 1990 (doi:10.1093/nar/18.20.6097) for the form.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from explorer.draw import words
from explorer.theme import Mode
from protsae import palette
from protsae.alphabet import AMINO_ACIDS
from protsae.measures.motif import corrected_bits

_CAP = 0.72
"""Height of a capital letter as a share of its font size, in the sans-serif fonts that systems have."""
_LEFT, _TOP, _BOTTOM, _HEIGHT, _COLUMN = 30, 8, 22, 150, 19
_LEAST_LETTER = 1.2
"""Pixels below which a letter is not drawn."""
_SCALES = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
"""Bits at the top of the axis."""


def letter_bits(
    counts: Int[np.ndarray, "n_columns 20"], background: Float[np.ndarray, " 20"]
) -> Float[np.ndarray, "n_columns 20"]:
    """Height of every letter in bits: its share of its column's corrected information, which is never below 0."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return share * np.maximum(corrected_bits(counts, background), 0)[:, None]


def logo_svg(bits: Float[np.ndarray, "n_columns 20"], mode: Mode) -> str:
    """The logo; its middle column is the peak, which is marked.

    Args:
        bits: heights of the letters of AMINO_ACIDS.
        mode: light or dark.
    """
    n = len(bits)
    top = next((scale for scale in _SCALES if bits.sum(axis=1).max(initial=0) <= scale), _SCALES[-1])
    zoom = (_HEIGHT - _TOP - _BOTTOM) / top
    width, base = _LEFT + n * _COLUMN + 4, _HEIGHT - _BOTTOM
    peak = _LEFT + n // 2 * _COLUMN
    frame = f'y="{_TOP - 4}" height="{base - _TOP + 4}"'
    parts = [
        f'<rect x="{peak}" {frame} width="{_COLUMN}" fill="{palette.PANEL[mode]}"/>',
        *_axis(top, zoom, base, width, mode),
        *_ruler(n, base, mode),
        f'<rect x="{peak}" {frame} width="{_COLUMN}" fill="none" stroke="{palette.SOFT[mode]}" stroke-dasharray="2"/>',
    ]
    for column, heights in enumerate(bits):
        parts += _stack(heights * zoom, _LEFT + column * _COLUMN, base, mode)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}" '
        f'role="img" font-family="Helvetica, Arial, sans-serif">{"".join(parts)}</svg>'
    )


def spoken(bits: Float[np.ndarray, "n_columns 20"], most: int = 6) -> str:
    """The logo in words, its highest columns in order: 'K at 0 (3.1 bits), G or A at +2 (1.2 bits)'.

    '' where no column says more than luck.
    """
    heights = bits.sum(axis=1)
    order = [column for column in np.argsort(-heights, kind="stable")[:most].tolist() if heights[column] >= 0.1]
    return ", ".join(
        f"{_leading(bits[column])} at {_offset(column - len(bits) // 2)} ({words.number(heights[column], 1)} bits)"
        for column in sorted(order)
    )


def _leading(heights: Float[np.ndarray, " 20"]) -> str:
    """The letters that make most of a column, at most three."""
    order = np.argsort(-heights, kind="stable")[:3]
    return " or ".join(AMINO_ACIDS[i] for i in order if heights[i] >= 0.5 * heights[order[0]])


def chemistry_legend(mode: Mode) -> list[tuple[str, str]]:
    """Names and colours of the kinds of residues."""
    return [(f"{name} ({letters})", colours[mode]) for name, (letters, colours) in palette.CHEMISTRY.items()]


def _stack(heights: Float[np.ndarray, " 20"], x: float, base: float, mode: Mode) -> list[str]:
    """A column's letters, the largest on top."""
    drawn, y = [], base
    for index in np.argsort(heights, kind="stable").tolist():
        height = float(heights[index])
        if height >= _LEAST_LETTER:
            letter = AMINO_ACIDS[index]
            size = _COLUMN / 0.75
            drawn.append(
                f'<text transform="translate({x + 0.5:g} {y:.2f}) scale(1 {height / (size * _CAP):.4f})" '
                f'font-size="{size:.2f}" font-weight="700" textLength="{_COLUMN - 1}" '
                f'lengthAdjust="spacingAndGlyphs" fill="{_colour(letter, mode)}">{letter}</text>'
            )
        y -= height
    return drawn


def _colour(letter: str, mode: Mode) -> str:
    return next(colours[mode] for letters, colours in palette.CHEMISTRY.values() if letter in letters)


def _axis(top: float, zoom: float, base: float, width: float, mode: Mode) -> list[str]:
    ink = f'font-size="10" fill="{palette.SOFT[mode]}"'
    ticks = [
        f'<text x="{_LEFT - 5}" y="{base - value * zoom + 3.5:.1f}" text-anchor="end" {ink}>{value:g}</text>'
        for value in (0.0, top / 2, top)
    ]
    title = f'<text transform="translate(9 {base - top * zoom / 2:.1f}) rotate(-90)" text-anchor="middle" {ink}>'
    line = f'<path d="M{_LEFT} {base}H{width - 4}" stroke="{palette.LINE[mode]}"/>'
    return [*ticks, f"{title}bits</text>", line]


def _ruler(n: int, base: float, mode: Mode) -> list[str]:
    """Offsets from the peak, every fifth."""
    return [
        f'<text x="{_LEFT + (column + 0.5) * _COLUMN:.1f}" y="{base + 14}" text-anchor="middle" font-size="10" '
        f'fill="{palette.SOFT[mode]}">{"peak" if column == n // 2 else _offset(column - n // 2)}</text>'
        for column in _fifths(n)
    ]


def _fifths(n: int) -> Sequence[int]:
    return [column for column in range(n) if (column - n // 2) % 5 == 0]


def _offset(value: int) -> str:
    return f"{value:+d}" if value else "0"
