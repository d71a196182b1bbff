"""Every page, light and dark, from a phone to a wide screen: nothing cut off, nobody shut out.

What axe-core calls serious or critical is none here; the order of headings and names that differ from what is written
on a button count, too. Screenshots go to `runs/screenshots/`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from .waiting import eventually, settle

pytestmark = pytest.mark.e2e

PAGES = {
    "landing": "",
    "results": "?q=zinc+ion+binding&roll=1",
    "feature": "feature",
    "letters": "feature?view=peak",
    "superposed": "feature?space=1",
    "ablated": "feature?ablate=1",
    "compare": "compare",
    "methods": "compare?view=methods",
    "every": "compare?view=features",
    "map": "map?find=zinc",
    "around": "?q=GO:0005524&list=features",
    "proteins": "?q=kinase&list=proteins&space=yes",
    "protein": "protein?accession=P06616",
    "marked": "protein?accession=P06616&range=10-20&of=all&group=none",
    "start": "sequence",
    "sequence": "sequence?accession=P00331",
    "steer": "steer",
    "measured": "results",
    "tour": "compare?tour=4",
}
"""Everything that a page can show."""
WIDTHS = (1400, 1024, 2560, 420)
LOOKS: Mapping[Literal["light", "dark"], Sequence[int]] = {"light": WIDTHS, "dark": (420,)}
"""Colours move no text: the other theme is laid out once more where there is least room."""
CLIPPED = (Path(__file__).parent / "clipped.js").read_text(encoding="utf-8")
SHOTS = Path(__file__).parents[2] / "runs" / "screenshots"

GRAVE = ("serious", "critical")
ALSO = ("heading-order", "label-content-name-mismatch")
"""Rules that count, whatever weight axe gives them."""

STREAMLITS_OWN: dict[str, str] = {}
"""Selectors of what Streamlit draws and no style sheet or setting mends -> why."""


@pytest.mark.parametrize("name", list(PAGES))
def test_nothing_is_cut_off_and_nobody_shut_out(page: Page, server: str, name: str) -> None:
    page.goto(f"{server}/{PAGES[name]}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settle(page)
    for scheme, widths in LOOKS.items():
        page.emulate_media(color_scheme=scheme)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 1000})
            settle(page)
            eventually(page, lambda width=width: sideways(page) <= width, f"wider than the screen, {scheme} {width}")
            eventually(page, lambda: clipped(page) == [], f"cut off at {width} px, {scheme}", lambda: clipped(page))
        page.set_viewport_size({"width": WIDTHS[0], "height": 1000})
        settle(page)
        assert shut_out(page) == [], scheme
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}-{scheme}.png", full_page=True)
    assert page.get_by_test_id("stException").count() == 0


def test_what_the_server_draws_follows_the_theme_of_the_screen(page: Page, server: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{server}/map")
    expect(page.locator(".psa-stage")).to_have_count(2)
    settle(page)
    for scheme in reversed(list(LOOKS)):
        page.emulate_media(color_scheme=scheme)
        eventually(page, lambda now=scheme: is_map_dark(page) is (now == "dark"), f"the map is not {scheme}")
        settle(page)


def is_map_dark(page: Page) -> bool:
    """Whether a corner of the first map, where nothing lies, is dark."""
    corner = "document.querySelector('.psa-points').getContext('2d').getImageData(1, 1, 1, 1).data[0]"
    return page.evaluate(corner) < 128


def sideways(page: Page) -> int:
    """Pixels that the page needs in width, its scrolling part included."""
    main = "document.querySelector('[data-testid=stMain]')"
    return page.evaluate(f"Math.max(document.documentElement.scrollWidth, {main}.scrollWidth)")


def clipped(page: Page) -> list[str]:
    """Texts that are cut off."""
    return page.evaluate(CLIPPED)


def shut_out(page: Page) -> list[str]:
    """What axe-core finds, one line for each element."""
    options = {
        "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
        "rules": {"label-content-name-mismatch": {"enabled": True}},
        "resultTypes": ["violations"],
    }
    found = Axe().run(page, context={"exclude": [[name] for name in STREAMLITS_OWN]}, options=options).response
    return [
        f"{fault['id']}: {node['html'][:200]} {[check['message'] for check in node['any']]}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE or fault["id"] in ALSO
        for node in fault["nodes"]
    ]
