"""Alignment against steering for every validated feature, beside what luck gives: the audit in one picture.

Read `show`.
"""

import math

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from explorer import theme
from explorer.draw import charts, downloads, words
from explorer.services import audit, data
from explorer.services.audit import Audit
from explorer.services.cached import cached_by_bundle
from explorer.shell import frame, takeaway
from protsae import palette


def show() -> None:
    """The scatter with its sentence; nothing where no feature was steered."""
    found = audit.audit()
    if found is None:
        return
    with st.container(border=True):
        st.header("Does a feature that predicts a function also raise it?", anchor=False)
        frame.say(sentence(found), "")
        alt = "Held-out F1 of each validated feature against what turning it up does to its function"
        takeaway.chart(
            _figure(frame.mode()), "audit", "F1 against steering", alt=alt,
            saes=[sae.name for sae in data.saes()],
        )  # fmt: skip
        st.caption(
            "Grey: a random direction pushed as far in the feature's place. Both less a random feature of equal "
            "density, in a few validation proteins each, so single points are noisy; filled diamonds held up on test "
            "proteins."
        )
        table = found.table
        st.download_button(
            "Audit (CSV)",
            lambda: downloads.table_csv(list(table.columns), table.itertuples(index=False, name=None)),
            "steering_audit.csv",
            icon=":material/download:",
            on_click="ignore",
        )


def sentence(found: Audit) -> str:
    """What the picture says, also where it says nothing."""
    table = found.table
    effect, null = table["effect"].abs().median(), table["null"].abs().median()
    low, high = found.null_rho
    size = (
        f"Turned up, the middle one of {words.count(len(table), 'feature')} moves its function's log-odds by "
        f"{effect:.2f} either way, a random direction in its place by {null:.2f}."
    )
    if math.isnan(found.rho):
        return f"Too few features were turned up to say. {size}"
    if not low <= found.rho <= high:
        way = "more" if found.rho > 0 else "less"
        return (
            f"Features with a higher F1 raise their function {way} (rank correlation {found.rho:+.2f}; luck gives "
            f"{low:+.2f} to {high:+.2f}). {size}"
        )
    return (
        f"A higher F1 does not go with a stronger effect (rank correlation {found.rho:+.2f}; luck gives {low:+.2f} to "
        f"{high:+.2f}): what a feature predicts and what it writes are two things. {size}"
    )


@cached_by_bundle(2, shared=True)
def _figure(mode: theme.Mode) -> go.Figure:
    found = audit.audit()
    assert found is not None
    return drawn(found, mode)


def drawn(found: Audit, mode: theme.Mode) -> go.Figure:
    """A point a feature, in its autoencoder's colour; the null behind."""
    figure = charts.base(380, hovermode="closest")
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    table = found.table
    figure.add_scattergl(
        x=table["f1"], y=table["null"], mode="markers", name="a random direction", hoverinfo="skip",
        marker={"color": palette.MUTED[mode], "size": 4, "opacity": 0.45},
    )  # fmt: skip
    for role, rows in table.groupby("role", sort=False):
        figure.add_scattergl(
            x=rows["f1"],
            y=rows["effect"],
            mode="markers",
            name=f"{role} features",
            customdata=[f"#{row.feature} {row.term_name}" for row in rows.itertuples()],
            hovertemplate="%{customdata}<br>F1 %{x:.2f}, effect %{y:+.2f}<extra></extra>",
            marker={
                "color": theme.identity(role, mode),  # pyright: ignore[reportArgumentType]
                "size": np.where(rows["is_steerable"], 11, 5),
                "symbol": np.where(rows["is_steerable"], "diamond", "circle"),
                "opacity": 0.8,
            },
        )
    figure.update_xaxes(title="held-out F1", range=[0, 1], zeroline=False)
    figure.update_yaxes(title="change of log-odds when turned up", zeroline=True, zerolinecolor=palette.MUTED[mode])
    return figure
