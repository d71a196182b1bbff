"""Every kind of link and control is one step of the history, and its address brings the view back anywhere."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .waiting import eventually, settle

pytestmark = pytest.mark.e2e

STATE = """() => {
    const texts = (selector) => [...document.querySelectorAll(selector)]
        .filter((node) => node.checkVisibility()).map((node) => node.innerText.trim());
    return {
        title: document.title,
        headings: texts("h1, h2, h3"),
        kept: texts(".psv-chip"),
        rows: texts(".psv-gutter-text"),
        colours: texts(".psv-gutter-label:has([aria-checked=true])"),
        marked: texts("[data-testid=stCaptionContainer]").filter((text) => text.includes("click a row")),
        chosen: [...document.querySelectorAll("[data-testid=stMain] :is(input:checked, [role=combobox])")]
            .map((node) => node.value),
        read: texts(".ps-understood"),
        tabs: texts("[role=tab][aria-selected=true]"),
        pressed: texts(".psv-toolbar [aria-pressed=true]"),
    };
}"""
MAIN = "[data-testid=stMain] "


class Reader:
    """Someone who clicks, and a witness elsewhere who opens each address."""

    def __init__(self, page: Page, witness: Page, server: str) -> None:
        self.page, self.witness, self.server = page, witness, server

    def open(self, path: str) -> None:
        self.page.goto(f"{self.server}/{path}")
        self.rest()

    def rest(self) -> dict[str, Any]:
        """The state once it stays: between an address and what it shows the server can be idle for a moment."""
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        seen: list[dict[str, Any]] = []

        def stays() -> bool:
            settle(self.page)
            seen.append(self.page.evaluate(STATE))
            return len(seen) > 3 and seen[-1] == seen[-2] == seen[-3]

        eventually(self.page, stays, "the view goes on changing")
        return seen[-1]

    def step(self, act: Callable[[], object], *, on: bool = False) -> None:
        """Do something that changes the view: its address holds elsewhere, and one step back is the former view.

        Args:
            act: What changes it.
            on: Go forward again, and stay.
        """
        page = self.page
        before, former = page.url, self.rest()
        act()
        expect(page).not_to_have_url(before)
        after = self.rest()
        url = page.url
        self.witness.goto(url)
        shows(self.witness, url, after)
        page.go_back()
        shows(page, before, former)
        if on:
            page.go_forward()
            shows(page, url, after)

    def link(self, href: str, place: int = 0) -> Locator:
        return self.page.locator(f"{MAIN}a[data-testid=stPageLink-NavLink]:is({href})").nth(place)

    def option(self, name: str) -> Locator:
        return self.page.locator(MAIN).get_by_role("radio", name=name)

    def cell(self, x: int, y: int) -> None:
        """Click into the first table, once it knows where it lies."""
        table = self.page.get_by_test_id("stDataFrame").first
        expect(table.locator("canvas").first).to_be_visible()
        table.scroll_into_view_if_needed()
        table.hover(position={"x": x, "y": y})
        settle(self.page)
        table.click(position={"x": x, "y": y})

    def scrolled(self) -> int:
        return self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")


@pytest.fixture
def reader(page_without_webgl: Page, browser_without_webgl: Browser, server: str) -> Iterator[Reader]:
    """What is asked here has no third dimension, and drawing it costs most of the time."""
    context = browser_without_webgl.new_context(viewport={"width": 1400, "height": 1000})
    yield Reader(page_without_webgl, context.new_page(), server)
    context.close()


def shows(page: Page, url: str, state: dict[str, Any]) -> None:
    """The address stands, however its signs are spelled, and the view is that one."""
    try:
        eventually(page, lambda: unquote(page.url) == unquote(url) and page.evaluate(STATE) == state, "")
    except pytest.fail.Exception:
        assert (unquote(page.url), page.evaluate(STATE)) == (unquote(url), state)
    settle(page)


def drag(page: Page, where: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, move and let go; places are shares of the box."""
    where.scroll_into_view_if_needed()
    box = where.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=6)
    page.mouse.up()


def test_the_feature_page(reader: Reader) -> None:
    reader.open("feature")
    reader.step(lambda: reader.link("[href^='feature?']:not([href*='protein='])").click(), on=True)
    eventually(reader.page, lambda: reader.scrolled() == 0, "the new feature does not begin at its top")
    reader.step(lambda: reader.option("Middle").click())
    reader.step(lambda: reader.page.get_by_role("button", name="Next").click())
    example = reader.link("[href*='protein=']")
    accession = (example.get_attribute("href") or "").split("protein=")[1]
    reader.step(example.click, on=True)
    expect(reader.page.get_by_text(re.compile(f"^{accession} · .* residues")).first).to_be_in_viewport()
    stage = reader.page.locator(".psv-stage").first
    reader.step(lambda: stage.click(position={"x": 200, "y": 40}))
    reader.step(lambda: drag(reader.page, stage, (0.3, 0.5), (0.6, 0.5)))


