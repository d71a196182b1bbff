"""Insertion and deletion curves of an attribution, against random orders. Read `curves`."""

import numpy as np
import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from protsae import palette
from protsae.measures.reliance import Reliance


def curves(found: Reliance, mode: theme.Mode) -> go.Figure:
    """Share of the value left, as windows are added (solid) and taken away (dashed); grey: random orders."""
    figure = charts.base(240, hovermode="closest")
    share = np.linspace(0, 100, len(found.insertion)).tolist()
    for many, dash in ((found.random_insertion, "solid"), (found.random_deletion, "dash")):
        for values in many:
            figure.add_scatter(
                x=share, y=values, mode="lines", line={"color": palette.MUTED[mode], "width": 1, "dash": dash},
                hoverinfo="skip", showlegend=False,
            )  # fmt: skip
    for values, dash, name in ((found.insertion, "solid", "added"), (found.deletion, "dash", "taken away")):
        figure.add_scatter(
            x=share, y=values, mode="lines", line={"color": palette.RAMP[mode][3], "width": 2.5, "dash": dash},
            name=name, hovertemplate="%{x:.0f} % of windows " + name + ": %{y:.2f}<extra></extra>", showlegend=True,
        )  # fmt: skip
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.12, "x": 0})
    figure.update_xaxes(title="windows, % of all", range=[0, 100])
    figure.update_yaxes(title="share of the value", range=[-0.02, 1.05])
    return figure
