"""What `make test` says at its end of the tests that it left out."""

from types import SimpleNamespace
from typing import Any

from .conftest import pytest_terminal_summary


def test_skips_are_one_line_a_reason() -> None:
    reasons = ["Skipped: no chromium: apt-get install chromium"] * 3 + ["Skipped: no data"]
    lines: list[str] = []
    reporter: Any = SimpleNamespace(
        stats={"skipped": [SimpleNamespace(longrepr=("test.py", 1, reason)) for reason in reasons]},
        write_line=lines.append,
    )

    pytest_terminal_summary(reporter)

    assert lines == ["skipped 3: no chromium: apt-get install chromium", "skipped 1: no data"]
