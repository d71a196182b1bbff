"""Figures: one trace for many points, the right values in the right order, identity colours."""

import numpy as np
import pandas as pd
import pytest

from explorer import theme
from explorer.draw import charts, words
from protsae import palette
from protsae.alphabet import AMINO_ACIDS

from .conftest import traces

POINTS = pd.DataFrame(
    {
        "feature": [0, 1, 2],
        "kind": ["defined", "free", "free"],
        "umap_x": [0.0, 1.0, 2.0],
        "umap_y": [0.0, 1.0, 0.0],
        "density": [0.1, 0.001, 0.5],
        "label": ["zinc <b>ion</b> binding", "", "membrane"],
        "label_origin": ["guided", "none", "go"],
        "label_grade": ["strong", "none", "none"],
        "label_f1": [0.5, np.nan, 0.25],
    }
)


def test_histogram_bars_stand_at_bin_centres_and_take_the_ramp() -> None:
    figure = charts.histogram([8, 4, 2, 1], max_act=4.0, p999=2.0, mode="light")
    bar = traces(figure)[0]
    colour = bar["marker"]["color"]

    assert bar["x"] == [0.5, 1.5, 2.5, 3.5]
    assert bar["y"] == [8, 4, 2, 1]
    assert colour[0] == theme.shade("light", 0.25)
    assert colour[2] == colour[3] == palette.RAMP["light"][-1]


def test_amino_acids_are_sorted_by_value() -> None:
    values = np.zeros(20)
    values[AMINO_ACIDS.index("C")] = 2.0
    values[AMINO_ACIDS.index("W")] = -1.0
    bar = traces(charts.amino_acids(values, "logits", "dark"))[0]

    assert bar["x"][0] == "C"
    assert bar["x"][-1] == "W"
    assert bar["customdata"][0] == "cysteine +2.00"
    assert bar["marker"]["color"][-1] == palette.MUTED["dark"]


@pytest.mark.parametrize(("points", "kind"), [(6000, "scatter"), (6001, "scattergl")])
def test_a_map_needs_webgl_only_where_svg_would_be_slow(points: int, kind: str) -> None:
    many = POINTS.loc[[0] * points].assign(feature=range(points)).reset_index(drop=True)
    small = traces(charts.position(many, 0, [1, 2], "light", palette.GUIDED))

    assert {trace["type"] for trace in small} == {kind}
    assert [len(trace["x"]) for trace in small] == [points, 2, 1]


def test_hover_text_is_escaped_and_leaves_out_what_is_not_known() -> None:
    names = traces(charts.position(POINTS, 0, [0, 1, 2], "light", palette.GUIDED))[1]["text"]

    assert "zinc &lt;b&gt;ion" in names[0]
    assert "held-out F1 0.50" in names[0]
    assert "no label" in names[1]
    assert "F1" not in names[1]
    assert "no confirmed label (guess: membrane)" in names[2]


def test_the_difference_counts_each_term_once_and_marks_the_chosen_one() -> None:
    table = pd.DataFrame({"go_id": ["a", "b", "c"], "guided_f1": [0.62, 0.3, 0.5], "baseline_f1": [0.3, 0.62, np.nan]})
    figure = charts.difference(table, "light", "a")

    bars = traces(figure)[0]
    assert sum(bars["y"]) == 2
    assert figure.layout.shapes[0].x0 == pytest.approx(0.32)
    assert set(bars["marker"]["color"]) == {palette.GUIDED, palette.UNGUIDED}


def test_the_ramp_starts_neutral_and_ends_where_it_says() -> None:
    for mode in ("light", "dark"):
        stops = palette.RAMP[mode]
        assert theme.shade(mode, 0) == stops[0]
        assert theme.shade(mode, 7) == stops[-1]


def test_percentages_never_show_nothing_for_something() -> None:
    assert [words.percent(x) for x in (0, 1e-6, 0.0042, 0.0123, 0.4)] == ["0 %", "< 0.01 %", "0.42 %", "1.2 %", "40 %"]


def test_markdown_signs_are_escaped() -> None:
    assert words.md("[NAD(P)H] *x*") == r"\[NAD\(P\)H\] \*x\*"
