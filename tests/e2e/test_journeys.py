"""The three journeys of a visitor, in a real browser on the embedded bundle: search, paste, steer.

Screenshots go to `runs/screenshots/` to be looked at; what a test can check of them (a canvas that holds violet
residues on a grey chain) it checks.
"""

import io
import re
from math import cos, sin
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from protsae import palette
from protsae.store.reader import StoreReader

from .conftest import BUNDLE
from .waiting import eventually, over_a_point, settle

pytestmark = pytest.mark.e2e

SHOTS = Path(__file__).parents[2] / "runs" / "screenshots"
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
ENOUGH_PIXELS = 60


def test_search_by_go_term_leads_to_a_coloured_structure(page: Page, server: str) -> None:
    page.goto(server)
    search = page.get_by_placeholder("zinc ion binding")
    search.fill("zinc ion binding")
    search.press("Enter")
    expect(page.get_by_text("GO:0008270").first).to_be_visible()
    shot(page, "find")

    page.get_by_text(re.compile(r"^Open ProtSAE")).first.click()

    expect(page).to_have_url(re.compile(r"/feature\?.*feature=\d+"))
    expect(page.get_by_text("How do we know?")).to_be_visible()
    settle(page)
    assert_coloured(page)
    shot(page, "feature")
    no_exception(page)


def test_a_view_comes_back_from_its_address(page: Page, server: str) -> None:
    page.goto(f"{server}/compare?go=GO:0008270")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("zinc ion binding", re.IGNORECASE))
    settle(page)
    shot(page, "compare")
    title = page.get_by_role("heading", level=1).inner_text()

    page.reload()

    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    no_exception(page)


def test_a_click_on_the_map_opens_the_feature(page: Page, server: str) -> None:
    page.goto(f"{server}/map")
    stage = page.locator(".psa-stage").first
    expect(stage).to_be_visible()
    settle(page)
    shot(page, "map")

    page.mouse.click(*over_a_point(page, stage))

    expect(page).to_have_url(re.compile(r"/feature\?"))
    no_exception(page)


def test_pasting_a_known_sequence_gives_a_strip_and_its_structure(page: Page, server: str) -> None:
    page.goto(f"{server}/sequence")
    sequence = stored_sequence_with_structure()

    paste(page, sequence)

    expect(page.locator(".psv-strips").first).to_be_visible()
    settle(page)
    assert_coloured(page)
    shot(page, "sequence")
    no_exception(page)


def test_what_a_predicted_model_is_not_sure_of_is_drawn_as_rods_and_beads(page: Page, server: str) -> None:
    plddt = [90] * 12 + [60] * 6 + [30] * 10 + [90] * 12
    lines = [
        f"ATOM  {i:5d}  CA  ALA A{i:4d}    {2.3 * cos(1.745 * i):8.3f}{2.3 * sin(1.745 * i):8.3f}{1.5 * i:8.3f}"
        f"  1.00{value:6.2f}           C"
        for i, value in enumerate(plddt, start=1)
    ]
    page.goto(f"{server}/sequence")
    model = {"name": "AF-P1-F1-model_v4.pdb", "mimeType": "chemical/x-pdb", "buffer": "\n".join(lines).encode()}
    page.locator("input[type=file]").first.set_input_files([model])
    expect(page.get_by_text("beads: very low (below 50)")).to_be_visible()
    expect(page.get_by_text("thin: low confidence (pLDDT 50 to 70)")).to_be_visible()
    alphas = "window.__protsaeViewersAwake[0].model.selectedAtoms({ chain: 'A', atom: 'CA' })"
    page.wait_for_function("window.__protsaeViewersAwake?.[0]?.residues?.length === 40")
    drawn = page.evaluate(f"{alphas}.map(({{ style }}) => Object.keys(style).sort().join('+'))")

    bead, rod, end = "sphere+stick", "stick", "cartoon+stick"
    assert drawn == ["cartoon"] * 11 + [end] + [rod] * 6 + [bead] * 10 + [end] + ["cartoon"] * 11


def test_pasting_an_unknown_sequence_says_that_there_is_no_structure(page: Page, server: str) -> None:
    page.goto(f"{server}/sequence")
    paste(page, "".join(reversed(UBIQUITIN)))

    expect(page.locator(".psv-strips").first).to_be_visible()
    settle(page)
    expect(page.get_by_text(re.compile("structure", re.IGNORECASE)).first).to_be_visible()
    assert page.locator(".psv-3d:visible").count() == 0
    no_exception(page)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("MKT*LLV" * 5, r"stop"),
        ("ATGGCTAAAGGTCCTAAACGT" * 4, r"nucleotide|DNA"),
        ("M" + "KTAYIAKQRQ" * 501, r"5,0\d\d|5000|long"),
        ("MKTAYIAKQR1?QISFVKSHFSRQ!", r"'[?!]'|\?|!"),
    ],
)
def test_wrong_input_is_one_sentence_and_the_text_stays(page: Page, server: str, text: str, complaint: str) -> None:
    page.goto(f"{server}/sequence")
    paste(page, text)

    expect(page.locator(".ps-empty, [role=alert]").first).to_contain_text(re.compile(complaint, re.IGNORECASE))
    assert page.get_by_role("textbox", name=re.compile("Sequence, FASTA")).input_value() == text
    no_exception(page)


