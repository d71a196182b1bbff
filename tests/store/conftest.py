"""The made-up bundle's store, open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protsae.store.reader import StoreReader


@pytest.fixture(scope="session")
def reader(tiny_bundle: Path) -> Iterator[StoreReader]:
    """A reader that all tests share, as all pages do."""
    with StoreReader.open(tiny_bundle / "store.duckdb") as opened:
        yield opened
