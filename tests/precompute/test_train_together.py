"""The stage train in several processes: started by the run itself, and by torchrun; what cannot work is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import executor_jobs
import pytest
import torch
from safetensors.torch import load_file

from precompute.__main__ import main
from precompute.config import RunConfig
from precompute.launched import lead
from precompute.options import build
from precompute.pipeline import executors
from precompute.pipeline.progress import Console
from protsae.errors import InputError
from protsae.files import read_json
from protsae.parallel.ranks import Ranks

FAR = ("proteins", "embed")
SAES = ("protsae", "vanilla")


def weights(out: Path) -> dict[str, torch.Tensor]:
    """Of both SAEs."""
    train = out.with_name("bundle.work") / "train"
    found = {name: load_file(train / name / "sae.safetensors") for name in SAES}
    return {f"{name} {key}": value for name in SAES for key, value in found[name].items()}


def result(out: Path) -> list[dict]:
    """What the stage tells of its trainings, but for how long they took."""
    found = json.loads((out.with_name("bundle.work") / "train" / "result.json").read_text())["trainings"]
    return [{name: value for name, value in row.items() if name not in {"seconds", "validation"}} for row in found]


@pytest.fixture(scope="module")
def two(tiny_arguments: Callable, copy_run: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run, its SAEs trained by two processes."""
    out = copy_run(tmp_path_factory.mktemp("two"), FAR)
    assert main(["stage", "train", "--quiet", *tiny_arguments(out), "--train-processes", "2"]) == 0
    return out


def test_two_processes_train_what_one_trains(finished_run: Path, two: Path) -> None:
    one, found = weights(finished_run), weights(two)

    assert found.keys() == one.keys()
    for name, value in one.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-3, msg=name)
    for row, expected in zip(result(two), result(finished_run), strict=True):
        assert row | {"l0": 0} == expected | {"l0": 0}
        assert row["l0"] == pytest.approx(expected["l0"], rel=1e-3)
    assert not list(two.with_name("bundle.work").glob("train/*/checkpoint.pt"))


def test_the_next_stage_takes_what_two_trained(two: Path, tiny_arguments: Callable) -> None:
    done = two.with_name("bundle.work") / "train" / "done.json"
    before = done.read_bytes()

    assert main(["stage", "train", "--quiet", *tiny_arguments(two)]) == 0  # by one process, which finds it done
    assert done.read_bytes() == before
    assert main(["stage", "activations", "--quiet", *tiny_arguments(two)]) == 0


def test_torchrun_trains_the_same(two: Path, tiny_arguments: Callable, copy_run: Callable, tmp_path: Path) -> None:
    out = copy_run(tmp_path, FAR)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "precompute", "stage", "train", *tiny_arguments(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, check=False, timeout=300, env=environment, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("train ...") == 1  # the first process alone reports
    for name, value in weights(two).items():
        torch.testing.assert_close(weights(out)[name], value, rtol=1e-3, atol=1e-3, msg=name)
    record = read_json(out.with_name("bundle.work") / "train" / "done.json")
    assert record is not None
    assert record["numbers"]["k vanilla"] == result(two)[1]["k"]


class Speaking(Ranks):
    """A first process that notes what it tells the others."""

    def __init__(self) -> None:
        self.said: list[Mapping[str, Any] | None] = []

    def told(self, content: Mapping[str, Any] | None) -> dict[str, Any] | None:
        self.said.append(content)
        return super().told(content)


def test_the_others_hear_whether_there_is_anything_to_do(
    two: Path, tiny_arguments: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [text.removeprefix("--").replace("-", "_") for text in tiny_arguments(two)[::2]]
    config = build(RunConfig, dict(zip(names, tiny_arguments(two)[1::2], strict=True)))
    first = Speaking()
    with pytest.raises(InputError, match="stage train needs stage proteins, which is not done"):
        lead(first, replace(config, out=tmp_path / "bundle"), Console(quiet=True), force=False)
    lead(first, config, Console(), force=False)

    assert first.said == [{"needed": False}, {"needed": False}]
    assert "train: already done" in capsys.readouterr().err


def test_a_process_that_dies_is_one_sentence(
    tiny_arguments: Callable,
    copy_run: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = copy_run(tmp_path, FAR)
    monkeypatch.setattr(executors, "_work", executor_jobs.work_and_die)

    assert main(["stage", "train", "--quiet", *tiny_arguments(out), "--train-processes", "2"]) == 2
    error = capsys.readouterr().err
    assert "of 2 of every batch ended with exit code 7" in error
    assert "with fewer --train-processes if need be; what is finished is kept" in error
    assert error.count("\n") == 1
    assert not (out.with_name("bundle.work") / "train" / "done.json").exists()


@pytest.fixture
def settings(tiny_arguments: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Flags of a run that is to be refused, on a machine without a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return ["--quiet", *tiny_arguments(tmp_path / "bundle")]


@pytest.fixture
def started_by_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the first of two processes."""
    told = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
    for name, value in {**told, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--train-processes", "0"), "train_processes must be at least 1, got 0"),
        (("--train-processes", "300"), "for each process, got train_processes=300 and batch_size=256"),
        (("--train-processes", "250"), "250 training processes are more than the "),
        (("--train-processes", "2", "--device", "cuda:1"), "This machine has no CUDA device"),
    ],
)
def test_processes_that_cannot_work_are_refused(
    flags: tuple[str, ...], sentence: str, settings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *settings, *flags]) == 2
    assert sentence in capsys.readouterr().err
    assert not Path(settings[settings.index("--out") + 1]).with_name("bundle.work").exists()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("run",), "torchrun has started 2 processes of `run`, and only `stage train` can use them"),
        (("stage", "embed"), "torchrun has started 2 processes of `stage embed`, and only `stage train` can use them"),
        (("stage", "train", "--train-processes", "2"), "2 processes; leave --train-processes 2 out"),
    ],
)
@pytest.mark.usefixtures("started_by_torchrun")
def test_what_torchrun_must_not_start_is_refused(
    command: tuple[str, ...], sentence: str, settings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *settings]) == 2
    assert sentence in capsys.readouterr().err
