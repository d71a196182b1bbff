"""Any number of workers comes to the same results, and a worker that is killed is named, never passed over."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import executor_jobs
import numpy as np
import pandas as pd
import pytest

from precompute.__main__ import main
from precompute.pipeline import executors
from protsae.shards import ShardReader

FAR = ("proteins", "embed", "train", "activations", "structures")


def stage(tiny_arguments: Callable, out: Path, name: str, workers: int) -> int:
    return main(["stage", name, "--quiet", "--force", *tiny_arguments(out), "--workers", str(workers)])


def test_statistics_are_the_same_to_the_last_bit(
    tiny_arguments: Callable, finished_run: Path, copy_run: Callable, tmp_path: Path
) -> None:
    out = copy_run(tmp_path, FAR)
    assert stage(tiny_arguments, out, "statistics", 2) == 0

    one, two = (run.with_name("bundle.work") / "statistics" for run in (finished_run, out))
    for name in ("feature_stats", "sae"):
        expected, found = (pd.read_parquet(folder / f"{name}.parquet") for folder in (one, two))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    for path in one.glob("*.npz"):
        with np.load(path) as expected, np.load(two / path.name) as found:
            assert all(np.array_equal(expected[key], found[key]) for key in expected.files)


def test_examples_are_the_same_to_the_last_bit(
    tiny_arguments: Callable, finished_run: Path, copy_run: Callable, tmp_path: Path
) -> None:
    out = copy_run(tmp_path, (*FAR, "statistics", "associate"))
    assert stage(tiny_arguments, out, "examples", 2) == 0

    one, two = (run.with_name("bundle.work") / "examples" for run in (finished_run, out))
    for name in ("example", "example_band"):
        expected, found = (pd.read_parquet(folder / f"{name}.parquet") for folder in (one, two))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_killed_worker_names_its_shard_and_the_same_command_goes_on(
    tiny_arguments: Callable,
    copy_run: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = copy_run(tmp_path, ("proteins",))
    with monkeypatch.context() as patched:
        patched.setattr(executors, "_work", executor_jobs.work_and_die)
        assert stage(tiny_arguments, out, "embed", 2) == 2
    error = capsys.readouterr().err
    assert re.search(r"the process that worked on shard \d ended with exit code 7", error)
    assert error.count("\n") == 1
    assert not (out.with_name("bundle.work") / "embed" / "done.json").exists()

    assert main(["stage", "embed", "--quiet", *tiny_arguments(out)]) == 0
    assert len(ShardReader(out.with_name("bundle.work") / "embed")) == 60
