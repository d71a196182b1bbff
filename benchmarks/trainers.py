"""A TopK SAE by our trainer and by those of SAELens and dictionary_learning, on the same residues; prints a table.

    python benchmarks/trainers.py OUT.work --d-sae 2560 --k 32 --epochs 6

OUT.work is the work folder of a run whose stage `embed` is done. Every trainer sees the same batches of the training
proteins in the same order, and is measured on all residues of the held-out ones, in the PLM's own units:

    EV     explained variance about the mean residue
    alive  share of features on at least 1 residue in 10,000
    dense  share of features on more than 1 residue in 10
    L0     mean active features per residue

The other two run with their own defaults (initialisation, AuxK, gradient clipping, scale of the input), at their own
learning rate and, with --lr, at ours too; warm-up and decay are as long as ours, for their defaults are made for far
longer trainings. A program that is not installed is left out and named.
"""

import argparse
import importlib
import importlib.util
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

from precompute.config import RunConfig
from precompute.corpus.proteins import read_corpus
from protsae.measures.reconstruction import ErrorSums
from protsae.sae import TopKSAE, TopKSAEConfig
from protsae.sae.config import Normalise
from protsae.shards import ShardReader
from protsae.training.batches import BatchStream
from protsae.training.config import DECAY, WARM_UP, TrainConfig, TrainingData
from protsae.training.loop import train
from protsae.training.validation import DENSE, LIVE

NORM_BATCHES = 50
"""Batches from which the other trainers take the scale of their input."""


class Task(NamedTuple):
    """What all trainers are given."""

    data: TrainingData
    held_out: np.ndarray
    """Numbers of the proteins that are measured."""
    d_sae: int
    k: int
    normalise: Normalise
    """Of ours."""
    config: TrainConfig

    def stream(self) -> BatchStream:
        """The training batches, those of our own loop."""
        return BatchStream(
            self.data.reader,
            self.data.train,
            batch_size=self.config.batch_size,
            residues_per_protein=self.config.residues_per_protein,
            seed=self.config.seed,
        )

    def batches(self) -> Iterator[Tensor]:
        """Batches without end, epoch after epoch."""
        stream = self.stream()
        for epoch in itertools.count():
            yield from (batch.x for batch in stream.epoch(epoch))

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.config.epochs * self.stream().n_batches


class Coder(NamedTuple):
    """A trained SAE, whoever trained it."""

    encode: Callable[[Tensor], Tensor]
    """Residues in the PLM's own units [n, d_model] -> activations [n, d_sae]."""
    decode: Callable[[Tensor], Tensor]
    """Back."""


def ours(task: Task, _: float | None) -> Coder:
    """Our trainer, with the settings of the task."""
    d_model = task.data.reader.d_model
    sae = TopKSAE(TopKSAEConfig(d_model=d_model, d_sae=task.d_sae, k=task.k, normalise=task.normalise))
    with tempfile.TemporaryDirectory() as folder:
        train(sae, task.data, task.config, Path(folder))
    return Coder(sae.encode, sae.decode)


def ours_bounded(task: Task, _: float | None) -> Coder:
    """The same with bounds on how often features fire."""
    return ours(task._replace(config=replace(task.config, rate_bound=RunConfig.rate_bound)), None)


def saelens(task: Task, lr: float | None) -> Coder:
    """SAELens' `SAETrainer` with its TopK SAE."""
    lens, config = importlib.import_module("sae_lens"), importlib.import_module("sae_lens.config")
    sae = lens.TopKTrainingSAE(
        lens.TopKTrainingSAEConfig(
            d_in=task.data.reader.d_model,
            d_sae=task.d_sae,
            k=task.k,
            normalize_activations="expected_average_only_in",
        )
    )
    rate = config.SAETrainerConfig.lr if lr is None else lr
    settings = config.SAETrainerConfig(
        total_training_samples=task.steps * task.config.batch_size,
        train_batch_size_samples=task.config.batch_size,
        lr_warm_up_steps=round(WARM_UP * task.steps),
        lr_decay_steps=round(DECAY * task.steps),
        n_batches_for_norm_estimate=NORM_BATCHES,
        lr=rate,
        lr_end=rate / 10,  # as SAELens sets it where it makes these settings itself; a constant rate does not use it
    )
    trained: Any = lens.SAETrainer(settings, sae, _after(task, NORM_BATCHES)).fit()
    return Coder(trained.encode, trained.decode)


