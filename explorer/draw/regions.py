"""A part of the map as an address holds it: a few features by number, else the corners of what was drawn around them.

'12.45.77' are three features; 'o_-120_35_410_220' is a box and any longer one an outline, in hundredths of the map's
units. Its first letter says on which layout it was drawn, so that the features inside stay marked on the other one.
Read `written`, then `inside`.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from protsae.store.analyses.maps import PLACES, Layout

PARAMETERS = ("marked", "marked2")
"""Query parameters of what is marked on the first and on the second map."""

FEW = 50
"""Features that are written one by one."""

MOST_CORNERS = 60
"""Corners of an outline; a hand draws more than anyone needs."""

LETTERS: dict[Layout, str] = {"directions": "o", "activations": "a"}
"""Of an outline, by the layout that it was drawn on."""

_FEATURES = re.compile(r"[0-9]{1,7}(\.[0-9]{1,7})*")
_OUTLINE = re.compile(r"[oa](_-?[0-9]{1,7}){4,200}")


def written(
    features: Sequence[int], corners: Sequence[tuple[float, float]], layout: Layout = "directions"
) -> str | None:
    """The part of the map that holds `features` inside `corners` (two of a box, more of an outline); None for none."""
    if not features:
        return None
    if len(features) <= FEW:
        return ".".join(map(str, sorted(features)))
    kept = [corners[i] for i in np.linspace(0, len(corners) - 1, min(len(corners), MOST_CORNERS)).round().astype(int)]
    return "_".join([LETTERS[layout], *(str(round(100 * value)) for corner in kept for value in corner)])


def inside(text: str, points: pd.DataFrame) -> list[int]:
    """Features of `points` (with the columns of `PLACES`) in a part of the map; none where `text` is no such part."""
    if _FEATURES.fullmatch(text):
        wanted = {int(number) for number in text.split(".")}
        return [feature for feature in points["feature"].tolist() if feature in wanted]
    if not _OUTLINE.fullmatch(text):
        return []
    numbers = np.array(text.split("_")[1:], float) / 100
    layout: Layout = "activations" if text[0] == LETTERS["activations"] else "directions"
    return enclosed(numbers[: len(numbers) // 2 * 2].reshape(-1, 2), points, layout)


def enclosed(corners: Float[np.ndarray, "n_corners 2"], points: pd.DataFrame, layout: Layout) -> list[int]:
    """Features of `points` inside two corners of a box, or more of an outline, that were drawn on a layout."""
    if len(corners) == 2:
        (x0, y0), (x1, y1) = corners
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    places = points[list(PLACES[layout])].to_numpy(float)
    return points.loc[_encloses(corners, places), "feature"].tolist()


def _encloses(corners: Float[np.ndarray, "n_corners 2"], places: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
    """Whether a ray to the right from each place crosses the outline an odd number of times."""
    found = np.zeros(len(places), bool)
    x, y = places.T
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            found ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return found
