"""Data of a mutation scan to a plotly heat map and to a table: one row an amino acid, one column a position.

Read `heat_map`.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from explorer import theme
from explorer.draw import charts, words
from explorer.draw.downloads import table_csv
from protsae import palette
from protsae.alphabet import AMINO_ACIDS

BY_CHEMISTRY = "GAVLIMPFYWSTNQCDEKRH"
"""Rows of the map, top to bottom: neighbours are alike."""


def heat_map(
    sequence: str, change: Float[np.ndarray, "n_residues 20"], unit: str, mode: theme.Mode, marked: Iterable[int] = ()
) -> go.Figure:
    """A signed change for every substitution; the wild type's letters are dots, what is not known yet is blank.

    Args:
        sequence: of the wild type.
        change: in the order of AMINO_ACIDS; nan where not known.
        unit: what stands behind a number.
        mode: light or dark.
        marked: positions (from 1) whose columns are marked.
    """
    figure = charts.base(390)
    rows = [AMINO_ACIDS.index(letter) for letter in BY_CHEMISTRY]
    known = np.abs(change[np.isfinite(change)])
    limit = float(known.max(initial=0)) or 1.0
    loss, none, gain = palette.CHANGE[mode]
    positions = np.arange(1, len(sequence) + 1)
    names = [[f"{wild}{place}{letter}" for place, wild in enumerate(sequence, start=1)] for letter in BY_CHEMISTRY]
    figure.add_heatmap(
        x=positions,
        y=list(BY_CHEMISTRY),
        z=np.round(change.T[rows], 3),
        text=names,
        zmin=-limit,
        zmax=limit,
        zmid=0,
        colorscale=[[0, loss], [0.5, none], [1, gain]],
        colorbar={"thickness": 10, "title": {"text": unit, "side": "right"}, "outlinewidth": 0, "ticksuffix": ""},
        hovertemplate="%{text}: %{z:+.3g} " + unit + "<extra></extra>",
        hoverongaps=False,
    )
    own = [(place, letter) for place, letter in enumerate(sequence, start=1) if letter in BY_CHEMISTRY]
    figure.add_scatter(
        x=[place for place, _ in own],
        y=[letter for _, letter in own],
        mode="markers",
        marker={"size": 4 if len(sequence) <= 400 else 2, "color": palette.SOFT[mode]},
        hovertemplate="%{y}%{x}: the wild type<extra></extra>",
    )
    for position in marked:
        figure.add_vline(x=position, line={"color": palette.INK[mode], "width": 1, "dash": "dot"})
    figure.update_xaxes(title="position", showgrid=False, range=[0.5, len(sequence) + 0.5])
    figure.update_yaxes(autorange="reversed", dtick=1, showgrid=False, tickfont={"size": 10}, fixedrange=True)
    return figure


def scan_csv(
    sequence: str, columns: Sequence[tuple[str, Float[np.ndarray, "n_residues 20"]]], source: Sequence[tuple[str, str]]
) -> str:
    """One line a substitution that is known; `source` are columns that are the same in every line."""
    head = ["variant", "wild", "position", "mutant", *(name for name, _ in columns), *(name for name, _ in source)]
    lines = [
        (
            f"{wild}{place}{letter}",
            wild,
            place,
            letter,
            *(f"{values[place - 1, column]:.6g}" for _, values in columns),
            *(text for _, text in source),
        )
        for place, wild in enumerate(sequence, start=1)
        for column, letter in enumerate(AMINO_ACIDS)
        if letter != wild and np.isfinite(columns[0][1][place - 1, column])
    ]
    return table_csv(head, lines)


def most_sensitive(sequence: str, change: Float[np.ndarray, "n_residues 20"], most: int = 5) -> list[tuple[str, float]]:
    """Residues whose substitutions lower the value most on average, with that mean; only those that lower it."""
    means = np.full(len(sequence), np.nan)
    for place in np.flatnonzero(np.isfinite(change).any(axis=1)).tolist():
        others = [column for column, letter in enumerate(AMINO_ACIDS) if letter != sequence[place]]
        means[place] = np.nanmean(change[place, others])
    order = [place for place in np.argsort(means).tolist() if means[place] < 0]
    return [(f"{sequence[place]}{place + 1}", float(means[place])) for place in order[:most]]


def lowest_words(found: Sequence[tuple[str, float]], unit: str) -> str:
    """A sentence on the residues that matter most; '' where there are none."""
    if not found:
        return ""
    listed = words.join([f"{name} ({mean:+.3g} {unit})" for name, mean in found])
    return f"On average over the 19 substitutions the largest losses are at {listed}."
