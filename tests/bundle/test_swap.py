"""Putting a folder in the place of another: one of the two stands there at every moment."""

from pathlib import Path

import pytest

from protsae.bundle import swap


@pytest.mark.parametrize("can_exchange", [True, False])
def test_swapping_replaces_and_removes_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(swap, "_exchange", lambda *_: False)
    for name in ("new", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").write_text(name)
    swap.swap_in(tmp_path / "new", tmp_path / "place")

    assert (tmp_path / "place" / "content").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_what_an_interrupted_swap_left_is_put_right(tmp_path: Path) -> None:
    place, aside = tmp_path / "place", tmp_path / "place.old"
    aside.mkdir()
    swap.recover(place)
    assert place.is_dir()
    assert not aside.exists()

    aside.mkdir()
    swap.recover(place)
    assert place.is_dir()
    assert not aside.exists()
    swap.recover(place)
