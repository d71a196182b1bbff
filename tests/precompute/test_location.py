"""Shards at a location: whole or not there at all, never computed twice, and missing ones named."""

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
import pandas as pd
import pytest
from object_store import URL, object_store
from same_run import FAR, assert_same, assert_same_bundle

from precompute.__main__ import main
from precompute.corpus.codes import read_codes
from precompute.location import Location, check_location
from precompute.pipeline import folders
from precompute.stages import activations, embed, statistics
from protsae.errors import ArtifactError, ConfigError, InputError

AGAIN = "run the same command again"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with object_store(monkeypatch):
        yield URL


@pytest.fixture
def item(tmp_path: Path) -> list[Path]:
    """The two files of an item."""
    folder = tmp_path / "made"
    folder.mkdir()
    np.save(folder / "shard-00003.npy", np.arange(12.0))
    (folder / "shard-00003.parquet").write_bytes(b"index")
    return [folder / "shard-00003.npy", folder / "shard-00003.parquet"]


def put_and_fetch(location: Location, item: list[Path], folder: Path) -> None:
    assert location.names() == frozenset()
    assert not location.has("shard-00003")
    location.put("shard-00003", item)
    assert location.has("shard-00003")
    assert location.names() == {"shard-00003"}
    folder.mkdir()
    location.fetch("shard-00003", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {p.name: p.read_bytes() for p in item}


def test_what_is_put_is_fetched(tmp_path: Path, item: list[Path]) -> None:
    location = Location.at(str(tmp_path / "there")).below("embed", "plan")
    put_and_fetch(location, item, tmp_path / "here")
    stored = sorted(path.name.split(".")[1] for path in (tmp_path / "there" / "embed" / "plan").iterdir())
    assert stored == ["json", "npy", "parquet"]


def test_an_object_store_is_a_location(bucket: str, tmp_path: Path, item: list[Path]) -> None:
    check_location(bucket)
    put_and_fetch(Location.at(bucket).below("embed", "plan"), item, tmp_path / "here")
    with pytest.raises(ConfigError, match="--shards-at s3://nowhere/run cannot be written"):
        check_location("s3://nowhere/run")


def test_what_has_no_marker_is_not_there(tmp_path: Path, item: list[Path]) -> None:
    location = Location.at(str(tmp_path / "there"))
    location.put("shard-00003", item)
    (tmp_path / "there" / "shard-00003.json").unlink()

    assert location.names() == frozenset()
    with pytest.raises(ArtifactError, match=f"shard-00003 is missing at file://.*there: {AGAIN}"):
        location.fetch("shard-00003", tmp_path)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda there: next(there.glob("*.npy.*")).write_bytes(b"short"), "has 5 bytes and the SHA-256"),
        (lambda there: next(there.glob("*.npy.*")).unlink(), "its shard-00003.npy is missing"),
        (lambda there: (there / "shard-00003.json").write_text("{"), "its marker cannot be read"),
        (lambda there: (there / "shard-00003.json").write_text("{}"), "its marker names no file"),
        (
            lambda there: (there / "shard-00003.json").write_text(json.dumps({"../x": {"size": 1, "sha256": "0"}})),
            "one outside its folder",
        ),
    ],
)
def test_what_is_damaged_is_named_and_never_taken(
    damage: Callable, what: str, tmp_path: Path, item: list[Path]
) -> None:
    location, here = Location.at(str(tmp_path / "there")), tmp_path / "here"
    location.put("shard-00003", item)
    damage(tmp_path / "there")
    here.mkdir()

    with pytest.raises(ArtifactError, match=rf"shard-00003 is damaged at file://.*{what}.*remove shard-00003.json"):
        location.fetch("shard-00003", here)
    assert not (here / "shard-00003.npy").exists()


def test_of_two_writers_the_last_marker_stands(tmp_path: Path, item: list[Path]) -> None:
    location, here = Location.at(str(tmp_path / "there")), tmp_path / "here"
    location.put("shard-00003", item)
    np.save(item[0], np.arange(13.0))
    location.put("shard-00003", item)
    here.mkdir()
    location.fetch("shard-00003", here)
    assert len(np.load(here / "shard-00003.npy")) == 13


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense://run", "--shards-at nonsense://run cannot be opened (Protocol not known: nonsense)"),
        ("gs://bucket/run", "--shards-at gs://bucket/run needs a package that is not installed: "),
        ("memory://run", "--shards-at memory://run is no place that other processes see"),
        ("/dev/null/run", "--shards-at /dev/null/run cannot be written ("),
    ],
)
def test_what_cannot_be_a_location_is_one_sentence(url: str, sentence: str) -> None:
    if url.startswith("gs:") and importlib.util.find_spec("gcsfs"):
        pytest.skip("gcsfs is installed")
    with pytest.raises(ConfigError) as caught:
        check_location(url)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_store_that_refuses_is_one_sentence(tmp_path: Path, item: list[Path]) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(InputError, match=f"the shards at file://.*there cannot be reached .*{AGAIN}"):
        Location.at(str(tmp_path / "there")).put("shard-00003", item)


