"""What every feature does: densities, histograms, amino acids; and how well each SAE reconstructs.

Two passes over the sparse codes of each SAE, every shard by itself and merged in order; see
`precompute/features/counts.py` for what is counted. Writes

    feature_stats.parquet   columns of `feature` up to its place on the map and its label
    sae.parquet             columns of `sae`
    <sae>.pooled.npz        protein scores for the association

Read `run`.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from precompute.config import RunConfig
from precompute.corpus.codes import Runs, code_path, read_codes, read_extra, runs_of
from precompute.corpus.proteins import N_AMINO_ACIDS, Corpus, Shard, read_corpus
from precompute.corpus.trained import TrainedSAE, plm_directions, read_trained
from precompute.features.counts import FirstPass, Pooled, SecondPass, enrichment, write_pooled
from precompute.features.quality import Quality
from precompute.pipeline.engines import engine_of
from precompute.pipeline.executors import Job, in_order
from precompute.pipeline.folders import Folder, arrays_kept, folder_of
from precompute.pipeline.plan import array_hash
from precompute.pipeline.progress import Meter, Report
from precompute.stages.activations import codes_of, plan_of_codes
from protsae.errors import ArtifactError
from protsae.plm.base import PLM
from protsae.plm.registry import load_plm
from protsae.shards import shard_name

VERSION = 1
"""Of the counts of a shard that are kept at the location of the shards; raised with what they mean."""

_INTS = pa.list_(pa.int32())
_FLOATS = pa.list_(pa.float32())


def run(config: RunConfig, work: Path, report: Report) -> dict[str, int | float | str]:
    """Write the tables named above."""
    corpus, folder = read_corpus(work), work / "statistics"
    saes = read_trained(work)
    plm = load_plm(config.plm, device=config.device)
    meter = Meter(report, "statistics", 2 * len(saes) * corpus.n_residues)
    features, rows = [], []
    with engine_of(config).session(_counter, meter.advance, _name) as session:

        def counts(pieces: Iterable[_First | _Second]) -> Iterator[dict[str, np.ndarray]]:
            for shard, counted in zip(corpus.shards, in_order(session, pieces), strict=True):
                meter.advance(shard.n_rows)
                yield counted

        for sae in saes:
            counted = _count(config, work, sae, corpus, counts)
            write_pooled(folder / f"{sae.name}.pooled.npz", counted.pooled)
            effect = _effect(plm, sae)
            features.append(_feature_table(sae, counted, effect))
            rows.append(_sae_row(sae, corpus, work / "activations" / sae.name, counted))
    pq.write_table(pa.concat_tables(features), folder / "feature_stats.parquet")
    table = pd.DataFrame(rows)
    table.to_parquet(folder / "sae.parquet", index=False)
    return {
        "features": sum(len(t) for t in features),
        **{f"EV {row['name']}": float(row["explained_variance"]) for row in rows},
        **{f"L0 {row['name']}": float(row["l0"]) for row in rows},
    }


def _effect(plm: PLM, sae: TrainedSAE) -> np.ndarray:
    """[d_sae, 20] of each feature; no columns where the PLM predicts no letters."""
    if not plm.predicts:
        return np.zeros((sae.d_sae, 0), dtype=np.float32)
    return plm.amino_acid_effect(plm_directions(sae.load())).numpy()


class _Counted(NamedTuple):
    first: FirstPass
    second: SecondPass
    max_act: np.ndarray
    pooled: Pooled
    corpus_amino_acids: np.ndarray
    n_residues: int
    n_proteins: int


class _First(NamedTuple):
    """One shard in the first pass."""

    codes: Folder
    counts: Folder
    shard: Shard
    amino_acids: np.ndarray
    n_proteins: int
    d_sae: int

    def counted(self) -> dict[str, np.ndarray]:
        first = FirstPass(self.n_proteins, self.d_sae)
        first.add(_runs(self.codes, self.shard), self.amino_acids)
        return first.to_arrays()


class _Second(NamedTuple):
    """One shard in the second pass, which knows the maxima."""

    codes: Folder
    counts: Folder
    shard: Shard
    max_act: np.ndarray

    def counted(self) -> dict[str, np.ndarray]:
        second = SecondPass(self.max_act)
        second.add(_runs(self.codes, self.shard))
        return second.to_arrays()


def _runs(codes: Folder, shard: Shard) -> Runs:
    path = code_path(codes.fetch(shard_name(shard.number)), shard.number)
    return runs_of(read_codes(path), shard.row_protein)


def _counter() -> Job[_First | _Second, dict[str, np.ndarray]]:
    return lambda piece, _emit: arrays_kept(piece.counts.copy, shard_name(piece.shard.number), piece.counted)


def _name(piece: _First | _Second) -> str:
    return f"shard {piece.shard.number} in {piece.codes.here.name}"


Counts = Callable[[Iterable[_First | _Second]], Iterator[dict[str, np.ndarray]]]


def _count(config: RunConfig, work: Path, sae: TrainedSAE, corpus: Corpus, counts: Counts) -> _Counted:
    """Both passes over one SAE's codes: every shard alone, then merged in the shards' order.

    Args:
        config: of the run.
        work: its work folder.
        sae: whose codes.
        corpus: of all proteins.
        counts: gives what each piece counts, in order.
    """
    codes = codes_of(config, work, sae)
    plan = {"version": VERSION, "codes": plan_of_codes(work, sae)}
    first = FirstPass(corpus.n_proteins, sae.d_sae)
    letters = np.zeros(N_AMINO_ACIDS, dtype=np.int64)
    for shard in corpus.shards:
        letters += np.bincount(corpus.amino_acids(shard), minlength=N_AMINO_ACIDS + 1)[:N_AMINO_ACIDS]
    kept = folder_of(config, work / "statistics", plan, "statistics", "first")
    firsts = (
        _First(codes, kept, shard, corpus.amino_acids(shard), corpus.n_proteins, sae.d_sae) for shard in corpus.shards
    )
    for part in counts(firsts):
        first.merge(part)
    pooled = first.pooled(corpus.length)
    max_act = pooled.max.max(axis=0).toarray().ravel().astype(np.float64)
    second = SecondPass(max_act)
    kept = folder_of(config, work / "statistics", {**plan, "max_act": array_hash(max_act)}, "statistics", "second")
    for part in counts(_Second(codes, kept, shard, max_act) for shard in corpus.shards):
        second.merge(part)
    return _Counted(first, second, max_act, pooled, letters, corpus.n_residues, corpus.n_proteins)


def _feature_table(sae: TrainedSAE, counted: _Counted, effect: np.ndarray) -> pa.Table:
    first, second, n_concepts = counted.first, counted.second, len(sae.concepts)
    fires = first.count > 0
    histogram = second.histogram()
    gain = np.where(fires[:, None], enrichment(first.amino_acids, counted.corpus_amino_acids), 0.0)
    return pa.table(
        {
            "sae": pa.array([sae.name] * sae.d_sae, pa.string()),
            "feature": np.arange(sae.d_sae, dtype=np.int32),
            "kind": pa.array(["defined"] * n_concepts + ["free"] * (sae.d_sae - n_concepts), pa.string()),
            "go_id": pa.array([*sae.concepts, *[None] * (sae.d_sae - n_concepts)], pa.string()),
            "density": first.count / counted.n_residues,
            "protein_density": np.diff(counted.pooled.max.indptr) / counted.n_proteins,
            "max_act": counted.max_act,
            "mean_act": first.total / np.maximum(first.count, 1),
            "p99_act": second.quantile(0.99),
            "p999_act": second.quantile(0.999),
            "histogram": pa.array([row.tolist() if f else [] for row, f in zip(histogram, fires, strict=True)], _INTS),
            "aa_effect": pa.array(list(effect.astype(np.float32)), _FLOATS),
            "aa_enrichment": pa.array(list(gain.astype(np.float32)), _FLOATS),
        }
    )


def _quality(folder: Path, shard: Shard) -> np.ndarray:
    found = read_extra(code_path(folder, shard.number), "quality")
    if found is None:
        raise ArtifactError(f"{code_path(folder, shard.number)} is missing or damaged; run the stage activations again")
    return found


def _sae_row(sae: TrainedSAE, corpus: Corpus, folder: Path, counted: _Counted) -> dict[str, object]:
    quality = Quality.from_array(np.sum([_quality(folder, shard) for shard in corpus.shards], axis=0))
    return {
        "name": sae.name,
        "display_name": sae.display_name,
        "role": sae.role,
        "architecture": sae.architecture,
        "namespace": sae.namespace,
        "d_model": len(quality.test.sum_x),
        "d_sae": sae.d_sae,
        "k": sae.k,
        "n_defined": len(sae.concepts),
        "l0": quality.l0,
        "l0_forced": quality.l0_forced if sae.role == "guided" else 0.0,
        "explained_variance": quality.explained_variance,
        "share_alive": float((counted.first.count > 0).mean()),
    }
