"""Still pictures of structures: the C-alpha trace as a small SVG, coloured by activation, without a WebGL context.

A browser holds few live viewers, so lists and cards show these. Grey is silent and violet opaque, so that one picture
suits light and dark pages; what lies behind is paler, and what a predicted model is not sure of is thinner.

Read `structure_svg`; `row_picture` is a smaller one, for rows of tables.
"""

import base64
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer import theme
from explorer.components.ribbon import CHAIN_BREAK, alpha_trace, widest_face
from protsae import palette
from protsae.structure.origin import doubts

_THINNER = (1.0, 0.5, 0.3)
"""Width of a line by how sure a predicted model is of the residue."""


def structure_svg(
    pdb: str,
    positions: np.ndarray,
    values: Float[np.ndarray, " n_residues"],
    scale: float,
    *,
    width: int = 220,
    height: int = 150,
) -> str:
    """The trace from its widest side, turned so that what fires faces the reader.

    Args:
        pdb: residues of chain A in order.
        positions: place in the sequence of each, 1-based; 0 = none.
        values: activation per residue of the sequence.
        scale: activation of full colour.
        width: pixels.
        height: pixels.

    Returns:
        SVG text; without lines where the text has fewer than two C-alphas.
    """
    trace = alpha_trace(pdb)
    positions = np.asarray(positions)[: len(trace)]
    strength = np.zeros(len(trace))
    placed = positions > 0
    strength[: len(positions)][placed] = np.clip(np.nan_to_num(values[positions[placed] - 1]) / (scale or 1), 0, 1)
    doubt = np.zeros(len(trace), int)
    found = doubts(pdb)
    doubt[: len(found)] = found[: len(trace)]
    lines = _segments(trace, strength, doubt, width, height) if len(trace) > 1 else []
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" stroke-linecap="round" fill="none">{"".join(lines)}</svg>'
    )


def _segments(trace: np.ndarray, strength: np.ndarray, doubt: np.ndarray, width: int, height: int) -> list[str]:
    centre, rotation = widest_face(trace)
    turned = (trace - centre) @ rotation.T
    if strength @ turned[:, 2] < 0:
        turned *= [-1, 1, -1]
    span = np.maximum(np.ptp(turned[:, :2], axis=0), 1.0)
    zoom = min((width - 12) / span[0], (height - 12) / span[1])
    middle = (turned[:, :2].max(axis=0) + turned[:, :2].min(axis=0)) / 2
    flat = (turned[:, :2] - middle) * [zoom, -zoom] + [width / 2, height / 2]
    depth = (turned[:, 2] - turned[:, 2].min()) / max(float(np.ptp(turned[:, 2])), 1.0)
    thick = float(np.clip(zoom * 1.5, 1.6, 5.0))
    bonded = np.linalg.norm(np.diff(trace, axis=0), axis=1) <= CHAIN_BREAK
    halfway = (flat[:-1] + flat[1:]) / 2
    drawn = []
    for i, (x, y) in enumerate(flat.tolist()):
        start = halfway[i - 1] if i > 0 and bonded[i - 1] else flat[i]
        end = halfway[i] if i < len(bonded) and bonded[i] else flat[i]
        near = float(depth[i])
        colour = theme.mix(palette.STILL_CHAIN["silent"], palette.STILL_CHAIN["full"], float(strength[i]))
        curve = f"M{start[0]:.1f} {start[1]:.1f}Q{x:.1f} {y:.1f} {end[0]:.1f} {end[1]:.1f}"
        wide = thick * (0.7 + 0.5 * near) * _THINNER[doubt[i]]
        pen = f'stroke-width="{wide:.1f}" stroke-opacity="{0.4 + 0.6 * near:.2f}"'
        drawn.append((near, f'<path d="{curve}" stroke="{colour}" {pen}/>'))
    return [line for _, line in sorted(drawn)]


class Outline(NamedTuple):
    """A chain as a small picture needs it: its widest face, scaled to 0..1 across, y downwards."""

    places: Float[np.ndarray, "n 2"]
    breaks: Int[np.ndarray, " n_breaks"]
    """Indices after which the chain is broken."""
    positions: Int[np.ndarray, " n"]
    """Place in the sequence, 1-based; 0 = none."""


_PIECES, _SHADES = 72, 4
_WIDE, _HIGH = 96, 56


def outline(pdb: str, positions: Int[np.ndarray, " n_modelled"]) -> Outline:
    """Read the C-alphas of chain A of a stored structure, which counts its residues 1, 2, 3, ..., from PDB text."""
    lines = [
        line
        for line in pdb.splitlines()
        if line[12:16] == " CA " and line[21:22] == "A" and line.startswith(("ATOM", "HETATM"))
    ]
    trace = np.array([(line[30:38], line[38:46], line[46:54]) for line in lines], dtype=float).reshape(-1, 3)
    numbers = np.array([int(line[22:26]) for line in lines], dtype=int)
    kept = np.isfinite(trace).all(axis=1) & (numbers >= 1) & (numbers <= len(positions))
    trace, numbers = trace[kept], numbers[kept]
    if len(trace) < 2:
        return Outline(np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, int))
    centre, rotation = widest_face(trace)
    flat = ((trace - centre) @ rotation.T)[:, :2] * [1, -1]
    flat -= flat.min(axis=0)
    broken = np.flatnonzero(np.linalg.norm(np.diff(trace, axis=0), axis=1) > CHAIN_BREAK)
    return Outline(flat / max(float(flat.max()), 1.0), broken, np.asarray(positions)[numbers - 1])


def row_picture(shape: Outline, shares: Float[np.ndarray, " n_residues"] | None = None) -> str:
    """A structure for a row of a table as a data address of SVG; '' where there is nothing to draw.

    Args:
        shape: of `outline`.
        shares: activation per residue of the sequence as a share of full colour; None for a silent chain.
    """
    n = len(shape.places)
    if n < 2:
        return ""
    strength = np.zeros(n)
    if shares is not None:
        placed = (shape.positions > 0) & (shape.positions <= len(shares))
        strength[placed] = np.clip(shares[shape.positions[placed] - 1], 0, 1)
    span = np.maximum(shape.places.max(axis=0), 1e-6)
    zoom = min((_WIDE - 6) / span[0], (_HIGH - 6) / span[1])
    places = shape.places * zoom + (np.array([_WIDE, _HIGH]) - span * zoom) / 2
    edges = np.unique(np.concatenate([np.linspace(0, n - 1, min(n, _PIECES) + 1).astype(int), shape.breaks]))
    strongest = np.maximum.reduceat(strength, edges[:-1])
    shade = np.ceil(_SHADES * strongest).astype(int)
    broken = np.isin(edges[:-1], shape.breaks)
    drawn: dict[int, list[str]] = {}
    for level, (a, b), gap in zip(shade.tolist(), pairwise(edges.tolist()), broken, strict=True):
        if not gap:
            (x, y), (u, v) = places[a], places[b]
            drawn.setdefault(level, []).append(f"M{x:.0f} {y:.0f}L{u:.0f} {v:.0f}")
    paths = "".join(
        f'<path d="{"".join(parts)}" stroke="{_shade(level)}" stroke-width="{1.6 if level == 0 else 2.6}"/>'
        for level, parts in sorted(drawn.items())
    )
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}" '
        f'fill="none" stroke-linecap="round">{paths}</svg>'
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"


def _shade(level: int) -> str:
    return theme.mix(palette.STILL_CHAIN["silent"], palette.STILL_CHAIN["full"], level / _SHADES)
