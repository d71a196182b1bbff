"""What the browser makes: figures as SVG and PNG at journal widths, readable elsewhere and naming their source."""

import json
import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import BUNDLE

from .waiting import settle

SVG = "{http://www.w3.org/2000/svg}"
FIGURES = {
    "a strip with its structure": ("feature", "feature_view"),
    "bars of the page's own": ("results", "answer_0"),
    "a plotly chart": ("compare?view=methods", "trade_off"),
}


@pytest.fixture(params=list(FIGURES))
def menu(request: pytest.FixtureRequest, page: Page, server: str) -> Locator:
    """The opened menu of a figure."""
    address, key = FIGURES[request.param]
    page.goto(f"{server}/{address}")
    page.locator(f".st-key-figure_{key}").wait_for()
    settle(page)  # what is drawn later moves the menu, which shuts it
    found = page.locator(f".st-key-figure_{key}").locator("xpath=following::details[contains(@class,'ps-save')][1]")
    found.locator("summary").click()
    return found


def saved(menu: Locator, kind: str, width: int, to: Path) -> Path:
    with menu.page.expect_download() as waiting:
        menu.get_by_role("button", name=f"Save as {kind}, {width} mm wide").click()
    path = to / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_a_figure_is_saved_at_the_width_asked_for_and_names_its_source(menu: Locator, tmp_path: Path) -> None:
    bundle = json.loads((BUNDLE / "manifest.json").read_text())["bundle_id"]

    svg = saved(menu, "SVG", 89, tmp_path)
    root = ET.fromstring(svg.read_text(encoding="utf-8"))  # noqa: S314 - this program wrote it
    assert root.get("width") == "89mm"
    assert bundle in "".join(root.itertext())
    assert json.loads(root.findtext(f"{SVG}metadata") or "")["bundle_id"] == bundle
    assert bundle[:8] in svg.name
    written = [text.text for text in root.iter(f"{SVG}text") if text.text]
    assert len(written) > 3
    shapes = [shape for kind in ("rect", "path", "image") for shape in root.iter(f"{SVG}{kind}")]
    assert len(shapes) > 3
    plain = "svg g defs clipPath rect path line circle image text tspan title desc metadata linearGradient stop"
    allowed = {SVG + name for name in [*plain.split(), "pattern", "use", "polygon", "polyline", "ellipse"]}
    assert {element.tag for element in root.iter()} <= allowed

    png = saved(menu, "PNG", 183, tmp_path).read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, _ = struct.unpack(">II", png[16:24])
    assert width == round(183 / 25.4 * 300)
    assert png[37:41] == b"pHYs"
    assert struct.unpack(">IIB", png[41:50]) == (11811, 11811, 1)


def test_the_page_is_as_before_after_saving(menu: Locator, tmp_path: Path) -> None:
    key = menu.locator("xpath=preceding::div[contains(@class,'st-key-figure_')][1]")
    before = key.evaluate("figure => [figure.clientWidth, figure.style.cssText]")
    saved(menu, "PNG", 89, tmp_path)

    assert key.evaluate("figure => [figure.clientWidth, figure.style.cssText]") == before
    expect(menu.get_by_role("status")).to_have_text(re.compile("^Saved "))
