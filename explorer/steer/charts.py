"""Figures of the Steer page: log-odds of the changes, dose-response with its controls.

Read `dose_response`.
"""

from collections.abc import Sequence

import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from explorer.steer.runs import Dose
from protsae import palette
from protsae.steering.steer import SteerResult
from protsae.store.rows import Role

NATURAL = (0.0, 1.0)
"""Strengths between untouched and the feature's 99th percentile in natural proteins."""


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


def dose_response(doses: Sequence[Dose], role: Role, mode: theme.Mode, at: float) -> go.Figure:
    """Signal after re-reading against strength, for the feature and its controls; the natural range is shaded."""
    figure = charts.base(320, hovermode="x unified")
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "y": 1.12, "x": 0}, margin={"l": 8, "r": 8, "t": 30, "b": 8}
    )
    strengths = [dose.strength for dose in doses]
    figure.add_vrect(
        *NATURAL,
        fillcolor=palette.MUTED[mode],
        opacity=0.22,
        line_width=0,
        annotation_text="natural range",
        annotation_position="bottom left",
    )
    figure.add_vline(x=at, line={"color": palette.INK[mode], "width": 1, "dash": "dot"})
    lines = (
        ("this feature", [d.steered.max_act for d in doses], theme.identity(role, mode), "solid"),
        ("random feature of equal density", [d.random_feature.max_act for d in doses], palette.MUTED[mode], "solid"),
        ("random direction of equal length", [d.random_direction.max_act for d in doses], palette.MUTED[mode], "dash"),
    )
    for name, values, colour, dash in lines:
        figure.add_scatter(
            x=strengths,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2.2, "dash": dash},
            marker={"size": 6},
            hovertemplate="%{y:.3g}",
        )
    figure.update_xaxes(title="strength, in units of the feature's 99th percentile", zeroline=False)
    figure.update_yaxes(title="peak of the feature in the new sequence", rangemode="tozero")
    return figure
