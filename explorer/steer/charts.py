"""Figures of the Steer page: log-odds of the changes, rank among random features, dose-response with its controls.

Read `dose_response`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from explorer.steer.runs import STRENGTHS, Dose, Push
from explorer.steer.verdicts import NATURAL
from protsae import palette
from protsae.steering.steer import Reading, SteerResult
from protsae.store.rows import Role

MEASURES: dict[str, Callable[[Reading], float]] = {
    "mean over the chain": lambda reading: reading.mean_act,
    "peak": lambda reading: reading.max_act,
}
"""What is read out of a new sequence: the mean judges, the peak is one residue."""


def log_odds(result: SteerResult, mode: theme.Mode) -> go.Figure:
    """One stem a changed residue, at its place in the chain: how much more likely the new letter is than the old."""
    figure = charts.base(170, hovermode="closest")
    positions = (result.changed + 1).tolist()
    heights = result.log_odds.tolist()
    names = [f"{result.original[p]}{p + 1}{result.steered[p]}" for p in result.changed.tolist()]
    stems_x = [x for position in positions for x in (position, position, None)]
    stems_y = [y for height in heights for y in (0, height, None)]
    figure.add_scatter(
        x=stems_x, y=stems_y, mode="lines", line={"color": palette.MUTED[mode], "width": 1.5}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=positions,
        y=heights,
        mode="markers",
        marker={"color": palette.INK[mode], "size": 6},
        customdata=names,
        hovertemplate="%{customdata} %{y:+.2f}<extra></extra>",
    )
    figure.update_xaxes(title="residue", range=[0.5, len(result.original) + 0.5], showgrid=False, zeroline=False)
    figure.update_yaxes(title="log-odds", zeroline=True, zerolinecolor=palette.MUTED[mode])
    return figure


def ranked(result: SteerResult, random: Sequence[Push], role: Role, mode: theme.Mode) -> go.Figure:
    """The mean activation after each push: every random feature a grey dot, the chosen one in its colour."""
    figure = charts.base(120, hovermode="closest")
    untouched = result.before[0].mean_act
    figure.add_vline(x=untouched, line={"color": palette.INK[mode], "width": 1, "dash": "dot"})
    rows = (
        ("random features", [p.after.mean_act for p in random], [f"#{p.features[0]}" for p in random]),
        ("this feature", [result.after[0].mean_act], [f"#{result.after[0].feature}"]),
    )
    for (name, values, names), colour in zip(rows, (palette.MUTED[mode], theme.identity(role, mode)), strict=True):
        figure.add_scatter(
            x=values,
            y=[name] * len(values),
            customdata=names,
            mode="markers",
            marker={"color": colour, "size": 10, "opacity": 0.75},
            hovertemplate="%{customdata} %{x:.3g}<extra></extra>",
        )
    figure.update_xaxes(title="mean of the feature in the new sequence (dotted: untouched)", zeroline=False)
    figure.update_yaxes(automargin=True)
    return figure


def dose_response(doses: Sequence[Dose], role: Role, mode: theme.Mode, at: float) -> go.Figure:
    """Mean and peak after re-reading against strength, for the feature and its controls; the natural range is shaded.

    Both axes of strength span all strengths, so that a curve grows in place while it is computed.
    """
    figure = charts.base(320, hovermode="x unified").set_subplots(1, 2, horizontal_spacing=0.09)
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "y": 1.12, "x": 0}, margin={"l": 8, "r": 8, "t": 30, "b": 8}
    )
    lines = (
        ("this feature", [d.steered for d in doses], theme.identity(role, mode), "solid"),
        ("random feature of equal density", [d.random_feature for d in doses], palette.MUTED[mode], "solid"),
        ("random direction of equal length", [d.random_direction for d in doses], palette.MUTED[mode], "dash"),
    )
    for column, (what, value_of) in enumerate(MEASURES.items(), start=1):
        place: dict[str, Any] = {"row": 1, "col": column}
        marked: dict[str, Any] = place | {"exclude_empty_subplots": False}
        figure.add_vrect(*NATURAL, **marked, **_shade(mode))
        figure.add_vline(x=at, line={"color": palette.INK[mode], "width": 1, "dash": "dot"}, **marked)
        for name, readings, colour, dash in lines:
            figure.add_scatter(
                x=[dose.strength for dose in doses],
                y=[value_of(reading) for reading in readings],
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                mode="lines+markers",
                line={"color": colour, "width": 2.2, "dash": dash},
                marker={"size": 6},
                hovertemplate="%{y:.3g}",
                **place,
            )
        figure.update_yaxes(title=what, rangemode="tozero", **place)
    room = 0.3
    figure.update_xaxes(
        title="strength, in 99th percentiles", zeroline=False, range=[STRENGTHS[0] - room, STRENGTHS[-1] + room]
    )
    return figure


def _shade(mode: theme.Mode) -> dict[str, Any]:
    return {
        "fillcolor": palette.MUTED[mode],
        "opacity": 0.22,
        "line_width": 0,
        "annotation_text": "natural",
        "annotation_position": "bottom left",
    }