def dictionary_learning(task: Task, lr: float | None) -> Coder:
    """dictionary_learning's `TopKTrainer`, its input brought to unit mean squared norm as its `trainSAE` does."""
    module = importlib.import_module("dictionary_learning.trainers.top_k")
    trainer: Any = module.TopKTrainer(
        steps=task.steps,
        activation_dim=task.data.reader.d_model,
        dict_size=task.d_sae,
        k=task.k,
        layer=0,
        lm_name="",
        lr=lr,
        warmup_steps=round(WARM_UP * task.steps),
        decay_start=round((1 - DECAY) * task.steps),
        seed=0,
        device="cpu",
    )
    sample = itertools.islice(task.batches(), NORM_BATCHES)
    norm = float(torch.stack([x.pow(2).sum(dim=1).mean() for x in sample]).mean().sqrt())
    for step, x in enumerate(itertools.islice(task.batches(), task.steps)):
        trainer.update(step, x / norm)
    trainer.ae.scale_biases(norm)
    return Coder(trainer.ae.encode, trainer.ae.decode)


PROGRAMS: dict[str, tuple[str, Callable[[Task, float | None], Coder]]] = {
    "ours": ("protsae", ours),
    "ours, rates bounded": ("protsae", ours_bounded),
    "SAELens": ("sae_lens", saelens),
    "dictionary_learning": ("dictionary_learning", dictionary_learning),
}
"""Name -> package that it needs, and its training."""


def _after(task: Task, n_first: int) -> Iterator[Tensor]:
    """The first batches, for a scale, and then all of them from the start."""
    yield from itertools.islice(task.batches(), n_first)
    yield from task.batches()


@torch.no_grad()
def measure(coder: Coder, task: Task) -> dict[str, float]:
    """Explained variance, liveness and L0 on all residues of the held-out proteins."""
    reader = task.data.reader
    errors, fired = ErrorSums.zeros(reader.d_model), np.zeros(task.d_sae)
    for protein in task.held_out.tolist():
        x = torch.from_numpy(reader.protein(protein).astype(np.float32))
        acts = coder.encode(x)
        errors = errors.plus(ErrorSums.of(x.numpy(), coder.decode(acts).numpy()))
        fired += (acts > 0).sum(dim=0).numpy()
    density = fired / errors.n
    return {
        "EV": errors.explained_variance,
        "alive": float((density >= LIVE).mean()),
        "dense": float((density > DENSE).mean()),
        "L0": float(density.sum()),
    }


def main() -> None:
    """Train with every program that is installed, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="work folder of a run, OUT.work")
    parser.add_argument("--d-sae", type=int, default=2560)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--normalise", choices=get_args(Normalise), default="scalar", help="input of our trainer")
    parser.add_argument("--auxk", type=int, default=256, help="of our trainer; 0 for off")
    parser.add_argument("--our-lr", type=float, default=1e-3)
    parser.add_argument("--lr", type=float, nargs="*", default=[], help="for the other two, beside their own")
    parser.add_argument("--split", choices=("valid", "test"), default="test", help="proteins that are measured")
    parser.add_argument("--only", choices=tuple(PROGRAMS), nargs="+", default=tuple(PROGRAMS))
    args = parser.parse_args()
    split = read_corpus(args.work).split
    data = TrainingData(
        ShardReader(args.work / "embed"), np.flatnonzero(split == "train"), np.flatnonzero(split == "valid")
    )
    config = TrainConfig(
        epochs=args.epochs,
        batch_size=args.batch_size,
        lr=args.our_lr,
        schedule="linear",
        auxk=args.auxk,
        best_from_epoch=args.epochs,  # the last weights, as of the others
    )
    task = Task(data, np.flatnonzero(split == args.split), args.d_sae, args.k, args.normalise, config)
    out = sys.stdout.write
    out(f"d_sae {args.d_sae}, k {args.k}, {task.steps * args.batch_size:,} residues in {task.steps:,} steps\n\n")
    out("| trainer | learning rate | EV | alive | dense | L0 | minutes |\n|---|---|---|---|---|---|---|\n")
    for name in args.only:
        package, program = PROGRAMS[name]
        if importlib.util.find_spec(package) is None:
            out(f"| {name} | left out: the package {package} is not installed |\n")
            continue
        for lr in [None] if package == "protsae" else [None, *args.lr]:
            begun = time.perf_counter()
            coder = program(task, lr)
            minutes = (time.perf_counter() - begun) / 60
            found = measure(coder, task)
            rate = f"{args.our_lr:g}" if package == "protsae" else "its own" if lr is None else f"{lr:g}"
            out(
                f"| {name} | {rate} | {found['EV']:.4f} | {found['alive']:.1%} | {found['dense']:.1%} "
                f"| {found['L0']:.1f} | {minutes:.1f} |\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
