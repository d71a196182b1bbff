"""Runs the rows of an evaluation, in worker processes side by side, and goes on where an earlier run stopped.

A free worker takes the first row that is not done, not taken, and whose needs are done. A row that fails, or whose
process dies, is named at the end and loses nothing but itself and what needs it.

Read `evaluate`, then `_Schedule`.
"""

import time
import traceback
from dataclasses import asdict
from functools import partial
from typing import NamedTuple

from precompute.evaluation.config import EvaluateConfig
from precompute.evaluation.context import Context
from precompute.evaluation.estimate import account
from precompute.evaluation.report import write_report
from precompute.evaluation.rows import Row
from precompute.evaluation.store import Results, put_into_bundle
from precompute.evaluation.worker import rows_elsewhere, rows_here
from precompute.pipeline.executors import JobError, executor_of
from precompute.pipeline.finished import read_run
from precompute.pipeline.progress import Console, Report, duration
from protsae.bundle.layout import PLM
from protsae.errors import InputError, ProtSAEError
from protsae.files import locked
from protsae.plm.spec import PLMSpec


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
        InputError: its work folder is missing or holds another model's states, no term guides, or rows have failed
            (raised after all else is written).
    """
    run = read_run(config.bundle, "the evaluation")
    config.folder.mkdir(parents=True, exist_ok=True)
    with locked(config.folder):
        context = Context(config, run)
        _check_states(context)
        results = Results(config, context)
        _check_plan(results)
        if config.dry:
            _show(results, console)
            return Outcome(len(results.rows), 0, ())
        with console.stage("evaluate") as report:
            started = time.monotonic()
            schedule = _Schedule(results, report, config.n_workers)
            report(schedule.account())
            if n_told := sum(map(results.is_told, results.rows)):
                report(f"{n_told} of them as the bundle's own evaluation tells; --afresh computes them here")
            n_run = schedule.n_open
            if n_run:
                schedule.run(min(n_run, config.n_workers), config)
        table = results.table()
        put_into_bundle(results, table)
        write_report(results, table)
    console.say(f"{n_run} rows in {duration(time.monotonic() - started)}; report: {config.page}")
    if schedule.failed:
        failures = "; ".join(f"{name}: {reason}" for name, reason in schedule.failed.items())
        raise InputError(
            f"{len(schedule.failed)} of {len(results.rows)} rows failed: {failures}; the others are kept, each failure "
            f"stands in full in failure.txt under {config.folder}"
        )
    return Outcome(len(results.rows), n_run, tuple(schedule.failed))


class _Schedule:
    """Which rows are open, taken, done, failed."""

    def __init__(self, results: Results, report: Report, n_workers: int) -> None:
        self._results, self._report, self._n_workers = results, report, n_workers
        found = {row: results.read(row) for row in results.rows}
        self._seconds = {row: float(result["seconds"]) for row, result in found.items() if result is not None}
        self._open = [row for row, result in found.items() if result is None]
        self._taken: dict[str, Row] = {}
        self.n_open = len(self._open)
        self.failed: dict[str, str] = {}

    def account(self) -> str:
        """Rows in all, what is done, and how long the rest will take."""
        to_do = [*self._taken.values(), *self._open]
        return account(len(self._results.rows) - len(self.failed), to_do, self._seconds, self._n_workers)

    def run(self, n_workers: int, config: EvaluateConfig) -> None:
        """Run all open rows."""
        here = n_workers == 1
        make = partial(rows_here, self._results) if here else partial(rows_elsewhere, asdict(config))
        with executor_of(n_workers).session(make, self._report, lambda row: row.name) as session:
            for outcome in session.run(self._next):
                self._finish(outcome.item, outcome.error)

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

    def _finish(self, row: Row, error: Exception | None) -> None:
        del self._taken[row.name]
        if error is None:
            result = self._results.read(row)
            self._seconds |= {} if result is None else {row: float(result["seconds"])}
            self._report(f"{row.name}: done; {self.account()}")
        else:
            failure = _in_full(error)
            folder = self._results.folder(row)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "failure.txt").write_text(failure + "\n", encoding="utf-8")
            last = failure.strip().splitlines()[-1]
            self.failed[row.name] = last
            self._report(f"{row.name}: failed, {last}")


def _in_full(error: Exception) -> str:
    """A mistake's sentence, or the traceback of a fault, which ends in what went wrong."""
    if isinstance(error, (ProtSAEError, JobError)):
        return str(error)
    return "".join(traceback.format_exception(error))


def _check_states(context: Context) -> None:
    """Refuse states of another language model, layer or site than the bundle's."""
    spec = PLMSpec.read(context.config.bundle / PLM)
    embedded = (context.embed_plan or {}).get("plm", {})
    own = {"weights_sha256": spec.weights_sha256, "layer": spec.layer, "site": spec.site}
    other = [
        f"{name} {embedded.get(name)!r}, not {value!r}" for name, value in own.items() if embedded.get(name) != value
    ]
    if other:
        raise InputError(
            f"{context.run.work} holds states of another model than {context.config.bundle} has ({', '.join(other)}); "
            "run `precompute stage embed` again with the bundle as --plm and its layer and site"
        )


def _check_plan(results: Results) -> None:
    if not results.every:
        names = ", ".join(results.config.namespaces)
        least = results.context.run.min_term_proteins
        raise InputError(f"no term of {names} is carried by {least} training proteins, so nothing can be evaluated")
    if not results.rows:
        raise InputError(f"no row's name begins with {results.config.only!r}; `--dry` lists the names")


def _show(results: Results, console: Console) -> None:
    for row in results.rows:
        console.say(f"{'done' if results.read(row) else 'open'}  {row.name}")
    console.say(_Schedule(results, console.say, results.config.n_workers).account())