def test_arrows_in_the_strip_move_the_residue_and_nothing_else(reader: Reader) -> None:
    reader.open("feature")
    before = reader.page.url
    reader.page.locator(".psv-stage").first.focus()
    for _ in range(3):
        reader.page.keyboard.press("ArrowRight")
    expect(reader.page.locator(".psv-tooltip")).to_be_visible()
    reader.page.keyboard.press("Enter")

    expect(reader.page).to_have_url(re.compile(r"residue=\d+"))
    assert reader.page.url.startswith(before)
    reader.page.locator("h1").click()
    reader.page.keyboard.press("ArrowRight")
    expect(reader.page).to_have_url(re.compile(r"feature=\d+"))


def test_search_and_the_find_page(reader: Reader) -> None:
    reader.open("feature")
    search = reader.page.get_by_placeholder("Function, GO id, protein")

    def ask() -> None:
        search.fill("GO:0008270")
        search.press("Enter")

    reader.step(ask, on=True)
    reader.step(lambda: reader.page.get_by_text("Include narrower terms").click())
    reader.step(lambda: reader.link("[href^='?q=GO'], [href^='./?q=GO'], [href*='q=GO%3A']").click())
    reader.step(lambda: reader.link("[href^='feature?']").click())
    reader.step(lambda: reader.page.get_by_role("navigation").get_by_role("link", name="Map").click())


def test_the_compare_page(reader: Reader) -> None:
    reader.open("compare?go=GO:0008270")
    assert reader.page.url.endswith("?go=GO:0008270")
    assert reader.page.evaluate("history.length") == 2
    reader.step(lambda: reader.link("[href*='protein=']", 3).click())
    reader.step(lambda: reader.option("All methods").click())
    reader.step(lambda: reader.cell(450, 123), on=True)
    eventually(reader.page, lambda: reader.scrolled() == 0, "the term that was clicked is not in view")


def test_the_map(reader: Reader) -> None:
    reader.open("map")
    stage = reader.page.locator(".psa-stage").first

    def box() -> None:
        reader.page.get_by_role("button", name="Box").first.click()
        drag(reader.page, stage, (0.44, 0.44), (0.56, 0.56))

    def brush() -> None:
        drag(reader.page, reader.page.locator(".psa-brush-bars").first, (0.2, 0.5), (0.9, 0.5))

    reader.step(box, on=True)
    reader.step(reader.page.get_by_role("button", name="Zoom in").first.click)
    reader.step(brush)
    reader.step(lambda: reader.option("How often it fires").click())
    reader.step(reader.page.get_by_role("button", name="Clear marks").first.click)
    reader.step(lambda: reader.cell(200, 55))


def test_the_sequence_page(reader: Reader) -> None:
    reader.open("sequence")
    reader.step(lambda: reader.link("[href*='accession=']").click())
    reader.open("sequence?accession=P00331")
    reader.step(lambda: reader.page.locator(".psv-dot").nth(1).click())
    reader.step(lambda: reader.cell(18, 88))
    reader.step(lambda: reader.page.get_by_test_id("stSidebar").get_by_role("radio", name="raw").click())
    reader.step(lambda: reader.page.get_by_role("tab", name="GO terms called").click())
    reader.page.locator("a.psv-gutter-text").first.click()
    expect(reader.page).to_have_url(re.compile(r"/feature\?sae=.*feature=\d+"))


def test_below_the_answer_of_steering_and_the_style_of_a_structure(reader: Reader) -> None:
    reader.open("steer?strength=0")  # random features would go on being tried
    reader.step(lambda: reader.page.get_by_role("tab", name="Log-odds").click(), on=True)
    reader.step(lambda: reader.page.get_by_text("Every residue, nothing hidden").click(), on=True)
    reader.step(lambda: reader.page.get_by_role("tab", name="Dose").click())
    reader.step(lambda: reader.page.locator(".psv-toolbar").get_by_role("button", name="Spheres").click())
    assert "scan=1" in reader.page.url


def test_what_the_side_bar_chose_goes_along_without_a_step_of_its_own(reader: Reader) -> None:
    reader.open("feature")

    def choose() -> None:
        reader.page.get_by_test_id("stSidebar").get_by_role("combobox").click()
        reader.page.get_by_role("option", name="Vanilla").click()

    reader.step(choose, on=True)
    reader.step(lambda: reader.page.get_by_role("navigation").get_by_role("link", name="Map").click(), on=True)
    expect(reader.page).to_have_url(re.compile(r"/map\?sae=vanilla$"))
