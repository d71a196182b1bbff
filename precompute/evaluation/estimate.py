"""How long the open rows of an evaluation will take, from what the finished ones took.

Read `seconds_left`.
"""

from collections.abc import Iterable, Mapping
from statistics import fmean

from precompute.evaluation.rows import Row
from precompute.pipeline.progress import duration


def seconds_left(open_rows: Iterable[Row], taken: Mapping[Row, float], n_workers: int) -> float | None:
    """Seconds until the open rows are done; None where no row has been measured.

    A row is expected to take the mean of the finished rows of its kind and method, else of its kind, else of all.

    Args:
        open_rows: those to come.
        taken: finished row -> seconds that it took, whichever run did it.
        n_workers: rows at a time.
    """
    if not taken:
        return None
    total = 0.0
    for row in open_rows:
        of_kind = {done: seconds for done, seconds in taken.items() if done.kind == row.kind}
        of_method = [seconds for done, seconds in of_kind.items() if done.method == row.method]
        total += fmean(of_method or of_kind.values() or taken.values())
    return total / max(1, n_workers)


def account(n_rows: int, open_rows: list[Row], taken: Mapping[Row, float], n_workers: int) -> str:
    """Rows in all, what is done, and the time that the rest will take, in one line."""
    done = f"{n_rows:,} rows, {n_rows - len(open_rows):,} done"
    if not open_rows:
        return done
    left = seconds_left(open_rows, taken, n_workers)
    time = "the time is told after the first" if left is None else f"about {duration(left)} left"
    return f"{done}, {len(open_rows):,} to do: {time}"
