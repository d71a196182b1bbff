"""Where the pieces of a stage are computed: in this process, or in several side by side.

    make() -> job                 once in every worker: models and tables are loaded here
    job(item, emit) -> result     a pure function of one item (a shard, a row); emit sends progress to the caller

`in_order` maps a job over items and gives the results in the items' order, whichever worker was first: a stage that
merges them in this order comes to the same numbers with any number of workers. `Session.run` is below it, for items
that depend on each other; on this machine it takes the next item only when a worker is free. What travels between
processes (`make`, items, results, progress) is pickled there; `make` is a function of a module or a `functools.partial`
of one.

A worker that dies (killed, out of memory) ends as a `WorkerDiedError` that names its item; the others go on. For this
each worker has a pipe of its own and is watched by the caller: a `ProcessPoolExecutor` does not say whose item was lost
and gives up the others', and a queue that all share hangs when its owner dies with the lock.

A cluster's engine is a third class with `n_workers` and `session` (`ray_engine.py`, chosen in `engines.py`).
Read `Executor`, then `in_order`.
"""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast

import joblib

from protsae.errors import ProtSAEError

T = TypeVar("T")
R = TypeVar("R")

Emit = Callable[[Any], None]
Job = Callable[[T, Emit], R]
Make = Callable[[], Job[T, R]]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkerDiedError(ProtSAEError):
    """A process ended in the middle of its work."""


class JobError(RuntimeError):
    """Our own fault in another process; its text is the traceback there."""


class Outcome(NamedTuple, Generic[T, R]):
    """What has become of one item: a result, or the error that ended it."""

    number: int
    """Items that were taken before it."""

    item: T
    result: R | None
    error: Exception | None


class Session(Protocol[T, R]):
    """Workers that are ready to compute."""

    def run(self, take: Callable[[], T | None]) -> Iterator[Outcome[T, R]]:
        """Outcomes as they come.

        Args:
            take: gives the next item, or None where there is none now; asked again after every outcome, or when all
                that it gave are done, until it gives None while nothing is being computed.
        """
        ...


class Executor(Protocol):
    """A place to compute in."""

    @property
    def n_workers(self) -> int:
        """Items that are computed at the same time."""
        ...

    def session(self, make: Make[T, R], heard: Emit, name: Callable[[T], str]) -> AbstractContextManager[Session[T, R]]:
        """Open workers, and close them at the end of the block.

        Args:
            make: called once in every worker, before its first item.
            heard: takes what jobs emit, in this process.
            name: of an item, for errors.
        """
        ...


def executor_of(n_workers: int) -> Executor:
    """The caller's own process for one worker, else processes beside it."""
    return InProcess() if n_workers == 1 else Processes(n_workers)


def in_order(session: Session[T, R], items: Iterable[T]) -> Iterator[R]:
    """Results of all items, in their order; the first error ends it, whatever is still being computed.

    Raises:
        WorkerDiedError: a worker died; the sentence names its item.
        Exception: whatever a job has raised.
    """
    waiting = iter(items)
    early: dict[int, Outcome[T, R]] = {}
    following = 0
    for outcome in session.run(lambda: next(waiting, None)):
        early[outcome.number] = outcome
        if outcome.error is not None:
            raise outcome.error
        while following in early:
            yield cast("R", early.pop(following).result)
            following += 1


def n_cores() -> int:
    """Cores that this process may use, also in a container or under a scheduler."""
    return joblib.cpu_count()


class InProcess:
    """Here, one item after the other."""

    n_workers = 1

    @contextmanager
    def session(self, make: Make[T, R], heard: Emit, name: Callable[[T], str]) -> Iterator[Session[T, R]]:
        """See `Executor.session`."""
        del name
        yield _Here(make, heard)


class _Here(Generic[T, R]):
    def __init__(self, make: Make[T, R], heard: Emit) -> None:
        self._make, self._heard = make, heard
        self._job: Job[T, R] | None = None

    def run(self, take: Callable[[], T | None]) -> Iterator[Outcome[T, R]]:
        number = 0
        while (item := take()) is not None:
            try:
                self._job = self._job or self._make()
                outcome = Outcome(number, item, self._job(item, self._heard), None)
            except Exception as error:  # noqa: BLE001 - the caller decides what one item's error means for the others
                outcome = Outcome[T, R](number, item, None, error)
            yield outcome
            number += 1


