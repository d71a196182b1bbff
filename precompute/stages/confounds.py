"""What else could explain when a feature fires: simple facts, each alone, beside its held-out F1 with a GO term.

One pass over the sparse codes for facts about residues; protein scores of the statistics stage for those about
proteins. The facts stand in `precompute/features/facts.py`, what is predicted and how in
`precompute/features/confounds.py`. Writes

    feature_confound.parquet   columns of `feature_confound`, for every feature that fires
    explained.parquet          sae, feature, confound (null where nothing explains it)

Read `run`, then `check`.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.corpus.codes import CSR, code_path, read_codes
from precompute.corpus.proteins import Corpus, Shard, read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features import confounds
from precompute.features.confounds import SPLITS, Checked, Counts
from precompute.features.counts import read_pooled
from precompute.features.facts import FACTS, ProteinFact, Proteins, RelativesFact, ResidueFact
from precompute.pipeline.progress import Meter
from precompute.pipeline.tables import read_table, write_table


class OfProteins(NamedTuple):
    """What is known of each protein besides its residues; all [n_proteins], whole numbers from 0."""

    split: np.ndarray
    """Place in `SPLITS`."""
    levels: Mapping[str, np.ndarray]
    """By the names of the facts about proteins."""
    groups: Mapping[str, np.ndarray]
    """By the names of the facts about relatives."""


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write the tables named above."""
    corpus, saes = read_corpus(work), read_trained(work)
    facts = of_proteins(work, corpus)
    stats = read_table(work / "statistics" / "feature_stats.parquet", ["sae", "feature", "max_act"])
    judged = _judged(work)
    meter = Meter(report, "confounds", len(saes) * corpus.n_residues)
    tables, explained = [], []
    for sae in saes:
        max_act = stats.loc[stats["sae"] == sae.name].sort_values("feature")["max_act"].to_numpy()
        go_f1 = np.zeros(sae.d_sae)
        own = judged.loc[judged["sae"] == sae.name]
        go_f1[own["feature"].to_numpy()] = own["test_f1"].to_numpy()
        peak = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").max
        residues = count_residues(_codes(work, sae, corpus, meter), corpus, facts.split, sae.d_sae)
        strong = confounds.strong(peak, max_act)
        table, named = check(residues, strong, facts, go_f1, np.random.default_rng(config.seed))
        fires = max_act[table["feature"].to_numpy()] > 0
        tables.append(table.loc[fires].assign(sae=sae.name))
        explained.append(pd.DataFrame({"sae": sae.name, "feature": np.arange(sae.d_sae), "confound": named}))
    names = pd.concat(explained, ignore_index=True)
    write_table(work / "confounds" / "feature_confound.parquet", pd.concat(tables, ignore_index=True))
    write_table(work / "confounds" / "explained.parquet", names.astype({"confound": "string"}))
    counts = {f"explained by {name}": names["confound"].tolist().count(name) for name in FACTS}
    return {"features": len(names), **counts}


def of_proteins(work: Path, corpus: Corpus) -> OfProteins:
    """Facts about the run's proteins, in the order of `Corpus`."""
    table = read_table(work / "proteins" / "proteins.parquet", ["cluster", "organism"])
    proteins = Proteins(corpus.length, np.array([SPLITS.index(name) for name in corpus.split]), table)
    return OfProteins(
        proteins.split,
        {name: fact.levels(proteins) for name, fact in FACTS.items() if isinstance(fact, ProteinFact)},
        {name: fact.groups(proteins) for name, fact in FACTS.items() if isinstance(fact, RelativesFact)},
    )


def count_residues(
    codes: Iterator[tuple[Shard, CSR]], corpus: Corpus, split: np.ndarray, d_sae: int
) -> dict[str, Counts]:
    """Firing residues by the levels of every fact about residues.

    Args:
        codes: shards with their codes [n_rows, d_sae].
        corpus: whose residues these are.
        split: [n_proteins] place in `SPLITS`.
        d_sae: features.
    """
    facts = {name: fact for name, fact in FACTS.items() if isinstance(fact, ResidueFact)}
    counts = {name: Counts.zeros(fact.n_levels, d_sae) for name, fact in facts.items()}
    for shard, firing in codes:
        inside = split[shard.row_protein]
        for name, fact in facts.items():
            counts[name].add(firing, inside, fact.levels(corpus, shard))
    return counts


def check(
    residues: Mapping[str, Counts], strong: CSR, facts: OfProteins, go_f1: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Columns feature, confound, auroc, f1, null_f1; and [d_sae] the confound that explains each feature, or None.

    Args:
        residues: what `count_residues` gives.
        strong: [n_proteins, d_sae] sparse, where the features fire strongly.
        facts: about the proteins.
        go_f1: [d_sae] held-out F1 of the GO term that each feature is judged by.
        rng: for the null, which is shuffled.
    """
    d_sae = strong.shape[1]
    found: dict[str, Checked] = {}
    for name, counted in residues.items():
        null = confounds.shuffled_levels(counted, rng)
        found[name] = Checked(confounds.score_levels(counted), null, of_residues=True)
    for name, level in facts.levels.items():
        counted = Counts.zeros(int(level.max()) + 1, d_sae)
        counted.add(strong, facts.split, level)
        found[name] = Checked(confounds.score_levels(counted), confounds.shuffled_levels(counted, rng))
    for name, group in facts.groups.items():
        families = confounds.score_families(strong, group)
        null = confounds.shuffled_families(strong, group, rng)
        found[name] = Checked(families.scores, null, largest=families.largest)
    columns = {
        "feature": np.arange(d_sae).repeat(len(found)),
        "confound": np.tile(list(found), d_sae),
        "auroc": np.stack([one.scores.auroc for one in found.values()], axis=1).ravel(),
        "f1": np.stack([one.scores.f1 for one in found.values()], axis=1).ravel(),
        "null_f1": np.stack([one.null_f1 for one in found.values()], axis=1).ravel(),
    }
    return pd.DataFrame(columns), confounds.strongest(found, go_f1)


def _codes(work: Path, sae: TrainedSAE, corpus: Corpus, meter: Meter) -> Iterator[tuple[Shard, CSR]]:
    for shard in corpus.shards:
        yield shard, read_codes(code_path(work / "activations" / sae.name, shard.number))
        meter.advance(shard.n_rows)


def _judged(work: Path) -> pd.DataFrame:
    """Held-out F1 of the term each feature is judged by: its guiding term, else its best by validation."""
    columns = ["sae", "feature", "is_guiding", "rank_in_feature", "test_f1"]
    rows = read_table(work / "associate" / "feature_go.parquet", columns)
    rows = rows.sort_values(["is_guiding", "rank_in_feature"], ascending=[False, True])
    return rows.drop_duplicates(["sae", "feature"])
