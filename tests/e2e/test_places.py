"""Where the explorer runs: on this machine only, under a base path, in a browser without WebGL."""

import re
import urllib.request
from urllib.parse import urljoin, urlsplit

import psutil
import pytest
from playwright.sync_api import Page, Position, expect

from .conftest import Server
from .waiting import eventually, over_a_point, settle

pytestmark = pytest.mark.e2e

LINK_IN_FIRST_ROW: Position = {"x": 52, "y": 53}
"""Pixels from a table's corner: beyond the boxes to tick, below the names of the columns."""


def test_it_listens_on_this_machine_only(started: Server) -> None:
    """Ports of the server that others could reach: none."""
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(started.process.pid).net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == started.port
    ]

    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_it_answers_where_it_says(started: Server) -> None:
    with urllib.request.urlopen(f"{started.address}/_stcore/health", timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["", "feature", "compare?go=GO:0008270", "sequence?accession=P00331", "steer"])
def test_every_link_stays_under_the_base_path(page: Page, server_under_a_path: str, path: str) -> None:
    page.goto(f"{server_under_a_path}/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".psv-strips").first).to_be_visible()
    settle(page)
    hrefs = page.eval_on_selector_all("a[href]", "links => links.map((link) => link.getAttribute('href'))")
    own = [urlsplit(urljoin(page.url, href)) for href in hrefs if not href.startswith(("http", "#", "data:"))]

    assert own
    assert {link.path for link in own if not link.path.startswith("/lab/protsae")} == set()


def test_a_strips_label_opens_its_feature_under_the_base_path(page: Page, server_under_a_path: str) -> None:
    page.goto(f"{server_under_a_path}/sequence?accession=P00331")
    label = page.locator("a.psv-gutter-text").first
    expect(label).to_be_visible()
    settle(page)

    page.goto(urljoin(page.url, label.get_attribute("href") or ""))

    expect(page).to_have_url(re.compile(r"/lab/protsae/feature\?.*feature=\d+"))
    expect(page.get_by_text("How do we know?")).to_be_visible()


def test_a_tables_link_opens_its_feature_under_the_base_path(page: Page, server_under_a_path: str) -> None:
    page.goto(f"{server_under_a_path}/sequence?accession=P00331")
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible()
    settle(page)
    table.scroll_into_view_if_needed()

    def opens_a_page() -> bool:
        table.hover(position=LINK_IN_FIRST_ROW)
        table.click(position=LINK_IN_FIRST_ROW)
        return len(page.context.pages) > 1

    eventually(page, opens_a_page, "the link in the table opened nothing")
    opened = page.context.pages[-1]
    expect(opened).to_have_url(re.compile(r"/lab/protsae/feature\?.*feature=\d+"))
    expect(opened.get_by_text("How do we know?")).to_be_visible()


def test_the_structure_is_drawn_under_the_base_path_and_no_file_is_missing(
    page: Page, server_under_a_path: str
) -> None:
    missing: list[str] = []
    loaded: list[str] = []
    page.on("response", lambda answer: (missing if answer.status >= 400 else loaded).append(urlsplit(answer.url).path))
    page.goto(f"{server_under_a_path}/feature")

    expect(page.locator(".psv-3d:visible canvas").first).to_be_visible()
    assert "/lab/protsae/app/static/3Dmol-min.js" in loaded
    assert [path for path in missing if "/_stcore/" not in path] == []  # Streamlit looks for its base path


def test_without_webgl_the_map_is_points_that_open_a_feature(page_without_webgl: Page, server: str) -> None:
    page = page_without_webgl
    page.goto(f"{server}/map")
    stages = page.locator(".psa-stage")
    expect(stages).to_have_count(2)
    settle(page)

    page.mouse.click(*over_a_point(page, stages.first))

    expect(page).to_have_url(re.compile(r"/feature\?.*feature=\d+"))
    assert page.get_by_text("get.webgl.org").count() == 0


def test_without_webgl_the_viewer_says_what_is_missing_and_keeps_the_strip(
    page_without_webgl: Page, server: str
) -> None:
    page = page_without_webgl
    page.goto(f"{server}/feature")

    expect(page.locator(".psv-3d-note:visible").first).to_have_text(re.compile("offers no WebGL.*strip holds"))
    expect(page.locator(".psv-strips").first).to_be_visible()
    assert page.get_by_text("undefined").count() == 0
