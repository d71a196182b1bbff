"""The figure of two sets: every feature by how far and how surely it differs. Read `volcano`."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from explorer.services.set_scores import LEVEL
from protsae import palette
from protsae.store.rows import Role

FLOOR = 1e-40
"""p below which points lie on the upper edge."""


def volcano(features: pd.DataFrame, names: Sequence[str], role: Role, mode: theme.Mode) -> go.Figure:
    """AUROC against -log10 p: those that are found in the SAE's colour, the others grey.

    Args:
        features: that fire, with feature, auroc, p, q.
        names: of all features of the SAE, by number.
        role: of the SAE.
        mode: light or dark.
    """
    figure = charts.base(320)
    figure.update_layout(clickmode="event+select")
    found = (features["q"] <= LEVEL).to_numpy()
    colours = {False: palette.MUTED[mode], True: theme.identity(role, mode)}
    for is_found, colour in colours.items():
        rows = features.loc[found == is_found]
        figure.add_scatter(
            x=rows["auroc"],
            y=-np.log10(np.maximum(rows["p"].to_numpy(dtype=float), FLOOR)),
            mode="markers",
            marker={"size": 7 if is_found else 5, "color": colour, "opacity": 0.85 if is_found else 0.5},
            customdata=rows["feature"],
            text=[f"<b>{escape(str(names[feature]))}</b><br>feature {feature}" for feature in rows["feature"].tolist()],
            hovertemplate="%{text}<br>AUROC %{x:.2f}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 0.5}},
        )
    figure.add_vline(x=0.5, line={"color": palette.LINE[mode], "width": 1})
    figure.update_xaxes(title="AUROC: left higher in set B, right higher in set A", range=[-0.02, 1.02])
    figure.update_yaxes(title="-log<sub>10</sub> p", rangemode="tozero", automargin=True)
    return figure
