"""Several processes that train one SAE come to what one comes to, for every architecture and every loss.

Two processes on the CPU, joined by gloo. After some fifty steps every weight and every logged number is that of one
process within 1e-5, and the two processes hold the same bits; without any one of the exchanges they do not.
"""

import json
import re
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import tiny_training as tiny
import trainings_together as jobs

from precompute.pipeline.executors import WorkerDiedError
from precompute.pipeline.together import together
from protsae.errors import ConfigError
from protsae.parallel import together as parallel
from protsae.parallel.ranks import ALONE, Share
from protsae.parallel.together import PeerLostError, Place, check_room, launched
from protsae.sae.base import ARCHITECTURES
from protsae.training.batches import BatchStream

pytestmark = pytest.mark.usefixtures("one_thread")

Held = dict[str, dict[str, np.ndarray]]


def nobody(_: object) -> None:
    """Hears nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the made-up embeddings, and every training."""
    made = tmp_path_factory.mktemp("together")
    tiny.planted(made / "embed")
    for exchange, _ in jobs.WITHOUT:
        tiny.planted(made / exchange / "embed")
    return made


@pytest.fixture(scope="module")
def held(folder: Path) -> list[Held]:
    """What each of two processes holds after every case."""
    return together(2, "cpu", partial(jobs.all_cases, folder), nobody)


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def assert_same_log(found: Path, expected: Path) -> None:
    for row, one in zip(log(found), log(expected), strict=True):
        numbers = {name: value for name, value in one.items() if isinstance(value, float)}
        assert {name: row.pop(name) for name in numbers} == pytest.approx(numbers, rel=1e-5, abs=1e-6), row["step"]
        assert row == {name: value for name, value in one.items() if name not in numbers}


def furthest(state: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(state[name] - other[name]).max()) for name in other)


