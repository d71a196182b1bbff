"""The training loop: it learns, it goes on after a kill to the same bits, it refuses what does not fit."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import tiny_training as tiny

from protsae.errors import ArtifactError, ConfigError
from protsae.measures.metrics import explained_variance
from protsae.measures.ranking import auroc
from protsae.sae import ProtSAE, load_sae
from protsae.training.config import TrainConfig, TrainingData
from protsae.training.loop import Progress, train

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return tiny.planted(tmp_path_factory.mktemp("embed"))


def read_log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def valid_residues(data: TrainingData) -> torch.Tensor:
    return torch.cat([torch.from_numpy(data.reader.protein(int(i)).astype(np.float32)) for i in data.valid])


def test_a_topk_sae_learns_planted_directions(data: TrainingData, tmp_path: Path) -> None:
    result = train(tiny.make("topk"), data, tiny.config(epochs=15, lr=0.01, lr_drop_epoch=12), tmp_path)

    assert result.best.explained_variance > 0.8
    assert result.best.l_annot is None
    assert result.best.l0 <= tiny.K
    assert result.best.fvu == min(row.fvu for row in result.history[8:])
    x, sae = valid_residues(data), load_sae(tmp_path)
    with torch.no_grad():
        assert explained_variance(x, sae(x).x_hat) == pytest.approx(result.best.explained_variance, abs=0.03)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(tiny.D_SAE))


@pytest.mark.parametrize("annotation", ["residue", "protein", "bag"])
def test_a_protsae_learns_its_concepts(data: TrainingData, tmp_path: Path, annotation: str) -> None:
    sae = tiny.make("protsae", annotation=annotation)
    result = train(sae, data, tiny.config(epochs=12, lr=0.02, lr_drop_epoch=10), tmp_path)

    assert isinstance(sae, ProtSAE)
    assert result.best.l_annot is not None
    assert result.history[0].l_annot is not None
    assert result.best.l_annot < result.history[0].l_annot
    assert result.best.participation is not None
    assert result.best.participation > 0.95
    scores = np.stack(
        [
            sae.concept_probs(torch.from_numpy(data.reader.protein(int(i)).astype(np.float32))).mean(0).detach().numpy()
            for i in data.valid
        ]
    )
    assert data.labels is not None
    labels = data.labels[data.valid]
    assert np.mean([auroc(scores[:, c], labels[:, c]) for c in range(tiny.M)]) > 0.8
    shuffled = np.random.default_rng(1).permutation(labels)
    assert np.mean([auroc(scores[:, c], shuffled[:, c]) for c in range(tiny.M)]) < 0.7


def test_weighted_positives_wake_the_features_of_rare_concepts(data: TrainingData, tmp_path: Path) -> None:
    assert data.labels is not None
    rare = data._replace(labels=data.labels & (np.arange(tiny.N_PROTEINS) % 3 == 0)[:, None])

    forced = [
        train(tiny.make("protsae", positive_weight=power), rare, tiny.config(), tmp_path / str(power)).best.l0_forced
        for power in (0.0, 0.5, 1.0)
    ]

    assert forced[0] < forced[1] < forced[2]


def test_every_loss_term_is_logged_and_reported(data: TrainingData, tmp_path: Path) -> None:
    seen: list[Progress] = []
    result = train(tiny.make("protsae"), data, tiny.config(epochs=2, auxk=4, auxk_dead_steps=3), tmp_path, seen.append)

    terms = {"total", "rec", "annot", "axiom", "axiom_nf1", "axiom_nf2", "axiom_nf3", "axiom_nf4", "aux"}
    steps = [row for row in read_log(tmp_path) if row["kind"] == "step"]
    assert all(terms | {"l0", "l0_forced", "lr"} <= row.keys() for row in steps)
    assert [row["step"] for row in steps] == [now.step for now in seen]
    for row in steps:
        weighted = row["rec"] + 10 * row["annot"] + row["axiom"] + row["aux"] / 32
        assert row["total"] == pytest.approx(weighted, rel=1e-5)
    assert any(row["aux"] > 0 for row in steps)
    assert seen[-1].step == seen[-1].steps == result.steps
    assert seen[-1].eta_s == 0
    assert [row["epoch"] for row in read_log(tmp_path) if row["kind"] == "validation"] == [1, 2]


def test_the_learning_rate_drops_once(data: TrainingData, tmp_path: Path) -> None:
    train(tiny.make("topk"), data, tiny.config(epochs=3, lr_drop_epoch=1), tmp_path)

    rates = {row["epoch"]: row["lr"] for row in read_log(tmp_path) if row["kind"] == "step"}
    assert rates == {1: 3e-3, 2: pytest.approx(3e-4), 3: pytest.approx(3e-4)}


@pytest.mark.parametrize(("architecture", "kills"), [("topk", [7]), ("protsae", [12, 61])])
def test_a_killed_training_goes_on_to_the_same_bits(architecture: str, kills: list[int], tmp_path: Path) -> None:
    whole = tiny.run(tmp_path / "whole", architecture, kill_at=10**9)
    assert whole.steps // 4 in range(20, 30)  # so the kills fall into the first and the third epoch
    script = Path(__file__).with_name("tiny_training.py")
    for kill_at in kills:
        command = [sys.executable, str(script), str(tmp_path / "cut"), architecture, str(kill_at)]
        assert subprocess.run(command, check=False, timeout=120).returncode == -signal.SIGKILL

    assert not (tmp_path / "cut" / architecture / "sae.safetensors").exists()
    resumed = tiny.run(tmp_path / "cut", architecture, kill_at=10**9)

    assert resumed.best_epoch == whole.best_epoch
    assert resumed.history == whole.history
    name = f"{architecture}/sae.safetensors"
    assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert read_log(tmp_path / "cut" / architecture) == read_log(tmp_path / "whole" / architecture)


def test_a_finished_training_is_not_repeated(data: TrainingData, tmp_path: Path) -> None:
    first = train(tiny.make("topk"), data, tiny.config(), tmp_path)
    log = (tmp_path / "log.jsonl").read_bytes()

    assert train(tiny.make("topk"), data, tiny.config(), tmp_path) == first
    assert (tmp_path / "log.jsonl").read_bytes() == log


def test_a_checkpoint_of_another_training_is_refused(data: TrainingData, tmp_path: Path) -> None:
    train(tiny.make("topk"), data, tiny.config(epochs=1), tmp_path)

    with pytest.raises(ArtifactError, match="belongs to a training with other data or settings"):
        train(tiny.make("topk"), data, tiny.config(epochs=1, lr=1e-3), tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes((tmp_path / "checkpoint.pt").read_bytes()[:1000])
    with pytest.raises(ArtifactError, match="is damaged or no checkpoint"):
        train(tiny.make("topk"), data, tiny.config(epochs=1), tmp_path)


def test_the_best_epoch_comes_from_the_last_ones() -> None:
    assert TrainConfig(epochs=50).first_best_epoch == 30
    assert TrainConfig(epochs=1).first_best_epoch == 1
    assert TrainConfig(epochs=50, best_from_epoch=3).first_best_epoch == 3


def test_a_diverging_training_says_so(data: TrainingData, tmp_path: Path) -> None:
    sae = tiny.make("topk")
    with torch.no_grad():
        sae.W_dec.fill_(float("nan"))

    with pytest.raises(ConfigError, match="the training diverged before step 5"):
        train(sae, data, tiny.config(), tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": None}, r"needs labels of shape \(60, 6\) \(proteins, concepts\), got None"),
        ({"labels": np.zeros((60, 5), bool)}, r"got \(60, 5\)"),
        ({"axioms": None}, "needs the ontology's axioms"),
        ({"train": np.array([], int)}, "there is no training protein"),
        ({"valid": np.array([], int)}, "there is no validation protein"),
    ],
)
def test_data_that_do_not_fit_are_refused(
    changes: dict[str, object], sentence: str, data: TrainingData, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        train(tiny.make("protsae"), data._replace(**changes), tiny.config(), tmp_path)


def test_activations_of_another_width_are_refused(data: TrainingData, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="reads d_model=8 but the activations have 16"):
        train(tiny.make("protsae", d_model=8), data, tiny.config(), tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"rate_bound": 1.0}, "rate_bound must be at least 0 and below 1, got 1.0"),
        ({"lr": 0.0}, "lr must be above 0 and at most 1, got 0"),
        ({"best_from_epoch": 9}, "best_from_epoch must be in 1..epochs=4, got 9"),
    ],
)
def test_a_training_config_outside_its_range_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        tiny.config(**changes)
