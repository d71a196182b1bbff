"""Figures of the evaluation: fidelity against meaning, the sweep of sparsity, differences to ProtSAE.

Guided methods are blue, all but the paper's own as open circles; the unguided baseline (vanilla) is orange; all others,
those that nothing is known of among them, are grey. Points carry their names, bars are the standard deviation over
seeds. Read `trade_off`.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from protsae import palette
from protsae.store.evaluation.methods import method_of
from protsae.store.evaluation.metrics import Metric
from protsae.store.evaluation.summary import Gap, Spread

GREY = palette.ORIGINS["none"]

ROOM = 0.22
"""Of an axis, beyond its outermost points, for their names."""

PLOT_PIXELS = np.array([620.0, 240.0])
"""Width and height that the points of the trade-off span on a usual screen."""
PHONE_SHARE = 1 / 3
"""Of that width, on a phone: there, too, a name is to stay on the plot."""
DOT_PIXELS, LETTER_PIXELS, LINE_PIXELS = 12, 6.5, 15
PLACES = (
    ("top", "center", 0, 1),
    ("bottom", "center", 0, -1),
    ("middle", "right", 1, 0),
    ("middle", "left", -1, 0),
    ("top", "right", 1, 1),
    ("bottom", "right", 1, -1),
    ("top", "left", -1, 1),
    ("bottom", "left", -1, -1),
)
"""Where plotly can put a name: its words, and the direction from the point."""


def colour(method: str) -> str:
    """The colour that stands for a method."""
    known = method_of(method)
    return palette.GUIDED if known.kind == "guided" else palette.UNGUIDED if known.standing == "baseline" else GREY


def trade_off(x: Mapping[str, Spread], y: Mapping[str, Spread], axes: tuple[Metric, Metric]) -> go.Figure:
    """One point a method that has both numbers.

    Args:
        x: fidelity by method.
        y: meaning by method.
        axes: what the two are.
    """
    figure = charts.base(380)
    methods = [method for method in x if method in y]
    edge = fence([x[method].mean for method in methods])
    across = {method: max(x[method].mean, edge) for method in methods}
    far = {method for method in methods if x[method].mean < edge}
    names = [f"{method}, at {x[method].mean:.2f}" if method in far else method for method in methods]
    places = label_places(names, [(across[method], y[method].mean) for method in methods])
    for method, name, place in zip(methods, names, places, strict=True):
        variant = method_of(method).kind == "guided" and method_of(method).standing != "paper"
        figure.add_scatter(
            x=[across[method]],
            y=[y[method].mean],
            error_x=None if method in far else _bars(x[method], colour(method)),
            error_y=_bars(y[method], colour(method)),
            mode="markers+text",
            text=[escape(name)],
            textposition=place,
            textfont={"size": 12},
            cliponaxis=False,
            marker={
                "size": 11,
                "color": colour(method),
                "symbol": "triangle-left" if method in far else "circle-open" if variant else "circle",
                "line": {"width": 2, "color": colour(method)},
            },
            hovertemplate=f"<b>{escape(method)}</b><br>{axes[0].title} {x[method].mean:.3f}"
            f"<br>{axes[1].title} %{{y:.3f}}"
            f"<br>{x[method].n} seed{'s' if x[method].n > 1 else ''}<extra></extra>",
        )
    figure.update_xaxes(
        title=f"{axes[0].heading} (fidelity)", range=_padded([x[m]._replace(mean=across[m]) for m in methods], ROOM)
    )
    figure.update_yaxes(title=f"{axes[1].heading} (meaning)", range=_padded([y[m] for m in methods], 0.14))
    return figure


def sweep(lines: Mapping[str, Sequence[tuple[float, Spread]]], metric: Metric) -> go.Figure:
    """One line a method over active features per residue (logarithmic)."""
    figure = charts.base(270)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.14, "x": 0}, margin={"t": 30})
    for method, points in lines.items():
        figure.add_scatter(
            x=[l0 for l0, _ in points],
            y=[cell.mean for _, cell in points],
            error_y={
                "type": "data",
                "array": [0 if np.isnan(cell.sd) else cell.sd for _, cell in points],
                "width": 0,
            },
            name=escape(method),
            mode="lines+markers",
            line={"color": colour(method), "width": 2.2},
            marker={"size": 7},
            hovertemplate=f"{escape(method)}<br>L0 %{{x:.1f}}<br>{metric.title} %{{y:.3f}}<extra></extra>",
        )
    at = sorted({round(l0) for points in lines.values() for l0, _ in points})
    figure.update_xaxes(title="active features per residue", type="log", tickvals=_apart(at), showgrid=False)
    figure.update_yaxes(title=metric.heading, automargin=True)
    return figure


def differences(gaps: Sequence[Gap], metric: Metric, mode: theme.Mode) -> go.Figure:
    """One dot a variant; ProtSAE itself is the blue line at zero."""
    figure = charts.base(64 + 30 * max(2, len(gaps)))
    figure.add_vline(x=0, line={"color": palette.GUIDED, "width": 2})
    spreads = [0 if np.isnan(gap.cell.sd) else gap.cell.sd for gap in gaps]
    figure.add_scatter(
        x=[gap.cell.mean for gap in gaps],
        y=[escape(gap.method) for gap in gaps],
        error_x={"type": "data", "array": spreads, "width": 0, "color": palette.INK[mode]},
        mode="markers",
        marker={"size": 9, "color": palette.INK[mode]},
        customdata=[gap.cell.n for gap in gaps],
        hovertemplate="%{y}<br>" + metric.title + " %{x:+.3f}<br>seeds: %{customdata}<extra></extra>",
    )
    reach = max([0.01] + [abs(gap.cell.mean) + spread for gap, spread in zip(gaps, spreads, strict=True)]) * 1.15
    figure.update_xaxes(
        range=[-reach, reach],
        nticks=4,
        tickangle=0,
        tickformat="+.2f" if reach > 0.03 else "+.3f",
        zeroline=False,
        automargin=True,
    )
    figure.update_yaxes(automargin=True, autorange="reversed", showgrid=True)
    return figure


def _bars(cell: Spread, ink: str) -> dict[str, Any]:
    spread = 0 if np.isnan(cell.sd) else cell.sd
    return {"type": "data", "array": [spread], "color": ink, "thickness": 1.5, "width": 0, "visible": spread > 0}


def fence(values: Sequence[float]) -> float:
    """Below it, a method is drawn at the edge, its value beside its name: one far off would push all others together.

    Three times the middle half's width under it, as box plots mark what is far out.
    """
    low, high = np.quantile(values, (0.25, 0.75)) if len(values) else (0.0, 0.0)
    return float(low - 3 * max(high - low, 0.01))


def _padded(cells: Sequence[Spread], share: float) -> list[float] | None:
    """Axis range that holds the spreads and has room for names; None leaves it to plotly."""
    if not cells:
        return None
    spreads = [0 if np.isnan(cell.sd) else cell.sd for cell in cells]
    means = [cell.mean for cell in cells]
    room = share * (max(means) - min(means)) or 0.05
    low = min(mean - max(spread, room) for mean, spread in zip(means, spreads, strict=True))
    high = max(mean + max(spread, room) for mean, spread in zip(means, spreads, strict=True))
    return [low, high]


def label_places(names: Sequence[str], points: Sequence[tuple[float, float]]) -> list[str]:
    """Where each point's name stands: the first of eight places that covers no point and no earlier name.

    Worked out on a plot of a usual size; where all eight are taken, the one that covers least.
    """
    if not points:
        return []
    xy = np.asarray(points, dtype=float)
    span = np.where(np.ptp(xy, axis=0) > 0, np.ptp(xy, axis=0), 1)
    pixels = (xy - xy.min(axis=0)) / span * PLOT_PIXELS
    taken = [_box(x, y, DOT_PIXELS, DOT_PIXELS) for x, y in pixels]
    places = []
    for name, (x, y) in zip(names, pixels, strict=True):
        width = LETTER_PIXELS * len(name)
        boxes = {
            f"{up} {along}": _box(
                x + across * (width / 2 + DOT_PIXELS / 2), y + rise * (LINE_PIXELS + DOT_PIXELS) / 2, width, LINE_PIXELS
            )
            for up, along, across, rise in PLACES
        }
        left_on_a_phone = (1 - PHONE_SHARE) * x
        out = {
            key: max(0.0, box[1] - left_on_a_phone - (1 + ROOM) * PHONE_SHARE * PLOT_PIXELS[0]) * LINE_PIXELS
            for key, box in boxes.items()
        }
        place = min(boxes, key=lambda key: out[key] + sum(_overlap(boxes[key], other) for other in taken))
        taken.append(boxes[place])
        places.append(place)
    return places


def _box(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return x - width / 2, x + width / 2, y - height / 2, y + height / 2


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    wide, high = min(a[1], b[1]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[2], b[2])
    return max(0.0, wide) * max(0.0, high)


def _apart(ticks: Sequence[int]) -> list[int]:
    """Ticks of a logarithmic axis far enough from each other to be read."""
    kept: list[int] = []
    for tick in ticks:
        if tick > 0 and (not kept or tick > 1.3 * kept[-1]):
            kept.append(tick)
    return kept
