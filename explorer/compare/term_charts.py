"""Figures of one term: precision against recall of both features, and what finds its residues.

Guided and unguided bear the colours of their roles; what needs no feature is grey. Read `precision_recall`.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from explorer.services.comparing import Area, Areas
from protsae import palette
from protsae.store.rows import SAERow


class Found(NamedTuple):
    """One way to find the residues of a term."""

    name: str
    ap: float
    colour: str
    detail: str


def precision_recall(areas: Areas, saes: tuple[SAERow, SAERow], mode: theme.Mode) -> go.Figure:
    """Both curves, their operating points, and the precision of calling every protein positive."""
    figure = charts.base(330)
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}, margin={"t": 30}
    )
    for area, sae, dash in zip(areas[:2], saes, ("solid", "dash"), strict=True):
        _add_curve(figure, area, sae, theme.identity(sae.role, mode), dash)
    share = areas.guided.area.prevalence
    figure.add_scatter(
        x=[0, 1],
        y=[share, share],
        mode="lines",
        name=f"calling every protein ({share:.2f})",
        line={"color": palette.SOFT[mode], "width": 1.5, "dash": "dot"},
        hovertemplate=f"calling every protein: precision {share:.2f}<extra></extra>",
    )
    figure.update_xaxes(title="recall: share of the proteins with the term that are called", range=[0, 1.02])
    figure.update_yaxes(title="precision", range=[0, 1.04], automargin=True)
    return figure


def _add_curve(figure: go.Figure, area: Area, sae: SAERow, colour: str, dash: str) -> None:
    points = area.points
    recall = [point.hits / area.area.n_positive for point in points]
    precision = [point.hits / point.called for point in points]
    name = escape(f"{sae.display_name} #{area.area.feature}")
    figure.add_scatter(
        x=recall,
        y=precision,
        mode="lines",
        name=f"{name}, AP {area.area.ap:.2f}",
        line={"color": colour, "width": 2.4, "dash": dash},
        customdata=np.array([[point.called, point.hits] for point in points]),
        hovertemplate=f"{name}<br>%{{customdata[0]:,}} called, %{{customdata[1]:,}} of them with the term"
        "<br>precision %{y:.2f}, recall %{x:.2f}<extra></extra>",
    )
    here = [place for place, point in enumerate(points) if point.is_threshold]
    figure.add_scatter(
        x=[recall[place] for place in here],
        y=[precision[place] for place in here],
        mode="markers",
        showlegend=False,
        marker={"size": 12, "color": colour, "symbol": "circle", "line": {"width": 2, "color": palette.CLEAR}},
        hovertemplate=f"{name} at its frozen threshold<br>precision %{{y:.2f}}, recall %{{x:.2f}}<extra></extra>",
    )


def residues(found: Sequence[Found], null: float | None, mode: theme.Mode) -> go.Figure:
    """One bar a way to find the residues, the best on top; a dotted line where shifted residues lie."""
    figure = charts.base(56 + 30 * len(found))
    order = sorted(found, key=lambda one: one.ap)
    figure.add_bar(
        x=[one.ap for one in order],
        y=[escape(one.name) for one in order],
        orientation="h",
        marker={"color": [one.colour for one in order], "line": {"width": 0}},
        text=[f"{one.ap:.2f}" for one in order],
        textposition="outside",
        cliponaxis=False,
        customdata=[escape(one.detail) for one in order],
        hovertemplate="%{y}: %{x:.3f}<br>%{customdata}<extra></extra>",
    )
    if null is not None:
        figure.add_vline(x=null, line={"color": palette.INK[mode], "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title="average precision inside proteins", range=[0, 1.08], fixedrange=True)
    figure.update_yaxes(automargin=True, fixedrange=True)
    return figure
