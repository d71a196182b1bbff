"""Progress of a stage, as lines of text: what is done, of how much, how fast, how long still.

Stages know only `report`, a function that takes one line. A plain line stays; a `Transient` one, as `Meter` makes them
at most once a second, stands beside a spinner on a terminal until the next comes, and elsewhere (a log file) is printed
every ten seconds.

Read `Meter` first.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, Self

import psutil
import rich.console
from rich.markup import escape
from rich.table import Table

Report = Callable[[str], None]


class Transient(str):
    """A line of progress that the next one replaces."""

    __slots__ = ()


class Meter:
    """Counts units of work and reports rate and time left."""

    def __init__(self, report: Report, what: str, total: int, *, unit: str = "residues", every_s: float = 1.0) -> None:
        """Start the clock.

        Args:
            report: takes one line at a time.
            what: begins each line, e.g. "embed".
            total: units in all.
            unit: plural noun of what is counted.
            every_s: least seconds between two lines.
        """
        self._report, self._what, self._total, self._unit, self._every_s = report, what, total, unit, every_s
        self._start = self._last = time.monotonic()
        self._done = self._skipped = 0

    def skip(self, n: int) -> None:
        """Count `n` units that an earlier run has done: they do not enter the rate."""
        self._skipped += n

    def advance(self, n: int) -> None:
        """Count `n` more units as done."""
        self._done += n
        now = time.monotonic()
        if now - self._last >= self._every_s:
            self._last = now
            self._report(Transient(self.line(now)))

    def line(self, now: float) -> str:
        """The line as it stands at `now` (seconds of the monotonic clock)."""
        rate = self._done / max(1e-9, now - self._start)
        done = self._done + self._skipped
        left = f"{duration((self._total - done) / rate)} left" if rate > 0 else "waiting"
        return f"{self._what}: {done:,} of {self._total:,} {self._unit}, {rate:,.0f}/s, {left}"


def duration(seconds: float) -> str:
    """Seconds as people read them: 42 s, 3 min 20 s, 2 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class StageRecord(NamedTuple):
    """What one stage took and made."""

    stage: str
    wall_s: float
    """Seconds by the clock; those of the run that did the work."""

    peak_rss_mb: float
    """Largest resident memory of the process during the stage, MB of 10^6 bytes."""

    numbers: Mapping[str, int | float | str]
    """What the stage counts about itself."""

    was_done: bool
    """An earlier run did it."""


class PeakMemory:
    """Largest resident memory of this process while the context is open, sampled twenty times a second."""

    def __enter__(self) -> Self:
        self._process = psutil.Process()
        self.peak_mb = self._now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.peak_mb = max(self.peak_mb, self._now())

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.peak_mb = max(self.peak_mb, self._now())

    def _now(self) -> float:
        return self._process.memory_info().rss / 1e6


class Console:
    """Shows progress and the final table on standard error; standard output stays free."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._console = rich.console.Console(stderr=True, quiet=quiet, highlight=False)
        self._last = float("-inf")

    def say(self, text: str) -> None:
        """Print one line that stays."""
        self._console.print(text, markup=False)

    @contextmanager
    def stage(self, title: str) -> Iterator[Report]:
        """Show what runs; gives the `report` function of the stage."""
        if not self._console.is_terminal:
            self.say(f"{title} ...")
            yield self._log
            return
        with self._console.status(title) as status:
            yield lambda text: status.update(escape(text)) if isinstance(text, Transient) else self.say(f"  {text}")

    def summary(self, records: list[StageRecord]) -> None:
        """Print one row per stage: seconds, peak memory, numbers."""
        table = Table(title="precompute")
        table.add_column("stage", overflow="fold")
        table.add_column("wall s", justify="right")
        table.add_column("peak MB", justify="right")
        table.add_column("numbers", overflow="fold")
        for record in records:
            numbers = ", ".join(f"{key} {_number(value)}" for key, value in record.numbers.items())
            name = f"{record.stage} (already done)" if record.was_done else record.stage
            table.add_row(name, f"{record.wall_s:,.1f}", f"{record.peak_rss_mb:,.0f}", numbers)
        total = sum(record.wall_s for record in records if not record.was_done)
        table.add_section()
        table.add_row("in all", f"{total:,.1f}", f"{max((r.peak_rss_mb for r in records), default=0):,.0f}", "")
        self._console.print(table)

    def _log(self, text: str) -> None:
        now = time.monotonic()
        if not isinstance(text, Transient):
            self.say(f"  {text}")
        elif now - self._last >= 10:
            self._last = now
            self.say(f"  {text}")


def _number(value: float | str) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else value
