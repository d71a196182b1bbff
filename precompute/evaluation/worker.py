"""A worker process: takes rows by name, computes them, says what it does.

Read `work`, then `run_one`.
"""

import os
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from precompute.evaluation.config import EvaluateConfig, read_run
from precompute.evaluation.context import Context
from precompute.evaluation.rows import Row
from precompute.evaluation.scoring import run_row
from precompute.evaluation.store import Results
from precompute.pipeline.progress import Report
from protsae.errors import ProtSAEError


class Message(NamedTuple):
    """What a worker tells."""

    worker: int
    kind: Literal["line", "end"]
    text: str
    """A line of progress; at the end of a row '' or why it failed."""


def run_one(results: Results, row: Row, report: Report) -> str | None:
    """Compute a row and keep its result; gives why it failed, None where it did not."""
    started = time.monotonic()
    folder = results.folder(row)
    try:
        k = results.k_of(row)
        scored = run_row(results.context, row, k, folder / "sae", report)
        results.write(row, scored, time.monotonic() - started)
    except ProtSAEError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - one row must not lose the others; its traceback is kept
        return traceback.format_exc()
    (folder / "failure.txt").unlink(missing_ok=True)
    return None


def work(number: int, settings: Mapping[str, Any], inbox: Any, messages: Any) -> None:
    """Compute rows as they come, until the parent ends this process or dies itself."""
    parent = os.getppid()
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    config = EvaluateConfig(**settings)
    results = Results(config, Context(config, read_run(config)))

    def report(line: str) -> None:
        messages.put(Message(number, "line", line))

    while True:
        failure = run_one(results, results.by_name[inbox.get()], report)
        messages.put(Message(number, "end", failure or ""))


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
