"""Data to plotly figures; nothing here knows Streamlit.

Fonts and grid come from the page's theme; figures carry transparent paper and take the theme's mode for the few colours
that must differ. Read `base`, then any chart.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float

from explorer import theme
from explorer.draw import words
from protsae import palette
from protsae.alphabet import AMINO_ACIDS
from protsae.store.rows import Role


def base(height: int, **layout: Any) -> go.Figure:
    """An empty figure in the explorer's style."""
    axis = {"title": {"standoff": 6}}
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "paper_bgcolor": palette.CLEAR,
            "plot_bgcolor": palette.CLEAR,
            "showlegend": False,
            "xaxis": axis,
            "yaxis": axis,
            **layout,
        }
    )


def histogram(counts: Sequence[int], max_act: float, p999: float, mode: theme.Mode) -> go.Figure:
    """Residues by activation (log count); the bars take the ramp's colours, so they explain the strips."""
    figure = base(150, bargap=0.08)
    n = len(counts)
    centres = (np.arange(n) + 0.5) * max_act / max(n, 1)
    figure.add_bar(
        x=centres,
        y=list(counts),
        marker={
            "color": [theme.shade(mode, centre / (p999 or max_act or 1)) for centre in centres],
            "line": {"width": 0},
        },
        hovertemplate="activation %{x:.3g}<br>%{y:,} residues<extra></extra>",
    )
    figure.update_yaxes(type="log", title="residues", dtick=1, exponentformat="power", automargin=True)
    figure.update_xaxes(title="activation", range=[0, max_act], showgrid=False)
    return figure


LEAST = -3.0
"""Enrichment below which bars are cut: an amino acid that never occurs would flatten all others."""


def amino_acids(values: Float[np.ndarray, " 20"], unit: str, mode: theme.Mode) -> go.Figure:
    """One bar an amino acid, largest first; violet above zero, grey below and cut at `LEAST`."""
    figure = base(122, bargap=0.15)
    order = np.argsort(-np.asarray(values, dtype=float), kind="stable")
    letters = [AMINO_ACIDS[i] for i in order]
    heights = np.asarray(values, dtype=float)[order]
    names = [words.AMINO_ACID_NAMES[letter] for letter in letters]
    violet = palette.RAMP[mode][3]
    figure.add_bar(
        x=letters,
        y=np.maximum(heights, LEAST),
        customdata=[f"{name} {height:+.2f}" for name, height in zip(names, heights, strict=True)],
        marker={"color": [violet if height > 0 else palette.MUTED[mode] for height in heights], "line": {"width": 0}},
        hovertemplate="%{customdata} " + unit + "<extra></extra>",
    )
    figure.update_xaxes(tickangle=0, tickfont={"size": 10}, dtick=1, showgrid=False, fixedrange=True)
    figure.update_yaxes(nticks=4, fixedrange=True, automargin=True)
    return figure


MOST_SVG_POINTS = 6000
"""Points up to which a map is drawn as SVG, which every browser shows; WebGL draws more but is not everywhere."""


def draws_with_webgl(points: pd.DataFrame) -> bool:
    """Whether a map of these points needs WebGL."""
    return len(points) > MOST_SVG_POINTS


def position(points: pd.DataFrame, feature: int, near: Sequence[int], mode: theme.Mode, colour: str) -> go.Figure:
    """A small map: all features grey, the neighbours marked, this one in its SAE's colour."""
    figure = _map_base(190)
    add_points = figure.add_scattergl if draws_with_webgl(points) else figure.add_scatter
    add_points(
        x=points["umap_x"],
        y=points["umap_y"],
        mode="markers",
        marker={"size": 3, "color": palette.MUTED[mode], "opacity": 0.55},
        hoverinfo="skip",
    )
    around = points.loc[points["feature"].isin(list(near))]
    add_points(
        x=around["umap_x"],
        y=around["umap_y"],
        mode="markers",
        marker={"size": 6, "color": palette.INK[mode], "opacity": 0.75},
        text=_names(around),
        hovertemplate="%{text}<extra></extra>",
    )
    here = points[points["feature"] == feature]
    add_points(
        x=here["umap_x"],
        y=here["umap_y"],
        mode="markers",
        marker={"size": 13, "color": colour, "line": {"width": 2, "color": palette.SURFACE[mode]}},
        hoverinfo="skip",
    )
    return figure


def difference(
    table: pd.DataFrame,
    mode: theme.Mode,
    chosen: str | None = None,
    role: Role = "unguided",
    *,
    score: str = "f1",
    named: str = "held-out F1",
    brushed: tuple[float, float] | None = None,
) -> go.Figure:
    """Distribution over terms of a held-out score, guided minus an SAE of another role.

    Args:
        table: has go_id, guided_<score> and baseline_<score>.
        mode: Light or dark.
        chosen: The term that is marked.
        role: Of the other SAE.
        score: Ending of the columns.
        named: What the score is called.
        brushed: Differences outside fade; None fades none.
    """
    ours, theirs = f"guided_{score}", f"baseline_{score}"
    both = table.dropna(subset=[ours, theirs])
    gap = both[ours].to_numpy(dtype=float) - both[theirs].to_numpy(dtype=float)
    figure = base(210, bargap=0.06)
    edges = np.linspace(-1, 1, 41)
    counts, _ = np.histogram(gap, edges)
    centres = (edges[:-1] + edges[1:]) / 2
    inside = np.ones(len(centres), bool) if brushed is None else (centres > brushed[0]) & (centres < brushed[1])
    figure.add_bar(
        x=centres,
        y=counts,
        marker={
            "color": np.where(centres > 0, theme.identity("guided", mode), theme.identity(role, mode)).tolist(),
            "opacity": np.where(inside, 1.0, 0.25).tolist(),
            "line": {"width": 0},
        },
        hovertemplate="difference about %{x:+.2f}<br>%{y} terms<extra></extra>",
    )
    here = gap[both["go_id"].to_numpy() == chosen]
    if len(here):
        at = float(here[0])
        figure.add_vline(x=at, line={"color": palette.INK[mode], "width": 1.5, "dash": "dot"})
        figure.add_annotation(x=at, y=1, yref="paper", text="this term", showarrow=False, yanchor="bottom")
        figure.update_layout(margin={"t": 24})
    reach = max(0.25, float(np.abs(gap).max(initial=0)) + 0.05)
    figure.update_xaxes(title=f"{named}, guided minus {role}", range=[-reach, reach], showgrid=False)
    figure.update_yaxes(title="terms", automargin=True, fixedrange=True)
    return figure


def _map_base(height: int) -> go.Figure:
    figure = base(height)
    figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0})
    hidden = {"visible": False}
    figure.update_xaxes(**hidden)
    figure.update_yaxes(**hidden, scaleanchor="x")
    return figure


def _names(points: pd.DataFrame) -> list[str]:
    """Hover text; plotly reads a subset of HTML, so signs are escaped."""
    return [
        f"<b>{escape(words.label(name, grade))}</b><br>feature {feature}"
        f"{'' if pd.isna(f1) else f', held-out F1 {f1:.2f}'}<br>fires on {words.percent(density)} of residues"
        for name, grade, feature, f1, density in points[
            ["label", "label_grade", "feature", "label_f1", "density"]
        ].itertuples(index=False)
    ]
