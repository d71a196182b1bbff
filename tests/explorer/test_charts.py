"""Figures: one trace for many points, the right values in the right order, identity colours."""

import numpy as np
import pandas as pd
import pytest

from explorer import theme
from explorer.draw import charts, words
from protsae import palette

from .conftest import traces


def test_the_difference_counts_each_term_once_and_marks_the_chosen_one() -> None:
    table = pd.DataFrame(
        {"go_id": ["a", "b", "c", "tie"], "guided_f1": [0.62, 0.3, 0.5, 0.4], "baseline_f1": [0.3, 0.62, np.nan, 0.4]}
    )
    figure = charts.difference(table, "light", "a")

    bars = traces(figure)[0]
    assert sum(bars["y"]) == 3
    by_colour = dict.fromkeys(bars["marker"]["color"], 0)
    for colour, count in zip(bars["marker"]["color"], bars["y"], strict=True):
        by_colour[colour] += count
    assert by_colour == {palette.GUIDED: 1, palette.UNGUIDED: 1, palette.ORIGINS["none"]: 1}
    assert figure.layout.shapes[0].x0 == pytest.approx(0.32)


def test_the_ramp_starts_neutral_and_ends_where_it_says() -> None:
    for mode in ("light", "dark"):
        stops = palette.RAMP[mode]
        assert theme.shade(mode, 0) == stops[0]
        assert theme.shade(mode, 7) == stops[-1]


def test_percentages_never_show_nothing_for_something() -> None:
    assert [words.percent(x) for x in (0, 1e-6, 0.0042, 0.0123, 0.4)] == ["0 %", "< 0.01 %", "0.42 %", "1.2 %", "40 %"]


def test_markdown_signs_are_escaped() -> None:
    assert words.md("[NAD(P)H] *x*") == r"\[NAD\(P\)H\] \*x\*"
