"""What else could explain when a feature fires: five simple facts, each alone, beside its held-out F1 with a GO term.

One pass over the sparse codes for amino acid and position; protein scores of the statistics stage for length, family
and organism. See `precompute/features/confounds.py` for what is predicted and how. Writes

    feature_confound.parquet   columns of `feature_confound`, for every feature that fires
    explained.parquet          sae, feature, confound (null where nothing explains it)

Read `run`, then `check`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.corpus.codes import CSR, code_path, read_codes
from precompute.corpus.proteins import N_AMINO_ACIDS, Corpus, Shard, read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features import confounds
from precompute.features.confounds import CONFOUNDS, SPLITS, Checked, Counts
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Meter
from precompute.pipeline.tables import read_table, write_table


class Facts(NamedTuple):
    """What is known of each protein besides its residues; all [n_proteins], whole numbers from 0."""

    split: np.ndarray
    length: np.ndarray
    family: np.ndarray
    organism: np.ndarray


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write the tables named above."""
    corpus, saes = read_corpus(work), read_trained(work)
    facts = read_facts(work, corpus)
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
    counts = {f"explained by {name}": names["confound"].tolist().count(name) for name in CONFOUNDS}
    return {"features": len(names), **counts}


def read_facts(work: Path, corpus: Corpus) -> Facts:
    """Facts of the run's proteins, in the order of `Corpus`."""
    proteins = read_table(work / "proteins" / "proteins.parquet", ["cluster", "organism"])
    split = np.array([SPLITS.index(name) for name in corpus.split])
    return Facts(
        split,
        confounds.length_levels(corpus.length, split),
        pd.factorize(proteins["cluster"])[0],
        pd.factorize(proteins["organism"])[0],
    )


def count_residues(
    codes: Iterator[tuple[Shard, CSR]], corpus: Corpus, split: np.ndarray, d_sae: int
) -> dict[str, Counts]:
    """Firing residues by amino acid and by position.

    Args:
        codes: shards with their codes [n_rows, d_sae].
        corpus: whose residues these are.
        split: [n_proteins] place in `SPLITS`.
        d_sae: features.
    """
    letters = Counts.zeros(N_AMINO_ACIDS + 1, d_sae)
    positions = Counts.zeros(confounds.N_POSITIONS, d_sae)
    for shard, firing in codes:
        inside = split[shard.row_protein]
        letters.add(firing, inside, corpus.amino_acids(shard))
        positions.add(firing, inside, confounds.position_levels(shard.length))
    return {"amino_acid": letters, "position": positions}


def check(
    residues: dict[str, Counts], strong: CSR, facts: Facts, go_f1: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Columns feature, confound, auroc, f1, null_f1; and [d_sae] the confound that explains each feature, or None.

    Args:
        residues: what `count_residues` gives.
        strong: [n_proteins, d_sae] sparse, where the features fire strongly.
        facts: of the proteins.
        go_f1: [d_sae] held-out F1 of the GO term that each feature is judged by.
        rng: for the null, which is shuffled.
    """
    d_sae = strong.shape[1]
    counts = dict(residues)
    for name in ("length", "organism"):
        level = getattr(facts, name)
        counts[name] = Counts.zeros(int(level.max()) + 1, d_sae)
        counts[name].add(strong, facts.split, level)
    found = {
        name: Checked(confounds.score_levels(counted), confounds.shuffled_levels(counted, rng))
        for name, counted in counts.items()
    }
    families = confounds.score_families(strong, facts.family)
    found["family"] = Checked(families.scores, confounds.shuffled_families(strong, facts.family, rng))
    columns = {
        "feature": np.arange(d_sae).repeat(len(CONFOUNDS)),
        "confound": np.tile(CONFOUNDS, d_sae),
        "auroc": np.stack([found[name].scores.auroc for name in CONFOUNDS], axis=1).ravel(),
        "f1": np.stack([found[name].scores.f1 for name in CONFOUNDS], axis=1).ravel(),
        "null_f1": np.stack([found[name].null_f1 for name in CONFOUNDS], axis=1).ravel(),
    }
    return pd.DataFrame(columns), confounds.strongest(found, families.largest, go_f1)


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
