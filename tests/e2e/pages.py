"""The addresses that tests of every page walk, one for each thing that a page can show."""

from playwright.sync_api import Page, expect

from .waiting import settle

PAGES = {
    "landing": "",
    "search results": "?q=zinc+ion+binding&roll=1",
    "feature": "feature",
    "feature in space": "feature?band=3d",
    "letters at the peak": "feature?view=peak",
    "compare": "compare",
    "all methods": "compare?view=methods",
    "map": "map",
    "marked map": "map?find=zinc",
    "empty sequence": "sequence",
    "sequence": "sequence?accession=P00331",
    "steer": "steer",
}


def opened(page: Page, server: str, address: str) -> None:
    """Go there and wait until all of it is drawn."""
    page.goto(f"{server}/{address}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settle(page)
