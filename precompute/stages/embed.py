"""Residue activations of all proteins at one layer and site of the PLM, as fp16 shards.

Proteins go to shards in the order of `proteins.parquet`; within a shard the PLM takes them by length. A shard that an
earlier run has written whole for the same proteins and the same PLM is kept. Writes the shards and their indices (see
`protsae/shards.py`), and `plm.json` (name, layer, site, shape).

Several runs that differ in layer and site only share one pass of the PLM (`run_together`). Read `run`, then
`embed_shard`: each shard has one writer, and any number of them work side by side.
"""

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.pipeline.engines import engine_of
from precompute.pipeline.executors import Emit, Job, in_order
from precompute.pipeline.plan import follow_plan, text_hash
from precompute.pipeline.progress import Meter, Report, Transient
from protsae.plm.base import PLM
from protsae.plm.download import Progress
from protsae.plm.registry import fetch_plm, load_plm
from protsae.plm.sites import Place
from protsae.plm.spec import PLMSpec
from protsae.shards import assign_shards, fill_shards, is_written, plan_shards


class ShardOfSequences(NamedTuple):
    """Proteins that go into one shard."""

    number: int
    accessions: Sequence[str]
    sequences: Sequence[str]


class Target(NamedTuple):
    """A place in the PLM, and the folder of its shards."""

    spec: PLMSpec
    folder: Path


def run(config: RunConfig, work: Path, report: Report) -> dict[str, int | float | str]:
    """Embed what is not embedded yet.

    Raises:
        ConfigError: the PLM has no such layer or site.
        InputError: the PLM's weights cannot be had, or its activations do not fit into fp16.
        WorkerDiedError: a process died; the sentence names its shard.
    """
    return run_together([config], [work], report)[0]


def run_together(
    configs: Sequence[RunConfig], works: Sequence[Path], report: Report
) -> list[dict[str, int | float | str]]:
    """Embed at the places of several runs in one pass of the PLM; what each has already is kept.

    Args:
        configs: runs that differ in layer and site only.
        works: their work folders; the proteins are those of the first.
        report: takes progress.

    Raises:
        ConfigError: the PLM has no such layer or site.
        InputError: the PLM's weights cannot be had, or its activations do not fit into fp16.
        WorkerDiedError: a process died; the sentence names its shard.
    """
    config = configs[0]
    fetch_plm(config.plm, progress=_download_line(report))
    proteins = pd.read_parquet(works[0] / "proteins" / "proteins.parquet", columns=["accession", "sequence"])
    accessions, sequences = proteins["accession"].tolist(), proteins["sequence"].tolist()
    length = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    model = _Model(config.plm, config.device)
    targets = [
        Target(model.plm.spec(layer=one.layer_of(model.plm.num_layers), site=one.site), work / "embed")
        for one, work in zip(configs, works, strict=True)
    ]
    shards = _cut(accessions, sequences, assign_shards(length.tolist(), config.max_residues_per_shard))
    for spec, folder in targets:
        follow_plan(
            folder,
            {
                "plm": spec.identity(),
                "proteins": text_hash(*accessions, *sequences),
                "max_residues_per_shard": config.max_residues_per_shard,
            },
        )
        plan_shards(folder, len(shards))
    missing = [shard for shard in shards if _lacking(targets, shard)]
    meter = Meter(report, "embed", int(length.sum()))
    meter.skip(int(length.sum()) - sum(len(sequence) for shard in missing for sequence in shard.sequences))
    make = partial(_embedder, model, targets)
    with engine_of(config).session(make, meter.advance, lambda shard: f"shard {shard.number}") as session:
        for _ in in_order(session, missing):
            pass
    for spec, folder in targets:
        spec.write(folder / "plm.json")
    return [
        {
            "proteins": len(proteins),
            "residues": int(length.sum()),
            "shards": len(shards),
            "layer": spec.layer,
            "d_model": spec.embed_dim,
        }
        for spec, _ in targets
    ]


def embed_shard(plm: PLM, targets: Sequence[Target], shard: ShardOfSequences, emit: Emit) -> None:
    """Embed one shard once, and write it wherever it is lacking.

    Args:
        plm: the language model.
        targets: layers, sites and folders.
        shard: what goes into it.
        emit: takes the number of residues just done.

    Raises:
        InputError: the PLM's activations do not fit into fp16.
    """
    lacking = _lacking(targets, shard)
    places = [Place(target.spec.layer, target.spec.site) for target in lacking]
    found = plm.harvest_at(shard.sequences, places, progress=emit)
    lengths = [len(sequence) for sequence in shard.sequences]
    fill_shards([target.folder for target in lacking], shard.number, shard.accessions, lengths, found)


def _lacking(targets: Sequence[Target], shard: ShardOfSequences) -> list[Target]:
    return [target for target in targets if not is_written(target.folder, shard.number, shard.accessions)]


class _Model:
    """The PLM, loaded where it is first asked for: what goes to other processes is how to get it."""

    def __init__(self, name: str, device: str) -> None:
        self._name, self._device = name, device

    @cached_property
    def plm(self) -> PLM:
        return load_plm(self._name, device=self._device)

    def __getstate__(self) -> dict[str, str]:
        return {"_name": self._name, "_device": self._device}


def _embedder(model: _Model, targets: Sequence[Target]) -> Job[ShardOfSequences, None]:
    return partial(embed_shard, model.plm, targets)


def _cut(accessions: Sequence[str], sequences: Sequence[str], shard: np.ndarray) -> list[ShardOfSequences]:
    edges = np.searchsorted(shard, np.arange(int(shard.max(initial=-1)) + 2))
    return [
        ShardOfSequences(number, accessions[first:last], sequences[first:last])
        for number, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    ]


def _download_line(report: Report) -> Progress:
    return lambda done, total: report(Transient(f"downloading the PLM: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"))
