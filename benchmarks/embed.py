"""Residues a second of our harvest against stock fair-esm, on the same weights and sequences in one run.

    python benchmarks/embed.py [--model FOLDER_OR_NAME] [--sequences 48] [--threads 2]

Without a model the weights are random in the shape of ESM-2 8M: the speed is the same. Stock means what fair-esm's own
README does: padded batches of 8 in the order given, on the same device in fp32. Prints one JSON object; read its
ratios, for seconds differ between machines.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from esm.data import Alphabet
from esm.model.esm2 import ESM2

from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.weights import read_model

BATCH = 8


def main() -> None:
    """Time both and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="fair-esm name, .pt file or folder; random 8M weights without")
    parser.add_argument("--sequences", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=2, help="the best one counts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    stock = read_model(args.model).model if args.model else ESM2(6, 320, 20, "ESM-1b").eval()
    plm = ESM2PLM(read_model(args.model).model if args.model else _copy(stock), name="benchmark")
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(5.7, 0.6, args.sequences), 40, 1022).astype(int)
    sequences = ["".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), n)) for n in lengths]
    middle = max(1, round(0.7 * plm.num_layers))
    seconds = {
        "fair_esm_unsorted_batches_of_8": _best(lambda: _stock(stock.to(plm.device), sequences), args.repeats),
        "ours_all_layers": _best(lambda: _ours(plm, sequences, plm.num_layers), args.repeats),
        f"ours_to_layer_{middle}": _best(lambda: _ours(plm, sequences, middle), args.repeats),
    }
    total = int(lengths.sum())
    slowest = seconds["fair_esm_unsorted_batches_of_8"]
    report = {
        "device": str(plm.device),
        "threads": args.threads,
        "residues": total,
        "mean_length": round(total / len(lengths)),
        "residues_per_s": {name: round(total / s) for name, s in seconds.items()},
        "times_fair_esm": {name: round(slowest / s, 2) for name, s in seconds.items()},
        "largest_difference": _difference(plm, stock, sequences[0]),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def _copy(model: ESM2) -> ESM2:
    other = ESM2(model.num_layers, model.embed_dim, model.attention_heads, "ESM-1b")
    other.load_state_dict(model.state_dict())
    return other


@torch.no_grad()
def _stock(model: ESM2, sequences: list[str]) -> None:
    convert = Alphabet.from_architecture("ESM-1b").get_batch_converter()
    device = next(model.parameters()).device
    for begin in range(0, len(sequences), BATCH):
        _, _, tokens = convert([("", s) for s in sequences[begin : begin + BATCH]])
        model(tokens.to(device), repr_layers=[model.num_layers])["representations"][model.num_layers].cpu()


def _ours(plm: ESM2PLM, sequences: list[str], layer: int) -> None:
    for _ in plm.harvest(sequences, layer=layer, site="resid_post"):
        pass


def _best(run: Callable[[], None], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


@torch.no_grad()
def _difference(plm: ESM2PLM, stock: ESM2, sequence: str) -> float:
    _, _, tokens = Alphabet.from_architecture("ESM-1b").get_batch_converter()([("", sequence)])
    out = stock(tokens.to(plm.device), repr_layers=[1])["representations"][1][0, 1:-1].cpu()
    return float((plm.embed(sequence, layer=1, site="resid_post") - out).abs().max() / out.abs().max())


if __name__ == "__main__":
    main()
