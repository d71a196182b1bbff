"""What points of a map are coloured by, and what the colours mean.

A categorical colouring gives each feature a code; codes rise with what they tell, for higher ones are drawn on top.
Read `COLOURINGS`, then `colouring`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from explorer import theme
from explorer.components.atlas import Colouring
from explorer.draw import markup, words
from protsae import palette
from protsae.store.rows import FeatureRow

COLOURINGS = {
    "origin": "Where the label comes from",
    "kind": "Guided or free",
    "f1": "Held-out F1 of the label",
    "density": "How often it fires",
    "namespace": "What the label is about",
    "grade": "Evidence",
    "family": "Family",
}
"""By the name that an address gives it; the first is the default."""

LEAST_DENSITY = 1e-5
"""Where the logarithmic ramp begins."""


class Category(NamedTuple):
    """One code of a categorical colouring."""

    value: str
    """Of the column that is coded."""
    name: str
    colour: str


def colouring(name: str, mode: theme.Mode) -> Colouring:
    """What the browser colours the points by."""
    if name == "f1":
        return Colouring(name)
    if name == "density":
        return Colouring(name, low=LEAST_DENSITY, high=1.0, log=True)
    return Colouring(name, colours=[category.colour for category in categories(name, mode)])


def codes(points: pd.DataFrame, name: str) -> UInt8[np.ndarray, " n"]:
    """Of every point the place of its category; 0 for all that has none."""
    places = {category.value: place for place, category in enumerate(categories(name, "light"))}
    return values(points, name).map(places).fillna(0).to_numpy(dtype=np.uint8)


def values(points: pd.DataFrame, name: str) -> pd.Series:
    """What a categorical colouring looks at."""
    if name == "origin":
        return points["label_origin"].where(points["label_grade"] != "none", "none")
    if name == "family":
        ranks = points["family"].astype(int)
        return ranks.where(ranks < len(palette.FAMILIES["light"]), _SMALLER).astype(str)
    return points[{"grade": "label_grade"}.get(name, name)]


def categories(name: str, mode: theme.Mode) -> list[Category]:
    """All codes of a categorical colouring, the least telling first."""
    grey, guided = palette.ORIGINS["none"], theme.identity("guided", mode)
    unconfirmed = "no confirmed label"
    if name == "origin":
        return [
            Category("none", unconfirmed, grey),
            Category("annotation", "a residue annotation holds", palette.ORIGINS["annotation"]),
            Category("go", "another GO term holds", palette.ORIGINS["go"]),
            Category("guided", "its guiding GO term holds", guided),
        ]
    if name == "kind":
        return [Category("free", "free", grey), Category("defined", "guided", guided)]
    if name == "grade":
        strong, weak = palette.RAMP[mode][4], palette.RAMP[mode][2]
        return [
            Category("none", unconfirmed, palette.MISSING[mode]),
            Category("weak", "weak evidence", weak),
            Category("strong", "strong evidence", strong),
        ]
    if name == "namespace":
        colours = zip(words.NAMESPACES.items(), palette.TRACKS, strict=False)
        return [
            Category("", unconfirmed, grey),
            Category("annotation", "a residue annotation", palette.ORIGINS["annotation"]),
            *(Category(key, text, colour) for (key, text), colour in colours),
        ]
    largest = [Category(str(rank), f"family {rank + 1}", colour) for rank, colour in enumerate(palette.FAMILIES[mode])]
    others = [("-1", "no family", palette.MISSING[mode]), (str(_SMALLER), "a smaller family", palette.MUTED[mode])]
    return [Category(*other) for other in others] + largest[::-1]


def legend(points: pd.DataFrame, name: str, mode: theme.Mode, roots: Mapping[int, FeatureRow]) -> str:
    """HTML of what the colours of one map mean, with the number of its features.

    Args:
        points: of the map.
        name: of the colouring.
        mode: light or dark.
        roots: the broadest feature of each large family, by number.
    """
    if name == "f1":
        return markup.ramp_legend("held-out F1 0", "1", "not scored", words.HELP["f1"])
    if name == "density":
        return markup.ramp_legend("fires on 0.001 %", "100 % of residues, logarithmic", "", words.HELP["density"])
    counts = values(points, name).value_counts()
    shown = [category for category in reversed(categories(name, mode)) if counts.get(category.value, 0)]
    names = {str(number): f"family {number + 1}: {words.named(root)}" for number, root in roots.items()}
    return markup.dots_legend(
        (f"{names.get(one.value, one.name)} ({counts[one.value]:,})", one.colour) for one in shown
    )


_SMALLER = 1_000_000
"""Stands for the number of every family that has no colour of its own."""
