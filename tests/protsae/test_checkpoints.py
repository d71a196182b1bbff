"""What both training loops share: checkpoints with an identity, a log that is cut to its checkpoint, pace."""

from pathlib import Path

import numpy as np
import pytest
import torch

from protsae.errors import ArtifactError
from protsae.training import checkpoints, log
from protsae.training.checkpoints import Identity, data_hash

IDENTITY = Identity({"lr": 0.1, "sae.k": 4}, data_hash([np.arange(3)]))


def test_a_checkpoint_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert checkpoints.read(tmp_path, IDENTITY, dict) is None
    checkpoints.write(tmp_path, {"step": 3, "model": {"w": torch.ones(2)}}, IDENTITY)

    state = checkpoints.read(tmp_path, IDENTITY, dict)

    assert state is not None
    assert state["step"] == 3
    assert torch.equal(state["model"]["w"], torch.ones(2))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (IDENTITY._replace(settings={"lr": 0.2, "sae.k": 4}), r"settings \(lr\)"),
        (IDENTITY._replace(settings={"sae.k": 4}), r"settings \(lr\)"),
        (IDENTITY._replace(settings=IDENTITY.settings | {"warmup": 2}), r"settings \(warmup\)"),
        (IDENTITY._replace(data=data_hash([np.arange(4)])), r"settings \(data\)"),
        (Identity({"lr": 0.2, "sae.k": 8}, "x"), r"settings \(lr, sae\.k, data\)"),
    ],
)
def test_another_training_does_not_go_on_from_it(tmp_path: Path, other: Identity, named: str) -> None:
    checkpoints.write(tmp_path, {"step": 3}, IDENTITY)

    with pytest.raises(ArtifactError, match=f"belongs to a training with other data or {named}; delete it"):
        checkpoints.read(tmp_path, other, dict)


def test_damage_of_any_kind_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoints.write(tmp_path, {"step": 3}, IDENTITY)
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"no checkpoint at all"):
        path.write_bytes(content)
        with pytest.raises(ArtifactError, match="is damaged or no checkpoint; delete it"):
            checkpoints.read(tmp_path, IDENTITY, dict)
    torch.save({"step": 3}, path)
    with pytest.raises(ArtifactError, match="is damaged or no checkpoint"):
        checkpoints.read(tmp_path, IDENTITY, dict)
    checkpoints.write(tmp_path, {"step": 3}, IDENTITY)
    with pytest.raises(ArtifactError, match="is damaged or no checkpoint"):
        checkpoints.read(tmp_path, IDENTITY, lambda content: content["model"])


def test_the_hash_of_data_knows_values_types_and_shapes() -> None:
    arrays = [
        np.arange(6),
        np.arange(6).reshape(2, 3),
        np.arange(6, dtype=np.int32),
        np.arange(6).reshape(2, 3).T,
        np.array(["P1", "P2"]),
        np.array(["P1", "P3"]),
        np.zeros((0, 3)),
        np.zeros((3, 0)),
    ]
    hashes = [data_hash([array]) for array in arrays]

    assert len(set(hashes)) == len(arrays)
    assert data_hash([arrays[3]]) == data_hash([arrays[3].copy(order="C")])


def test_a_log_is_cut_to_its_checkpoint_and_never_padded(tmp_path: Path) -> None:
    log.begin(tmp_path)
    log.append(tmp_path, {"step": 1})
    n_bytes = log.length(tmp_path)
    log.append(tmp_path, {"step": 2})
    longer = log.length(tmp_path)

    log.cut(tmp_path, n_bytes)
    assert (tmp_path / "log.jsonl").read_bytes() == b'{"step": 1}\n'
    log.cut(tmp_path, longer)
    assert (tmp_path / "log.jsonl").read_bytes() == b'{"step": 1}\n'
    (tmp_path / "log.jsonl").unlink()
    log.cut(tmp_path, longer)
    assert (tmp_path / "log.jsonl").read_bytes() == b""


def test_a_window_is_the_mean_of_its_steps_at_the_recent_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0, 5.0])
    monkeypatch.setattr(log.time, "monotonic", lambda: next(clock))
    window = log.LogWindow()
    for loss in (1.0, 2.0):
        window.add({"loss": torch.tensor(loss)}, 100)
    assert len(window) == 2

    first = window.close()
    window.add({"loss": 4.0}, 60)
    second = window.close()

    assert first == ({"loss": 1.5}, 2.0, 50.0)
    assert second.losses == {"loss": 4.0}
    assert second.seconds_per_step == pytest.approx(0.8 * 2 + 0.2 * 1)
    assert second.per_second == pytest.approx(60 / 1.8)
    assert second.seconds_left(10) == pytest.approx(18)
    assert not window
