"""Residue activations of all proteins at one layer and site of the PLM, as fp16 shards.

Proteins go to shards in the order of `proteins.parquet`; within a shard the PLM takes them by length. A shard that an
earlier run has written whole for the same proteins and the same PLM is kept; so is one that lies at the location of the
shards. Writes the shards and their indices (see `protsae/shards.py`), and `plm.json` (name, layer, site, shape).

Several runs that differ in layer and site only share one pass of the PLM (`run_together`). Read `run`, then
`embed_shard`: each shard has one writer, and any number of them work side by side.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.pipeline.engines import engine_of
from precompute.pipeline.executors import Emit, Job, in_order
from precompute.pipeline.folders import Finished, Folder, are_far, bringing, folder_of
from precompute.pipeline.plan import follow_plan, text_hash
from precompute.pipeline.progress import Meter, Report, Transient
from protsae.files import sha256
from protsae.plm.base import PLM
from protsae.plm.download import Progress
from protsae.plm.registry import fetch_plm, files_of, load_plm
from protsae.plm.sites import Place
from protsae.plm.spec import PLMSpec
from protsae.shards import assign_shards, fill_shards, is_written, plan_shards, shard_files, shard_name

_PLM = "plm"
"""The model at the location."""


class ShardOfSequences(NamedTuple):
    """Proteins that go into one shard."""

    number: int
    accessions: Sequence[str]
    sequences: Sequence[str]


class Target(NamedTuple):
    """A place in the PLM, and the folder of its shards."""

    spec: PLMSpec
    folder: Folder


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
    shards = _cut(accessions, sequences, assign_shards(length.tolist(), config.max_residues_per_shard))
    targets = []
    for one, work in zip(configs, works, strict=True):
        spec = model.plm.spec(layer=one.layer_of(model.plm.num_layers), site=one.site)
        plan = {
            "plm": spec.identity(),
            "proteins": text_hash(*accessions, *sequences),
            "max_residues_per_shard": config.max_residues_per_shard,
        }
        follow_plan(work / "embed", plan)
        plan_shards(work / "embed", len(shards))
        targets.append(Target(spec, folder_of(config, work / "embed", plan, "embed")))
    finished = [Finished(target.folder) for target in targets]
    missing = [shard for shard in shards if not all(_is_finished(one, shard) for one in finished)]
    meter = Meter(report, "embed", int(length.sum()))
    meter.skip(int(length.sum()) - sum(len(sequence) for shard in missing for sequence in shard.sequences))
    make = partial(_embedder, model.for_workers(config) if missing else model, targets)
    numbers = {shard.number for shard in missing}
    with bringing() as bring:
        for shard in shards:
            if shard.number not in numbers:
                _bring(targets, shard, bring)
        with engine_of(config).session(make, meter.advance, lambda shard: f"shard {shard.number}") as session:
            for shard, _ in zip(missing, in_order(session, missing), strict=True):
                _bring(targets, shard, bring)
    for spec, folder in targets:
        spec.write(folder.here / "plm.json")
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
    lacking = [target for target in targets if not _is_whole(target.folder, shard)]
    places = [Place(target.spec.layer, target.spec.site) for target in lacking]
    found = plm.harvest_at(shard.sequences, places, progress=emit)
    lengths = [len(sequence) for sequence in shard.sequences]
    fill_shards([target.folder.local() for target in lacking], shard.number, shard.accessions, lengths, found)
    for target in lacking:
        target.folder.keep(shard_name(shard.number), shard_files(shard.number))


def _is_whole(folder: Folder, shard: ShardOfSequences) -> bool:
    if folder.copy is not None:
        return folder.copy.has(shard_name(shard.number))
    return is_written(folder.here, shard.number, shard.accessions)


def _is_finished(finished: Finished, shard: ShardOfSequences) -> bool:
    is_here = is_written(finished.folder.here, shard.number, shard.accessions)
    return finished(shard_name(shard.number), shard_files(shard.number), is_here=is_here)


def _bring(targets: Sequence[Target], shard: ShardOfSequences, bring: Callable[[Folder, str], None]) -> None:
    """Get what has been embedded elsewhere."""
    for _, folder in targets:
        if not is_written(folder.here, shard.number, shard.accessions):
            bring(folder, shard_name(shard.number))


class _Model:
    """The PLM, loaded where it is first asked for: what goes to other processes is how to get it."""

    def __init__(self, name: str, device: str, files: Folder | None = None) -> None:
        self._name, self._device, self._files = name, device, files

    @cached_property
    def plm(self) -> PLM:
        if self._files is None:
            fetch_plm(self._name)  # on this machine already, but perhaps not on another that has only its name
            return load_plm(self._name, device=self._device)
        folder = self._files.fetch(_PLM)
        return load_plm(folder / self._name if self._name.endswith(".pt") else folder, device=self._device)

    def for_workers(self, config: RunConfig) -> "_Model":
        """The same, to be opened from the location where workers do not see its files."""
        if not are_far(config):
            return self
        files = files_of(self._name)
        if not files:
            return _Model(self.plm.name, self._device)
        kept = folder_of(config, files[0].parent, {path.name: sha256(path) for path in files}, _PLM)
        if kept.copy is not None and not kept.copy.has(_PLM):
            kept.copy.put(_PLM, files)
        return _Model(files[0].name, self._device, kept)

    def __getstate__(self) -> dict[str, Any]:
        return {"_name": self._name, "_device": self._device, "_files": self._files}


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
