"""A made-up training task that takes a second, and a way to be killed in the middle of it.

    python tiny_training.py FOLDER ARCHITECTURE KILL_AT_STEP

Proteins are sparse sums of planted directions; a concept's direction is used in the proteins that carry its label.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from protsae.ontology.axioms import Axioms
from protsae.sae import SAE, ProtSAE, ProtSAEConfig, TopKSAE, TopKSAEConfig
from protsae.shard_writer import ShardWriter
from protsae.shards import ShardReader
from protsae.training.config import TrainConfig, TrainingData
from protsae.training.loop import Progress, TrainResult, train

D_MODEL, D_SAE, K, M, N_PROTEINS = 16, 128, 4, 6, 60


def planted(folder: Path) -> TrainingData:
    """The task; its activations are written to `folder` once."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(40, D_MODEL)) / D_MODEL**0.5
    labels = rng.random((N_PROTEINS, M)) < 0.4
    proteins = []
    for number in range(N_PROTEINS):
        code = rng.exponential(size=(rng.integers(20, 60), 40)) * (rng.random(40) < 0.08)
        code[:, :M] = labels[number] * rng.exponential(size=(len(code), M))
        proteins.append(5 * code @ directions + 0.1 * rng.normal(size=(len(code), D_MODEL)) + 2)
    if not (folder / "shards.json").exists():
        with ShardWriter(folder, max_rows=1000) as writer:
            for number, x in enumerate(proteins):
                writer.add(f"P{number}", torch.from_numpy(x).float())
    rows = np.zeros((0, 3), dtype=np.int64)
    classes = (*(f"GO:{i}" for i in range(M)), "GO:99")
    axioms = Axioms(classes, ("part_of",), np.array([[1, 0], [6, 2]]), rows, rows, np.array([[3, 0, 6], [4, 0, 5]]))
    split = rng.permutation(N_PROTEINS)
    return TrainingData(ShardReader(folder), split[:45], split[45:], labels, axioms)


def make(architecture: str, **changes: Any) -> SAE:
    """A fresh SAE for the task."""
    if architecture == "topk":
        return TopKSAE(TopKSAEConfig(d_model=D_MODEL, d_sae=D_SAE, k=K))
    concepts = tuple(f"GO:{i}" for i in range(M))
    settings = {"d_model": D_MODEL, "d_sae": D_SAE, "k": K, "namespace": "MFO", **changes}
    return ProtSAE(ProtSAEConfig(concepts=concepts, **settings))


def config(**changes: Any) -> TrainConfig:
    """Four short epochs, checkpoints whenever the log is written."""
    settings = {"epochs": 4, "batch_size": 64, "lr": 3e-3, "lr_drop_epoch": 3, "log_every": 5, "checkpoint_seconds": 0}
    return TrainConfig(**{**settings, **changes})


def run(folder: Path, architecture: str, kill_at: int) -> TrainResult:
    """Train in folder/<architecture>; kill this process without warning once `kill_at` steps are done."""

    def progress(now: Progress) -> None:
        if now.step >= kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return train(make(architecture), planted(folder / "embed"), config(), folder / architecture, progress)


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
