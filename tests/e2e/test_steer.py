"""Steer as it lies on the page: the two sequences line by line, and what an address has amiss."""

import pytest
from playwright.sync_api import Page, expect

from .waiting import settle

pytestmark = pytest.mark.e2e

MANY = "steer?sae=protsae&feature=3013&protein=P67870"
"""Every other residue of 215 changes."""


BOXES = """() => {
    const boxes = (selector) => [...document.querySelectorAll(selector)]
        .map((one) => one.getBoundingClientRect()).filter((box) => box.width > 0)
        .map((box) => ({ left: box.left, right: box.right, top: box.top }));
    return [boxes(".psd")[0], boxes(".psd-who > :first-child"), boxes(".psd-s.old")];
}"""
"""Of the difference: the room it has, the names before its lines, its groups of ten letters."""


def test_every_line_of_the_difference_names_its_sequences_and_aligns(page: Page, server: str) -> None:
    page.goto(f"{server}/{MANY}")
    for width in (2560, 1400, 1024, 420):
        page.set_viewport_size({"width": width, "height": 1000})
        expect(page.locator(".psd")).to_be_visible()
        settle(page)
        room, names, groups = page.evaluate(BOXES)

        lines: dict[float, list[dict[str, float]]] = {}
        for group in groups:
            lines.setdefault(group["top"], []).append(group)
        assert [name["top"] for name in names] == pytest.approx(list(lines), abs=2), width
        first = [group["left"] for group in lines[groups[0]["top"]]]
        for name, line in zip(names, lines.values(), strict=True):
            assert [group["left"] for group in line] == pytest.approx(first[: len(line)], abs=1), width
            assert name["right"] < line[0]["left"], width
            assert line[-1]["right"] <= room["right"] + 1, width


def test_numbers_with_many_digits_go_on_in_a_second_line_and_are_not_cut_off(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 1024, "height": 1000})
    page.goto(f"{server}/steer?sae=protsae&feature=67&protein=P04222")
    expect(page.get_by_test_id("stMetricValue").filter(has_text="0.00039 → 0.00072")).to_be_visible()
    settle(page)
    over = """all => all.flatMap((one) => [...one.querySelectorAll("*")])
        .filter((one) => one.scrollWidth > one.clientWidth && getComputedStyle(one).display !== "inline").length"""

    assert page.get_by_test_id("stMetricValue").evaluate_all(over) == 0


def test_a_wrong_lock_is_quoted_back_without_opening_the_settings(page: Page, server: str) -> None:
    page.goto(f"{server}/{MANY}&strength=0&lock=50-10")

    expect(page.locator(".ps-empty").filter(has_text="Nothing is locked until then.")).to_be_visible()
    expect(page.locator(".ps-empty").filter(has_text="'50-10' does not lie in residues 1 to 215.")).to_be_visible()
