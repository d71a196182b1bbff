"""Runs the rows of an evaluation, in worker processes side by side, and goes on where an earlier run stopped.

Workers are spawned, each with its share of the cores; they take the first row that is not done, not taken, and whose
needs are done. A row that fails is told at the end and loses nothing but itself and what needs it.

Read `evaluate`, then `_Schedule`.
"""

import multiprocessing
import os
import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, NamedTuple

from precompute.evaluation.config import EvaluateConfig, read_run
from precompute.evaluation.context import Context
from precompute.evaluation.report import write_report
from precompute.evaluation.rows import Row
from precompute.evaluation.store import Results, write_bundle
from precompute.evaluation.worker import Message, run_one, work
from precompute.pipeline.progress import Console, Meter, Report, Transient, duration
from protsae.errors import InputError
from protsae.files import locked

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class Outcome(NamedTuple):
    """What an evaluation has come to."""

    n_rows: int
    n_run: int
    """Rows that were computed now; the others were done."""

    failed: tuple[str, ...]


def evaluate(config: EvaluateConfig, console: Console) -> Outcome:
    """Run every row that is not done, then write the bundle's table and the report.

    Raises:
        BundleError: there is no bundle.
        InputError: its work folder is missing, no term guides, or rows have failed (told after all else is written).
    """
    run = read_run(config)
    config.folder.mkdir(parents=True, exist_ok=True)
    with locked(config.folder):
        context = Context(config, run)
        results = Results(config, context)
        _check_plan(results)
        if config.dry:
            _show(results, console)
            return Outcome(len(results.rows), 0, ())
        with console.stage("evaluate") as report:
            started = time.monotonic()
            schedule = _Schedule(results, report)
            n_run = schedule.n_open
            schedule.run(_n_workers(config, n_run), config)
        table = results.table()
        write_bundle(config.bundle, table)
        write_report(results, table)
    console.say(f"{n_run} rows in {duration(time.monotonic() - started)}; report: {config.report}")
    if schedule.failed:
        told = "; ".join(f"{name}: {reason}" for name, reason in schedule.failed.items())
        msg = (
            f"{len(schedule.failed)} of {len(results.rows)} rows failed: {told}; the others are "
            f"kept, each failure is told in full in failure.txt under {config.folder}"
        )
        raise InputError(msg)
    return Outcome(len(results.rows), n_run, tuple(schedule.failed))


class _Schedule:
    """Which rows are open, taken, done, failed."""

    def __init__(self, results: Results, report: Report) -> None:
        self._results, self._report = results, report
        self._open = [row for row in results.rows if results.read(row) is None]
        self._taken: dict[str, Row] = {}
        self.n_open = len(self._open)
        self.failed: dict[str, str] = {}
        self._meter = Meter(report, "evaluate", len(results.rows), unit="rows", every_s=0)
        self._meter.skip(len(results.rows) - len(self._open))

    def run(self, n_workers: int, config: EvaluateConfig) -> None:
        """Run all open rows."""
        if n_workers == 1:
            while (row := self._next()) is not None:
                self._finish(row, run_one(self._results, row, self._report))
        elif n_workers > 1:
            self._run_side_by_side(n_workers, config)

    def _run_side_by_side(self, n_workers: int, config: EvaluateConfig) -> None:
        spawn = multiprocessing.get_context("spawn")
        messages: Any = spawn.Queue()
        inboxes = [spawn.Queue() for _ in range(n_workers)]
        with _threads_of_workers(n_workers):
            workers = [
                spawn.Process(target=work, args=(number, asdict(config), inbox, messages), daemon=True)
                for number, inbox in enumerate(inboxes)
            ]
            for worker in workers:
                worker.start()
        idle, at_work = set(range(n_workers)), {}
        try:
            while self._open or at_work:
                for number in sorted(idle):
                    row = self._next()
                    if row is None:
                        break
                    idle.discard(number)
                    at_work[number] = row
                    inboxes[number].put(row.name)
                if not at_work:
                    break
                self._hear(messages, workers, idle, at_work)
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.join()

    def _hear(self, messages: Any, workers: Sequence[Any], idle: set[int], at_work: dict[int, Row]) -> None:
        """Take one message; a worker that has died fails its row."""
        try:
            message: Message = messages.get(timeout=1)
        except queue.Empty:
            for number, worker in enumerate(workers):
                if not worker.is_alive() and number in at_work:
                    self._finish(at_work.pop(number), f"its process ended with exit code {worker.exitcode}")
            return
        if message.kind == "line":
            self._report(Transient(message.text))
            return
        row = at_work.pop(message.worker)
        idle.add(message.worker)
        self._finish(row, message.text or None)

    def _next(self) -> Row | None:
        """The first open row whose needs are done; rows whose needs have failed are given up."""
        for row in list(self._open):
            broken = [name for name in row.needs if name in self.failed]
            if broken:
                self._open.remove(row)
                self.failed[row.name] = f"needs {broken[0]}"
                return self._next()
            waiting = {other.name for other in (*self._open, *self._taken.values())}
            if not waiting & set(row.needs):
                self._open.remove(row)
                self._taken[row.name] = row
                return row
        return None

    def _finish(self, row: Row, failure: str | None) -> None:
        del self._taken[row.name]
        self._meter.advance(1)
        if failure is None:
            self._report(f"{row.name}: done; {self._meter.line(time.monotonic())}")
        else:
            folder = self._results.folder(row)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "failure.txt").write_text(failure + "\n", encoding="utf-8")
            last = failure.strip().splitlines()[-1]
            self.failed[row.name] = last
            self._report(f"{row.name}: failed, {last}")


def _check_plan(results: Results) -> None:
    if not results.every:
        names = ", ".join(results.config.namespaces)
        least = results.context.run.min_term_proteins
        msg = f"no term of {names} is carried by {least} training proteins, so nothing can be evaluated"
        raise InputError(msg)
    if not results.rows:
        msg = f"no row's name begins with {results.config.only!r}; `--dry` lists the names"
        raise InputError(msg)


def _n_workers(config: EvaluateConfig, n_rows: int) -> int:
    return min(n_rows, config.workers or len(os.sched_getaffinity(0)))


@contextmanager
def _threads_of_workers(n_workers: int) -> Iterator[None]:
    """Processes started inside compute with their share of the cores: the libraries read this when they load."""
    threads = str(max(1, len(os.sched_getaffinity(0)) // n_workers))
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


def _show(results: Results, console: Console) -> None:
    for row in results.rows:
        console.say(f"{'done' if results.read(row) else 'open'}  {row.name}")
