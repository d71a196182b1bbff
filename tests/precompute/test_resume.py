"""The whole pipeline on the tiny world: from flags to a bundle, killed anywhere, the same in the end."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precompute.__main__ import main
from precompute.stages.order import STAGE_NAMES
from protsae.store.reader import StoreReader

BEFORE_TRAINING = ("proteins", "embed", "probe", "structures")


@pytest.fixture(scope="module")
def bundle(finished_run: Path) -> Path:
    return finished_run


def content(bundle: Path) -> dict[str, str]:
    """Hash of every file of a bundle except the store, whose bytes are DuckDB's business."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != "store.duckdb")
    return {
        str(path.relative_to(bundle)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "manifest.json"
    }


def tables(work: Path) -> dict[str, pd.DataFrame]:
    return {str(path.relative_to(work)): pd.read_parquet(path) for path in sorted(work.rglob("*.parquet"))}


def assert_same(first: Path, second: Path) -> None:
    assert content(first) == content(second)
    one, other = (tables(out.with_name("bundle.work")) for out in (first, second))
    assert one.keys() == other.keys()
    for name, table in one.items():
        pd.testing.assert_frame_equal(table, other[name], obj=name)


def test_the_bundle_is_complete_and_opens(bundle: Path) -> None:
    assert {path.name for path in bundle.iterdir()} >= {"store.duckdb", "plm.json", "manifest.json", "sae"}
    reader = StoreReader.open(bundle / "store.duckdb")
    names = [sae.name for sae in reader.saes()]
    assert names == ["protsae", "vanilla"]
    assert all(0 <= sae.share_alive <= 1 and sae.l0 >= sae.l0_forced >= 0 for sae in reader.saes())
    reader.close()


def test_every_stage_left_its_record(bundle: Path) -> None:
    for name in STAGE_NAMES:
        record = json.loads((bundle.with_name("bundle.work") / name / "done.json").read_text())
        assert record["wall_s"] >= 0
        assert record["numbers"]


def test_a_second_run_does_nothing(bundle: Path, tiny_arguments, capsys: pytest.CaptureFixture[str]) -> None:
    before = (bundle / "store.duckdb").stat().st_mtime_ns
    assert main(["run", *tiny_arguments(bundle)]) == 0
    assert (bundle / "store.duckdb").stat().st_mtime_ns == before
    assert capsys.readouterr().err.count(": already done") == len(STAGE_NAMES)


def test_codes_reproduce_the_saved_sae(bundle: Path) -> None:
    import torch

    from precompute.corpus.codes import code_path, read_codes
    from precompute.corpus.trained import read_trained

    work = bundle.with_name("bundle.work")
    for sae in read_trained(work):
        x = torch.from_numpy(np.load(work / "embed" / "shard-00000.npy").astype(np.float32))
        dense = sae.load().encode(x).detach().numpy()
        saved = read_codes(code_path(work / "activations" / sae.name, 0)).toarray()
        np.testing.assert_allclose(saved, dense, atol=1e-4)


def test_feature_tables_agree_with_the_codes(bundle: Path) -> None:
    from precompute.corpus.codes import code_path, read_codes

    work = bundle.with_name("bundle.work")
    stats = pd.read_parquet(work / "statistics" / "feature_stats.parquet")
    for name, rows in stats.groupby("sae"):
        files = sorted((work / "activations" / str(name)).glob("shard-*.npz"))
        dense = np.concatenate([read_codes(code_path(f.parent, n)).toarray() for n, f in enumerate(files)])
        np.testing.assert_allclose(rows["density"], (dense > 0).mean(axis=0))
        np.testing.assert_allclose(rows["max_act"], dense.max(axis=0), rtol=1e-6)
        assert (rows["p99_act"] <= rows["p999_act"] + 1e-9).all()
        assert (rows["p999_act"] <= rows["max_act"] + 1e-6).all()


def test_where_no_term_is_frequent_enough_the_bundle_holds_the_unguided_sae_and_the_run_says_why(
    copy_run, tiny_arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy_run(tmp_path, stages=BEFORE_TRAINING)

    assert main(["run", *tiny_arguments(out), "--min-term-proteins", "1000"]) == 0
    assert "no GO term at all reaches --min-term-proteins 1000" in capsys.readouterr().err
    with StoreReader.open(out / "store.duckdb") as reader:
        assert [sae.name for sae in reader.saes()] == ["vanilla"]


def test_a_run_killed_again_and_again_makes_the_same_bundle(
    bundle: Path, copy_run, tiny_arguments, tmp_path: Path
) -> None:
    out = copy_run(tmp_path, stages=BEFORE_TRAINING)
    command = [sys.executable, "-m", "precompute", "run", "--quiet", *tiny_arguments(out)]
    work = out.with_name("bundle.work")
    for stage, trace in (("train", "train/*/checkpoint*"), ("activations", "activations/*/shard-*.npz")):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 300
        while process.poll() is None and not list(work.glob(trace)) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert process.poll() is None, f"{stage} ended before it could be killed: {process.communicate()[1]!r}"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (work / stage / "done.json").exists()
        assert not out.exists()
    assert main(["run", "--quiet", *tiny_arguments(out)]) == 0
    assert_same(bundle, out)


def test_changed_epochs_train_again_but_do_not_embed_again(copy_run, tiny_arguments, tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    work = bundle.with_name("bundle.work")
    before = (work / "embed" / "done.json").stat().st_mtime_ns
    arguments = ["stage", "train", "--quiet", *tiny_arguments(bundle), "--epochs", "1"]
    assert main(arguments) == 0
    assert (work / "embed" / "done.json").stat().st_mtime_ns == before
    assert main(["stage", "statistics", "--quiet", *tiny_arguments(bundle), "--epochs", "1"]) == 2
