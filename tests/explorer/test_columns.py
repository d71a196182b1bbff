"""Small charts of HTML: every value said and in its place, axes that are true, one picture behind a map's dots."""

import base64
import re

import numpy as np
import pandas as pd
import pytest

from explorer import theme
from explorer.draw import columns, small_map
from protsae import palette
from protsae.alphabet import AMINO_ACIDS

POINTS = pd.DataFrame(
    {
        "feature": [0, 1, 2],
        "umap_x": [0.0, 2.0, 4.0],
        "umap_y": [0.0, 4.0, 0.0],
        "density": [0.1, 0.001, 0.5],
        "label": ["zinc <b>ion</b> binding", "", "membrane"],
        "label_grade": ["strong", "none", "none"],
        "label_f1": [0.5, np.nan, 0.25],
    }
)


def said(html: str) -> list[str]:
    return re.findall(r'data-says="([^"]*)"', html)


def drawn(html: str) -> list[tuple[float, float, str]]:
    """Lower end, height and colour of every column."""
    found = re.findall(r'<i style="bottom:([\d.]+)%;height:([\d.]+)%;background:([^"]+)"', html)
    return [(float(low), float(high), colour) for low, high, colour in found]


def marks(html: str, side: str) -> dict[str, float]:
    """Name and place of every mark of an axis; `side` is 'bottom' or 'left'."""
    found = re.findall(rf'<b style="{side}:([\d.]+)%">(?:<u>)?([^<]+)<', html)
    return {name: float(at) for at, name in found}


def test_a_histogram_is_logarithmic_and_takes_the_ramp() -> None:
    html = columns.histogram([1000, 100, 1, 0], max_act=4.0, p999=2.0)
    boxes, up = drawn(html), marks(html, "bottom")

    assert said(html) == [
        "activation 0.5, 1,000 residues", "activation 1.5, 100 residues", "activation 2.5, 1 residue",
        "activation 3.5, 0 residues",
    ]  # fmt: skip
    assert [colour for _, _, colour in boxes] == [theme.shade_pair(level) for level in (0.25, 0.75, 1, 1)]
    assert [high for _, high, _ in boxes] == [up["1,000"], up["100"], up["1"], 0]
    assert up["1,000"] == 100
    assert up["100"] - up["10"] == pytest.approx(up["10"] - up["1"], abs=0.2)
    assert marks(html, "left") == {"0": 0, "1": 25, "2": 50, "3": 75, "4": 100}


def test_amino_acids_are_sorted_and_stand_on_zero() -> None:
    values = np.zeros(20)
    values[AMINO_ACIDS.index("C")] = 2.0
    values[AMINO_ACIDS.index("W")] = -1.0
    html = columns.amino_acids(values, "logits", "Makes the model expect")
    (first, *_, last), up = drawn(html), marks(html, "bottom")

    assert said(html)[0] == "cysteine +2.00 logits"
    assert said(html)[-1] == "tryptophan -1.00 logits"
    assert first == (up["0"], pytest.approx(up["2"] - up["0"], abs=0.1), theme.shade_pair(0.6))
    assert last == (up["-1"], pytest.approx(up["0"], abs=0.1), theme.pair(palette.MUTED))


def test_what_never_occurs_is_cut_and_says_so() -> None:
    values = np.zeros(20)
    values[AMINO_ACIDS.index("C")], values[AMINO_ACIDS.index("W")] = 1.0, -12.0
    html = columns.amino_acids(values, "log2 enrichment", "Fires on")

    assert said(html)[-1] == "tryptophan -12.00 log2 enrichment"
    assert marks(html, "bottom")["0"] == 75


@pytest.mark.parametrize("counts", [[], [0, 0]])
def test_a_histogram_of_nothing_is_flat(counts: list[int]) -> None:
    assert [high for _, high, _ in drawn(columns.histogram(counts, 1.0, 1.0))] == [0.0] * len(counts)


def test_a_screen_reader_hears_every_value() -> None:
    html = columns.histogram([3, 2], 1.0, 1.0)

    assert 'aria-label="Residues by activation: activation 0.25, 3 residues; activation 0.75, 2 residues."' in html


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 12.6, [0, 5, 10]),
        (0, 4, [0, 1, 2, 3, 4]),
        (-0.012, 0.017, [-0.01, 0, 0.01]),
        (-3, 2.2, [-2, 0, 2]),
        (1, 1, [1]),
    ],
)
def test_axes_are_marked_at_round_values(low: float, high: float, expected: list[float]) -> None:
    assert columns.round_values(low, high) == expected


def picture(behind: small_map.Backdrop) -> str:
    return base64.b64decode(behind.picture.split(",")[1]).decode()


def test_points_keep_their_distances_and_dots_lie_on_them() -> None:
    behind = small_map.backdrop(POINTS, "light")
    html = small_map.small_map(behind, 0, [1], "guided")
    spots = {
        kind: (float(left) * behind.width / 100, float(top) * small_map.HEIGHT / 100)
        for kind, left, top in re.findall(r'class="(near|here)" style="left:([\d.]+)%;top:([\d.]+)%', html)
    }
    points = {(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", picture(behind))}

    across, down = spots["near"][0] - spots["here"][0], spots["here"][1] - spots["near"][1]
    assert down == pytest.approx(2 * across, abs=0.1)
    assert len(points) == 3
    assert all(min(abs(x - a) + abs(y - b) for a, b in points) < 0.6 for x, y in spots.values())
    assert "background:var(--ps-guided)" in html


def test_points_in_one_place_are_drawn_once() -> None:
    many = POINTS.loc[[0] * 50_000 + [1]].assign(feature=range(50_001)).reset_index(drop=True)

    assert picture(small_map.backdrop(many, "dark")).count("h0") == 2


def test_a_feature_without_a_place_has_none() -> None:
    behind = small_map.backdrop(POINTS.assign(umap_x=[0.0, 1.0, np.nan]), "light")

    assert 'class="here"' not in small_map.small_map(behind, 2, [], "guided")


def test_what_a_dot_says_is_escaped_and_leaves_out_what_is_not_known() -> None:
    names = said(small_map.small_map(small_map.backdrop(POINTS, "light"), 9, [0, 1, 2], "guided"))

    assert names[0] == "zinc &lt;b&gt;ion&lt;/b&gt; binding, feature 0, held-out F1 0.50, fires on 10 % of residues"
    assert names[1] == "no label, feature 1, fires on 0.10 % of residues"
    assert names[2].startswith("no confirmed label (guess: membrane)")
