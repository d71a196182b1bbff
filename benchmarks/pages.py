"""Server time of the explorer's interactions on a bundle: median and 95th percentile of reruns, in milliseconds; JSON.

    python benchmarks/pages.py [--bundle DIR] [--repeats 20] [--only NAME]

The pages run in Streamlit's own test driver, so this is what the server does between a change and its answer, without
browser and network. Each interaction is a change of the address on a page that stands; every repeat asks for something
it has not asked for before, where there is enough. The first visit is reported apart: it fills the caches and loads the
weights. `ratio` is the median over that of a page of Streamlit's that draws one sentence and one button, timed in the
same run. Those marked `runs_model` run the language model in every repeat; the others must not.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from streamlit import config
from streamlit.testing.v1 import AppTest

from protsae.store.reader import StoreReader

ROOT = Path(__file__).resolve().parents[1]
BARE = "import streamlit as st\nst.title('Bare')\nst.write(st.query_params.get('n', ''))\nst.button('Again')\n"
PATIENCE_S = 180

Address = Mapping[str, str]


class Interaction(NamedTuple):
    """What a reader does on a page, again and again."""

    name: str
    page: str
    start: Address
    changes: Sequence[Address]
    runs_model: bool = False


def main() -> None:
    """Time every interaction and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--only", default="", help="interactions whose name begins so")
    args = parser.parse_args()
    os.environ["PROTSAE_BUNDLE"] = str(args.bundle)
    config.set_option("runner.magicEnabled", value=False)  # as explorer/.streamlit/config.toml; AppTest reads none
    bare = baseline(args.repeats)
    found: dict[str, Any] = {"a bare page": {"median_ms": round(bare, 1)}}
    for one in interactions(args.bundle, args.repeats):
        if one.name.startswith(args.only):
            found[one.name] = timed(one, bare)
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.write("\n")


def interactions(bundle: Path, n: int) -> list[Interaction]:
    """Everything that is timed, each with at most `n` changes."""
    with StoreReader.open(bundle / "store.duckdb") as reader:
        features = reader.validated_features(n)
        proteins = reader.sequence_index()
        saes = [row.name for row in reader.saes()]
    usual = proteins[proteins["sequence"].str.len().between(250, 350)]
    accessions = (proteins if usual.empty else usual)["accession"].head(n).tolist()
    one = {"sae": features[0].sae, "feature": str(features[0].feature)}
    terms = [{"go": row.go_id} for row in features]
    bands = cycled("band", ("with", "without", "silent", "top", "middle", "weak", "3d"), n)
    return [
        Interaction("Find: a term", "find", {}, [{"q": row.label} for row in features]),
        Interaction("Find: a protein", "find", {}, [{"q": accession} for accession in accessions]),
        Interaction("Find: narrower terms", "find", {"q": features[0].term_name}, cycled("roll", ("1", "0"), n)),
        Interaction(
            "Feature: the next one", "feature", {}, [{"sae": row.sae, "feature": str(row.feature)} for row in features]
        ),
        Interaction("Feature: another band", "feature", one, bands),
        Interaction("Compare: another term", "compare", {}, terms, runs_model=True),
        Interaction(
            "Compare: another ontology", "compare", {}, cycled("ns", ("BPO", "CCO", "MFO"), n), runs_model=True
        ),
        Interaction("Map: another colour", "map", {}, cycled("colour", ("density", "f1", "kind", "origin"), n)),
        Interaction("Map: labels marked", "map", {}, [{"find": row.term_name.split()[0]} for row in features]),
        Interaction("Map: the other autoencoder", "map", {}, cycled("sae", saes, n)),
        Interaction("Results", "results", {}, cycled("scale", ("raw", "normalised"), n)),
        Interaction("Protein: another one", "protein", {}, of_proteins(accessions), runs_model=True),
        Interaction("Protein: residues marked", "protein", of_proteins(accessions)[0], ranges(n)),
        Interaction("Sequence: another protein", "sequence", {}, of_proteins(accessions), runs_model=True),
        Interaction("Sequence: residues marked", "sequence", of_proteins(accessions)[0], ranges(n)),
        Interaction("Steer: another strength", "steer", {}, strengths(n), runs_model=True),
    ]


def cycled(name: str, values: Iterable[str], n: int) -> list[Address]:
    """`n` changes of one parameter through these values."""
    return [{name: value} for value in itertools.islice(itertools.cycle(values), n)]


def of_proteins(accessions: Iterable[str]) -> list[Address]:
    """Addresses of proteins."""
    return [{"accession": accession} for accession in accessions]


def ranges(n: int) -> list[Address]:
    """Spans of ten residues, one after the other."""
    return [{"range": f"{start}-{start + 9}"} for start in range(11, 11 + 5 * n, 5)]


def strengths(n: int) -> list[Address]:
    """Steps of the slider."""
    return [{"strength": str(-2 + 0.25 * step)} for step in range(n)]


def baseline(n: int) -> float:
    """Median milliseconds of a rerun of a page with next to nothing on it."""
    app = AppTest.from_string(BARE, default_timeout=PATIENCE_S).run()
    return float(np.median([_milliseconds(app, {"n": str(repeat)}) for repeat in range(n)]))


def timed(one: Interaction, bare: float) -> dict[str, float | int | bool]:
    """Milliseconds of the first visit and of the changes of address that follow."""
    app = AppTest.from_file(str(ROOT / "explorer" / "app.py"), default_timeout=PATIENCE_S).run()
    if one.page != "find":
        app.switch_page(f"app_pages/{one.page}.py")
    first = _milliseconds(app, one.start)
    times = [_milliseconds(app, change) for change in one.changes]
    return {
        "first_ms": round(first),
        "median_ms": round(float(np.median(times))),
        "p95_ms": round(float(np.percentile(times, 95))),
        "ratio": round(float(np.median(times)) / bare, 1),
        "repeats": len(times),
        "runs_model": one.runs_model,
    }


def _milliseconds(app: AppTest, address: Address) -> float:
    for name, value in address.items():
        app.query_params[name] = value
    start = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - start
    if app.exception:
        raise RuntimeError(app.exception[0].value)
    return 1000 * seconds


if __name__ == "__main__":
    main()
