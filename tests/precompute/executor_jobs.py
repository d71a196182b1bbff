"""Jobs that test_executors.py sends to other processes, which import them by name."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protsae.errors import InputError

Job = Callable[[Any, Callable[[Any], None]], Any]


def squares() -> Job:
    """Later items are done sooner."""

    def job(item: int, emit: Callable[[Any], None]) -> int:
        time.sleep(0.02 * (4 - item % 5))
        emit(item)
        return item * item

    return job


def process_ids() -> Job:
    """What was made once serves all items of a process."""
    made = [os.getpid()]

    def job(_item: int, _emit: Callable[[Any], None]) -> tuple[int, int]:
        made.append(0)
        return made[0], len(made)

    return job


def troubles() -> Job:
    """Ends as the item says."""

    def job(item: str, _emit: Callable[[Any], None]) -> object:
        if item == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if item == "exits":
            os._exit(3)
        if item == "mistake":
            raise InputError("the file is empty; give another")
        if item == "fault":
            raise ZeroDivisionError("our own")
        if item == "unpicklable":
            return lambda: None
        if item == "bound":
            return threading.Lock()
        return item

    return job


def dies_once() -> Job:
    """Each item leaves a file for every time that it was begun; the item b takes its process with it the first time."""

    def job(item: tuple[str, str], _emit: Callable[[Any], None]) -> str:
        folder, name = item
        times = len(list(Path(folder).glob(f"{name}-*")))
        (Path(folder) / f"{name}-{times}").touch()
        if name == "b" and times == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return name

    return job


def leaves_a_file() -> Job:
    """Each item takes a moment and leaves a file; one is a mistake."""

    def job(item: tuple[str, str], _emit: Callable[[Any], None]) -> None:
        folder, name = item
        if name == "mistake":
            raise InputError("the file is empty; give another")
        time.sleep(0.2)
        (Path(folder) / name).touch()

    return job


def refuses() -> Job:
    """Cannot be made."""
    raise InputError("no such model; give another")


def threads() -> Job:
    """What the libraries will read."""
    return lambda _item, _emit: os.environ["OMP_NUM_THREADS"]


def rows_that_die(settings: dict[str, Any]) -> Job:
    """Rows of an evaluation, of which some take their process with them."""
    Path(settings["bundle"]).with_name("seen").mkdir(exist_ok=True)

    def job(row: Any, emit: Callable[[Any], None]) -> None:
        emit(f"{row.name}: step 1")
        (Path(settings["bundle"]).with_name("seen") / row.method).touch()
        if row.method.startswith("killed"):
            os._exit(9)
        if row.method.startswith("mistaken"):
            raise InputError("a split holds no protein; give more")
        if row.method.startswith("faulty"):
            raise ZeroDivisionError

    return job


def work_and_die(pipe: Any, _make: Callable[[], Job]) -> None:
    """A worker that takes an item and is lost with it."""
    pipe.recv()
    os._exit(7)
