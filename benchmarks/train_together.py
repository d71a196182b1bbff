"""What a second training process is worth: optimizer steps by one and by two, every process on as many threads; JSON.

    python benchmarks/train_together.py --d-model 320 --d-sae 2560 --k 32 --concepts 200 --threads 1

The loop of `protsae/training/loop.py` trains a TopK SAE and a ProtSAE of the recommended form (without axioms and named
sites) on made-up residues. The global batch stays, so two processes do the same step, each on half of its rows. Runs of
one and of two alternate; `steps_per_s` is the median over windows of steps, the first of each run left out, and
`ratio` two processes over one. `cpu_ms` is what a step costs each process of processor time, exchange included, which
is worth more than the clock where something else runs. `sent_bytes` is what a process hands to the others in one step,
counted as it is handed over. Say what else ran on the machine.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist

from precompute.pipeline.together import together
from protsae.parallel.ranks import ALONE, Ranks
from protsae.sae import SAE, ProtSAE, ProtSAEConfig, TopKSAE, TopKSAEConfig
from protsae.shard_writer import ShardWriter
from protsae.shards import ShardReader
from protsae.training.config import TrainConfig, TrainingData
from protsae.training.loop import Progress, train

LENGTH = 300
"""Residues of every made-up protein, of which an epoch takes a hundred."""

WINDOW = 10
"""Steps that are timed together."""

RECOMMENDED: dict[str, Any] = {
    "selection": "apart",
    "detector": True,
    "annotation": "protein",
    "axioms": False,
    "positive_weight": 0.75,
    "spread": 0.07,
    "predictor_l2": 3e-4,
    "detector_l2": 5e-3,
}


class Task(NamedTuple):
    """What is trained."""

    embed: Path
    d_sae: int
    k: int
    concepts: int
    """0 for a TopK SAE."""
    batch_size: int
    threads: int
    """Of every process."""


class Found(NamedTuple):
    """One run."""

    windows_s: list[float]
    """Seconds of every window but the first."""
    cpu_s: list[float]
    """Processor time of the same windows."""
    sent_bytes: float
    """A step."""


def main() -> None:
    """Time all forms and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--d-model", type=int, default=320)
    parser.add_argument("--d-sae", type=int, default=2560)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--concepts", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        embed = made_up(Path(folder), args.d_model, args.steps * args.batch_size)
        for name, concepts in (("topk", 0), ("protsae", args.concepts)):
            task = Task(embed, args.d_sae, args.k, concepts, args.batch_size, args.threads)
            runs: dict[int, list[Found]] = {1: [], 2: []}
            for _ in range(args.repeats):
                runs[1].append(timed(task, ALONE, print))
                runs[2].append(together(2, "cpu", partial(timed, task), print)[0])
            found[name] = compared(runs)
    json.dump({**vars(args), **found}, sys.stdout, indent=1)
    sys.stdout.write("\n")


def made_up(folder: Path, d_model: int, n_rows: int) -> Path:
    """Embeddings for one epoch of so many residues."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(4 * d_model, d_model)).astype(np.float32) / d_model**0.5
    with ShardWriter(folder) as writer:
        for number in range(n_rows // 100 + 2):
            code = rng.exponential(size=(LENGTH, 8)).astype(np.float32)
            used = rng.integers(0, len(directions), (LENGTH, 8))
            writer.add(f"P{number}", torch.from_numpy(np.einsum("ij,ijk->ik", code, directions[used])))
    return folder


def timed(task: Task, ranks: Ranks, _emit: object) -> Found:
    """One epoch in this process, alone or with another."""
    torch.set_num_threads(task.threads)
    reader = ShardReader(task.embed)
    train_proteins, valid = np.arange(len(reader) - 1), np.array([len(reader) - 1])
    labels = np.random.default_rng(1).random((len(reader), task.concepts)) < 0.1 if task.concepts else None
    config = TrainConfig(epochs=1, batch_size=task.batch_size, log_every=WINDOW, rate_bound=0.095)
    counter = Counter()
    seen, used, sent = [], [], [0.0]  # of the first process, which alone is told

    def count(progress: Progress) -> None:
        seen.append(time.perf_counter())
        used.append(time.process_time())
        sent.append(counter.n_bytes / progress.step)

    with tempfile.TemporaryDirectory() as out:
        data = TrainingData(reader, train_proteins, valid, labels)
        train(fresh(task, reader.d_model), data, config, Path(out), count, ranks=ranks)
    return Found(np.diff(seen).tolist(), np.diff(used).tolist(), sent[-1])


class Counter:
    """Counts the bytes that this process hands to torch.distributed."""

    def __init__(self) -> None:
        """Count from now on."""
        self.n_bytes = 0
        for name, at in (("all_reduce", 0), ("all_gather", 1)):
            setattr(dist, name, self._counted(getattr(dist, name), at))

    def _counted(self, exchange: Any, at: int) -> Any:
        def counted(*args: Any, **options: Any) -> Any:
            self.n_bytes += args[at].numel() * args[at].element_size()
            return exchange(*args, **options)

        return counted


def fresh(task: Task, d_model: int) -> SAE:
    """The SAE of a task."""
    if not task.concepts:
        return TopKSAE(TopKSAEConfig(d_model=d_model, d_sae=task.d_sae, k=task.k))
    names = tuple(f"GO:{number}" for number in range(task.concepts))
    shape = {"d_model": d_model, "d_sae": task.d_sae, "k": task.k, "namespace": "GO"}
    return ProtSAE(ProtSAEConfig(concepts=names, **shape, **RECOMMENDED))


def compared(runs: dict[int, list[Found]]) -> dict[str, Any]:
    """Steps per second of one and of two, their processor time, and what two send."""
    pace = {n: WINDOW / statistics.median(s for run in found for s in run.windows_s) for n, found in runs.items()}
    cpu = {n: statistics.median(s for run in found for s in run.cpu_s) / WINDOW for n, found in runs.items()}
    return {
        "steps_per_s": {str(n): round(value, 2) for n, value in pace.items()},
        "ratio": round(pace[2] / pace[1], 2),
        "cpu_ms": {str(n): round(1000 * value, 1) for n, value in cpu.items()},
        "sent_bytes": round(runs[2][0].sent_bytes),
    }


if __name__ == "__main__":
    main()
