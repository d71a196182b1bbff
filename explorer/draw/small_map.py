"""A small map of all features of an SAE as one still picture, with the few that matter as dots over it.

The picture is the same for every feature, so it is made once; dots say their name under pointer or finger. To zoom,
mark and open there is the Map. Read `backdrop`, then `small_map`.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import pandas as pd

from explorer import theme
from explorer.draw import words
from protsae import palette
from protsae.store.grades import Grade
from protsae.store.rows import Role

HEIGHT = 190
"""Pixels, where there is the width for it."""
_EDGE, _WIDEST = 8.0, 3.0
"""Pixels around the outermost points; width over height at most."""


class Spot(NamedTuple):
    """Where a feature stands."""

    left: float
    """Share of the width."""
    top: float
    """Share of the height."""
    says: str
    """Its name, score and density in words."""

    @property
    def css(self) -> str:
        """Its place as a style."""
        return f"left:{100 * self.left:.2f}%;top:{100 * self.top:.2f}%"


class Backdrop(NamedTuple):
    """All features as grey points, and where each stands."""

    picture: str
    """Data address of SVG."""
    width: float
    """Pixels at `HEIGHT`."""
    spots: Mapping[int, Spot]
    """By feature."""


def backdrop(points: pd.DataFrame, mode: theme.Mode) -> Backdrop:
    """The picture of these points, both axes on one scale; points in one half pixel are drawn once.

    Args:
        points: has feature, umap_x, umap_y, density, label, label_grade and label_f1; those without a place are left
            out.
        mode: light or dark.
    """
    placed = points.dropna(subset=["umap_x", "umap_y"])
    at = placed[["umap_x", "umap_y"]].to_numpy(dtype=float) * [1, -1]
    at -= at.min(axis=0)
    span = np.maximum(at.max(axis=0), 1e-9)
    inner = HEIGHT - 2 * _EDGE
    zoom = min(inner / span[1], (_WIDEST * HEIGHT - 2 * _EDGE) / span[0])
    width = max(span[0] * zoom + 2 * _EDGE, HEIGHT)
    pixels = at * zoom + (np.array([width, HEIGHT]) - span * zoom) / 2
    halves = np.unique(np.round(pixels * 2).astype(int), axis=0) / 2
    path = "".join(f"M{x:g} {y:g}h0" for x, y in halves.tolist())
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {HEIGHT}"><path d="{path}" '
        f'stroke="{palette.MUTED[mode]}" stroke-opacity="0.55" stroke-width="3" stroke-linecap="round"/></svg>'
    )
    address = f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"
    spots = {
        int(feature): Spot(left / width, top / HEIGHT, _says(feature, label, grade, f1, density))
        for (left, top), feature, label, grade, f1, density in zip(
            pixels.tolist(),
            *(placed[name] for name in ("feature", "label", "label_grade", "label_f1", "density")),
            strict=True,
        )
    }
    return Backdrop(address, float(width), spots)


def small_map(behind: Backdrop, feature: int, near: Sequence[int], role: Role) -> str:
    """The map: the neighbours marked, the feature itself in its SAE's colour.

    Args:
        behind: of all features of the SAE.
        feature: the one that the page is about.
        near: its neighbours in that SAE.
        role: of the SAE.
    """
    spots = behind.spots
    shown = [spots[one] for one in near if one in spots]
    dots = "".join(f'<span class="near" style="{spot.css}" data-says="{escape(spot.says)}"></span>' for spot in shown)
    if feature in spots:
        dots += f'<span class="here" style="{spots[feature].css};background:var(--ps-{role})"></span>'
    beside = f"; marked beside it: {'; '.join(spot.says for spot in shown)}" if shown else ""
    said = f"Place of this feature among all of its autoencoder{beside}."
    return (
        f'<div class="ps-place-map" role="img" aria-label="{escape(said)}" '
        f'style="width:min(100%,{behind.width:.0f}px);aspect-ratio:{behind.width:.0f}/{HEIGHT}">'
        f'<img src="{behind.picture}" alt="">{dots}</div>'
    )


def _says(feature: int, label: str, grade: Grade, f1: float, density: float) -> str:
    score = "" if pd.isna(f1) else f", held-out F1 {f1:.2f}"
    return f"{words.label(label, grade)}, feature {feature}{score}, fires on {words.percent(density)} of residues"
