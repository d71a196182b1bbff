"""Does a feature find the residues that carry its function, inside proteins that have it?

Guided features are judged by their own term, where the map names its residues and enough proteins have some; of every
other SAE the one feature a term that is best on valid. Baselines stand beside them, fitted on the same proteins. The
codes are those of the activations stage. Writes the tables of the analysis `sites`:

    feature_site.parquet, site_baseline.parquet, sae_liveness.parquet

Read `run`; how a score is judged stands in `protsae/measures/site.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.align.site_baselines import BASELINES, Inputs
from precompute.align.site_tasks import Codes, SiteTasks, choose_features, of_features, score
from precompute.align.sites import site_labels
from precompute.config import RunConfig
from precompute.corpus.codes import code_path, read_codes
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.pipeline.tables import empty_table, write_table
from protsae.measures.site import SiteScore, liveness
from protsae.shards import ShardReader
from protsae.store.analyses.sites import SITES

_NUMPY = {"VARCHAR": "str", "INTEGER": "int64", "REAL": "float64", "DOUBLE": "float64", "BOOLEAN": "bool"}


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write the tables named above."""
    corpus = read_corpus(work)
    tasks = SiteTasks.of(site_labels(work, corpus), corpus, seed=config.seed)
    report(f"sites: {tasks.n} terms with named residues in enough proteins")
    inputs = Inputs(corpus, ShardReader(work / "embed"))
    baselines, features, lives = [], [], []
    for name, told in BASELINES.items() if tasks.n else ():
        baselines += _rows(tasks, told(tasks, inputs, seed=config.seed), baseline=name)
        report(f"sites: {name} fitted")
    for sae in read_trained(work):
        own = OnDisk(sae, corpus, work / "activations" / sae.name)
        features += _of_sae(own, tasks, config.seed)
        lives.append(_of_all_features(own))
        report(f"sites: {sae.display_name} judged")
    for name, rows in (("feature_site", features), ("site_baseline", baselines), ("sae_liveness", lives)):
        write_table(work / "sites" / f"{name}.parquet", _table(name, rows))
    return {"terms": tasks.n, "judged": len(features)}


@dataclass
class OnDisk:
    """An SAE's codes, protein by protein; what is counted while test proteins pass is kept."""

    sae: TrainedSAE
    corpus: Corpus
    folder: Path
    density: np.ndarray = field(init=False)
    """[d_sae] share of the residues of all test proteins"""
    n_residues: int = field(init=False)

    def __post_init__(self) -> None:
        """Count where each feature fires on test."""
        fires = np.zeros(self.sae.d_sae, dtype=np.int64)
        self.n_residues = 0
        for shard in self.corpus.shards:
            is_test = self.corpus.split[shard.row_protein] == "test"
            codes = read_codes(code_path(self.folder, shard.number))[np.flatnonzero(is_test)]
            fires += np.bincount(codes.indices, minlength=self.sae.d_sae)
            self.n_residues += int(is_test.sum())
        self.density = fires / max(1, self.n_residues)

    def of(self, proteins: np.ndarray) -> Codes:
        """Codes of some proteins, shard by shard."""
        for shard in self.corpus.shards:
            wanted = np.flatnonzero(np.isin(shard.proteins, proteins))
            if not len(wanted):
                continue
            codes = read_codes(code_path(self.folder, shard.number))
            for place in wanted.tolist():
                start = int(shard.first_row[place])
                yield int(shard.proteins[place]), codes[start : start + int(shard.length[place])]


def _of_sae(own: OnDisk, tasks: SiteTasks, seed: int) -> Iterator[dict[str, object]]:
    sae = own.sae
    is_guided = bool(sae.concepts)
    judged = tasks.only(sae.concepts) if is_guided else tasks
    if not judged.n:
        return
    valid, test = judged.proteins("valid"), judged.proteins("test")
    if is_guided:
        feature = np.array([sae.concepts.index(go_id) for go_id in judged.go_id], dtype=np.int64)
    else:
        feature, _ = choose_features(judged, own.of(valid), sae.d_sae)
    found = score(judged, *(of_features(own.of(part), feature) for part in (valid, test)), floor=0, seed=seed)
    for row, number in zip(_rows(judged, found), feature.tolist(), strict=True):
        yield {**row, "sae": sae.name, "feature": number, "is_guiding": is_guided, "density": own.density[number]}


def _of_all_features(own: OnDisk) -> dict[str, object]:
    guided = own.density[: len(own.sae.concepts)]
    return {
        "sae": own.sae.name,
        "n_residues": own.n_residues,
        **liveness(own.density)._asdict(),
        "guided_density": float(np.median(guided)) if len(guided) else np.nan,
    }


def _rows(tasks: SiteTasks, scores: list[SiteScore], **more: object) -> list[dict[str, object]]:
    return [{"go_id": go_id, **found._asdict(), **more} for go_id, found in zip(tasks.go_id, scores, strict=True)]


def _table(name: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    if rows:
        return pd.DataFrame(rows)
    declared = next(table for table in SITES.tables if table.name == name)
    return empty_table({column.name: _NUMPY[column.type] for column in declared.columns})
