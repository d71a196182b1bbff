"""The one cache: by function, by arguments, by the bundle that is open; each kind of sharing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from explorer.services import bundle as bundles
from explorer.services import cached

CALLS: list[tuple] = []


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder that stands for a bundle, and no memory of earlier calls."""
    (tmp_path / "store.duckdb").write_bytes(b"one")
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tmp_path))
    CALLS.clear()
    yield
    cached.forget()


@cached.cached_by_bundle(4)
def table(rows: int, _note: str = "") -> pd.DataFrame:
    """A copy for each reader."""
    CALLS.append(("table", rows))
    return pd.DataFrame({"row": range(rows)})


@cached.cached_by_bundle(2, shared=True)
def shared(name: str) -> list[str]:
    """One object for all."""
    CALLS.append(("shared", name))
    return [name]


@cached.cached_by_bundle(8, shared=True)
def kinds(what: object) -> str:
    """Of what kind it was asked for."""
    CALLS.append(("kinds", what))
    return type(what).__name__


@cached.cached_by_bundle(4)
def twin(rows: int) -> int:
    """The same arguments as `table`, another result."""
    CALLS.append(("twin", rows))
    return rows


def touch(folder: Path) -> None:
    stamp = (folder / "store.duckdb").stat().st_mtime_ns + 1_000_000
    os.utime(folder / "store.duckdb", ns=(stamp, stamp))


def test_a_result_is_computed_once_for_its_arguments() -> None:
    assert [len(table(rows)) for rows in (2, 3, 2, 3)] == [2, 3, 2, 3]
    assert CALLS == [("table", 2), ("table", 3)]


def test_functions_do_not_share_results() -> None:
    assert (len(table(2)), twin(2)) == (2, 2)
    assert CALLS == [("table", 2), ("twin", 2)]


def test_a_replaced_bundle_is_read_anew(tmp_path: Path) -> None:
    table(2)
    touch(tmp_path)
    table(2)

    assert CALLS == [("table", 2)] * 2


def test_another_bundle_has_results_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    other.mkdir()
    table(2)
    monkeypatch.setenv("PROTSAE_BUNDLE", str(other))
    table(2)
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tmp_path))
    table(2)

    assert CALLS == [("table", 2)] * 2


def test_a_reader_cannot_spoil_anothers_copy_but_shares_what_is_shared() -> None:
    mine = table(2)
    mine["row"] = 7

    assert table(2)["row"].tolist() == [0, 1]
    assert shared("a") is shared("a")


def test_what_is_equal_is_not_the_same_key(tmp_path: Path) -> None:
    assert kinds(1) == "int"
    assert kinds(True) == "bool"
    assert kinds(1.0) == "float"
    assert kinds((1,)) == "tuple"
    assert kinds([1]) == "list", "no plain key, so Streamlit hashes it"
    touch(tmp_path)
    assert kinds(1) == "int"
    assert [call for call in CALLS if call[0] == "kinds"] == [("kinds", n) for n in (1, True, 1.0, (1,), [1], 1)]


def test_the_oldest_result_goes_first() -> None:
    for name in ("a", "b", "c", "a"):
        shared(name)

    assert [("shared", name) for name in ("a", "b", "c", "a")] == CALLS


def test_the_explorer_has_no_other_cache() -> None:
    root = Path(bundles.__file__).parents[1]
    with_caches = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "st.cache_" in path.read_text(encoding="utf-8")
    }

    assert with_caches == {"services/cached.py"}
