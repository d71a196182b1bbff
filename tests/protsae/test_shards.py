"""Shards on disk: what goes in comes out, a killed writer goes on, damage is refused; batches are reproducible."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from protsae.errors import ArtifactError, InputError
from protsae.shards import ShardReader, ShardWriter
from protsae.training.batches import BatchStream

LENGTHS = (5, 30, 12, 41, 7, 3)


def activations(number: int) -> Tensor:
    """Every residue tells its protein and position, exactly in fp16."""
    rows = torch.zeros(LENGTHS[number], 4)
    rows[:, 0], rows[:, 1] = number, torch.arange(LENGTHS[number])
    return rows


def write_all(folder: Path, max_rows: int = 40) -> ShardReader:
    with ShardWriter(folder, max_rows=max_rows) as writer:
        for number in range(len(LENGTHS)):
            if f"P{number}" not in writer.finished:
                writer.add(f"P{number}", activations(number))
    return ShardReader(folder)


@pytest.fixture
def reader(tmp_path: Path) -> ShardReader:
    return write_all(tmp_path)


def test_what_goes_in_comes_out(reader: ShardReader) -> None:
    assert reader.accessions == [f"P{i}" for i in range(6)]
    assert reader.lengths.tolist() == list(LENGTHS)
    assert reader.shards.tolist() == [0, 0, 1, 2, 3, 3]  # 41 residues do not fit into 40: a shard of its own
    for number in range(6):
        assert np.array_equal(reader.protein(number), activations(number).numpy())
    assert reader.row_of("P3") == 3
    assert reader.shard(0).shape == (35, 4)
    assert np.allclose(reader.protein_means([1, 3])[:, 1], [14.5, 20])


def test_single_residues_come_in_the_order_asked_for(reader: ShardReader) -> None:
    found = reader.gather(np.array([3, 0, 5, 3]), np.array([40, 2, 0, 1]))

    assert found[:, :2].tolist() == [[3, 40], [0, 2], [5, 0], [3, 1]]


def test_only_the_index_and_the_shards_stay(tmp_path: Path) -> None:
    write_all(tmp_path)

    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.parquet", *(f"shard-{i:05d}.npy" for i in range(4))]


def test_a_killed_writer_goes_on_after_its_last_whole_shard(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, max_rows=40)
    for number in range(3):
        writer.add(f"P{number}", activations(number))  # P2 opens the second shard and is lost with the writer
    del writer
    with pytest.raises(ArtifactError, match="the embeddings are unfinished"):
        ShardReader(tmp_path)
    (tmp_path / "shard-00001.npy").write_bytes(b"half a shard")

    assert ShardWriter(tmp_path).finished == {"P0", "P1"}
    reader = write_all(tmp_path)

    assert reader.accessions == [f"P{i}" for i in range(6)]
    assert np.array_equal(reader.protein(2), activations(2).numpy())


def test_an_error_while_writing_leaves_no_index(tmp_path: Path) -> None:
    def write_twice() -> None:
        with ShardWriter(tmp_path) as writer:
            writer.add("P0", activations(0))
            writer.add("P0", activations(0))

    with pytest.raises(InputError):
        write_twice()

    assert not list(tmp_path.iterdir())


def test_a_finished_folder_can_grow(tmp_path: Path) -> None:
    write_all(tmp_path)
    with ShardWriter(tmp_path) as writer:
        assert len(writer.finished) == 6
        writer.add("new", torch.ones(2, 4))

    reader = ShardReader(tmp_path)

    assert reader.accessions[-1] == "new"
    assert np.array_equal(reader.protein(1), activations(1).numpy())


def test_a_protein_may_come_once_and_must_fit_into_fp16(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path)
    writer.add("P0", activations(0))

    with pytest.raises(InputError, match="the activations of P0 are there already"):
        writer.add("P0", activations(0))
    with pytest.raises(InputError, match=r"the activations of P1 reach 7e\+04, beyond fp16's 65504"):
        writer.add("P1", torch.full((2, 4), 70_000.0))


def test_an_unknown_protein_is_named(reader: ShardReader) -> None:
    with pytest.raises(InputError, match="no activations of 'Q9'"):
        reader.row_of("Q9")


def rewrite(path: Path, **changes: np.ndarray) -> None:
    pd.read_parquet(path).assign(**changes).to_parquet(path)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "shard-00001.npy").unlink(), "missing or damaged"),
        (lambda f: (f / "shard-00001.npy").write_bytes(b""), "missing or damaged"),
        (
            lambda f: (f / "shard-00001.npy").write_bytes((f / "shard-00001.npy").read_bytes()[:-9]),
            "missing or damaged",
        ),
        (lambda f: np.save(f / "shard-00001.npy", np.zeros((12, 4))), "holds no float16 matrix"),
        (lambda f: np.save(f / "shard-00001.npy", np.zeros((12, 5), np.float16)), r"the shape \(12, 5\)"),
        (lambda f: np.save(f / "shard-00001.npy", np.zeros((11, 4), np.float16)), r"asks for \(12, 4\)"),
        (lambda f: (f / "index.parquet").write_bytes(b"nothing"), "index.parquet is damaged"),
        (lambda f: rewrite(f / "index.parquet", more=1), "has the columns accession, shard, first_row, length, more"),
        (lambda f: pd.read_parquet(f / "index.parquet")[:0].to_parquet(f / "index.parquet"), "holds no protein"),
    ],
)
def test_damage_is_refused(damage: object, sentence: str, tmp_path: Path) -> None:
    write_all(tmp_path)
    damage(tmp_path)

    with pytest.raises(ArtifactError, match=sentence):
        ShardReader(tmp_path)


def stream_of(reader: ShardReader, **changes: object) -> BatchStream:
    settings = {"batch_size": 7, "residues_per_protein": 10, "seed": 3, "buffer_rows": 16, **changes}
    return BatchStream(reader, np.array([0, 1, 3, 4]), **settings)


def rows_of(stream: BatchStream, epoch: int, start: int = 0) -> list[list[tuple[float, float]]]:
    batches = list(stream.epoch(epoch, start=start))
    for batch in batches:
        assert batch.x.dtype == torch.float32
        assert batch.x[:, 0].tolist() == batch.proteins.tolist()
    return [[(float(p), float(i)) for p, i in batch.x[:, :2]] for batch in batches]


def test_an_epoch_draws_every_protein_without_repetition(reader: ShardReader) -> None:
    stream = stream_of(reader, drop_last=False)

    rows = [row for batch in rows_of(stream, 0) for row in batch]

    assert stream.n_rows == 5 + 10 + 10 + 7 == len(rows) == len(set(rows))
    assert Counter(int(p) for p, _ in rows) == {0: 5, 1: 10, 3: 10, 4: 7}


def test_full_batches_only_if_asked_for(reader: ShardReader) -> None:
    assert [len(b) for b in rows_of(stream_of(reader, drop_last=False), 0)] == [7, 7, 7, 7, 4]
    assert [len(b) for b in rows_of(stream_of(reader), 0)] == [7, 7, 7, 7]
    assert stream_of(reader).n_batches == 4
    assert [len(b) for b in rows_of(stream_of(reader, batch_size=100), 0)] == [32]


def test_the_same_seed_and_epoch_give_the_same_batches(reader: ShardReader) -> None:
    first = rows_of(stream_of(reader), 1)

    assert rows_of(stream_of(reader), 1) == first
    assert rows_of(stream_of(reader), 2) != first
    assert rows_of(stream_of(reader, seed=4), 1) != first


@pytest.mark.parametrize("buffer_rows", [1, 16, 10_000])
def test_an_epoch_can_start_at_any_batch(reader: ShardReader, buffer_rows: int) -> None:
    stream = stream_of(reader, buffer_rows=buffer_rows)
    whole = rows_of(stream, 0)

    for start in range(len(whole) + 1):
        assert rows_of(stream, 0, start) == whole[start:]
