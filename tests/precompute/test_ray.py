"""The Ray engine: the same results as in one process, and a worker that dies costs its shard only."""

import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import executor_jobs as jobs
import numpy as np
import pytest
from object_store import URL, object_store
from same_run import FAR, assert_same

from precompute.__main__ import main
from precompute.pipeline.executors import Make, Outcome, WorkerDiedError, in_order
from precompute.pipeline.ray_engine import RayData
from protsae.errors import ConfigError, InputError
from protsae.shards import ShardReader

ROUNDING = {"rtol": 1e-3, "atol": 1e-5}
"""Shards are batched alike; what differs is the order of sums inside the libraries."""


def test_without_ray_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ConfigError, match=r"--engine ray needs the package ray: pip install 'protsae-explorer\[ray\]'"),
        RayData(1, "cpu").session(jobs.squares, print, str),
    ):
        pass


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two CPUs here, for all tests of this file; gives the folder that workers keep what they fetch in."""
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'protsae-explorer[ray]'")
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patched, ExitStack() as stack:
        patched.setenv("RAY_worker_niceness", "0")  # else they wait behind all that runs beside the tests
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patched.setenv("PROTSAE_CACHE", str(cache))
        if all(importlib.util.find_spec(name) for name in ("s3fs", "moto")):
            stack.enter_context(object_store(patched))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield cache
        ray.shutdown()


@pytest.fixture
def stage(tiny_arguments: Callable) -> Callable[..., int]:
    """Runs a stage of a bundle anew in the cluster; gives its exit status."""

    def run(out: Path, name: str, *more: str) -> int:
        words = ["stage", name, "--quiet", "--force", *tiny_arguments(out), "--workers", "2", "--engine", "ray", *more]
        with strictly():
            return main(words)

    return run


@contextmanager
def strictly() -> Iterator[None]:
    """An argument that Ray has given up is an error."""
    given_up = importlib.import_module("ray.util.annotations").RayDeprecationWarning
    with warnings.catch_warnings():
        warnings.simplefilter("error", given_up)
        yield


def outcomes(make: Make, items: list, heard: list | None = None) -> list[Outcome]:
    waiting = iter(items)
    listen = (lambda _: None) if heard is None else heard.append
    with strictly(), RayData(2, "cpu").session(make, listen, lambda item: f"item {item}") as session:
        return sorted(session.run(lambda: next(waiting, None)), key=lambda outcome: outcome.number)


def test_results_come_in_order_and_progress_is_heard(cluster: None) -> None:
    heard: list[int] = []
    with strictly(), RayData(2, "cpu").session(jobs.squares, heard.append, str) as session:
        assert list(in_order(session, range(9))) == [i * i for i in range(9)]
        assert list(in_order(session, [])) == []
    assert sorted(heard) == list(range(9))


def test_items_may_depend_on_outcomes(cluster: None) -> None:
    ready, done = [1], []
    with RayData(2, "cpu").session(jobs.squares, lambda _: None, str) as session:
        for outcome in session.run(lambda ready=ready: ready.pop() if ready else None):
            done.append((outcome.number, outcome.item, outcome.result))
            ready += [2, 3] if outcome.item == 1 else []
    assert sorted(done) == [(0, 1, 1), (1, 3, 9), (2, 2, 4)]


def test_an_error_ends_what_is_being_computed(cluster: None, tmp_path: Path) -> None:
    items = [(str(tmp_path), "mistake"), *[(str(tmp_path), str(number)) for number in range(40)]]
    with (
        RayData(2, "cpu").session(jobs.leaves_a_file, lambda _: None, str) as session,
        pytest.raises(InputError, match="the file is empty"),
    ):
        list(in_order(session, items))
    assert len(list(tmp_path.iterdir())) < 40


def test_a_worker_that_dies_costs_its_item_only_which_another_takes(cluster: None, tmp_path: Path) -> None:
    found = outcomes(jobs.dies_once, [(str(tmp_path), name) for name in "abcdef"])

    assert [(outcome.result, outcome.error) for outcome in found] == [(name, None) for name in "abcdef"]
    begun = sorted(path.name for path in tmp_path.iterdir())
    assert begun == ["a-0", "b-0", "b-1", "c-0", "d-0", "e-0", "f-0"]


def test_one_that_dies_again_is_an_error_that_names_its_item(cluster: None) -> None:
    found = outcomes(jobs.troubles, ["a", "exits", "b", "mistake", "fault", "c", "bound"])

    assert [outcome.result for outcome in found] == ["a", None, "b", None, None, "c", None]
    assert isinstance(found[1].error, WorkerDiedError)
    assert "2 Ray actors that worked on item exits died" in str(found[1].error)
    assert isinstance(found[3].error, InputError)
    assert "ZeroDivisionError: our own" in str(found[4].error)
    assert "cannot pickle" in str(found[6].error)


def test_more_workers_than_the_cluster_has_are_refused(cluster: None) -> None:
    with (
        pytest.raises(ConfigError, match="--workers 99 is more than the 2 CPUs that Ray has; lower it"),
        RayData(99, "cpu").session(jobs.squares, print, str),
    ):
        pass


def test_embeddings_codes_and_statistics_are_those_of_one_process(
    cluster: None, stage: Callable, finished_run: Path, copy_run: Callable, tmp_path: Path
) -> None:
    out = copy_run(tmp_path, ("proteins", "train", "structures"))
    for name in FAR:
        assert stage(out, name) == 0
    assert_same(out, finished_run, **ROUNDING)


def test_workers_that_see_no_common_folder_meet_at_a_location(
    cluster: Path, stage: Callable, finished_run: Path, copy_run: Callable, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    out = copy_run(tmp_path, ("proteins", "train", "structures"))
    embedded = out.with_name("bundle.work") / "embed"

    assert stage(out, "embed", "--shards-at", str(there)) == 0
    markers = {path: path.stat().st_mtime_ns for path in there.glob("embed/*/*.json")}
    assert len(markers) == len(list(embedded.glob("*.npy"))) > 1
    assert {path.name for path in cluster.glob("*/*.npy")} == {path.name for path in embedded.glob("*.npy")}

    (lost := next(iter(markers))).unlink()
    assert stage(out, "embed", "--shards-at", str(there)) == 0
    assert lost.exists()
    assert [path for path, put in markers.items() if path.stat().st_mtime_ns != put] == [lost]

    for path in embedded.glob("*.npy"):
        path.rename(path.with_suffix(".away"))
        path.write_bytes(b"not for workers to read")
    assert stage(out, "activations", "--shards-at", str(there)) == 0
    for path in embedded.glob("*.away"):
        path.replace(path.with_suffix(".npy"))
    assert stage(out, "statistics", "--shards-at", str(there)) == 0
    assert_same(out, finished_run, **ROUNDING)


def test_workers_meet_at_an_object_store(
    cluster: None, stage: Callable, finished_run: Path, copy_run: Callable, tmp_path: Path
) -> None:
    if "AWS_ENDPOINT_URL" not in os.environ:
        pytest.skip("s3fs or moto[server] is not installed")
    out = copy_run(tmp_path, ("proteins", "train", "structures"))
    assert stage(out, "embed", "--shards-at", URL) == 0
    one, two = (ShardReader(run.with_name("bundle.work") / "embed") for run in (finished_run, out))
    assert all(np.allclose(one.shard(i), two.shard(i), rtol=1e-3, atol=1e-3) for i in range(one.n_shards))
