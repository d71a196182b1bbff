"""What pointer, finger and keyboard reach: help, focus, whole cards, points of the map."""

import re

import pytest
from playwright.sync_api import Page, expect

from .waiting import eventually, over_a_point, settle

pytestmark = pytest.mark.e2e


def opened(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settle(page)


@pytest.mark.parametrize("width", [1400, 420])
def test_help_is_read_where_its_word_takes_the_focus(page: Page, server: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    opened(page, f"{server}/feature")
    badge = page.locator(".ps-badge").first
    told = badge.locator("[role=tooltip]")
    expect(told).to_be_hidden()

    badge.focus()

    expect(told).to_be_visible()
    box = told.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert len(told.inner_text()) > 20
    page.locator("h1").click()
    expect(told).to_be_hidden()


def test_whatever_the_keyboard_reaches_shows_it(page: Page, server: str) -> None:
    opened(page, f"{server}/feature")
    unseen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        unseen += page.evaluate(
            """() => {
                const at = document.activeElement, style = getComputedStyle(at);
                const ringed = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
                    || style.boxShadow !== "none" || at.matches("input, textarea, body");
                return ringed ? [] : [at.outerHTML.slice(0, 150)];
            }"""
        )

    assert unseen == []


def test_a_card_opens_by_a_click_beside_its_title(page: Page, server: str) -> None:
    opened(page, server)
    card = page.locator("[class*=st-key-card_]").first
    title = card.get_by_role("link").inner_text()

    card.locator(".ps-strip").last.click(force=True)  # the link lies over it: whoever clicks here clicks the link

    expect(page).to_have_url(re.compile(r"/feature\?"))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_the_pointer_over_a_point_of_the_map_is_a_hand(page: Page, server: str) -> None:
    opened(page, f"{server}/map")
    stage = page.locator(".psa-stage").first
    over_a_point(page, stage)

    expect(stage.locator(".psa-tooltip")).to_contain_text(re.compile(r"feature \d+"))
    assert stage.evaluate("area => getComputedStyle(area).cursor") == "pointer"


def test_what_the_pointer_is_on_shows_on_the_other_map_without_the_server(page: Page, server: str) -> None:
    opened(page, f"{server}/map")
    stages = page.locator(".psa-stage")
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(str(frame))))

    over_a_point(page, stages.first)

    expect(stages.nth(1).locator(".psa-tooltip")).to_contain_text("fires most alike")
    assert frames == []
    page.locator("h1").hover()
    expect(stages.nth(1).locator(".psa-tooltip")).to_be_hidden()


def test_the_keyboard_brushes_a_histogram_and_reaches_what_it_leaves(page: Page, server: str) -> None:
    opened(page, f"{server}/map")
    slider = page.get_by_role("slider", name="Held-out F1 of its label, from")
    slider.focus()
    slider.press("End")
    slider.press("ArrowLeft")

    expect(page).to_have_url(re.compile(r"[?&]f1=0\.9\d*_1(&|$)"))
    expect(page.get_by_text(re.compile(r"features? shown; click a row to open it")).first).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("stand out and are listed below it")).first).to_be_attached()
    page.reload()
    settle(page)
    expect(page.get_by_role("slider", name="Held-out F1 of its label, from")).to_have_value(re.compile(r"^9\d$"))


def test_a_chain_opens_whole_and_says_what_is_zoomed(page: Page, server: str) -> None:
    opened(page, f"{server}/sequence?accession=P15442")
    window = page.locator(".psv-gutter-text").first
    expect(window).to_have_text("")

    page.get_by_role("button", name="Show fewer residues").click()

    expect(window).to_have_text(re.compile(r"^\d+ to \d+ of 1659$"))
    page.get_by_role("button", name="All").click()
    expect(window).to_have_text("")


COUNT_DRAWINGS = """
    window.drawings = 0;
    const handOver = OffscreenCanvas.prototype.transferToImageBitmap;
    OffscreenCanvas.prototype.transferToImageBitmap = function () { window.drawings += 1; return handOver.call(this); };
"""


def test_a_structure_is_drawn_once_and_the_next_page_uses_its_viewer_again(page: Page, server: str) -> None:
    page.add_init_script(COUNT_DRAWINGS)
    opened(page, f"{server}/feature")
    drawn = page.locator(".psv-host[data-drawn]")
    expect(drawn).to_be_attached()
    assert page.evaluate("window.drawings") <= 3  # 3Dmol by itself draws a dozen times
    drawn.evaluate("host => { host.dataset.seen = 'on Feature'; }")

    page.locator('[data-testid="stTopNavLink"]', has_text="Map").click()
    expect(page).to_have_title(re.compile("Map"))
    settle(page)
    expect(drawn).to_have_count(0)
    assert page.evaluate("window.__protsaeViewersAwake.length") == 0
    page.locator('[data-testid="stTopNavLink"]', has_text="Protein").click()

    expect(page.locator(".psv-host[data-drawn][data-seen='on Feature'] canvas")).to_be_visible()


def test_a_structure_below_the_screen_waits_until_it_comes_near(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 420, "height": 200})
    opened(page, f"{server}/feature")
    box = page.locator(".psv-3d").first
    expect(box).to_contain_text("Loading the structure")

    box.scroll_into_view_if_needed()

    expect(page.locator(".psv-host[data-drawn] canvas").first).to_be_visible()
    expect(box).not_to_contain_text("Loading")


@pytest.mark.parametrize("band", ["", "?band=3d"])
def test_no_column_stays_empty_beside_the_other(page: Page, server: str, band: str) -> None:
    opened(page, f"{server}/feature{band}")
    heights = "columns => columns.map((column) => column.firstElementChild.getBoundingClientRect().height)"
    columns = page.locator(".st-key-judged_and_shown > * > .stHorizontalBlock > .stColumn")
    expect(columns).to_have_count(2)
    eventually(
        page,
        lambda: abs(float.__sub__(*map(float, columns.evaluate_all(heights)))) < 600,
        "one column is much longer than the other:",
        lambda: columns.evaluate_all(heights),
    )


def test_on_a_phone_the_example_comes_before_the_long_evidence(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 420, "height": 900})
    opened(page, f"{server}/feature")

    example = page.locator(".psv-strips").first.bounding_box()
    site = page.get_by_role("heading", name="Does it find the site?").bounding_box()
    assert example is not None
    assert site is not None
    assert example["y"] < 2000 < site["y"]


@pytest.mark.parametrize("view", ["peak", "start"])
def test_aligned_letters_open_at_their_column_and_scroll_together(page: Page, server: str, view: str) -> None:
    opened(page, f"{server}/feature?view={view}")
    box = page.locator(".ps-aligned")
    at = """box => {
        const column = box.querySelector(".zero").getBoundingClientRect(), own = box.getBoundingClientRect();
        return [box.scrollLeft, column.left - own.left, own.width, box.querySelector(".who").offsetWidth];
    }"""
    eventually(page, lambda: box.evaluate(at)[0] > 0, "the box has not scrolled to its column")
    settle(page)
    scrolled, column, width, names = box.evaluate(at)

    assert names < column < width
    box.hover()
    page.mouse.wheel(-40, 0)  # by hand: until then the box is held at its column while the page settles
    eventually(page, lambda: box.evaluate(at)[0] < scrolled, "the wheel does not scroll the box")
    settle(page)
    now, moved, *_ = box.evaluate(at)
    assert moved - column == pytest.approx(scrolled - now, abs=1)