@pytest.mark.parametrize("case", jobs.CASES)
def test_two_processes_come_to_what_one_comes_to(case: str, folder: Path, held: list[Held]) -> None:
    first, second = (found[case] for found in held)
    one = jobs.held(jobs.trained(folder, case))

    assert all(np.array_equal(first[name], second[name]) for name in one)
    for name, value in one.items():
        np.testing.assert_allclose(first[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
    assert_same_log(folder / f"{case}-2", folder / f"{case}-1")


def test_every_architecture_that_is_trained_has_a_case() -> None:
    trained = {name for name, kind in ARCHITECTURES.items() if kind.is_trained}
    assert {make().architecture for make, _ in jobs.CASES.values()} == trained


def test_what_the_losses_need_was_there(folder: Path, held: list[Held]) -> None:
    assert held
    assert any(row["aux"] > 0 for row in log(folder / "auxk-2") if row["kind"] == "step")
    guided = [row for row in log(folder / "guided-2") if row["kind"] == "step"]
    terms = ("annot", "detect", "spread", "site", "axiom", "axiom_nf1", "axiom_nf4")
    assert all(max(row[term] for row in guided) > 1e-3 for term in terms)


@pytest.mark.parametrize(("exchange", "case"), jobs.WITHOUT)
def test_no_exchange_can_be_left_out(exchange: str, case: str, held: list[Held]) -> None:
    for found in held:
        assert furthest(found[f"{case} without {exchange}"], found[case]) > 1e-3


def test_exchanges_on_small_numbers(folder: Path) -> None:
    first, second = together(2, "cpu", partial(jobs.exchanges, folder), nobody)

    assert (first.pop("part"), second.pop("part")) == (slice(0, 2), slice(2, 5))
    assert first == second
    assert first["total"] == [3, 5]
    assert first["gradient"] == [6, 10]  # of the square of the sum
    assert first["largest"] == [2, 3]
    assert first["gathered"] == [0, 1, 2, 0]
    assert first["told"] == {"text": "über", "of": 0}
    assert first["followed"] == [0, 0]
    assert first["gradients"] == [[1, 1], None]
    other, small = first["refusals"]
    assert other.startswith("the settings or data of training process 2 of 2 are not those of the first; ")
    assert small == "a batch of 1 residues cannot be shared by 2 processes; start fewer"


def test_a_killed_process_is_named_and_any_number_goes_on(folder: Path, held: list[Held]) -> None:
    cut = folder / "cut"
    tiny.planted(cut / "embed")
    sentence = "the process that worked on share 2 of 2 of every batch was ended by signal 9, .*fewer --train-processes"
    with pytest.raises(WorkerDiedError, match=sentence):
        together(2, "cpu", partial(jobs.second_is_killed, cut), nobody)
    assert (cut / "guided-2" / "checkpoint.pt").is_file()
    assert not (cut / "guided-2" / "sae.safetensors").exists()
    (cut / "guided-2").rename(cut / "guided-1")
    alone = jobs.held(jobs.trained(cut, "guided"))

    assert furthest(alone, held[0]["guided"]) < 1e-5
    assert_same_log(cut / "guided-1", folder / "guided-2")


def test_two_go_on_where_one_stopped(folder: Path, held: list[Held]) -> None:
    begun = folder / "begun"
    tiny.planted(begun / "embed")
    with pytest.raises(KeyboardInterrupt):
        jobs.stopped_at(30, begun, "guided")
    (begun / "guided-1").rename(begun / "guided-2")
    found = together(2, "cpu", partial(jobs.goes_on, begun), nobody)

    assert furthest(found[1], held[0]["guided"]) < 1e-5
    assert_same_log(begun / "guided-2", folder / "guided-2")


def test_a_process_that_does_not_answer_ends_the_others(folder: Path) -> None:
    with pytest.raises(
        PeerLostError, match=r"training process [12] of 2 has lost the others: .* did not answer for 10 s"
    ):
        together(2, "cpu", partial(jobs.second_hangs, folder), nobody, timeout=timedelta(seconds=10))


class Third(parallel.Ranks):
    """One of three processes, as far as shares go."""

    rank, size = 0, 3


@pytest.mark.parametrize("batch_size", [64, 10])
def test_shares_of_a_batch_make_the_batch(folder: Path, batch_size: int) -> None:
    data = tiny.planted(folder / "embed")
    settings: dict[str, Any] = {"batch_size": batch_size, "buffer_rows": 300, "seed": 2, "drop_last": False}
    streams = [BatchStream(data.reader, data.train, **settings)]
    for rank in range(3):
        ranks = Third()
        ranks.rank = rank
        streams.append(BatchStream(data.reader, data.train, **settings, ranks=ranks))

    for whole, *shares in zip(*(stream.epoch(1, start=1) for stream in streams), strict=True):
        assert torch.equal(torch.cat([share.x for share in shares]), whole.x)
        assert np.array_equal(np.concatenate([share.proteins for share in shares]), whole.proteins)
        assert all(np.array_equal(share.everyone, whole.everyone) for share in shares)
        assert max(len(share.x) for share in shares) - min(len(share.x) for share in shares) <= 1
    weights = [Share(stream._ranks, batch_size).weight for stream in streams[1:]]
    assert sum(weights) == pytest.approx(1)


def test_a_process_alone_exchanges_nothing() -> None:
    x = torch.ones(3, requires_grad=True)

    assert ALONE.total(x) is ALONE.total_with_gradient(x) is ALONE.largest(x) is ALONE.gathered(x) is x
    assert ALONE.told(None) is None
    assert Share.whole(7).rows == slice(0, 7)


@pytest.mark.parametrize(
    ("n", "device", "sentence"),
    [
        (40000, "cpu", r"40000 training processes are too many for the cores of this machine; start at most \d+"),
        (2, "cuda:1", "device 'cuda:1' is one GPU, and 2 training processes need one each; give cuda"),
        (3, "cuda", "3 training processes are more than the 2 GPUs of this machine; start fewer"),
    ],
)
def test_more_processes_than_there_is_room_for_are_refused(
    n: int, device: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=sentence):
        check_room(n, torch.device(device))


def test_what_torchrun_says_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in parallel._LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    assert launched() is None
    told = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "a"}
    for name, value in {**told, "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert launched() == Place(rank=5, size=8, local_rank=1, local_size=4)
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(ConfigError, match=re.escape("the environment (RANK=first, WORLD_SIZE=8, ")):
        launched()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert launched() is None
