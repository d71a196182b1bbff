"""What a second worker is worth: embedding by one and by two, in processes and in a pipeline of a local Ray; JSON.

    python benchmarks/workers.py [--bundle DIR] [--proteins 1200]

Proteins that a bundle ships are embedded by its own language model into eight shards, every worker on one thread.
Seconds are from the start of the first shard to the end of the last, as the workers' clocks give them: a worker has its
weights by then. `ratio` is one worker over two of the same engine. Say what else ran on the machine.
"""

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path

import torch

from precompute.pipeline.executors import Executor, Job, Processes, in_order
from precompute.pipeline.ray_engine import RayData
from protsae.plm.registry import load_plm
from protsae.store.reader import StoreReader

ROOT = Path(__file__).resolve().parents[1]
N_SHARDS = 8
LONGEST = 1000

Shard = list[str]


def main() -> None:
    """Time all engines and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo")
    parser.add_argument("--proteins", type=int, default=1200)
    args = parser.parse_args()
    with StoreReader.open(args.bundle / "store.duckdb") as reader:
        sequences = [text for text in reader.sequence_index()["sequence"] if len(text) <= LONGEST][: args.proteins]
    shards = [sequences[at::N_SHARDS] for at in range(N_SHARDS)]
    found = {}
    for name, engine in (("processes", Processes), ("ray", partial(RayData, device="cpu"))):
        one, two = (seconds(engine(n_workers=n), args.bundle, shards) for n in (1, 2))
        found[name] = {"one_s": round(one, 1), "two_s": round(two, 1), "ratio": round(one / two, 2)}
    json.dump({"residues": sum(map(len, sequences)), **found}, sys.stdout, indent=1)
    sys.stdout.write("\n")


def seconds(engine: Executor, bundle: Path, shards: list[Shard]) -> float:
    """Wall seconds in which all shards were computed, once a worker had its weights."""
    with engine.session(partial(embedder, str(bundle)), lambda _: None, lambda _: "a shard") as session:
        times = list(in_order(session, shards))
    return max(end for _, end in times) - min(start for start, _ in times)


def embedder(bundle: str) -> Job[Shard, tuple[float, float]]:
    """What a worker does with a shard; it answers with when it began and ended."""
    torch.set_num_threads(1)  # a worker alone would take all cores
    plm = load_plm(bundle, device="cpu")

    def embed(shard: Shard, emit: object) -> tuple[float, float]:
        del emit
        start = time.time()
        for _ in plm.harvest(shard, layer=4):
            pass
        return start, time.time()

    return embed


if __name__ == "__main__":
    main()
