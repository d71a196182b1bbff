"""Which features stand out on each map, and why: an outline or list of the address, a text, a brush.

Read `select`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import Bool

from explorer.atlas import brushes
from explorer.components.atlas import Range
from explorer.draw import regions


class Selection(NamedTuple):
    """What of one map stands out."""

    marked: Bool[np.ndarray, " n"] | None
    """Points that do, None where nothing was asked for; brushes leave these out, too."""
    shown: Bool[np.ndarray, " n"]
    """Points that the brushes leave."""
    by: str
    """'outline' | 'label' | 'brush' | '': what was asked for, the most particular first."""

    @property
    def listed(self) -> Bool[np.ndarray, " n"] | None:
        """Points that are listed below the map, None for no list."""
        if self.marked is not None:
            return self.marked & self.shown
        return self.shown if self.by == "brush" else None


def select(points: pd.DataFrame, side: int, text: str, ranges: Mapping[str, Range]) -> Selection:
    """What stands out on the map of these points.

    Args:
        points: of `maps.points`.
        side: 0 for the first map, 1 for the second; each has a query parameter of its own.
        text: that labels are searched for; an outline on this map goes before.
        ranges: brushed ones.
    """
    shown = brushes.passing(points, ranges)
    outlined = regions.inside(st.query_params.get(regions.PARAMETERS[side], ""), points)
    if outlined:
        return Selection(points["feature"].isin(outlined).to_numpy(), shown, "outline")
    if text:
        found = points["label"].str.contains(text, case=False, regex=False).to_numpy(dtype=bool)
        return Selection(found, shown, "label")
    return Selection(None, shown, "brush" if ranges else "")
