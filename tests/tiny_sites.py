"""Made-up proteins with a planted site, for what is judged by residues; see `World`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array

from precompute.align.site_baselines import Inputs
from precompute.align.site_tasks import SiteTasks
from precompute.align.site_terms import Named, SiteTerm
from precompute.align.sites import label
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus
from protsae.shard_writer import ShardWriter
from protsae.shards import ShardReader

COMMON, RARE = "GO:0000001", "GO:0000002"
TERMS = (SiteTerm(COMMON, "common", (Named("Site"),)), SiteTerm(RARE, "rare", (Named("Motif"),)))
N, D_MODEL = 90, 8


class World:
    """Ninety proteins; the site is a W behind a G, and in the states a step along the third axis."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(0)
        sequences, rows, states = [], [], {}
        for number in range(N):
            letters = rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), int(rng.integers(40, 60)))
            places = rng.choice(np.arange(1, 39, 2), 3, replace=False)
            letters[letters == "G"] = "A"
            letters[places], letters[places - 1] = "W", "G"
            x = rng.normal(0, 0.3, (len(letters), D_MODEL))
            x[places, 2] += 5
            sequences.append("".join(letters))
            states[f"P{number}"] = x.astype(np.float32)
            rows += [(f"P{number}", "Site", "", place, place) for place in places.tolist()]
        rows.append(("P0", "Motif", "", 0, 3))
        names = np.array(list(states))
        self.corpus = Corpus(names, np.array(["train", "valid", "test"] * (N // 3)), np.ones(N, bool), sequences, [])
        self.regions = pd.DataFrame(rows, columns=["accession", "kind", "label", "start_pos", "end_pos"])
        carried = pd.DataFrame({"go_id": COMMON, "accession": names})
        carried = pd.concat([carried, pd.DataFrame({"go_id": [RARE], "accession": ["P0"]})])
        self.tasks = SiteTasks.of(label(self.corpus, self.regions, carried, TERMS), self.corpus, seed=0)
        with ShardWriter(folder) as writer:
            for name, x in states.items():
                writer.add(name, torch.from_numpy(x))
        self.inputs = Inputs(self.corpus, ShardReader(folder))

    def codes(self, part: str) -> Iterator[tuple[int, CSR]]:
        """Feature 4 fires on the sites, the others anywhere."""
        for protein in self.tasks.proteins(part).tolist():
            on = self.tasks.label(protein)[:, 0]
            dense = np.random.default_rng(protein).random((len(on), 6)) * (np.arange(len(on)) % 3 == 0)[:, None]
            dense[:, 4] = on * 2.0
            yield protein, csr_array(dense)
