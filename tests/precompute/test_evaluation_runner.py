"""The schedule of an evaluation: what waits for what, and what a row that fails, or whose process dies, takes along."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import executor_jobs

from precompute.evaluation import estimate, hardware, runner
from precompute.evaluation.config import EvaluateConfig
from precompute.evaluation.rows import Row
from precompute.pipeline import executors


def row(method: str, *needs: str) -> Row:
    return Row("main", method, "topk", "", 0, 0, needs=tuple(f"main/{need}/all/seed 0" for need in needs))


class FakeResults:
    """Rows of which none is done."""

    def __init__(self, folder: Path, rows: list[Row]) -> None:
        self.rows, self._folder = rows, folder

    def read(self, _row: Row) -> None:
        return None

    def folder(self, row: Row) -> Path:
        return self._folder / row.slug


ROWS = [row("good"), row("killed"), row("needs killed", "killed"), row("mistaken"), row("faulty"), row("last", "good")]
"""The one that needs a row that dies comes right behind it."""


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_row_that_fails_loses_nothing_but_what_needs_it(
    n_workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = EvaluateConfig(bundle=tmp_path / "bundle")
    rows = [row for row in ROWS if n_workers > 1 or row.method != "killed"]
    monkeypatch.setattr(runner, "rows_elsewhere", executor_jobs.rows_that_die)
    monkeypatch.setattr(runner, "rows_here", lambda _: executor_jobs.rows_that_die({"bundle": str(config.bundle)}))
    lines: list[str] = []
    results: Any = FakeResults(tmp_path, rows)

    schedule = runner._Schedule(results, lines.append, n_workers)
    schedule.run(n_workers, config)

    failed = {name.split("/")[1]: reason for name, reason in schedule.failed.items()}
    assert failed["mistaken"] == "a split holds no protein; give more"
    assert failed["faulty"] == "ZeroDivisionError"
    assert "Traceback" in (tmp_path / row("faulty").slug / "failure.txt").read_text()
    if n_workers > 1:
        assert failed["needs killed"] == "needs main/killed/all/seed 0"
        assert "the process that worked on main/killed/all/seed 0 ended with exit code 9" in failed["killed"]
    assert set(failed) == {"mistaken", "faulty"} | ({"killed", "needs killed"} if n_workers > 1 else set())
    seen = {path.name for path in (tmp_path / "seen").iterdir()}
    assert seen == {row.method for row in rows} - ({"needs killed"} if n_workers > 1 else set())
    assert "main/good/all/seed 0: step 1" in lines
    assert sum("done; " in line and " rows, " in line for line in lines) == len(rows) - len(failed)


def test_the_time_left_follows_what_rows_of_the_same_kind_took() -> None:
    probe = row("probe")._replace(kind="probe")
    taken = {row("a"): 10.0, row("a")._replace(seed=1): 30.0, row("b"): 100.0, probe: 2.0}

    assert estimate.seconds_left([row("a")._replace(seed=2)], taken, 1) == 20
    assert estimate.seconds_left([row("c")], taken, 1) == pytest.approx(140 / 3)
    assert estimate.seconds_left([probe._replace(method="other")], taken, 1) == 2
    assert estimate.seconds_left([row("c")._replace(kind="relu")], taken, 2) == pytest.approx(142 / 8)
    assert estimate.seconds_left([row("a")], {}, 1) is None
    assert estimate.account(5, [row("a")], taken, 1) == "5 rows, 4 done, 1 to do: about 20 s left"
    assert estimate.account(5, [row("a")], {}, 1) == "5 rows, 4 done, 1 to do: the time is told after the first"
    assert estimate.account(5, [], taken, 1) == "5 rows, 5 done"


def test_the_report_stands_beside_its_bundle_unless_told_otherwise(tmp_path: Path) -> None:
    assert EvaluateConfig(bundle=tmp_path / "mine").page == tmp_path / "mine.results.md"
    assert EvaluateConfig(bundle=tmp_path / "mine", report=tmp_path / "r.md").page == tmp_path / "r.md"


def test_every_core_count_is_portable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert executors.n_cores() >= 1
    assert f"{executors.n_cores()} cores" in hardware.describe("cpu")