def test_the_cache_forgets_what_was_asked_for_longest_ago(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(folders.CACHE, str(tmp_path))
    monkeypatch.setenv(folders.CACHE_GB, "2.5e-7")  # 250 bytes
    (tmp_path / "run").mkdir()
    for name, minutes in (("new", 0), ("old", 5), ("older", 9), ("oldest", 20)):
        path = tmp_path / "run" / name
        path.write_bytes(bytes(100))
        asked = path.stat().st_mtime - 60 * minutes
        os.utime(path, (asked, asked))
    folders.trim_cache()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["new", "old"]
    monkeypatch.setenv(folders.CACHE_GB, "0")
    folders.trim_cache()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["new"]  # somebody may be about to open it
    monkeypatch.setenv(folders.CACHE_GB, "much")
    with pytest.raises(ConfigError, match="PROTSAE_CACHE_GB must be a number of gigabytes, got 'much'"):
        folders.trim_cache()


def test_what_a_worker_has_put_does_not_fill_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(folders.CACHE, str(tmp_path / "cache"))
    monkeypatch.setenv(folders.CACHE_GB, "2.5e-7")  # 250 bytes
    folder = folders.Folder(tmp_path / "here", Location.at(str(tmp_path / "there")), is_far=True)
    for age, name in ((600, "a"), (300, "b"), (0, "c")):
        path = folder.local() / f"{name}.npy"
        path.write_bytes(bytes(100))
        asked = path.stat().st_mtime - age
        os.utime(path, (asked, asked))
        folder.keep(name, [path.name])
    assert sorted(path.name for path in folder.local().iterdir()) == ["b.npy", "c.npy"]
    assert folder.fetch("a") / "a.npy" in folder.local().iterdir()


class Calls:
    """How often shards were embedded, encoded and counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: dict[str, int] = dict.fromkeys(FAR, 0)
        for stage, module, name in (
            ("embed", embed, "fill_shards"),
            ("activations", activations, "encode_shard"),
            ("statistics", statistics, "runs_of"),
        ):
            monkeypatch.setattr(module, name, self._counted(stage, getattr(module, name)))

    def taken(self) -> dict[str, int]:
        """Calls since it was asked last."""
        counts, self.counts = self.counts, dict.fromkeys(FAR, 0)
        return counts

    def _counted(self, stage: str, function: Callable) -> Callable:
        def call(*args: object) -> object:
            self.counts[stage] += 1
            return function(*args)

        return call


@pytest.fixture
def stages(tiny_arguments: Callable) -> Callable[..., list[int]]:
    """Runs the three stages of a bundle anew; gives the exit status of each."""

    def run(out: Path, *more: str) -> list[int]:
        return [main(["stage", name, "--quiet", "--force", *tiny_arguments(out), *more]) for name in FAR]

    return run


@pytest.fixture(params=["near", "far"])
def is_far(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether workers are told not to look into the work folder."""
    far = request.param == "far"
    monkeypatch.setattr(folders, "are_far", lambda _: far)
    monkeypatch.setattr(embed, "are_far", lambda _: far)
    monkeypatch.setenv(folders.CACHE, str(tmp_path / "cache"))
    return far


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


def test_a_run_at_a_location_is_the_same_and_goes_on_there(
    *, is_far: bool, calls: Calls, stages: Callable, finished_run: Path, copy_run: Callable, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    first, second = (copy_run(tmp_path / name, ("proteins", "train", "structures")) for name in ("a", "b"))

    assert stages(first, "--shards-at", str(there)) == [0, 0, 0]
    assert_same(first, finished_run)
    work = first.with_name("bundle.work")
    n_shards, n_codes = (len(list(work.glob(pattern))) for pattern in ("embed/*.npy", "activations/*/*.npz"))
    assert n_shards > 1
    assert calls.taken() == {"embed": n_shards, "activations": n_codes, "statistics": 2 * n_codes}
    assert (tmp_path / "cache").exists() == is_far

    for folder in ("embed", "activations", "statistics/second"):
        next(there.glob(f"{folder}/*/*.json")).unlink()
    assert stages(second, "--shards-at", f"file://{there}") == [0, 0, 0]
    assert_same(second, finished_run)
    assert calls.taken() == {"embed": 1, "activations": 1, "statistics": 1}


@pytest.mark.usefixtures("is_far")
def test_the_bundle_does_not_tell_where_its_shards_have_been(
    finished_run: Path, tiny_arguments: Callable, tmp_path: Path
) -> None:
    out = tmp_path / finished_run.name
    assert main(["run", "--quiet", *tiny_arguments(out), "--shards-at", str(tmp_path / "there")]) == 0
    assert_same(out, finished_run)
    assert_same_bundle(out, finished_run)


def test_a_run_takes_its_own_shards_to_a_location(
    calls: Calls, stages: Callable, copy_run: Callable, tiny_arguments: Callable, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    out = copy_run(tmp_path, ("proteins", "train", "structures", "embed", "activations"))
    work = out.with_name("bundle.work")
    for name in FAR[:2]:
        (work / name / "done.json").unlink()
        assert main(["stage", name, "--quiet", *tiny_arguments(out), "--shards-at", str(there)]) == 0
    assert calls.taken() == {"embed": 0, "activations": 0, "statistics": 0}
    assert len(list(there.glob("embed/*/*.json"))) == len(list(work.glob("embed/*.npy")))
    assert len(list(there.glob("activations/*/*.json"))) == len(list(work.glob("activations/*/*.npz")))


def test_examples_are_gathered_from_there(
    *, is_far: bool, finished_run: Path, copy_run: Callable, tiny_arguments: Callable, tmp_path: Path
) -> None:
    known = ("proteins", "train", "structures", "embed", "activations", "statistics", "associate")
    out, words = copy_run(tmp_path, known), ["--shards-at", str(tmp_path / "there")]
    (out.with_name("bundle.work") / "activations" / "done.json").unlink()
    for name in ("activations", "examples"):
        assert main(["stage", name, "--quiet", *tiny_arguments(out), *words]) == 0
    assert any((tmp_path / "cache").glob("*/*.npz")) == is_far
    for name in ("example", "example_band"):
        one, two = (
            pd.read_parquet(run.with_name("bundle.work") / "examples" / f"{name}.parquet")
            for run in (finished_run, out)
        )
        pd.testing.assert_frame_equal(two, one, check_exact=True)


def test_several_processes_meet_there(
    finished_run: Path, copy_run: Callable, tiny_arguments: Callable, tmp_path: Path
) -> None:
    out, there = copy_run(tmp_path, ("proteins", "train", "structures", "embed")), tmp_path / "there"
    words = [*tiny_arguments(out), "--workers", "2", "--shards-at", str(there)]
    assert main(["stage", "activations", "--quiet", *words]) == 0
    one, two = (folder.with_name("bundle.work") / "activations" for folder in (finished_run, out))
    for path in one.glob("*/*.npz"):
        found = read_codes(two / path.relative_to(one)).toarray()
        np.testing.assert_allclose(found, read_codes(path).toarray(), rtol=1e-3, atol=1e-5)
    assert len(list(there.glob("activations/*/*.json"))) == len(list(one.glob("*/*.npz")))


def test_a_shard_that_nobody_has_is_an_error_that_names_it(
    tiny_arguments: Callable, copy_run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy_run(tmp_path, ("proteins", "train", "structures", "embed", "activations"))
    lost = next((out.with_name("bundle.work") / "activations").glob("*/shard-00001.npz"))
    lost.unlink()
    assert main(["stage", "statistics", "--quiet", *tiny_arguments(out)]) == 2
    error = capsys.readouterr().err
    assert f"{lost} is missing or damaged" in error
    assert error.count("\n") == 1


def test_a_shard_that_a_worker_did_not_put_is_an_error_that_names_it(
    tiny_arguments: Callable,
    copy_run: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for module in (folders, embed):
        monkeypatch.setattr(module, "are_far", lambda _: True)
    monkeypatch.setenv(folders.CACHE, str(tmp_path / "cache"))
    put = Location.put
    monkeypatch.setattr(
        Location, "put", lambda self, name, paths: None if name == "shard-00001" else put(self, name, paths)
    )
    out = copy_run(tmp_path, ("proteins",))
    words = [*tiny_arguments(out), "--shards-at", str(tmp_path / "there")]
    assert main(["stage", "embed", "--quiet", *words]) == 2
    error = capsys.readouterr().err
    assert "shard-00001 is missing at file://" in error
    assert error.count("\n") == 1
    monkeypatch.setattr(Location, "put", put)
    assert main(["stage", "embed", "--quiet", *words]) == 0


def test_a_wrong_location_stops_a_run_before_it_begins(
    tiny_arguments: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--quiet", *tiny_arguments(tmp_path / "bundle"), "--shards-at", "nonsense://run"]) == 2
    error = capsys.readouterr().err
    assert "--shards-at nonsense://run cannot be opened" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "bundle.work").exists()
