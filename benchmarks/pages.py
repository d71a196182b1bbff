"""Server time of each page's main interaction on a bundle: median and 95th percentile of reruns, in milliseconds; JSON.

    python benchmarks/pages.py [--bundle DIR] [--repeats 20]

The pages run in Streamlit's own test driver, so this is what the server does between a change and its answer, without
browser and network. The first visit of a page is reported apart: it fills the caches and loads the weights. Every
repeat asks for something it has not asked for before.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from protsae.store.reader import StoreReader

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Time every page and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo")
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    os.environ["PROTSAE_BUNDLE"] = str(args.bundle)
    with StoreReader.open(args.bundle / "store.duckdb") as reader:
        features = reader.validated_features(args.repeats)
        proteins = reader.sequence_index()
        saes = [row.name for row in reader.saes()]
    usual = proteins[proteins["sequence"].str.len().between(250, 350)]
    accessions = (proteins if usual.empty else usual)["accession"].head(args.repeats).tolist()
    visits = {
        "find": [{"q": row.label} for row in features],
        "feature": [{"sae": row.sae, "feature": str(row.feature)} for row in features],
        "compare": [{"go": row.go_id} for row in features],
        "map": [{"sae": name} for name in saes],
        "sequence": [{"accession": accession} for accession in accessions],
        "steer": [{"strength": str(-2 + 0.25 * step)} for step in range(args.repeats)],
    }
    json.dump({page: timed(page, addresses) for page, addresses in visits.items()}, sys.stdout, indent=1)
    sys.stdout.write("\n")


def timed(page: str, addresses: list[dict[str, str]]) -> dict[str, float | int]:
    """Milliseconds of the first visit and of the changes of address that follow."""
    app = AppTest.from_file(str(ROOT / "explorer" / "app.py"), default_timeout=120).run()
    if page != "find":
        app.switch_page(f"app_pages/{page}.py")
    first = _milliseconds(app, {})
    times = [_milliseconds(app, address) for address in addresses]
    return {
        "first_ms": round(first),
        "median_ms": round(float(np.median(times))),
        "p95_ms": round(float(np.percentile(times, 95))),
        "repeats": len(times),
    }


def _milliseconds(app: AppTest, address: dict[str, str]) -> float:
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
