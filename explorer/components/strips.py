"""Still strips: a feature's activations along a protein, without a browser script, for tables and cards.

Two forms of one drawing: HTML boxes in the page's own ramp (`strip_thumbnail`, for `st.html`), and SVG (`strip_svg`,
for image columns). An SVG knows no theme, so violet grows opaque over nothing and one image suits both.

Read `strip_runs`.
"""

import base64
from html import escape

import numpy as np
from jaxtyping import Float

from explorer import theme
from protsae import palette


def strip_svg(
    values: Float[np.ndarray, " n_residues"],
    scale: float,
    width: int = 240,
    height: int = 14,
    *,
    dark: bool | None = None,
    title: str = "",
) -> str:
    """One strip as SVG text.

    Args:
        values: Raw activations; NaN is hatched.
        scale: Activation of full colour.
        width: Pixels; where residues are narrower than one, a pixel shows the strongest of them.
        height: Pixels.
        dark: The theme it will stand on, where that is known; None suits both.
        title: What a screen reader says and the pointer shows; plain text.
    """
    columns, runs = strip_runs(values, scale, width)
    step = width / max(columns, 1)
    parts = [
        f'<rect x="{start * step:.2f}" width="{n * step:.2f}" height="{height}" '
        + ('fill="url(#h)"/>' if level is None else f'fill-opacity="{max(level, 0.05):.2f}"/>')
        for start, n, level in runs
    ]
    ground = "both" if dark is None else "dark" if dark else "light"
    full, bed = palette.STILL[ground], palette.STILL["bed"]
    stroke = f'<path d="M0 4L4 0" stroke="{bed}"/>'
    hatch = f'<pattern id="h" width="4" height="4" patternUnits="userSpaceOnUse">{stroke}</pattern>'
    name = f"<title>{escape(title)}</title>" if title else ""
    size = f'width="{width}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" role="img">{name}'
        f"{hatch if any(level is None for _, _, level in runs) else ''}"
        f'<rect {size} rx="2" fill="{bed}" fill-opacity=".16"/><g fill="{full}">{"".join(parts)}</g></svg>'
    )


def data_uri(svg: str) -> str:
    """An SVG as an address, for image columns."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


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
