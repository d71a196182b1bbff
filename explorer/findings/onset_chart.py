"""Curves of what features know of the terms, along a training. Read `figure`."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from protsae import palette
from protsae.store.analyses.onsets import OnsetLook
from protsae.store.rows import SAERow

CAPTION = (
    "Mean held-out AUROC over terms; the band holds 80 % of them. Dotted: the same with shuffled labels. Steps are "
    "spread as their logarithm, the first before any training."
)
_BAND = 0.16
"""Opacity."""


def figure(looks: Mapping[str, Sequence[OnsetLook]], saes: Mapping[str, SAERow], mode: theme.Mode) -> go.Figure:
    """A line and a band an SAE, and its null.

    Args:
        looks: by SAE, ascending in step.
        saes: their names and roles.
        mode: of the theme.
    """
    drawn = charts.base(320)
    for name, rows in looks.items():
        sae, x = saes[name], [row.step + 1 for row in rows]
        colour = theme.identity(sae.role, mode)
        drawn.add_scatter(
            x=[*x, *x[::-1]], y=[*(row.auroc_high for row in rows), *(row.auroc_low for row in rows[::-1])],
            fill="toself", fillcolor=colour, opacity=_BAND, line={"width": 0}, mode="lines", hoverinfo="skip",
        )  # fmt: skip
        drawn.add_scatter(
            x=x, y=[row.auroc for row in rows], mode="lines+markers", name=sae.display_name,
            line={"color": colour, "width": 2}, marker={"size": 5}, customdata=[row.step for row in rows],
            hovertemplate=f"{sae.display_name}, step %{{customdata:,}}<br>AUROC %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
        drawn.add_scatter(
            x=x, y=[row.null_auroc for row in rows], mode="lines", hoverinfo="skip",
            line={"color": colour, "width": 1, "dash": "dot"},
        )  # fmt: skip
        drawn.add_annotation(
            x=1, xref="paper", y=rows[-1].auroc, text=sae.display_name, showarrow=False, xanchor="right",
            yanchor="bottom", font={"color": colour},
        )  # fmt: skip
    drawn.add_hline(y=0.5, line={"color": palette.ORIGINS["none"], "width": 1})
    drawn.update_xaxes(type="log", title="steps trained, plus one")
    drawn.update_yaxes(title="AUROC, mean over terms")
    return drawn


def told(looks: Mapping[str, Sequence[OnsetLook]]) -> str:
    """The curves' ends, for a screen reader."""
    return "; ".join(
        f"{name}: AUROC {rows[0].auroc:.2f} before the training, {rows[-1].auroc:.2f} at step {rows[-1].step:,}"
        for name, rows in looks.items()
    )
