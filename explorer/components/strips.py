"""Still strips: a feature's activations along a protein, without a browser script, for tables and cards.

Two forms: HTML boxes in the page's own ramp (`strip_thumbnail`, for `st.html`), and heights along the whole chain
(`profile`, for a table's chart column, which fits any width and takes the theme's colour; a picture there is scaled to
the row's height and cut off).

Read `strip_runs`.
"""

import numpy as np
from jaxtyping import Float

from explorer import theme


def profile(values: Float[np.ndarray, " n_residues"], scale: float, most: int = 150) -> list[float]:
    """Shares of full colour (0 to 1) along the chain, the strongest residue at each of at most `most` places.

    Every place comes twice: the table rounds its curve off between points, which would halve a lone residue's height.

    Args:
        values: Raw activations; a missing one is no activation.
        scale: Activation of full colour.
        most: Places.
    """
    values = np.nan_to_num(np.asarray(values, dtype=float))
    if not len(values) or scale <= 0:
        return [0.0] * (2 * min(len(values), most))
    edges = np.linspace(0, len(values), min(len(values), most) + 1).astype(int)[:-1]
    return np.repeat(np.round(np.clip(np.maximum.reduceat(values, edges) / scale, 0, 1), 3), 2).tolist()


def strip_thumbnail(values: Float[np.ndarray, " n_residues"], scale: float) -> str:
    """One strip as HTML boxes that fill the width there is, in the page's ramp."""
    columns, runs = strip_runs(values, scale, 320)
    boxes = "".join(
        f'<i style="left:{100 * start / columns:.2f}%;width:{100 * n / columns:.2f}%;background:{_fill(level)}"></i>'
        for start, n, level in runs
    )
    return f'<div class="ps-strip">{boxes}</div>'


def strip_runs(
    values: Float[np.ndarray, " n_residues"], scale: float, most: int
) -> tuple[int, list[tuple[int, int, float | None]]]:
    """Cut a protein into at most `most` columns, the strongest residue in each, and join equal neighbours.

    Returns:
        Number of columns; and of every run that is not silent its first column, its columns, and its share of full
        colour in twentieths, None where a value is missing.
    """
    values = np.asarray(values, dtype=float)
    columns = min(len(values), most)
    if columns == 0:
        return 0, []
    edges = np.linspace(0, len(values), columns + 1).astype(int)[:-1]
    strongest = np.maximum.reduceat(values, edges)  # NaN where any is
    share = np.clip(strongest / scale, 0, 1) if scale > 0 else np.where(np.isnan(strongest), np.nan, 0.0)
    levels = np.where(share > 0, np.maximum(np.round(20 * share), 1), share)
    levels = np.where(np.isnan(levels), -1, levels).astype(int)
    starts = np.flatnonzero(np.diff(levels, prepend=levels[0] - 1))
    lengths = np.diff(starts, append=columns)
    runs = zip(starts.tolist(), lengths.tolist(), levels[starts].tolist(), strict=True)
    return columns, [(start, n, None if level < 0 else level / 20) for start, n, level in runs if level != 0]


def _fill(level: float | None) -> str:
    if level is None:
        return "repeating-linear-gradient(45deg,var(--ps-missing) 0 2px,transparent 2px 4px)"
    return theme.shade_pair(level)
