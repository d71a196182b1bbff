"""Small pictures for the report as SVG text: points with error bars, and lines. No drawing library is needed.

Read `scatter`, then `lines`.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from protsae import palette

WIDTH, HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 180, 20, 52
_Place = Callable[[float], float]


class _Scale(NamedTuple):
    place: _Place
    """Value -> pixel"""
    ticks: np.ndarray
    """Round values"""


class Point(NamedTuple):
    """One method."""

    name: str
    x: float
    y: float
    x_sd: float = 0.0
    y_sd: float = 0.0


def scatter(points: Sequence[Point], *, x_title: str, y_title: str) -> str:
    """A point a method, with bars of one standard deviation; names in a legend at the right."""
    x_scale = _scale_of([v for p in points for v in (p.x - p.x_sd, p.x + p.x_sd)], _LEFT, WIDTH - _RIGHT)
    y_scale = _scale_of([v for p in points for v in (p.y - p.y_sd, p.y + p.y_sd)], HEIGHT - _BOTTOM, _TOP)
    x, y, drawn = x_scale.place, y_scale.place, []
    for number, point in enumerate(points):
        colour = palette.SERIES[number % len(palette.SERIES)]
        at_x, at_y = x(point.x), y(point.y)
        drawn += [
            _line(x(point.x - point.x_sd), at_y, x(point.x + point.x_sd), at_y, colour),
            _line(at_x, y(point.y - point.y_sd), at_x, y(point.y + point.y_sd), colour),
            _dot(at_x, at_y, colour),
            _legend(number, point.name, colour),
        ]
    return _svg([*_axes(x_scale, y_scale, x_title=x_title, y_title=y_title), *drawn])


def lines(series: Mapping[str, Sequence[tuple[float, float]]], *, x_title: str, y_title: str) -> str:
    """A line a series, its points joined in the order of x."""
    x_scale = _scale_of([at for points in series.values() for at, _ in points], _LEFT, WIDTH - _RIGHT)
    y_scale = _scale_of([at for points in series.values() for _, at in points], HEIGHT - _BOTTOM, _TOP)
    x, y, drawn = x_scale.place, y_scale.place, []
    for number, (name, points) in enumerate(series.items()):
        colour = palette.SERIES[number % len(palette.SERIES)]
        places = [(x(at_x), y(at_y)) for at_x, at_y in sorted(points)]
        path = " ".join(f"{at_x:.1f},{at_y:.1f}" for at_x, at_y in places)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        drawn += [_dot(at_x, at_y, colour) for at_x, at_y in places]
        drawn.append(_legend(number, name, colour))
    return _svg([*_axes(x_scale, y_scale, x_title=x_title, y_title=y_title), *drawn])


def _scale_of(values: Sequence[float], start: float, stop: float) -> _Scale:
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.05
    low, high = low - pad, high + pad
    step = 10.0 ** np.floor(np.log10((high - low) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 6)
    ticks = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    return _Scale(lambda value: start + (value - low) / (high - low) * (stop - start), ticks)


def _axes(x: _Scale, y: _Scale, *, x_title: str, y_title: str) -> list[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    grid, axis = palette.FIGURE["grid"], palette.FIGURE["axis"]
    drawn = [_line(_LEFT, bottom, right, bottom, axis), _line(_LEFT, _TOP, _LEFT, bottom, axis)]
    for tick in x.ticks:
        drawn.append(_line(x.place(tick), _TOP, x.place(tick), bottom, grid))
        drawn.append(_text(x.place(tick), bottom + 18, f"{tick:.4g}", anchor="middle"))
    for tick in y.ticks:
        drawn.append(_line(_LEFT, y.place(tick), right, y.place(tick), grid))
        drawn.append(_text(_LEFT - 6, y.place(tick) + 4, f"{tick:.4g}", anchor="end"))
    middle = (_TOP + bottom) / 2
    drawn.append(_text((_LEFT + right) / 2, HEIGHT - 10, x_title, anchor="middle"))
    drawn.append(_text(16, middle, y_title, anchor="middle", turn=f' transform="rotate(-90 16 {middle})"'))
    return drawn


def _legend(number: int, name: str, colour: str) -> str:
    at = _TOP + 12 + 19 * number
    return _dot(WIDTH - _RIGHT + 14, at - 4, colour) + _text(WIDTH - _RIGHT + 24, at, name)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", turn: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turn}>{escape(text)}</text>'


def _svg(parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{palette.FIGURE["text"]}">'
    )
    return (
        "\n".join(
            [head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{palette.FIGURE["paper"]}"/>', *parts, "</svg>"]
        )
        + "\n"
    )
