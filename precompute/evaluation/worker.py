"""Computes rows, in this process or in another: a pure function of one row, whose result it keeps.

Read `compute_row`. `rows_here` and `rows_elsewhere` make jobs of it for `precompute/pipeline/executors.py`.
"""

import time
from collections.abc import Mapping
from typing import Any

from precompute.evaluation.config import EvaluateConfig
from precompute.evaluation.context import Context
from precompute.evaluation.rows import Row
from precompute.evaluation.scoring import run_row
from precompute.evaluation.store import Results
from precompute.pipeline.executors import Emit, Job
from precompute.pipeline.finished import read_run


def compute_row(results: Results, row: Row, emit: Emit) -> None:
    """Compute a row and keep its result.

    Args:
        results: where the rows it needs are done.
        row: what to compute.
        emit: takes lines of progress.

    Raises:
        ProtSAEError: the user's data or settings do not allow it.
    """
    started = time.monotonic()
    folder = results.folder(row)
    scored = run_row(results.context, row, results.k_of(row), folder / "sae", emit)
    results.write(row, scored, time.monotonic() - started)
    (folder / "failure.txt").unlink(missing_ok=True)


def rows_here(results: Results) -> Job[Row, None]:
    """A job that shares what the caller has read."""
    return lambda row, emit: compute_row(results, row, emit)


def rows_elsewhere(settings: Mapping[str, Any]) -> Job[Row, None]:
    """A job that reads everything itself, from the settings of an `EvaluateConfig`."""
    config = EvaluateConfig(**settings)
    return rows_here(Results(config, Context(config, read_run(config.bundle, "the evaluation"))))
