"""Ranges of a number that features must lie in to be shown, as the address holds them: `density=0.001_0.02`.

Read `AXES`, then `read`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import Bool

from explorer.components.atlas import Axis, Range
from explorer.shell import frame
from protsae.errors import InputError

AXES = (
    Axis("density", "How often it fires (share of residues)", 1e-5, 1.0, log=True, percent=True,
         ticks=("0.001 %", "0.01", "0.1", "1", "10", "100 %")),
    Axis("f1", "Held-out F1 of its label", 0.0, 1.0, log=False, percent=False, ticks=("0", "0.5", "1")),
    Axis("correlation", "How alike its counterpart fires (correlation)", 0.0, 1.0, log=False, percent=False,
         ticks=("0", "0.5", "1")),
)  # fmt: skip
"""By the name of the query parameter."""

COLUMNS = {"density": "density", "f1": "label_f1", "correlation": "correlation"}


def axes(tables: Sequence[pd.DataFrame]) -> list[Axis]:
    """Those for which a feature has a value."""
    return [axis for axis in AXES if any(table[COLUMNS[axis.name]].notna().any() for table in tables)]


def read(params: Mapping[str, str]) -> dict[str, Range]:
    """What an address brushes, by axis.

    Raises:
        InputError: a range is none of its axis.
    """
    found: dict[str, Range] = {}
    for axis in AXES:
        text = params.get(axis.name)
        if text is None:
            continue
        span = _range(text)
        if span is None or not axis.low <= span[0] < span[1] <= axis.high:
            example = f"{axis.low:g}_{axis.high / 2:g}"
            raise InputError(
                f"{axis.name}={text[:30]!r} is no range from {axis.low:g} to {axis.high:g}, such as {example}."
            )
        found[axis.name] = span
    return found


def write(axis: str, span: Range | None) -> None:
    """Put one range into the address, None takes it out."""
    if axis in COLUMNS:
        frame.write_address(**{axis: None if span is None else "_".join(f"{end:.3g}" for end in span)})


def passing(points: pd.DataFrame, ranges: Mapping[str, Range]) -> Bool[np.ndarray, " n"]:
    """Which points lie in every range; an end of the axis lets all beyond it pass, a missing value passes none."""
    passes = np.ones(len(points), dtype=bool)
    for axis in AXES:
        if axis.name in ranges:
            low, high = ranges[axis.name]
            values = points[COLUMNS[axis.name]].to_numpy(dtype=np.float32).astype(float)  # as the browser has them
            reaches = (values >= low) | ((low <= axis.low) & (values < axis.low))
            stays = (values <= high) | ((high >= axis.high) & (values > axis.high))
            passes &= reaches & stays
    return passes


def of_address() -> tuple[dict[str, Range], str]:
    """What the page's address brushes, and what is wrong with it; then nothing is brushed."""
    try:
        return read(st.query_params.to_dict()), ""
    except InputError as error:
        return {}, str(error)


def _range(text: str) -> Range | None:
    ends = text.split("_")
    try:
        low, high = (float(end) for end in ends)
    except ValueError:
        return None
    return (low, high) if np.isfinite([low, high]).all() else None
