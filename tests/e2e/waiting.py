"""Waiting for what a test needs, never for a length of time, and where it then is."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

NOTHING_RUNS = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
"""Streamlit's own word that the server has answered and no script runs."""
STEP_MS = 100


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


def first_point(plot: Locator) -> tuple[float, float]:
    """Where the pointer meets the first point of a plotly figure that has been drawn, in pixels of the page."""
    x, y = plot.evaluate(
        """graph => {
            const layout = graph._fullLayout, trace = graph._fullData[0], box = graph.getBoundingClientRect();
            return [box.x + layout.xaxis._offset + layout.xaxis.d2p(trace.x[0]),
                    box.y + layout.yaxis._offset + layout.yaxis.d2p(trace.y[0])];
        }"""
    )
    return x, y
