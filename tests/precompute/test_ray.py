"""The Ray engine: the same results as in one process, and a worker that dies costs its shard only."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import executor_jobs as jobs
import numpy as np
import pandas as pd
import pytest

from precompute.__main__ import main
from precompute.pipeline.executors import Make, Outcome, WorkerDiedError, in_order
from precompute.pipeline.ray_engine import RayActors
from protsae.errors import ConfigError, InputError
from protsae.shards import ShardReader


def test_without_ray_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ConfigError, match=r"--engine ray needs the package ray: pip install 'protsae-explorer\[ray\]'"),
        RayActors(1, "cpu").session(jobs.squares, print, str),
    ):
        pass


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two CPUs here, for all tests of this file."""
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'protsae-explorer[ray]'")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_worker_niceness", "0")  # else they wait behind all that runs beside the tests
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def outcomes(make: Make, items: list, heard: list | None = None) -> list[Outcome]:
    waiting = iter(items)
    listen = (lambda _: None) if heard is None else heard.append
    with RayActors(2, "cpu").session(make, listen, lambda item: f"item {item}") as session:
        return sorted(session.run(lambda: next(waiting, None)), key=lambda outcome: outcome.number)


def test_results_come_in_order_and_progress_is_heard(cluster: None) -> None:
    heard: list[int] = []
    with RayActors(2, "cpu").session(jobs.squares, heard.append, str) as session:
        assert list(in_order(session, range(9))) == [i * i for i in range(9)]
        assert list(in_order(session, range(3))) == [0, 1, 4]
    assert sorted(heard) == sorted([*range(9), *range(3)])


def test_a_worker_that_dies_costs_its_item_only_which_another_takes(cluster: None, tmp_path: Path) -> None:
    found = outcomes(jobs.dies_once, [(str(tmp_path), name) for name in "abcd"])

    assert [(outcome.result, outcome.error) for outcome in found] == [(name, None) for name in "abcd"]
    assert sorted(path.name for path in tmp_path.iterdir()) == list("abcd")


def test_one_that_dies_again_is_an_error_that_names_its_item(cluster: None) -> None:
    found = outcomes(jobs.troubles, ["a", "exits", "b", "mistake", "fault", "c"])

    assert [outcome.result for outcome in found] == ["a", None, "b", None, None, "c"]
    assert isinstance(found[1].error, WorkerDiedError)
    assert "2 Ray actors that worked on item exits died" in str(found[1].error)
    assert isinstance(found[3].error, InputError)
    assert "ZeroDivisionError: our own" in str(found[4].error)


def test_more_workers_than_the_cluster_has_are_refused(cluster: None) -> None:
    with (
        pytest.raises(ConfigError, match="--workers 99 is more than the 2 CPUs that Ray has; lower it"),
        RayActors(99, "cpu").session(jobs.squares, print, str),
    ):
        pass


def test_embeddings_codes_and_statistics_are_those_of_one_process(
    cluster: None, tiny_arguments: Callable, finished_run: Path, copy_run: Callable, tmp_path: Path
) -> None:
    out = copy_run(tmp_path, ("proteins", "train", "structures"))
    for name in ("embed", "activations", "statistics"):
        words = ["stage", name, "--quiet", "--force", *tiny_arguments(out), "--workers", "2", "--engine", "ray"]
        assert main(words) == 0

    one, two = (run.with_name("bundle.work") for run in (finished_run, out))
    expected, found = ShardReader(one / "embed"), ShardReader(two / "embed")
    assert len(found) == len(expected) == 60
    for name in ("feature_stats", "sae"):
        tables = [pd.read_parquet(folder / "statistics" / f"{name}.parquet") for folder in (one, two)]
        pd.testing.assert_frame_equal(tables[1], tables[0], rtol=1e-3, atol=1e-5)
    for path in (one / "statistics").glob("*.npz"):
        with np.load(path) as before, np.load(two / "statistics" / path.name) as after:
            assert all(np.allclose(before[key], after[key], rtol=1e-3, atol=1e-5) for key in before.files)
