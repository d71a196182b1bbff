"""Pages for people: nothing of a merge is left in them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
MARKER = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)


def test_the_search_finds_what_it_looks_for() -> None:
    assert len(MARKER.findall("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> branch\n")) == 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_holds_no_conflict(page: Path) -> None:
    assert not MARKER.findall(page.read_text(encoding="utf-8"))
