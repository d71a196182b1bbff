"""The third place to compute in: actors of a Ray cluster, or of a Ray that is started on this machine.

The same job of one shard runs in each actor as in a process of `executors.py`. Input, work folder and bundle must lie
where every node sees them under the same path. An actor that dies costs its shard only, which another takes once more
(nodes of a cloud are taken away); where it dies again that is an error, and what is finished is kept. What jobs emit is
heard when their shard is done.

`RAY_ADDRESS` names the cluster; without it Ray starts here, and reports its use to nobody. Read `RayActors`.

Source: https://docs.ray.io/en/latest/ray-core/actors.html
"""

import importlib
import os
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

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


class RayActors:
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
            n_gpus, n_threads = self._share(ray.cluster_resources())
            variables = dict.fromkeys(THREAD_VARIABLES, str(n_threads)) | {"PYTHONPATH": os.pathsep.join(sys.path)}
            kind = ray.remote(_Actor).options(num_cpus=1, num_gpus=n_gpus, runtime_env={"env_vars": variables})
            pool = _Pool(ray, self.n_workers, lambda: kind.remote(str(Path.cwd()), make), heard, name)
            try:
                yield pool
            finally:
                pool.close()
        finally:
            if is_ours:
                ray.shutdown()

    def _share(self, there: dict[str, float]) -> tuple[int, int]:
        """GPUs and threads of an actor."""
        n_gpus = 1 if self._device != "cpu" and there.get("GPU", 0) >= 1 else 0
        what, number = ("GPUs", there["GPU"]) if n_gpus else ("CPUs", there.get("CPU", 0))
        if self.n_workers > number:
            raise ConfigError(f"--workers {self.n_workers} is more than the {number:.0f} {what} that Ray has; lower it")
        return n_gpus, max(1, int(there.get("CPU", 1)) // self.n_workers)


class _Task(NamedTuple):
    """One item, and how often it has been tried."""

    number: int
    item: Any
    attempts: int = 1


class _Actor:
    """Computes items in the cluster."""

    def __init__(self, folder: str, make: Make[Any, Any]) -> None:
        os.chdir(folder)
        self._make = make
        self._job: Job[Any, Any] | None = None

    def compute(self, item: Any) -> tuple[Any, Exception | None, list[Any]]:
        """Result, error and what was emitted."""
        emitted: list[Any] = []
        try:
            self._job = self._job or self._make()
            return self._job(item, emitted.append), None, emitted
        except ProtSAEError as error:
            return None, error, emitted
        except Exception:  # noqa: BLE001 - the caller judges it; not every exception can travel, its traceback can
            return None, JobError(traceback.format_exc()), emitted


class _Pool(Generic[T, R]):
    """Actors and the items they are at; an actor is started when there is work for it."""

    def __init__(
        self, ray: Any, n_workers: int, start: Callable[[], Any], heard: Emit, name: Callable[[T], str]
    ) -> None:
        self._ray, self._n_workers, self._start, self._heard, self._name = ray, n_workers, start, heard, name
        self._idle: list[Any] = []
        self._at_work: dict[Any, tuple[Any, _Task]] = {}
        self._again: deque[_Task] = deque()
        self._taken = 0

    def run(self, take: Callable[[], T | None]) -> Iterator[Outcome[T, R]]:
        self._taken = 0
        while True:
            while len(self._at_work) < self._n_workers and (task := self._next(take)) is not None:
                actor = self._idle.pop() if self._idle else self._start()
                self._at_work[actor.compute.remote(task.item)] = (actor, task)
            if not self._at_work:
                return
            ready, _ = self._ray.wait(list(self._at_work), num_returns=1)
            for reference in ready:
                yield from self._outcome(reference, *self._at_work.pop(reference))

    def close(self) -> None:
        for actor in [*self._idle, *(actor for actor, _ in self._at_work.values())]:
            self._ray.kill(actor)

    def _next(self, take: Callable[[], T | None]) -> _Task | None:
        if self._again:
            return self._again.popleft()
        item = take()
        if item is None:
            return None
        self._taken += 1
        return _Task(self._taken - 1, item)

    def _outcome(self, reference: Any, actor: Any, task: _Task) -> Iterator[Outcome[T, R]]:
        deaths = (self._ray.exceptions.RayActorError, self._ray.exceptions.OutOfMemoryError)
        try:
            result, error, emitted = self._ray.get(reference)
        except deaths:
            if task.attempts < ATTEMPTS:
                self._again.append(task._replace(attempts=task.attempts + 1))
            else:
                yield Outcome(task.number, task.item, None, self._death_at(task))
            return
        except self._ray.exceptions.RayError as fault:  # a result that cannot travel
            result, error, emitted = None, JobError(str(fault)), []
        self._idle.append(actor)
        for content in emitted:
            self._heard(content)
        yield Outcome(task.number, task.item, result, error)

    def _death_at(self, task: _Task) -> WorkerDiedError:
        return WorkerDiedError(
            f"{ATTEMPTS} Ray actors that worked on {self._name(task.item)} died, as happens where memory runs out: run "
            "the same command again, with fewer --workers if need be; what is finished is kept"
        )


def _started() -> tuple[Any, bool]:
    """Ray, and whether it was started here and is to be stopped.

    Raises:
        ConfigError: it is not installed, or its cluster cannot be reached.
    """
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise ConfigError(
            "--engine ray needs the package ray: pip install 'protsae-explorer[ray]', or leave --engine out"
        ) from error
    if ray.is_initialized():
        return ray, False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = os.environ.get("RAY_ADDRESS")
    try:
        ray.init(log_to_driver=False, **({"address": address} if address else {"include_dashboard": False}))
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"Ray cannot be reached at {address or 'this machine'}: {reason}") from error
    return ray, True
