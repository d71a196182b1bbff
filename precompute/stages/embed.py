"""Residue activations of all proteins at one layer and site of the PLM, as fp16 shards.

Proteins go to shards in the order of `proteins.parquet`; within a shard the PLM takes them by length. A shard that an
earlier run has written whole for the same proteins and the same PLM is kept. Writes the shards and their indices (see
`protsae/shards.py`), and `plm.json` (name, layer, site, shape).

Read `run`, then `embed_shard`: each shard has one writer, and any number of them work side by side.
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
from protsae.plm.spec import PLMSpec
from protsae.shards import assign_shards, is_written, plan_shards, write_shard


class ShardOfSequences(NamedTuple):
    """Proteins that go into one shard."""

    number: int
    accessions: Sequence[str]
    sequences: Sequence[str]


def run(config: RunConfig, work: Path, report: Report) -> dict[str, int | float | str]:
    """Embed what is not embedded yet.

    Raises:
        ConfigError: the PLM has no such layer or site.
        InputError: the PLM's weights cannot be had, or its activations do not fit into fp16.
        WorkerDiedError: a process died; the sentence names its shard.
    """
    folder = work / "embed"
    fetch_plm(config.plm, progress=_download_line(report))
    proteins = pd.read_parquet(work / "proteins" / "proteins.parquet", columns=["accession", "sequence"])
    accessions, sequences = proteins["accession"].tolist(), proteins["sequence"].tolist()
    length = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    model = _Model(config.plm, config.device)
    spec = model.plm.spec(layer=config.layer_of(model.plm.num_layers), site=config.site)
    follow_plan(
        folder,
        {
            "plm": spec.identity(),
            "proteins": text_hash(*accessions, *sequences),
            "max_residues_per_shard": config.max_residues_per_shard,
        },
    )
    shards = _cut(accessions, sequences, assign_shards(length.tolist(), config.max_residues_per_shard))
    plan_shards(folder, len(shards))
    missing = [shard for shard in shards if not is_written(folder, shard.number, shard.accessions)]
    meter = Meter(report, "embed", int(length.sum()))
    meter.skip(int(length.sum()) - sum(len(sequence) for shard in missing for sequence in shard.sequences))
    make = partial(_embedder, model, spec, folder)
    with engine_of(config).session(make, meter.advance, lambda shard: f"shard {shard.number}") as session:
        for _ in in_order(session, missing):
            pass
    spec.write(folder / "plm.json")
    return {
        "proteins": len(proteins),
        "residues": int(length.sum()),
        "shards": len(shards),
        "layer": spec.layer,
        "d_model": spec.embed_dim,
    }


def embed_shard(plm: PLM, spec: PLMSpec, folder: Path, shard: ShardOfSequences, emit: Emit) -> None:
    """Embed and write one shard.

    Args:
        plm: the language model.
        spec: layer and site.
        folder: of the shards.
        shard: what goes into it.
        emit: takes the number of residues just done.

    Raises:
        InputError: the PLM's activations do not fit into fp16.
    """
    states = dict(plm.harvest(shard.sequences, layer=spec.layer, site=spec.site, progress=emit))
    write_shard(folder, shard.number, shard.accessions, (states.pop(place) for place in range(len(shard.accessions))))


class _Model:
    """The PLM, loaded where it is first asked for: what goes to other processes is how to get it."""

    def __init__(self, name: str, device: str) -> None:
        self._name, self._device = name, device

    @cached_property
    def plm(self) -> PLM:
        return load_plm(self._name, device=self._device)

    def __getstate__(self) -> dict[str, str]:
        return {"_name": self._name, "_device": self._device}


def _embedder(model: _Model, spec: PLMSpec, folder: Path) -> Job[ShardOfSequences, None]:
    return partial(embed_shard, model.plm, spec, folder)


def _cut(accessions: Sequence[str], sequences: Sequence[str], shard: np.ndarray) -> list[ShardOfSequences]:
    edges = np.searchsorted(shard, np.arange(int(shard.max(initial=-1)) + 2))
    return [
        ShardOfSequences(number, accessions[first:last], sequences[first:last])
        for number, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    ]


def _download_line(report: Report) -> Progress:
    return lambda done, total: report(Transient(f"downloading the PLM: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"))
