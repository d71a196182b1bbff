"""From a click to a page that can be used, in a real browser: milliseconds by page; JSON.

    python benchmarks/clicks.py [--bundle DIR] [--repeats 5]

Starts the explorer and chromium, visits every page once, then clicks through the navigation and waits until the page
can be used: the tab bears the new page's name and its headline stands, the server has answered, every structure within
the window is drawn, and the browser is free to answer (two more frames were painted). `busy_ms` is how long the page's
own thread was busy in that time, which depends less on what else runs. `ratio` is the median over a click between two
pages of a bare Streamlit app in the same browser. Say beside the numbers what else ran on the machine.
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from playwright.sync_api import CDPSession, Page, sync_playwright

from explorer.shell.links import PAGES

ROOT = Path(__file__).resolve().parents[1]
BARE = (
    "import streamlit as st\n"
    "def page(name):\n    return lambda: st.title(name)\n"
    "st.navigation([st.Page(page(n), title=n, url_path=n.lower(), default=n == 'One') for n in ('One', 'Two')], "
    "position='top').run()\n"
)
READY = """() => document.querySelector('h1') && !document.querySelector('[data-testid="stStatusWidget"]')
  && document.querySelector('[data-testid="stApp"]').dataset.testScriptState !== 'running'
  && [...document.querySelectorAll('.psv-3d')].every((box) => {
    const { top, bottom } = box.getBoundingClientRect();
    return bottom < 0 || top > window.innerHeight || !box.innerText.startsWith('Loading');
  })"""
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"


def main() -> None:
    """Time the clicks and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        with serving(script) as address:
            bare = clicks(page, address, ["One", "Two"], args.repeats)
        with serving(ROOT / "explorer" / "app.py", "--", "--bundle", str(args.bundle)) as address:
            found = clicks(page, address, [name.capitalize() for name in PAGES], args.repeats)
        browser.close()
    base = float(np.median([one.wall_ms for times in bare.values() for one in times]))
    result: dict[str, dict[str, float]] = {"a bare page": {"median_ms": round(base)}}
    for name, times in found.items():
        wall = [one.wall_ms for one in times]
        middle = float(np.median(wall))
        result[name] = {
            "median_ms": round(middle),
            "max_ms": round(max(wall)),
            "ratio": round(middle / base, 1),
            "busy_ms": round(float(np.median([one.busy_ms for one in times]))),
        }
    json.dump(result, sys.stdout, indent=1)
    sys.stdout.write("\n")


@contextmanager
def serving(script: Path, *arguments: str) -> Iterator[str]:
    """The address of a Streamlit app while it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    process = subprocess.Popen(
        [*command, "--server.headless", "true", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()  # noqa: S310 - our own server
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


class Click(NamedTuple):
    """What one click took."""

    wall_ms: float
    busy_ms: float
    """Of the page's own thread."""


def clicks(page: Page, address: str, names: list[str], repeats: int) -> dict[str, list[Click]]:
    """Each click in the navigation until the page can be used; the first round does not count."""
    page.goto(address)
    page.wait_for_function(READY, timeout=120_000)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    times: dict[str, list[Click]] = {name: [] for name in names}
    for turn in range(repeats + 1):
        for name in [*names[1:], names[0]]:
            before, busy = page.title(), _busy_ms(devtools)
            start = time.perf_counter()
            page.locator('[data-testid="stTopNavLink"]', has_text=name).first.click()
            page.wait_for_function("before => document.title !== before", arg=before, timeout=120_000)
            page.wait_for_function(READY, timeout=120_000)
            page.evaluate(PAINTED)
            taken = Click(1000 * (time.perf_counter() - start), _busy_ms(devtools) - busy)
            if turn:
                times[name].append(taken)
    return times


def _busy_ms(devtools: CDPSession) -> float:
    found = devtools.send("Performance.getMetrics")["metrics"]
    return 1000 * next(one["value"] for one in found if one["name"] == "TaskDuration")


if __name__ == "__main__":
    main()
