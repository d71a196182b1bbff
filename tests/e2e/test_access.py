"""x"""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from .pages import PAGES, opened

pytestmark = pytest.mark.e2e

Scheme = Literal["light", "dark"]

GRAVE = {"serious", "critical"}
ALSO = {"heading-order", "label-content-name-mismatch"}
"""Rules that count whatever weight axe gives them."""

STREAMLITS_OWN: dict[str, list[str]] = {}
"""Rule -> selectors that neither the style sheet nor a setting reaches, with the reason beside each."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", list(PAGES))
def test_no_page_shuts_anyone_out(page: Page, server: str, name: str, scheme: Scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    opened(page, server, PAGES[name])

    options = {"rules": {"label-content-name-mismatch": {"enabled": True}}}
    found = Axe().run(page, options=options).response["violations"]
    faults = [
        f"{fault['id']}: {node['html'][:160]} {[check['message'] for check in node['any']]}"
        for fault in found
        if fault["impact"] in GRAVE or fault["id"] in ALSO
        for node in fault["nodes"]
        if not any(selector in str(node["target"]) for selector in STREAMLITS_OWN.get(fault["id"], []))
    ]
    assert faults == []
