"""Milliseconds from a move of the Steer page's slider to its new sequence and read-out; a JSON line a model and length.

    python benchmarks/steering.py [--bundle DIR] [--lengths 100 300 1000] [--repeats 5] [--threads 1]
        [--only 150M] [--without-gibbs]

The bundle's own model and SAE, and ESM-2 35M and 150M with random weights and a random TopK SAE of 4,096 features on
their middle layer. `prepare` is paid once a sequence; `strength` is what every move of the slider costs: the layers
above the SAE, and one embedding and encoding of the new sequence. `scan` hides nothing; `gibbs` is a whole sweep,
measured once.
`ratio` is `strength` over one forward pass in the same run. Medians of
processor time, so that with one thread they are those of a free core, whatever else runs.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from esm.model.esm2 import ESM2

from protsae.alphabet import AMINO_ACIDS
from protsae.bundle.layout import STORE, sae_folder
from protsae.plm.base import PLM
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.registry import open_plm
from protsae.plm.spec import PLMSpec
from protsae.sae import load_sae
from protsae.sae.topk import TopKSAE, TopKSAEConfig
from protsae.steering.steer import SteerableSAE, SteerConfig, Steering
from protsae.store.reader import StoreReader

ROOT = Path(__file__).resolve().parents[1]
RANDOM = {"ESM-2 35M, random weights": (12, 480, 20), "ESM-2 150M, random weights": (30, 640, 20)}
"""Layers, width and heads."""


class Model(NamedTuple):
    """What is steered."""

    name: str
    plm: PLM
    spec: PLMSpec
    sae: SteerableSAE


def main() -> None:
    """Time all models at all lengths and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo")
    parser.add_argument("--lengths", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="models whose name holds this")
    parser.add_argument("--without-gibbs", action="store_true", help="a sweep over a long chain takes minutes")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for model in models(args.bundle):
        for length in args.lengths if args.only in model.name else ():
            found = timed(model, length, args.repeats, with_gibbs=not args.without_gibbs)
            line = {"model": model.name, "length": length, **found}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


def models(bundle: Path) -> Iterator[Model]:
    """The bundle's, then random ones."""
    plm, spec = open_plm(bundle, device="cpu")
    with StoreReader.open(bundle / STORE) as reader:
        name = reader.saes()[0].name
    yield Model("the bundle's", plm, spec, load_sae(sae_folder(bundle, name)).eval())
    for title, (layers, width, heads) in RANDOM.items():
        torch.manual_seed(0)
        plm = ESM2PLM(ESM2(layers, width, heads, "ESM-1b"), name=title, device="cpu")
        sae = TopKSAE(TopKSAEConfig(d_model=width, d_sae=4096, k=32))
        yield Model(title, plm, plm.spec(layer=2 * layers // 3, site="resid_mid"), sae.eval())


def timed(model: Model, length: int, repeats: int, *, with_gibbs: bool) -> dict[str, float]:
    """Medians over random sequences, milliseconds."""
    rng = np.random.default_rng(0)
    config, push = SteerConfig(), {7: 1.0}
    columns: dict[str, list[float]] = {name: [] for name in ("forward", "prepare", "strength", "scan")}
    for repeat in range(repeats + 1):
        sequence = "".join(rng.choice(list(AMINO_ACIDS), length))
        columns["forward"].append(spent(lambda s=sequence: model.plm.logits(s)))

        def prepared(s: str = sequence, how: SteerConfig = config) -> Steering:
            steering = Steering(model.plm, model.spec, model.sae, s, how)
            steering.run(push, strength=1)
            return steering

        columns["prepare"].append(spent(prepared))
        steering = prepared()
        columns["strength"].append(spent(lambda s=steering: s.run(push, strength=2)))
        steering.scan(push, strength=1)
        columns["scan"].append(spent(lambda s=steering: s.scan(push, strength=2)))
        if repeat == 0 and with_gibbs:  # many passes at once: what warms up is little of it
            gibbs = Steering(model.plm, model.spec, model.sae, sequence, replace(config, method="gibbs"))
            columns["gibbs"] = 2 * [spent(lambda s=gibbs: s.rewrite(push, strength=2))]
    found = {name: round(float(np.median(times[1:])), 1) for name, times in columns.items()}  # the first warms up
    return found | {"ratio": round(found["strength"] / found["forward"], 2)}


def spent(what: Callable[[], object]) -> float:
    """Milliseconds of computing, of all threads."""
    began = time.process_time()
    with torch.no_grad():
        what()
    return 1000 * (time.process_time() - began)


if __name__ == "__main__":
    main()
