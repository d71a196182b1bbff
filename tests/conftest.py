"""What all tests share: shapes are checked at run time, and the made-up bundle of `tiny_bundle.py` is built once.

Model code declares the shapes of its arrays (jaxtyping). While tests run, every call of it is checked against them; the
hook must stand before the first import of that code.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from jaxtyping import install_import_hook
from shapes import MODEL_CODE

install_import_hook(MODEL_CODE, "shapes.checked")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests were skipped and why, one line a reason."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)
    for reason, number in reasons.most_common():
        terminalreporter.write_line(f"skipped {number}: {reason}")


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full bundle of made-up proteins."""
    from tiny_bundle import build_tiny_bundle  # model code is imported with it, so after the hook

    return build_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real public data beside the repository; the test is skipped where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: this test reads real data")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Files that people's tools have written, beside the repository; the test is skipped where they are absent."""
    folder = SHARED / "cases"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: this test reads files that other tools have written")
    return folder


def pytest_unconfigure() -> None:
    """Let go of pytest's own loader, by which modules that torch never releases would hold every test and DuckDB."""
    for module in list(sys.modules.values()):
        if type(getattr(module, "__loader__", None)).__name__ == "AssertionRewritingHook":
            module.__loader__ = None
            module.__spec__ = None


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch computes on one thread: small trainings are faster so, and come to the same sums everywhere."""
    import torch  # after the hook, as model code

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
