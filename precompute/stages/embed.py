"""Residue activations of all proteins at one layer and site of the PLM, as fp16 shards.

Proteins go to shards in the order of `proteins.parquet`; within a shard the PLM takes them by length. A shard that an
earlier run has written whole for the same proteins and the same PLM is kept. Writes `shard-00000.npy` ... and
`index.parquet` (see `protsae/shards.py`), and `plm.json` (name, layer, site, shape).

Read `run`, then `assign_shards`.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.pipeline.plan import follow_plan, text_hash
from precompute.pipeline.progress import Meter, Report, Transient
from protsae.plm.download import Progress
from protsae.plm.registry import fetch_plm, load_plm, outline_of
from protsae.plm.sites import check_site
from protsae.shards import ShardWriter


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Embed what is not embedded yet.

    Raises:
        ConfigError: the PLM has no such layer.
        InputError: the PLM's activations do not fit into fp16.
    """
    folder = work / "embed"
    outline = outline_of(config.plm)
    layer = config.layer_of(outline.num_layers)
    check_site(layer, config.site, outline.num_layers, outline.sites)
    fetch_plm(config.plm, progress=_download_line(report))
    proteins = pd.read_parquet(work / "proteins" / "proteins.parquet", columns=["accession", "sequence"])
    accessions, sequences = proteins["accession"].tolist(), proteins["sequence"].tolist()
    length = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    plm = load_plm(config.plm, device=config.device)
    spec = plm.spec(layer=layer, site=config.site)
    follow_plan(
        folder,
        {
            "plm": asdict(spec),
            "proteins": text_hash(*accessions, *sequences),
            "max_residues_per_shard": config.max_residues_per_shard,
        },
    )
    shard = assign_shards(length, config.max_residues_per_shard)
    n_shards = int(shard.max(initial=-1)) + 1
    meter = Meter(report, "embed", int(length.sum()))
    for number in range(n_shards):
        with ShardWriter(folder, max_rows=config.max_residues_per_shard) as writer:
            members = [i for i in np.flatnonzero(shard == number) if accessions[i] not in writer.finished]
            meter.skip(int(length[shard == number].sum() - length[members].sum()))
            texts = [sequences[i] for i in members]
            states = dict(plm.harvest(texts, layer=spec.layer, site=spec.site, progress=meter.advance))
            for place, protein in enumerate(members):
                writer.add(accessions[protein], states.pop(place))
    spec.write(folder / "plm.json")
    return {
        "proteins": len(proteins),
        "residues": int(length.sum()),
        "shards": n_shards,
        "layer": spec.layer,
        "d_model": plm.d_model,
    }


def _download_line(report: Report) -> Progress:
    return lambda done, total: report(Transient(f"downloading the PLM: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"))


def assign_shards(length: np.ndarray, max_residues: int) -> np.ndarray:
    """Shard number of each protein: in order, a new one where the next protein would exceed `max_residues`.

    A protein that is longer than that alone has a shard of its own. `ShardWriter` cuts at the same places.
    """
    shard = np.zeros(len(length), dtype=np.int64)
    number, used = 0, 0
    for protein, residues in enumerate(length):
        if used and used + residues > max_residues:
            number, used = number + 1, 0
        shard[protein] = number
        used += int(residues)
    return shard
