"""The third place to compute in: a Ray Data pipeline, in a Ray cluster or in a Ray that is started on this machine.

    one row an item -> map_batches(_Worker, batch_size=1) on a pool of actors -> outcomes as they come

The same job of one shard runs in each actor as in a process of `executors.py`. All items that there are go into one
pipeline; when its outcomes are heard, the caller is asked for more. What jobs emit is heard when their shard is done.

An actor that dies (nodes of a cluster are taken away, memory runs out) costs its shard only: Ray Data starts another,
which takes the shard again, without end. So a count of attempts, in an actor beside the caller, ends it: a shard whose
worker has died twice comes back as an error that names it, and what is finished is kept. Ray's own checkpoints
(`CheckpointConfig`) are not used: they are for pipelines that end in a sink of Ray Data, and shards say themselves
whether they are whole.

`RAY_ADDRESS` names the cluster; without it Ray starts here, and reports its use to nobody. Read `RayData`.

Source: https://docs.ray.io/en/latest/data/batch_inference.html
"""

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pyarrow as pa

from precompute.pipeline.executors import (
    THREAD_VARIABLES,
    Emit,
    Job,
    JobError,
    Make,
    Outcome,
    Session,
    WorkerDiedError,
)
from protsae.errors import ConfigError, ProtSAEError

T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS = 2
"""At one item, until its death is an error."""

_ROW = pa.schema([("number", pa.int64()), ("content", pa.large_binary())])
"""Of both ends of the pipeline: an item, pickled, and then what became of it."""


