"""A copy of the made-up bundle to change."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A whole bundle that a test may spoil."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
