"""All features of an autoencoder in one picture. Read `densities`."""

import numpy as np
import plotly.graph_objects as go

from explorer import theme
from explorer.draw.charts import base
from protsae import palette
from protsae.store.analyses.dense import DENSEST
from protsae.store.rows import Role

N_BINS = 40


def densities(density: np.ndarray, role: Role, mode: theme.Mode) -> go.Figure:
    """Features by the share of residues on which they fire, logarithmic, with the line above which they are dense."""
    figure = base(190, bargap=0.06)
    value = np.log10(np.maximum(density, 1e-7))
    counts, edges = np.histogram(value, bins=N_BINS, range=(min(value.min(initial=-5), -1.5), 0))
    centres = (edges[:-1] + edges[1:]) / 2
    figure.add_bar(
        x=centres,
        y=counts,
        customdata=100 * 10**centres,
        marker={"color": theme.identity(role, mode), "line": {"width": 0}},
        hovertemplate="about %{customdata:.3g} % of residues<br>%{y:,} features<extra></extra>",
    )
    figure.add_vline(x=np.log10(DENSEST), line={"dash": "dot", "color": palette.INK[mode]})
    ticks = np.arange(np.floor(edges[0]), 1)
    figure.update_xaxes(
        title="share of residues on which it fires", tickvals=ticks, ticktext=[f"{100 * 10**t:g} %" for t in ticks]
    )
    figure.update_yaxes(title="features", automargin=True)
    return figure
