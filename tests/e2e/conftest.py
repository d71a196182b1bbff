"""A real server on the embedded bundle and a real browser: Debian's chromium, driven by Playwright."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, Route, expect, sync_playwright

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "assets" / "demo"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_WEBGL = ["--disable-webgl", "--disable-webgl2", "--disable-gpu", "--disable-software-rasterizer"]
START_SECONDS = 90

expect.set_options(timeout=45_000)


class Server(NamedTuple):
    """An explorer that serves the embedded bundle."""

    address: str
    port: int
    process: subprocess.Popen


@contextmanager
def serving(log: Path, *options: str, path: str = "", bundle: Path = BUNDLE) -> Iterator[Server]:
    """A server with Streamlit's options, as `make run` starts it; it is asked for under `path`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "explorer" / "app.py")]
    command += ["--server.port", str(port), "--server.headless", "true", *options]
    command += ["--", "--bundle", str(bundle), "--debug"]
    with log.open("w+") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=os.environ | {"CI": "1"}
        )
        address = f"http://127.0.0.1:{port}{path}"
        try:
            _wait_until_healthy(address, process)
            yield Server(address, port, process)
        finally:
            process.terminate()
            process.wait(timeout=20)
            output.seek(0)
            sys.stdout.write(output.read()[-5000:])


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of most tests."""
    with serving(tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def server(started: Server) -> str:
    """Its address."""
    return started.address


@pytest.fixture(scope="session")
def server_under_a_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of one that lives under a base path, as behind a proxy."""
    log = tmp_path_factory.mktemp("server_under_a_path") / "log"
    with serving(log, "--server.baseUrlPath", "lab/protsae", path="/lab/protsae") as running:
        yield running.address


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserType]:
    """How to start chromium; the tests that need it skip, saying so once, where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine, so no browser tests: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="session")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    """Headless chromium."""
    running = chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield running
    running.close()


@pytest.fixture(scope="session")
def browser_without_webgl(chromium: BrowserType) -> Iterator[Browser]:
    """Headless chromium as on a machine whose graphics it does not trust."""
    running = chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *NO_WEBGL])
    yield running
    running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page that reaches nothing but the local server, and fails on any attempt to do otherwise."""
    with _fresh_page(browser) as opened:
        yield opened


@pytest.fixture
def page_without_webgl(browser_without_webgl: Browser) -> Iterator[Page]:
    """The same in the browser without WebGL."""
    with _fresh_page(browser_without_webgl) as opened:
        yield opened


@contextmanager
def _fresh_page(browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(viewport={"width": 1400, "height": 1000})
    strangers: list[str] = []

    def only_local(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    context.route("**/*", only_local)
    opened = context.new_page()
    opened.set_default_timeout(45_000)
    yield opened
    context.close()
    assert not strangers, f"the explorer asked the network for {strangers}"


def _wait_until_healthy(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the explorer stopped with exit code {process.returncode}")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"the explorer did not start within {START_SECONDS} s")
