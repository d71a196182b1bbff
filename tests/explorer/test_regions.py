"""A marked part of the map, as an address holds it."""

import numpy as np
import pandas as pd
import pytest

from explorer.draw import regions
from explorer.services import data

from .conftest import OpenPage

GRID = pd.DataFrame([(10 * x + y, float(x), float(y)) for x in range(10) for y in range(10)])
GRID.columns = ["feature", "umap_x", "umap_y"]


def test_few_features_are_written_one_by_one() -> None:
    assert regions.written([7, 3, 12], [(0, 0), (1, 1)]) == "3.7.12"
    assert regions.inside("12.3.7.999", GRID) == [3, 7, 12]
    assert regions.written([], [(0, 0), (1, 1)]) is None


def test_many_are_written_as_what_was_drawn_around_them() -> None:
    box = regions.written(list(range(90)), [(-0.5, 8.5), (4.25, 3.5)])

    assert box == "o_-50_850_425_350"
    assert regions.inside(box, GRID) == [10 * x + y for x in range(5) for y in range(4, 9)]


def test_an_outline_of_many_corners_is_thinned_and_holds_what_it_held() -> None:
    turn = np.linspace(0, 2 * np.pi, 700)
    circle = list(zip(4.5 + 3.3 * np.cos(turn), 4.5 + 3.3 * np.sin(turn), strict=True))
    text = regions.written(list(range(90)), circle)
    near = np.hypot(GRID["umap_x"] - 4.5, GRID["umap_y"] - 4.5) < 3.25

    assert text is not None
    assert len(text) < 600
    assert regions.inside(text, GRID) == GRID.loc[near, "feature"].tolist()


@pytest.mark.parametrize("text", ["", "x", "1..2", "o_1_2_3", "o_1_2_3_x", "o" + "_1" * 999, "٣.٤", "1;DROP TABLE"])
def test_what_is_no_part_of_the_map_marks_nothing(text: str) -> None:
    assert regions.inside(text, GRID) == []


def test_the_map_lists_what_its_address_marks_on_either_map(open_page: OpenPage) -> None:
    app = open_page("map", marked="1.2.3", marked2="5.6")

    assert not app.exception
    assert len([note for note in app.caption if "marked; click a row to open it" in note.value]) == 2
    alive = [
        set(data.map_points(name).dropna(subset="umap_x")["feature"])
        for name in (data.default_feature().sae, "vanilla")
    ]
    listed = [set(table.value["feature"]) for table in app.dataframe]
    assert listed == [alive[0] & {1, 2, 3}, alive[1] & {5, 6}]
