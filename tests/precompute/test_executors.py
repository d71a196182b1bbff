"""Executors: results in order, progress, errors that name their item, and workers that die."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import executor_jobs as jobs

from precompute.pipeline import executors
from precompute.pipeline.executors import (
    InProcess,
    JobError,
    Make,
    Outcome,
    Processes,
    WorkerDiedError,
    executor_of,
    in_order,
)
from protsae.errors import InputError

N_WORKERS = (1, 2, 3)


def mapped(n_workers: int, make: Make, items: list, heard: list | None = None) -> list:
    progress = [] if heard is None else heard
    with executor_of(n_workers).session(make, progress.append, lambda item: f"item {item}") as session:
        return list(in_order(session, items))


def outcomes(n_workers: int, make: Make, items: list) -> list[Outcome]:
    waiting = iter(items)
    with executor_of(n_workers).session(make, lambda _: None, lambda item: f"item {item}") as session:
        return sorted(session.run(lambda: next(waiting, None)), key=lambda outcome: outcome.number)


@pytest.mark.parametrize("n_workers", N_WORKERS)
def test_results_come_in_order_and_progress_is_heard(n_workers: int) -> None:
    heard: list[int] = []
    assert mapped(n_workers, jobs.squares, list(range(9)), heard) == [i * i for i in range(9)]
    assert sorted(heard) == list(range(9))
    assert mapped(n_workers, jobs.squares, []) == []
    assert mapped(n_workers, jobs.squares, [2, 2, 2]) == [4, 4, 4]


@pytest.mark.parametrize("n_workers", N_WORKERS)
def test_a_job_is_made_once_in_every_worker(n_workers: int) -> None:
    found = mapped(n_workers, jobs.process_ids, list(range(8)))

    by_process: dict[int, list[int]] = {}
    for process, count in found:
        by_process.setdefault(process, []).append(count)
    assert 1 <= len(by_process) <= n_workers
    assert all(counts == list(range(2, len(counts) + 2)) for counts in by_process.values())
    assert (os.getpid() in by_process) == (n_workers == 1)


@pytest.mark.parametrize(("item", "how"), [("killed", "was ended by signal 9"), ("exits", "ended with exit code 3")])
def test_a_worker_that_dies_is_an_error_that_names_its_item(item: str, how: str) -> None:
    if item == "killed" and os.name != "posix":
        pytest.skip("only POSIX has signals")
    found = outcomes(2, jobs.troubles, ["a", item, "b", "c", item, "d"])

    assert [outcome.result for outcome in found] == ["a", None, "b", "c", None, "d"]
    for outcome in (found[1], found[4]):
        assert isinstance(outcome.error, WorkerDiedError)
        assert f"the process that worked on item {item} {how}" in str(outcome.error)
    with pytest.raises(WorkerDiedError, match=f"item {item}"):
        mapped(2, jobs.troubles, ["a", item, "b"])


@pytest.mark.parametrize("n_workers", N_WORKERS)
def test_a_mistake_stays_a_mistake_and_loses_nothing_but_its_item(n_workers: int) -> None:
    found = outcomes(n_workers, jobs.troubles, ["a", "mistake", "b"])

    assert [outcome.result for outcome in found] == ["a", None, "b"]
    assert str(found[1].error) == "the file is empty; give another"
    with pytest.raises(InputError, match="the file is empty"):
        mapped(n_workers, jobs.troubles, ["a", "mistake"])


def test_our_own_faults_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        mapped(1, jobs.troubles, ["fault"])
    with pytest.raises(JobError, match=r"(?s)executor_jobs.py.*ZeroDivisionError: our own"):
        mapped(2, jobs.troubles, ["fault"])
    with pytest.raises(JobError, match=r"(?s)pickle"):
        mapped(2, jobs.troubles, ["unpicklable"])


@pytest.mark.parametrize("n_workers", N_WORKERS)
def test_a_job_that_cannot_be_made_is_an_error(n_workers: int) -> None:
    with pytest.raises(InputError, match="no such model"):
        mapped(n_workers, jobs.refuses, [1, 2])


def test_items_may_depend_on_outcomes() -> None:
    for executor in (InProcess(), Processes(2)):
        ready, done = [1], []
        with executor.session(jobs.squares, lambda _: None, str) as session:
            for outcome in session.run(lambda ready=ready: ready.pop() if ready else None):
                done.append(outcome.result)
                ready += [2, 3] if outcome.item == 1 else []
        assert sorted(done) == [1, 4, 9]


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "n_cores", lambda: 7)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")

    assert mapped(2, jobs.threads, [1]) == ["3"]
    assert os.environ["OMP_NUM_THREADS"] == "5"


def test_no_process_outlives_its_session() -> None:
    with pytest.raises(InputError):
        mapped(3, jobs.troubles, ["a", "b", "mistake", "c"])

    own = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    assert own == []


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has SIGKILL")
def test_workers_leave_when_the_caller_is_killed() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import executor_jobs as jobs\n"
        "from precompute.pipeline.executors import Processes, in_order\n"
        "if __name__ == '__main__':\n"
        "    with Processes(2).session(jobs.process_ids, print, str) as session:\n"
        "        print([pid for pid, _ in in_order(session, [1, 2])], flush=True)\n"
        "        sys.stdin.read()\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    workers = [int(pid) for pid in caller.stdout.readline().strip("[]\n").split(",")]
    caller.send_signal(signal.SIGKILL)
    caller.wait()

    deadline = time.monotonic() + 60
    while any(psutil.pid_exists(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if psutil.pid_exists(pid)]
