"""Which release a run's inputs are of, where `fetch` wrote them and nobody has changed them since.

Read `origins`.
"""

from collections.abc import Iterable
from pathlib import Path

from precompute.fetching.run import MANIFEST
from protsae.files import read_json, sha256
from protsae.sources.answers import Provenance


def origins(paths: Iterable[Path]) -> list[str]:
    """One line for each file that is as `fetch` wrote it, for a bundle's list of sources."""
    found = []
    for path in paths:
        manifest = read_json(path.parent / MANIFEST) or {}
        about = manifest.get("files", {}).get(path.name, {})
        if about and about.get("sha256") == sha256(path):
            made = Provenance(*(str(about.get(name, "")) for name in Provenance._fields))
            found.append(f"{path.name}: {made.sentence()}")
    return found
