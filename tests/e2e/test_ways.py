"""Three ways through the explorer, each with its own question, in a real browser on the embedded bundle.

What a step shows is checked against what the bundle stores; screenshots go to `runs/screenshots/`.
"""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from protsae.store.reader import StoreReader

from .conftest import BUNDLE
from .waiting import settle

pytestmark = pytest.mark.e2e

SHOTS = Path(__file__).parents[2] / "runs" / "screenshots"
MARKED = "20-45"


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"way_{name}.png", full_page=True)


def no_exception(page: Page) -> None:
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.get_by_text("The explorer itself has a fault here").count() == 0


def test_from_zinc_to_superposed_sites_and_a_list_of_candidates(page: Page, server: str, tmp_path: Path) -> None:
    page.goto(f"{server}/?q=zinc+ion+binding")
    page.get_by_text(re.compile(r"^Open ProtSAE")).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Zinc ion binding")
    settle(page)

    page.get_by_text("Superpose its structures").click()
    expect(page).to_have_url(re.compile("space=1"))
    expect(page.get_by_text(re.compile(r"^\d+\.\d\d Å$")).first).to_be_visible()
    shot(page, "superposed")

    expect(page.get_by_role("heading", name="Missing annotations?")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Sequences (FASTA)").click()
    path = tmp_path / "candidates.fasta"
    waiting.value.save_as(path)
    records = path.read_text().split(">")[1:]
    bundle = json.loads((BUNDLE / "manifest.json").read_text())["bundle_id"]
    with StoreReader.open(BUNDLE / "store.duckdb") as reader:
        for record in records:
            head, _, letters = record.partition("\n")
            stored = reader.protein(head.split()[0])
            assert stored is not None
            assert letters.replace("\n", "") == stored.sequence
            assert bundle in head
            assert "GO:0008270" not in {term.go_id for term in reader.protein_terms(stored.accession)}
    assert records
    no_exception(page)


def test_from_a_protein_by_marked_residues_to_a_comparison(page: Page, server: str) -> None:
    page.goto(f"{server}/protein?accession=P00331")
    settle(page)
    box = page.get_by_role("textbox", name="Residues", exact=True)
    box.fill(MARKED)
    box.press("Enter")

    expect(page).to_have_url(re.compile(f"range={MARKED}"))
    settle(page)
    shot(page, "marked")
    page.locator("a[href*='feature?']").filter(has_text=re.compile(r"#\d+")).first.click()
    expect(page.get_by_text("How do we know?")).to_be_visible()
    settle(page)
    while not page.get_by_text("Compare with the other autoencoder").count():
        page.get_by_role("button", name=re.compile("^Next")).click()
        settle(page)
    page.get_by_text("Compare with the other autoencoder").click()

    expect(page).to_have_url(re.compile(r"/compare\?.*go=GO"))
    expect(page.get_by_role("heading", name="The same proteins under both features")).to_be_visible()
    no_exception(page)


def test_from_the_map_by_a_lasso_to_what_it_holds_and_a_feature(page: Page, server: str) -> None:
    page.goto(f"{server}/map")
    settle(page)
    page.get_by_role("button", name="Lasso").first.click()
    stage = page.locator(".psa-stage").first
    stage.scroll_into_view_if_needed()
    area = stage.bounding_box()
    assert area is not None
    corners = ((0.25, 0.6), (0.75, 0.6), (0.75, 0.95), (0.25, 0.95), (0.25, 0.6))
    places = [(area["x"] + area["width"] * across, area["y"] + area["height"] * down) for across, down in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y, steps=6)
    page.mouse.up()

    expect(page.get_by_text(re.compile("over-represented among these", re.IGNORECASE)).first).to_be_visible()
    settle(page)
    shot(page, "lasso")
    address = page.url
    page.reload()
    expect(page.get_by_text(re.compile("over-represented among these", re.IGNORECASE)).first).to_be_visible()
    assert page.url == address
    no_exception(page)
