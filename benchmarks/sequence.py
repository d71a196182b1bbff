"""The Sequence page by length of the protein: model, first view, map of substitutions, attribution; one JSON object.

    python benchmarks/sequence.py [--bundle DIR] [--lengths 100 300 1000] [--scan]

Each number twice: seconds on the wall, and seconds of processor time that this process took, which other programs on a
busy machine hardly change; on idle cores a step that uses one thread takes as long as its processor time, and a map or
an attribution, which use all cores, that time over their number. `page` is the server's answer to a sequence that it
has not seen, weights loaded, in Streamlit's own test driver; `model` is what of it the language model and the
autoencoder take. With `--scan` also the whole map of a guided feature and of the likelihood, and one attribution, at
300 residues, from a tenth of the positions.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from explorer.services import data, live, mutating, relying

ROOT = Path(__file__).resolve().parents[1]
SCANNED = 300


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo")
    parser.add_argument("--lengths", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--repeats", type=int, default=5, help="the median counts")
    parser.add_argument("--scan", action="store_true")
    args = parser.parse_args()
    os.environ["PROTSAE_BUNDLE"] = str(args.bundle)
    app = AppTest.from_file(str(ROOT / "explorer" / "app.py"), default_timeout=600)
    app.run()
    app.switch_page("app_pages/sequence.py")
    found: dict[str, object] = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    for length in [60, *args.lengths]:  # the first one loads the weights
        found[f"page {length}"] = median(lambda length=length: opened(app, length), args.repeats)
        found[f"model {length}"] = median(lambda length=length: read(length), args.repeats)
    if args.scan:
        found |= scans()
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def invented(length: int) -> str:
    """A sequence that nothing has seen: each call another one."""
    rng = np.random.default_rng(time.monotonic_ns())
    return "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), length))


def median(do: Callable[[], None], repeats: int) -> dict[str, float]:
    """Of the wall's seconds and the processor's."""
    taken = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        do()
        taken.append((time.perf_counter() - wall, time.process_time() - processor))
    wall, processor = np.median(taken, axis=0)
    return {"wall_s": round(float(wall), 3), "processor_s": round(float(processor), 3)}


def opened(app: AppTest, length: int) -> None:
    """The page with a new sequence."""
    app.query_params["sequence"] = invented(length)
    app.run()


def read(length: int) -> None:
    """A new sequence through the models, ranked."""
    live.top_features(invented(length), data.saes()[0].name)


def scans() -> dict[str, object]:
    """A tenth of each map, times ten; one attribution whole."""
    sequence, sae = invented(SCANNED), data.saes()[0].name
    guiding = {term.feature for term in data.bundle().reader.guiding_features(sae)}
    guided = next(one for one in live.top_features(sequence, sae) if one.feature in guiding)
    free = next(one for one in live.top_features(sequence, sae) if one.feature not in guiding)
    found: dict[str, object] = {}
    asked_for = {"a guided feature": guided.feature, "a free feature": free.feature, "the likelihood": None}
    for name, feature in asked_for.items():
        question = mutating.Question(sequence, sae, feature)
        wall, processor = time.perf_counter(), time.process_time()
        while (done := len(mutating.scan(question, 0.01).items)) < SCANNED // 10:
            pass
        times = time.perf_counter() - wall, time.process_time() - processor
        whole = [round(taken * SCANNED / done, 1) for taken in times]
        found[f"map of {name}"] = {"wall_s": whole[0], "processor_s": whole[1]}
    asked = relying.Question(sequence, guided.position, sae, guided.feature)
    found["attribution"] = median(lambda: attributed(asked), 1)
    return found


def attributed(question: relying.Question) -> None:
    """The whole attribution."""
    relying.reliance(question, 600)


if __name__ == "__main__":
    main()
