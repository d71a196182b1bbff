"""Encoding the corpus: what a shard holds, and the quality that is summed beside it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from precompute.config import RunConfig
from precompute.corpus.codes import code_path, read_codes, read_extra
from precompute.corpus.trained import TrainedSAE
from precompute.features.quality import Quality, measure
from precompute.stages import activations
from precompute.stages.activations import encode_shard
from protsae.files import write_json
from protsae.sae import TopKSAE, TopKSAEConfig
from protsae.shard_writer import ShardWriter


def test_quality_by_hand() -> None:
    x = np.array([[1.0, 0.0], [3.0, 0.0]])
    quality = measure(
        x,
        x + np.array([[0.0, 1.0], [0.0, 0.0]]),
        np.array([2, 5, 1, 1]),
        k=2,
        split=np.array(["valid", "valid", "test", "test"]),
    )

    assert (quality.l0, quality.l0_forced) == (3.5, 1.5)
    assert quality.explained_variance == pytest.approx(0.5)  # error 1, variance about the mean (1 + 1)


def test_perfect_mean_and_missing_reconstructions() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)) + 5
    every = np.array(["test"] * 50)
    active = np.ones(50)

    assert measure(x, x, active, k=1, split=every).explained_variance == 1
    mean = np.broadcast_to(x.mean(axis=0), x.shape)
    assert measure(x, mean, active, k=1, split=every).explained_variance == pytest.approx(0)
    assert np.isnan(measure(x[:0], x[:0], active, k=1, split=np.array(["train"] * 50)).explained_variance)


def test_quality_adds_up_over_shards() -> None:
    rng = np.random.default_rng(0)
    x, x_hat, active = rng.normal(size=(60, 4)), rng.normal(size=(60, 4)), rng.integers(1, 9, 60)
    split = np.array(["test"] * 60)
    whole = measure(x, x_hat, active, k=3, split=split)
    halves = [measure(x[s], x_hat[s], active[s], k=3, split=split[s]) for s in (slice(30), slice(30, 60))]

    added = Quality.from_array(np.sum([half.to_array() for half in halves], axis=0))

    assert added.explained_variance == pytest.approx(whole.explained_variance)
    np.testing.assert_allclose(added.to_array(), whole.to_array())


@pytest.fixture
def trained(tmp_path: Path) -> TrainedSAE:
    sae = TopKSAE(TopKSAEConfig(d_model=6, d_sae=20, k=3), seed=0)
    sae.fit_input(torch.zeros(6), 12.0)
    folder = tmp_path / "train" / "vanilla"
    sae.save(folder)
    entry = {
        "name": "vanilla",
        "display_name": "Vanilla",
        "role": "unguided",
        "architecture": "topk",
        "namespace": "",
        "concepts": [],
        "d_sae": 20,
        "k": 3,
    }
    write_json(tmp_path / "train" / "result.json", {"saes": [entry]})
    return TrainedSAE("vanilla", "Vanilla", "unguided", folder, "topk", "", (), 20, 3)


def test_a_shard_equals_the_dense_formula(trained: TrainedSAE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "ROWS_AT_A_TIME", 7)
    x = np.random.default_rng(0).normal(size=(23, 6)).astype(np.float16)
    split = np.array(["valid"] * 10 + ["test"] * 13)
    done: list[int] = []
    sae = trained.load()

    codes, quality = encode_shard(sae, trained, x, split, done.append)

    dense = torch.from_numpy(x.astype(np.float32))
    np.testing.assert_allclose(codes.toarray(), sae.encode(dense).detach().numpy(), atol=1e-6)
    error = (sae(dense).x_hat - dense).detach().double()[10:].pow(2).sum()
    assert quality.test.squared_error == pytest.approx(float(error), rel=1e-4)
    assert sum(done) == 23
    assert quality.n_valid == 10


def test_shards_are_kept_as_long_as_weights_and_embeddings_stay(trained: TrainedSAE, tmp_path: Path) -> None:
    (tmp_path / "proteins").mkdir()
    names = ["A", "B", "C"]
    table = pd.DataFrame(
        {"accession": names, "split": ["train", "valid", "test"], "is_shipped": True, "sequence": "MKLV"}
    )
    table.to_parquet(tmp_path / "proteins" / "proteins.parquet")
    rng = np.random.default_rng(0)
    with ShardWriter(tmp_path / "embed", max_rows=8) as writer:
        for name in names:
            writer.add(name, torch.from_numpy(rng.normal(size=(4, 6)).astype(np.float32)))
    write_json(tmp_path / "embed" / "plan.json", {"plm": "x"})
    config = RunConfig(**dict.fromkeys(("proteins", "annotations", "ontology", "out"), tmp_path), device="cpu")
    folder = tmp_path / "activations" / "vanilla"

    def run(workers: int = 1) -> list[int]:
        activations.run(replace(config, workers=workers), tmp_path, lambda _: None)
        return [code_path(folder, shard).stat().st_mtime_ns for shard in range(2)]

    first = run()
    assert read_codes(code_path(folder, 0)).shape == (8, 20)
    assert run() == first
    code_path(folder, 1).write_bytes(b"cut off")
    second = run()
    assert (second[0], second[1] > first[1]) == (first[0], True)
    TopKSAE(TopKSAEConfig(d_model=6, d_sae=20, k=3), seed=1).save(trained.folder)
    assert all(new > old for new, old in zip(run(), second, strict=True))
    assert read_extra(code_path(folder, 0), "quality") is not None
    alone = [read_codes(code_path(folder, shard)).toarray() for shard in range(2)]
    shutil.rmtree(folder)
    run(workers=2)
    for shard in range(2):
        np.testing.assert_allclose(read_codes(code_path(folder, shard)).toarray(), alone[shard], atol=1e-5)
        assert read_extra(code_path(folder, shard), "quality") is not None
