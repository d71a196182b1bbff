"""A suite in a real browser: the place that is picked opens, stands in the address and comes back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tiny_suite import build_tiny_suite

from .conftest import serving
from .waiting import settle

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def suite(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server of four places."""
    folder = build_tiny_suite(tiny_bundle, tmp_path_factory.mktemp("suite") / "scope")
    with serving(tmp_path_factory.mktemp("suite_server") / "log", bundle=folder) as running:
        yield running.address


def test_the_place_that_is_picked_stands_in_the_address_and_comes_back(page: Page, suite: str) -> None:
    page.goto(suite)
    picker = page.get_by_role("combobox", name="Layer, site and width")
    first = page.get_by_text("Layer 1 of 2, the block's end; 64 features")
    second = page.get_by_text("Layer 2 of 2, what attention adds; 64 features")
    expect(first).to_be_visible()
    settle(page)

    picker.click()
    page.get_by_role("option", name=re.compile("L2 attention")).click()

    expect(second).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]place=A2"))
    page.reload()
    expect(second).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Map", exact=True).click()
    expect(page).to_have_url(re.compile(r"/map\?.*place=A2"))
    expect(second).to_be_visible()
    page.go_back()
    page.go_back()
    expect(first).to_be_visible()
    expect(page).not_to_have_url(re.compile("place="))