class RayData:
    """In actors, each with a GPU of its own where the cluster has some and the device is not the CPU."""

    def __init__(self, n_workers: int, device: str) -> None:
        """Nothing starts before the session.

        Args:
            n_workers: actors.
            device: auto, cpu or cuda.
        """
        self.n_workers, self._device = n_workers, device

    @contextmanager
    def session(self, make: Make[T, R], heard: Emit, name: Callable[[T], str]) -> Iterator[Session[T, R]]:
        """See `Executor.session`.

        Raises:
            ConfigError: Ray is not installed, its cluster cannot be reached, or it is smaller than `n_workers`.
        """
        ray, is_ours = _started()
        try:
            with _quiet(ray):
                pool = _Pool(ray, self.n_workers, self._resources(ray.cluster_resources()))
                yield _Pipelines(pool, make, heard, name)
        finally:
            if is_ours:
                ray.shutdown()

    def _resources(self, there: dict[str, float]) -> dict[str, Any]:
        """What an actor needs, and its environment: an equal share of the cores."""
        has_gpus = self._device != "cpu" and there.get("GPU", 0) >= 1
        what, number = ("GPUs", there["GPU"]) if has_gpus else ("CPUs", there.get("CPU", 0))
        if self.n_workers > number:
            raise ConfigError(f"--workers {self.n_workers} is more than the {number:.0f} {what} that Ray has; lower it")
        n_threads = max(1, int(there.get("CPU", 1)) // self.n_workers)
        variables = dict.fromkeys(THREAD_VARIABLES, str(n_threads)) | {"PYTHONPATH": os.pathsep.join(sys.path)}
        return {"num_gpus" if has_gpus else "num_cpus": 1, "runtime_env": {"env_vars": variables}}


class _Pool(NamedTuple):
    """The actors of a pipeline."""

    ray: Any
    n_workers: int
    resources: dict[str, Any]
    """Of each: arguments of `map_batches`."""


class _Result(NamedTuple):
    """What became of an item, where it was computed."""

    value: Any
    error: Exception | None
    emitted: list[Any]
    deaths: int = 0
    """Workers that died at it, where it was given up."""


class _Pipelines(Generic[T, R]):
    """Runs a pipeline for all items that there are, and asks for more when it is through."""

    def __init__(self, pool: _Pool, make: Make[T, R], heard: Emit, name: Callable[[T], str]) -> None:
        self._pool, self._make, self._heard, self._name = pool, make, heard, name

    def run(self, take: Callable[[], T | None]) -> Iterator[Outcome[T, R]]:
        first = 0
        while items := list(_all_now(take)):
            for place, result in self._results(items):
                for content in result.emitted:
                    self._heard(content)
                error = self._death_at(items[place]) if result.deaths else result.error
                yield Outcome(first + place, items[place], result.value, error)
            first += len(items)

    def _results(self, items: list[T]) -> Iterator[tuple[int, _Result]]:
        """Of each item once, as they come.

        Raises:
            WorkerDiedError: the pipeline came to its end without one of them.
        """
        ray = self._pool.ray
        pickle, n_workers = ray.cloudpickle, min(self._pool.n_workers, len(items))
        rows = [pa.table([[place], [pickle.dumps(item)]], schema=_ROW) for place, item in enumerate(items)]
        attempts = self._attempts()
        missing = dict(enumerate(items))
        try:
            pipeline = ray.data.from_arrow(rows).map_batches(
                _Worker,
                batch_size=1,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(size=n_workers, max_tasks_in_flight_per_actor=1),
                fn_constructor_args=(str(Path.cwd()), pickle.dumps(self._make), attempts),
                **self._pool.resources,
            )
            for row in pipeline.iter_rows():
                del missing[row["number"]]
                yield row["number"], pickle.loads(row["content"])
        finally:
            ray.kill(attempts)
        if missing:
            raise self._death_at(next(iter(missing.values())))

    def _attempts(self) -> Any:
        """An actor that counts, on this machine: it goes with the caller, not with a node of the cluster."""
        ray = self._pool.ray
        here = ray.get_runtime_context().get_node_id()
        strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        return ray.remote(_Attempts).options(num_cpus=0, scheduling_strategy=strategy).remote()

    def _death_at(self, item: T) -> WorkerDiedError:
        return WorkerDiedError(
            f"{ATTEMPTS} Ray actors that worked on {self._name(item)} died, as happens where memory runs out: run "
            "the same command again, with fewer --workers if need be; what is finished is kept"
        )


class _Attempts:
    """How often each item has been begun and not been ended."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def begin(self, item: int) -> int:
        """How often it was begun before."""
        before = self._begun.get(item, 0)
        self._begun[item] = before + 1
        return before

    def end(self, item: int) -> None:
        """It was computed; where its result is lost with a node it starts anew."""
        self._begun.pop(item, None)


class _Worker:
    """Computes items, one a batch, in an actor of the pool."""

    def __init__(self, folder: str, make: bytes, attempts: Any) -> None:
        if Path(folder).is_dir():  # relative paths mean what they mean to the caller, where this node has its folders
            os.chdir(folder)
        self._ray: Any = importlib.import_module("ray")
        self._make: Make[Any, Any] = self._ray.cloudpickle.loads(make)
        self._attempts = attempts
        self._job: Job[Any, Any] | None = None

    def __call__(self, batch: pa.Table) -> pa.Table:
        """The item's outcome in its place."""
        number = batch["number"][0].as_py()
        before = self._ray.get(self._attempts.begin.remote(number))
        if before >= ATTEMPTS:
            result = _Result(None, None, [], deaths=before)
        else:
            result = self._compute(batch["content"][0].as_py())
        try:
            content = self._ray.cloudpickle.dumps(result)
        except Exception:  # noqa: BLE001 - whatever it is that cannot travel
            content = self._ray.cloudpickle.dumps(_Result(None, JobError(traceback.format_exc()), result.emitted))
        self._ray.get(self._attempts.end.remote(number))
        return pa.table([[number], [content]], schema=_ROW)

    def _compute(self, item: bytes) -> _Result:
        emitted: list[Any] = []
        try:
            self._job = self._job or self._make()
            return _Result(self._job(self._ray.cloudpickle.loads(item), emitted.append), None, emitted)
        except ProtSAEError as error:
            return _Result(None, error, emitted)
        except Exception:  # noqa: BLE001 - the caller judges it; not every exception can travel, its traceback can
            return _Result(None, JobError(traceback.format_exc()), emitted)


def _all_now(take: Callable[[], T | None]) -> Iterator[T]:
    while (item := take()) is not None:
        yield item


@contextmanager
def _quiet(ray: Any) -> Iterator[None]:
    """Ray Data says nothing of its own: neither bars, nor a plan, nor what an outcome says already."""
    context, logger = ray.data.DataContext.get_current(), logging.getLogger("ray.data")
    before = context.enable_progress_bars, context.print_on_execution_start, logger.level
    context.enable_progress_bars = context.print_on_execution_start = False
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        context.enable_progress_bars, context.print_on_execution_start = before[:2]
        logger.setLevel(before[2])


def _started() -> tuple[Any, bool]:
    """Ray, and whether it was started here and is to be stopped.

    Raises:
        ConfigError: it is not installed, or its cluster cannot be reached.
    """
    try:
        ray: Any = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise ConfigError(
            "--engine ray needs the package ray: pip install 'protsae-explorer[ray]', or leave --engine out"
        ) from error
    if ray.is_initialized():
        return ray, False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else it calls actors of Ray Data an error of their maker
    address = os.environ.get("RAY_ADDRESS")
    try:
        where = {"address": address} if address else {"include_dashboard": False}
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **where)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"Ray cannot be reached at {address or 'this machine'}: {reason}") from error
    return ray, True