def test_the_slider_changes_the_sequence_and_zero_changes_nothing(page: Page, server: str) -> None:
    page.goto(f"{server}/steer?strength=5")
    changed = page.get_by_test_id("stMetricValue").first
    expect(changed).to_be_visible()
    settle(page)
    assert int(changed.inner_text().split(" of ", 1)[0]) > 0
    shot(page, "steer")

    page.goto(page.url.replace("strength=5", "strength=0"))

    expect(page.get_by_test_id("stMetricValue").first).to_have_text(re.compile(r"^0 of \d+"))
    no_exception(page)


def test_moving_the_slider_moves_the_answer(page: Page, server: str) -> None:
    page.goto(f"{server}/steer?strength=0")
    settle(page)
    handle = page.get_by_role("slider").first

    handle.focus()
    handle.press("End")

    expect(page.get_by_test_id("stMetricValue").first).not_to_have_text(re.compile(r"^0 of"))
    expect(page).to_have_url(re.compile(r"strength=5"))
    no_exception(page)


def test_keys_pressed_while_random_features_are_tried_lose_no_step(page: Page, server: str) -> None:
    page.goto(f"{server}/steer?strength=1&seed=4711")  # a seed of its own: what is known already is not tried again
    expect(page.get_by_text("Beside random features")).to_be_visible()
    handle = page.get_by_role("slider").first

    handle.focus()
    for _ in range(8):
        handle.press("ArrowRight")

    expect(page).to_have_url(re.compile(r"strength=3\b"))
    expect(page.get_by_text("Beside random features")).to_have_count(0)
    expect(handle).to_have_attribute("aria-valuetext", "3.00")
    expect(page).to_have_url(re.compile(r"strength=3\b"))
    expect(page.get_by_text("Strength 3 is beyond nature")).to_be_visible()
    no_exception(page)


@pytest.mark.parametrize(
    "path",
    [
        "feature?sae=nope&feature=3",
        "feature?feature=abc",
        "compare?go=GO:9999999",
        "sequence?accession=NOPE99",
        "?q=GO:9999999",
        "steer?protein=NOPE99",
        "map?sae=nope",
    ],
)
def test_a_wrong_address_is_answered_with_a_sentence(page: Page, server: str, path: str) -> None:
    page.goto(f"{server}/{path}")
    expect(page.locator(".ps-empty, [role=alert], .ps-lead").first).to_be_visible()
    settle(page)
    no_exception(page)


def paste(page: Page, text: str) -> None:
    page.get_by_role("textbox", name=re.compile("Sequence, FASTA")).fill(text)
    page.get_by_role("button", name="Read it").click()


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def no_exception(page: Page) -> None:
    assert page.get_by_test_id("stException").count() == 0


def hsv(image: Image.Image) -> np.ndarray:
    """Hue, saturation and value, 0..255, of every pixel [n_pixels, 3]."""
    return np.asarray(image.convert("HSV")).reshape(-1, 3).astype(int)


def assert_coloured(page: Page) -> None:
    """The 3D view holds both residues in the ramp's hue and grey ones."""
    structure: Locator = page.locator(".psv-3d:visible").first
    structure.scroll_into_view_if_needed()
    expect(structure.locator("canvas").first).to_be_visible()
    (hue, _, _), *_ = hsv(Image.new("RGB", (1, 1), palette.SOLID_RAMP["light"][-2]))

    def is_coloured() -> bool:
        h, saturation, value = hsv(Image.open(io.BytesIO(structure.screenshot()))).T
        full = ((abs(h - hue) <= 22) & (saturation > 70)).sum()
        grey = ((saturation < 40) & (value < 225)).sum()
        return bool(full > ENOUGH_PIXELS and grey > ENOUGH_PIXELS)

    eventually(page, is_coloured, "no structure with both coloured and grey residues was drawn")


def stored_sequence_with_structure() -> str:
    """GTPase Era: almost all of its chain is known in 3D, and what it binds is what strong features stand for."""
    with StoreReader.open(BUNDLE / "store.duckdb") as reader:
        table = reader.sequence_index().set_index("accession")
    return str(table.loc["P06616", "sequence"])
