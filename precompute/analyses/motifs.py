"""The analysis `motifs`: which letters stand around the strongest residues of every feature.

One pass over the sparse codes, a shard at a time, finds where the chosen proteins have their strongest residue; see
`precompute/features/motifs.py` for what is counted and drawn. Read `compute`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.codes import code_path, read_codes, runs_of
from precompute.corpus.proteins import read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features.counts import read_pooled
from precompute.features.motifs import DRAWS, Letters, Peaks, strongest
from precompute.pipeline.tables import read_table
from protsae.alphabet import AMINO_ACIDS
from protsae.store.analyses.motifs import MOST, REACH, written_counts


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Letters and information around the peaks of every feature that fires."""
    corpus = read_corpus(work)
    letters = Letters(corpus.sequence)
    cluster = read_table(work / "proteins" / "proteins.parquet", ["cluster"])["cluster"]
    number = pd.factorize(cluster)[0]
    rows = []
    for sae in read_trained(work):
        chosen = strongest(read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").max, number)
        peaks = Peaks(chosen, corpus.n_proteins)
        for done, shard in enumerate(corpus.shards, start=1):
            path = code_path(work / "activations" / sae.name, shard.number)
            peaks.add(runs_of(read_codes(path), shard.row_protein), shard)
            report(f"motifs: {sae.name}, {done} of {len(corpus.shards)} shards")
        rows += _rows(sae, chosen, peaks, letters, config.seed)
    background = pd.DataFrame({"amino_acid": list(AMINO_ACIDS), "share": letters.background})
    settings = {"seed": config.seed, "most": MOST, "reach": REACH, "draws": DRAWS}
    return Computed({"motif": pd.DataFrame(rows), "motif_background": background}, settings)


def _rows(
    sae: TrainedSAE, chosen: list[np.ndarray], peaks: Peaks, letters: Letters, seed: int
) -> Iterator[dict[str, Any]]:
    for feature, proteins in enumerate(chosen):
        if len(proteins):
            found = letters.motif(proteins, peaks.of(feature), np.random.default_rng([seed, feature]))
            written = {"counts": written_counts(found.counts)}
            yield {"sae": sae.name, "feature": feature, "n_sequences": len(proteins)} | found._asdict() | written
