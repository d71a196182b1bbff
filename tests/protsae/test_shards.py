"""Shards on disk: what goes in comes out, a killed writer goes on, damage is refused; batches are reproducible."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from protsae.errors import ArtifactError, InputError
from protsae.shard_writer import ShardWriter
from protsae.shards import ShardReader, assign_shards, is_written, plan_shards, write_shard
from protsae.training.batches import BatchStream

INDEX = "shard-00000.parquet"
LENGTHS = (5, 30, 12, 41, 7, 3)


def activations(number: int) -> Tensor:
    """Every residue names its protein and position, exactly in fp16."""
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


def test_every_shard_has_its_own_index(tmp_path: Path) -> None:
    write_all(tmp_path)

    shards = [f"shard-{i:05d}.{kind}" for i in range(4) for kind in ("npy", "parquet")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*shards, "shards.json"]


def test_shards_are_cut_by_one_rule(reader: ShardReader) -> None:
    assert assign_shards(LENGTHS, 40).tolist() == reader.shards.tolist()
    assert assign_shards([5, 5, 5, 20, 1, 9], 10).tolist() == [0, 0, 1, 2, 3, 3]
    assert assign_shards([], 10).tolist() == []


def members(number: int) -> list[int]:
    return np.flatnonzero(assign_shards(LENGTHS, 40) == number).tolist()


def write_one(folder: Path, number: int) -> None:
    names = [f"P{i}" for i in members(number)]
    write_shard(folder, number, names, [activations(i) for i in members(number)])


def same(one: ShardReader, other: ShardReader) -> bool:
    proteins = all(np.array_equal(one.protein(row), other.protein(row)) for row in range(len(one)))
    return one.accessions == other.accessions and proteins


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_writers_may_come_in_any_order(order: tuple[int, ...], tmp_path: Path) -> None:
    plan_shards(tmp_path / "many", 4)
    for number in order:
        with pytest.raises(ArtifactError, match=r"lacks shard \d of 4 or its index: the embeddings are unfinished"):
            ShardReader(tmp_path / "many")
        write_one(tmp_path / "many", number)

    assert same(ShardReader(tmp_path / "many"), write_all(tmp_path / "one"))


def test_writers_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    plan_shards(tmp_path / "many", 4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: write_one(tmp_path / "many", number), range(4)))

    assert same(ShardReader(tmp_path / "many"), write_all(tmp_path / "one"))


def test_a_written_shard_is_known_by_its_proteins(tmp_path: Path) -> None:
    plan_shards(tmp_path, 4)
    write_one(tmp_path, 0)

    assert is_written(tmp_path, 0, ["P0", "P1"])
    assert not is_written(tmp_path, 0, ["P1", "P0"])
    assert not is_written(tmp_path, 1, ["P2"])
    (tmp_path / "shard-00000.npy").unlink()
    assert not is_written(tmp_path, 0, ["P0", "P1"])


def as_an_older_run_left_it(folder: Path) -> None:
    parts = sorted(folder.glob("*.parquet"))
    pd.concat([pd.read_parquet(path) for path in parts]).to_parquet(folder / "index.parquet", index=False)
    for path in (*parts, folder / "shards.json"):
        path.unlink()


def test_folders_of_older_runs_are_read(tmp_path: Path) -> None:
    write_all(tmp_path / "old")
    as_an_older_run_left_it(tmp_path / "old")

    assert same(ShardReader(tmp_path / "old"), write_all(tmp_path / "new"))
    assert len(ShardWriter(tmp_path / "old").finished) == 6


def test_unfinished_folders_of_older_runs_go_on(tmp_path: Path) -> None:
    plan_shards(tmp_path / "old", 2)
    for number in range(2):
        write_one(tmp_path / "old", number)
    as_an_older_run_left_it(tmp_path / "old")

    plan_shards(tmp_path / "old", 4)
    assert [is_written(tmp_path / "old", n, [f"P{i}" for i in members(n)]) for n in range(4)] == [
        True,
        True,
        False,
        False,
    ]
    for number in (2, 3):
        write_one(tmp_path / "old", number)

    assert same(ShardReader(tmp_path / "old"), write_all(tmp_path / "new"))


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


def rewrite(path: Path, **changes: Any) -> None:
    pd.read_parquet(path).assign(**changes).to_parquet(path)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "shard-00001.npy").unlink(), "lacks shard 1 of 4"),
        (lambda f: (f / "shard-00001.parquet").unlink(), "lacks shard 1 of 4"),
        (lambda f: (f / "shard-00003.parquet").unlink(), "lacks shard 3 of 4"),
        (lambda f: (f / "shard-00001.npy").write_bytes(b""), "missing or damaged"),
        (
            lambda f: (f / "shard-00001.npy").write_bytes((f / "shard-00001.npy").read_bytes()[:-9]),
            "missing or damaged",
        ),
        (lambda f: np.save(f / "shard-00001.npy", np.zeros((12, 4))), "holds no float16 matrix"),
        (lambda f: np.save(f / "shard-00001.npy", np.zeros((12, 5), np.float16)), r"the shape \(12, 5\)"),
        (lambda f: np.save(f / "shard-00001.npy", np.zeros((11, 4), np.float16)), r"asks for \(12, 4\)"),
        (lambda f: (f / INDEX).write_bytes(b"nothing"), "shard-00000.parquet is damaged"),
        (lambda f: rewrite(f / INDEX, more=1), "has the columns accession, shard, first_row, length, more"),
        (lambda f: rewrite(f / INDEX, shard=2), "shard-00000.parquet is the index of another shard"),
        (lambda f: rewrite(f / INDEX, first_row=[0, 6]), "has P1 at row 6 of shard 0, where .* ends at row 5"),
        (lambda f: rewrite(f / INDEX, first_row=[0, 4]), "has P1 at row 4 of shard 0, where .* ends at row 5"),
        (lambda f: rewrite(f / INDEX, accession=["P0", "P2"]), "has P2 in two places"),
        (lambda f: (f / "shards.json").write_text("{}"), "shards.json is damaged: it gives n_shards as None"),
        (lambda f: (f / "shards.json").write_text('{"n_shards": 5}'), "lacks shard 4 of 5"),
        (lambda f: (f / "shards.json").write_text('{"n_shards": 0}'), "holds no protein"),
    ],
)
def test_damage_is_refused(damage: Callable[[Path], Any], sentence: str, tmp_path: Path) -> None:
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
