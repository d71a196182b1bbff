"""Files are written whole or not at all, hashed as streams, and folders are held by one process."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from protsae import files
from protsae.errors import InputError


def test_a_file_appears_whole(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"x": 1})

    assert files.read_json(tmp_path / "a.json") == {"x": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def fail() -> None:
        with files.whole(path) as partial:
            partial.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "[1]", "{", '"text"'])
def test_what_is_no_json_object_reads_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)

    assert files.read_json(tmp_path / "a.json") is None
    assert files.read_json(tmp_path / "absent.json") is None


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 100_000)

    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_the_hash_of_json_does_not_depend_on_the_order_of_keys() -> None:
    assert files.json_sha256({"a": 1, "b": Path("x")}) == files.json_sha256({"b": Path("x"), "a": 1})
    assert files.json_sha256({"a": 1}) != files.json_sha256({"a": 2})


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from protsae import files\nwith files.locked(Path(sys.argv[1])): pass"
    with files.locked(tmp_path):
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
        assert "another run is at work in" in other.stderr
        with pytest.raises(InputError, match="another run is at work in"), files.locked(tmp_path):
            pass
    with files.locked(tmp_path):
        pass
