"""Fetch proteins, annotations, ontology and structures into one folder, and say the command that takes it.

    OUT/proteins.tsv.gz annotations.gaf.gz go.obo.gz structures/     the inputs of a run
    OUT/fetch.json      what was asked, each file's source, release, licence, date and SHA-256, and what is missing
    OUT/.cache/         every answer by its content; the same command asks only for what is not there. It may be removed

Read `fetch`.
"""

import dataclasses
import gzip
import math
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from precompute.fetching.annotations import fetch_annotations
from precompute.fetching.config import FetchConfig
from precompute.fetching.proteins import LeftOut, fetch_proteins
from precompute.fetching.structures import Found, fetch_structures
from precompute.inputs.uniprot import read_proteins
from precompute.pipeline.progress import Console
from protsae.errors import InputError
from protsae.files import locked, sha256, whole, write_json
from protsae.sources.answers import Provenance
from protsae.sources.cache import Cache
from protsae.sources.client import Client
from protsae.sources.gene_ontology import ontology

PROTEINS = "proteins.tsv.gz"
ANNOTATIONS = "annotations.gaf.gz"
ONTOLOGY = "go.obo.gz"
MANIFEST = "fetch.json"
SMALLEST_PLM = "esm2_t6_8M_UR50D"
MAX_SAID = 10
"""Sentences about what is missing; the manifest has all."""


def fetch(config: FetchConfig, console: Console) -> str:
    """Fetch all of it; gives the command that makes a bundle of it.

    Raises:
        InputError: the list of accessions cannot be used, or another process is at work in the folder.
        SourceError: a source cannot be reached or its answer is not whole; the same command goes on.
    """
    if config.out.exists() and not config.out.is_dir():
        raise InputError(f"{config.out} exists and is no folder; choose another --out")
    config.out.mkdir(parents=True, exist_ok=True)
    cache = Cache(config.out / ".cache")
    client = Client(cache, max_age_s=math.inf)
    with locked(config.out):
        return _fetch(config, client, cache, console)


def _fetch(config: FetchConfig, client: Client, cache: Cache, console: Console) -> str:
    files: dict[str, dict[str, Any]] = {}
    with console.stage("proteins") as report:
        proteins = fetch_proteins(config, client, report)
        table = "\n".join([proteins.table.heading, *proteins.table.lines]) + "\n"
        files[PROTEINS] = _written(config.out / PROTEINS, table.encode(), proteins.table.provenance)
        n_proteins = sum(1 for _ in read_proteins(config.out / PROTEINS))
    with console.stage("annotations") as report:
        annotations = fetch_annotations(proteins.accessions(), client, report)
        files[ANNOTATIONS] = _written(config.out / ANNOTATIONS, annotations.text.encode(), annotations.provenance)
    with console.stage("ontology"):
        terms = ontology(client)
        files[ONTOLOGY] = _written(config.out / ONTOLOGY, terms.content, terms.provenance)
    found: list[Found] = []
    without: list[LeftOut] = []
    if config.structures != "none":
        with console.stage("structures") as report:
            found, without = fetch_structures(config, proteins, client, cache, report)
    left_out = [*proteins.left_out, *without]
    numbers = {
        "proteins": n_proteins,
        "annotations": annotations.n_rows,
        "annotations_without_go_evidence_code": annotations.n_without_code,
        "structures": len(found),
        **{
            f"structures_{name}": number
            for name, number in sorted(Counter(one.provenance.source for one in found).items())
        },
        "left_out": len(left_out),
    }
    facts = {"asked": _asked(config), "numbers": numbers, "files": files, "notes": list(proteins.notes)}
    facts["structures"] = [{**one._asdict(), "provenance": one.provenance._asdict()} for one in found]
    write_json(config.out / MANIFEST, facts | {"left_out": [one._asdict() for one in left_out]})
    _say(console, config, numbers, proteins.notes, left_out)
    return _command(config, has_structures=bool(found))


def _asked(config: FetchConfig) -> dict[str, Any]:
    """The settings that were given or stand, of paths only the last part."""
    values = dataclasses.asdict(config).items()
    return {name: value.name if isinstance(value, Path) else value for name, value in values if value is not None}


def _written(path: Path, content: bytes, made: Provenance) -> dict[str, Any]:
    """Write a file, gzipped to the same bytes each time; gives its facts."""
    with whole(path) as temporary:
        temporary.write_bytes(gzip.compress(content, mtime=0))
    return {"sha256": sha256(path), **made._asdict()}


def _say(
    console: Console, config: FetchConfig, numbers: dict[str, int], notes: Sequence[str], left_out: Sequence[LeftOut]
) -> None:
    for sentence in [*notes, *(f"not fetched, {one.id}: {one.why}" for one in left_out)][:MAX_SAID]:
        console.say(sentence)
    more = len(notes) + len(left_out) - MAX_SAID
    if more > 0:
        console.say(f"and {more:,} more, all in {config.out / MANIFEST}")
    console.say(", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in numbers.items()))


def _command(config: FetchConfig, *, has_structures: bool) -> str:
    """The command that makes a bundle of what was fetched."""
    out = config.out
    words = ["python", "-m", "precompute", "run", "--proteins", out / PROTEINS, "--annotations", out / ANNOTATIONS]
    words += ["--ontology", out / ONTOLOGY, *(["--structures", out / "structures"] if has_structures else [])]
    words += ["--plm", SMALLEST_PLM, "--out", out.with_name(out.name + "_bundle")]
    return shlex.join(map(str, words))
