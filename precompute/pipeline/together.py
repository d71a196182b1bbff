"""Several processes of this machine that train one SAE together, each with its share of the cores or a GPU of its own.

They run the same function, are joined by torch.distributed (`protsae/parallel`), and are watched as the workers of a
stage are (`executors.py`): where one dies the others end, too, and one sentence says which it was. On several machines
torchrun takes the place of this module.

Read `together`.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from tempfile import TemporaryDirectory
from typing import TypeVar, cast

from precompute.pipeline.executors import Emit, Job, Processes
from protsae.device import pick_device
from protsae.parallel.ranks import Ranks
from protsae.parallel.together import TIMEOUT, PeerLostError, Place, joined

R = TypeVar("R")


def together(
    n: int, device: str, job: Callable[[Ranks, Emit], R], heard: Emit, *, timeout: timedelta = TIMEOUT
) -> list[R]:
    """Run `job` in n processes that belong together; gives what each returns, the first process's first.

    Args:
        n: processes.
        device: auto, cpu or cuda.
        job: a function of a module or a `functools.partial` of one; it is pickled, as what it returns is.
        heard: takes what the job emits in the first process.
        timeout: after which a process that waits for the others gives up.

    Raises:
        ConfigError: there is no core or GPU for each.
        WorkerDiedError: a process died; the sentence says which.
        PeerLostError: a process did not answer in time.
        Exception: whatever the job has raised.
    """
    results: dict[int, R] = {}
    lost: PeerLostError | None = None
    numbers = iter(range(n))
    workers = Processes(n, setting="--train-processes")
    with (
        TemporaryDirectory() as folder,
        workers.session(
            partial(_member, job, n, device, f"file://{folder}/meeting", timeout),
            heard,
            lambda rank: f"share {rank + 1} of {n} of every batch",
        ) as session,
    ):
        for outcome in session.run(lambda: next(numbers, None)):
            error = outcome.error
            if error is None:
                results[outcome.item] = cast("R", outcome.result)
            elif isinstance(error, PeerLostError) and not error.timed_out:
                lost = error  # the one that was lost has died or tells its own error
            else:
                raise error
    if lost is not None:
        raise lost
    return [results[rank] for rank in range(n)]


def _member(job: Callable[[Ranks, Emit], R], n: int, device: str, meeting: str, timeout: timedelta) -> Job[int, R]:
    def work(rank: int, emit: Emit) -> R:
        with joined(Place(rank, n, rank, n), pick_device(device), meeting=meeting, timeout=timeout) as ranks:
            return job(ranks, emit if ranks.is_first else _unheard)

    return work


def _unheard(_: object) -> None:
    """Takes what only the first process is to say."""
