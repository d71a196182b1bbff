"""A made-up suite: the tiny bundle at two sites of two layers each; only what the address calls them differs."""

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb

from protsae.bundle.opening import open_bundle
from protsae.bundle.suite import Metric, registry_of, write_registry
from protsae.plm.sites import Place
from protsae.plm.spec import PLMSpec


def build_tiny_suite(bundle: Path, folder: Path) -> Path:
    """R1, A1, R2 and A2 of a bundle below `folder`, and their registry."""
    places = [Place(layer, site) for layer in (1, 2) for site in ("resid_post", "attn_out")]
    for place in places:
        here = Path(shutil.copytree(bundle, folder / place.name))
        replace(PLMSpec.read(here / "plm.json"), layer=place.layer, site=place.site).write(here / "plm.json")
        with duckdb.connect(str(here / "store.duckdb")) as store:
            for key in ("layer", "site"):
                store.execute("UPDATE meta SET value = ? WHERE key = ?", [str(getattr(place, key)), key])
    bundles = {place.name: open_bundle(folder / place.name) for place in places}
    losses = {}
    for at, opened in bundles.items():
        entries = registry_of({at: opened}).entries
        losses |= {e.name: Metric(e.layer / 8, 0.75, "the mean residue in its place", "test") for e in entries}
    write_registry(folder, registry_of(bundles, go_release="2026-03-01", losses=losses))
    for opened in bundles.values():
        opened.reader.close()
    return folder