class Processes:
    """In several processes of this machine, each with its share of the cores."""

    def __init__(self, n_workers: int, *, setting: str = "--workers") -> None:
        """Nothing starts before the first item.

        Args:
            n_workers: processes at the same time.
            setting: that says how many, for the sentence on one that died.
        """
        self.n_workers, self._setting = n_workers, setting

    @contextmanager
    def session(self, make: Make[T, R], heard: Emit, name: Callable[[T], str]) -> Iterator[Session[T, R]]:
        """See `Executor.session`."""
        pool = _Pool(self.n_workers, make, heard, name, self._setting)
        try:
            yield pool
        finally:
            pool.close()


class _Worker(NamedTuple):
    process: BaseProcess
    pipe: Connection


class _Pool(Generic[T, R]):
    """Workers and the items they are at; a worker is started when there is work for it."""

    def __init__(self, n_workers: int, make: Make[T, R], heard: Emit, name: Callable[[T], str], setting: str) -> None:
        self._n_workers, self._make, self._heard, self._name = n_workers, make, heard, name
        self._setting = setting
        self._idle: list[_Worker] = []
        self._at_work: dict[Connection, tuple[_Worker, int, T]] = {}

    def run(self, take: Callable[[], T | None]) -> Iterator[Outcome[T, R]]:
        number = 0
        while True:
            while len(self._at_work) < self._n_workers and (item := take()) is not None:
                worker = self._idle.pop() if self._idle else _start(self._make, self._n_workers)
                self._at_work[worker.pipe] = (worker, number, item)
                with suppress(OSError):  # a worker that died while it had nothing to do: `_listen` finds its pipe ended
                    worker.pipe.send(item)
                number += 1
            if not self._at_work:
                return
            yield from self._listen()

    def close(self) -> None:
        workers = [*self._idle, *(worker for worker, _, _ in self._at_work.values())]
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join()
            worker.pipe.close()

    def _listen(self) -> Iterator[Outcome[T, R]]:
        """Wait for the next words of any worker; a pipe that ends is a worker that has died."""
        ready = wait(list(self._at_work))
        for pipe in [pipe for pipe in self._at_work if pipe in ready]:
            worker, number, item = self._at_work[pipe]
            try:
                kind, content = pipe.recv()
            except (EOFError, OSError):
                del self._at_work[pipe]
                yield Outcome(number, item, None, self._death_of(worker, item))
                continue
            if kind == "progress":
                self._heard(content)
                continue
            del self._at_work[pipe]
            self._idle.append(worker)
            yield Outcome(number, item, content, None) if kind == "result" else Outcome(number, item, None, content)

    def _death_of(self, worker: _Worker, item: T) -> WorkerDiedError:
        worker.process.join()
        worker.pipe.close()
        code = worker.process.exitcode or 0
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return WorkerDiedError(
            f"the process that worked on {self._name(item)} {how}, as happens where memory runs out: run the same "
            f"command again, with fewer {self._setting} if need be; what is finished is kept"
        )


def _start(make: Make[Any, Any], n_workers: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with _threads_of_workers(n_workers):
        process = context.Process(target=_work, args=(theirs, make), daemon=True)
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _threads_of_workers(n_workers: int) -> Iterator[None]:
    """Processes started inside compute with their share of the cores: the libraries read this when they load."""
    threads = str(max(1, n_cores() // n_workers))
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, threads))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _work(pipe: Connection, make: Make[Any, Any]) -> None:
    """A worker: computes items as they come, until the caller ends it or dies itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller hears the key, too, and ends its workers
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    job: Job[Any, Any] | None = None
    while True:
        item = pipe.recv()
        try:
            job = job or make()
            pipe.send(("result", job(item, lambda content: pipe.send(("progress", content)))))
        except ProtSAEError as error:
            pipe.send(("error", error))
        except Exception:  # noqa: BLE001 - the caller judges it; not every exception can travel, its traceback can
            pipe.send(("error", JobError(traceback.format_exc())))


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
