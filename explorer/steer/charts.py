"""Figures of the Steer page: log-odds of the changes, rank among random features, dose-response with its controls.

Read `dose_response`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from explorer.steer.doses import ARMS, STRENGTHS, Dose, Told
from explorer.steer.runs import Push
from explorer.steer.verdicts import NATURAL
from protsae import palette
from protsae.alphabet import AMINO_ACIDS
from protsae.steering.steer import Predictions, SteerResult
from protsae.steering.substitutions import substitutions
from protsae.store.rows import Role


class Measure(NamedTuple):
    """One way to judge what a push did."""

    title: str
    """Of its axis."""
    of: Callable[[Told], float]


_MEASURES = (
    Measure("log-odds, by the probe", lambda told: _known(told.log_odds)),
    Measure("3-mers, SD nearer to carriers", lambda told: _known(told.kmers)),
    Measure("mean of the feature", lambda told: told.reading.mean_act),
)


def measures(doses: Sequence[Dose]) -> list[Measure]:
    """Those that can judge here: first what steering did not touch, last the feature itself."""
    return [one for one in _MEASURES if math.isfinite(one.of(doses[0].told["feature"]))]


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def log_odds(result: SteerResult, mode: theme.Mode) -> go.Figure:
    """One stem a changed residue, how much likelier the new letter is than the old; rings are conservative changes."""
    figure = charts.base(170, hovermode="closest")
    positions = (result.changed + 1).tolist()
    heights = result.log_odds.tolist()
    found = substitutions(result.original, result.steered)
    names = [f"{one.name}, {one.kind}" for one in found]
    symbols = ["circle-open" if one.kind == "conservative" else "diamond" for one in found]
    stems_x = [x for position in positions for x in (position, position, None)]
    stems_y = [y for height in heights for y in (0, height, None)]
    figure.add_scatter(
        x=stems_x, y=stems_y, mode="lines", line={"color": palette.MUTED[mode], "width": 1.5}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=positions,
        y=heights,
        mode="markers",
        marker={"color": palette.INK[mode], "size": 7, "symbol": symbols},
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
    """What judges make of each arm against strength; the natural range is shaded.

    All axes of strength span all strengths, so that a curve grows in place while it is computed.
    """
    shown = measures(doses)
    figure = charts.base(340, hovermode="x unified").set_subplots(1, len(shown), horizontal_spacing=0.09)
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "y": 1.12, "x": 0, "yanchor": "bottom"}, margin=_MARGIN
    )
    for column, measure in enumerate(shown, start=1):
        place: dict[str, Any] = {"row": 1, "col": column}
        marked: dict[str, Any] = place | {"exclude_empty_subplots": False}
        figure.add_vrect(*NATURAL, **marked, **_shade(mode))
        figure.add_vline(x=at, line={"color": palette.INK[mode], "width": 1, "dash": "dot"}, **marked)
        for arm, name in ARMS.items():
            if arm not in doses[0].told:
                continue
            figure.add_scatter(
                x=[dose.strength for dose in doses],
                y=[measure.of(dose.told[arm]) for dose in doses],
                name=name,
                legendgroup=arm,
                showlegend=column == 1,
                mode="lines+markers",
                line={"width": 2.2, **_line(arm, role, mode)},
                marker={"size": 6},
                hovertemplate="%{y:.3g}",
                **place,
            )
        figure.update_yaxes(title=measure.title, automargin=True, **place)
    room = 0.3
    figure.update_xaxes(
        title="strength, in 99th percentiles", zeroline=False, range=[STRENGTHS[0] - room, STRENGTHS[-1] + room]
    )
    return figure


_MARGIN = {"l": 8, "r": 8, "t": 64, "b": 8}


def _line(arm: str, role: Role, mode: theme.Mode) -> dict[str, Any]:
    """Colour and dash of an arm: identity colours for features of autoencoders, grey for controls, ink for the rest."""
    return {
        "feature": {"color": theme.identity(role, mode), "dash": "solid"},
        "logits": {"color": theme.identity(role, mode), "dash": "dot"},
        "unguided": {"color": theme.identity("unguided", mode), "dash": "dash"},
        "difference_of_means": {"color": palette.INK[mode], "dash": "dashdot"},
        "random_feature": {"color": palette.MUTED[mode], "dash": "solid"},
        "random_direction": {"color": palette.MUTED[mode], "dash": "dash"},
    }[arm]


def preferences(scan: Predictions, sequence: str, mode: theme.Mode) -> go.Figure:
    """How the push moves the log-probability of each letter at every residue, nothing hidden."""
    change = (scan.after - scan.before).T
    most = max(float(np.abs(change).max()), 1e-3)
    figure = charts.base(360, hovermode="closest")
    figure.add_heatmap(
        z=change,
        x=list(range(1, len(sequence) + 1)),
        y=list(AMINO_ACIDS),
        customdata=np.tile(np.array(list(sequence)), (len(AMINO_ACIDS), 1)),
        zmin=-most,
        zmax=most,
        colorscale=[[0, palette.MUTED[mode]], [0.5, palette.CLEAR], [1, palette.RAMP[mode][-1]]],
        colorbar={"title": "nats", "thickness": 10},
        hovertemplate="%{customdata}%{x} to %{y}: %{z:+.2f}<extra></extra>",
    )
    figure.update_xaxes(title="residue", showgrid=False)
    figure.update_yaxes(autorange="reversed", dtick=1, tickfont={"size": 10}, showgrid=False)
    return figure


def _shade(mode: theme.Mode) -> dict[str, Any]:
    return {
        "fillcolor": palette.MUTED[mode],
        "opacity": 0.22,
        "line_width": 0,
        "annotation_text": "natural",
        "annotation_position": "bottom left",
    }
