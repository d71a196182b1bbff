"""The style of all plotly figures, and the distribution of differences; nothing here knows Streamlit.

Fonts and grid come from the page's theme; figures carry transparent paper and take the theme's mode for the few colours
that must differ. Read `base`.
"""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer import theme
from protsae import palette
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


def _leader(gap: float, role: Role, mode: theme.Mode) -> str:
    """Colour of who is ahead; the bin about zero, where ties lie, is nobody's."""
    if not gap:
        return palette.ORIGINS["none"]
    return theme.identity("guided" if gap > 0 else role, mode)


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
    """Distribution over terms of a held-out score, guided minus an SAE of another role; ties stand in the middle bin.

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
    edges = np.linspace(-1.025, 1.025, 42)
    counts, _ = np.histogram(gap, edges)
    centres = (edges[:-1] + edges[1:]) / 2
    inside = np.ones(len(centres), bool) if brushed is None else (centres > brushed[0]) & (centres < brushed[1])
    figure.add_bar(
        x=centres,
        y=counts,
        marker={
            "color": [_leader(round(centre, 3), role, mode) for centre in centres.tolist()],
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
