"""Waiting for what a test needs, never for a length of time, and where it then is."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

NOTHING_RUNS = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
"""Streamlit's own word that the server has answered and no script runs."""
STEP_MS = 100
STEPS_OVER_A_MAP = 24


def settle(page: Page, seconds: float = 60) -> None:
    """Wait until the server has nothing more to say and the browser has drawn it."""
    expect(page.locator(NOTHING_RUNS)).to_be_attached(timeout=1000 * seconds)
    expect(page.locator("[data-stale=true], [data-testid=stSkeleton]")).to_have_count(0, timeout=1000 * seconds)
    page.evaluate("document.fonts.ready.then(() => new Promise((drawn) => requestAnimationFrame(() => drawn())))")


def eventually(
    page: Page, is_true: Callable[[], bool], problem: str, details: Callable[[], object] = str, seconds: float = 30
) -> None:
    """Ask again until it is true; after so many seconds the test fails with `problem` and `details`."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"{problem} {details()}".rstrip())
        page.wait_for_timeout(STEP_MS)


def over_a_point(page: Page, stage: Locator) -> tuple[float, float]:
    """Move the pointer over a map until it meets a point; where it is then, in pixels of the page."""
    stage.scroll_into_view_if_needed()
    told = stage.locator(".psa-tooltip")
    box = stage.bounding_box()
    assert box is not None
    for down in range(STEPS_OVER_A_MAP):
        for right in range(STEPS_OVER_A_MAP):
            x, y = (box[at] + box[size] * (step + 0.5) / STEPS_OVER_A_MAP
                    for at, size, step in (("x", "width", right), ("y", "height", down)))  # fmt: skip
            page.mouse.move(x, y)
            if told.is_visible():
                return x, y
    pytest.fail("the pointer meets no point of the map")
