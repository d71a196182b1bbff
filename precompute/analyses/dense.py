"""The analysis `dense`: what features that fire on more than a tenth of all residues carry.

See `precompute/features/dense.py` for what is measured. Read `compute`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.corpus.trained import TrainedSAE, plm_directions, read_trained
from precompute.features.dense import (
    N_SHIFTS,
    Signals,
    Told,
    along,
    between_proteins,
    disorder,
    partners,
    reaching,
    signals,
    told,
)
from precompute.features.sampled import (
    Sample,
    annotated,
    chosen_proteins,
    rows_by_shard,
    sample_proteins,
    sampled_codes,
)
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table
from protsae.plm.registry import load_plm
from protsae.shards import ShardReader
from protsae.store.analyses.dense import DENSEST, THRESHOLDS

N_RESIDUES = 100_000
"""Of valid, and of test."""
N_COMPONENTS = 3
ELEMENTS = {"Helix": "helix", "Beta strand": "strand"}
_TYPES = {
    "sae": "str", "feature": "int32", "tag": "str", "detail": "str", "value": "float32", "by_chance": "float32",
    "partner": "Int32", "holds": "bool",
}  # fmt: skip


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `dense_tag`."""
    corpus = read_corpus(work)
    samples = [sample_proteins(corpus, part, N_RESIDUES, seed=config.seed) for part in ("valid", "test")]
    found = [signals(sample, *secondary_structure(work, corpus, sample)) for sample in samples]
    components, d_model = principal(work, corpus, samples[0])
    folded = [with_structure(work, corpus, part) for part in ("valid", "test")]
    unseen = [disorder(*one) for one in folded]
    plm = load_plm(config.plm, device=config.device)
    effect = plm.amino_acid_effect(torch.eye(d_model)).numpy() if plm.predicts else None
    stats = read_table(work / "statistics" / "feature_stats.parquet", ["sae", "feature", "density"])
    rows: list[dict[str, Any]] = []
    for sae in read_trained(work):
        report(Transient(f"dense: {sae.name}"))
        density = stats.loc[stats["sae"] == sae.name].sort_values("feature")["density"].to_numpy()
        dense = np.flatnonzero(density > DENSEST)
        others = np.flatnonzero((density > 0) & (density <= DENSEST))
        if not len(dense):
            continue
        every = samples + ([sample for sample, _ in folded] if all(len(one.proteins) for one, _ in folded) else [])
        codes = [codes[:, dense] for codes in sampled_codes(corpus, work / "activations" / sae.name, every)]
        of_residues = told((codes[0], found[0]), (codes[1], found[1]), samples[1], np.random.default_rng(config.seed))
        of_structures = _of_structures(codes[2:], unseen, folded[1][0], len(dense), config.seed)
        of_model = _of_model(sae, dense, others, components, effect)
        of_protein = _of_protein(codes[1], samples[1])
        parts = (of_residues, of_structures, of_model, of_protein)
        for feature, *own in zip(dense.tolist(), *parts, strict=True):
            named = {"sae": sae.name, "feature": feature}
            rows += [named | one._asdict() | {"holds": one.holds} for part in own for one in part]
    table = pd.DataFrame(rows) if rows else empty_table(_TYPES)
    table = table.assign(partner=table["partner"].astype("Int32").where(table["partner"] >= 0))
    n_dense, n_told = (len(part[["sae", "feature"]].drop_duplicates()) for part in (table, table.loc[table["holds"]]))
    report(f"dense: {n_told} of {n_dense} dense features carry something that is known")
    settings = {"seed": config.seed, "residues": N_RESIDUES, "densest": DENSEST, "shifts": N_SHIFTS}
    return Computed({"dense_tag": table}, settings | {"thresholds": dict(THRESHOLDS)})


def _of_model(
    sae: TrainedSAE, dense: np.ndarray, others: np.ndarray, components: np.ndarray, effect: np.ndarray | None
) -> list[list[Told]]:
    """Partners, principal components, and what reaches the amino acids where the model predicts any."""
    model = sae.load()
    directions = plm_directions(model).float().cpu().numpy()
    encoder = model.encoder()[0].detach().float().cpu().numpy()
    decoder = model.W_dec.detach().float().cpu().numpy()
    pairs, other_pairs = (partners(encoder, decoder, which) for which in (dense, others))
    cosine, other_cosine = along(directions[dense], components), along(directions[others], components)
    reach = None if effect is None else reaching(directions[dense], effect)
    rows = []
    for place in range(len(dense)):
        own = []
        for tag, pair in pairs.items():
            chance = float(other_pairs[tag].score.mean()) if len(others) else 0.0
            own.append(Told(tag, "", float(pair.score[place]), chance, int(pair.feature[place])))
        best = int(cosine[place].argmax())
        chance = float(other_cosine.max(axis=1).mean()) if len(others) else 0.0
        own.append(Told("component", f"PC{best + 1}", float(cosine[place, best]), chance))
        if reach is not None:
            own.append(Told("silent", "", float(reach[0][place]), reach[1]))
        rows.append(own)
    return rows


def _of_structures(codes: list[CSR], found: list[Signals], sample: Sample, n_dense: int, seed: int) -> list[list[Told]]:
    """What only proteins with a structure say; nothing where none has one, or no residue is left out."""
    inside = [(one.values[one.known["unresolved"]] > 0).ravel() for one in found]  # noqa: PD011 - no table
    if not codes or not all(missing.any() and not missing.all() for missing in inside):
        return [[] for _ in range(n_dense)]
    return told((codes[0], found[0]), (codes[1], found[1]), sample, np.random.default_rng(seed))


def with_structure(work: Path, corpus: Corpus, part: str) -> tuple[Sample, dict[int, np.ndarray]]:
    """Proteins of a split whose structure is stored, at most `N_RESIDUES`; the residues that it resolves, from 0."""
    table = read_table(work / "structures" / "structure.parquet", ["accession", "positions"])
    row = {str(one): number for number, one in enumerate(corpus.accession)}
    seen = {
        row[accession]: np.asarray(positions) - 1
        for accession, positions in zip(table["accession"], table["positions"], strict=True)
        if len(positions) and corpus.split[row[accession]] == part
    }
    rows = np.array(sorted(seen), dtype=np.int64)
    sample = chosen_proteins(corpus, rows[np.cumsum(corpus.length[rows]) <= N_RESIDUES])
    return sample, {number: seen[protein] for number, protein in enumerate(sample.proteins.tolist())}


def _of_protein(codes: CSR, sample: Sample) -> list[list[Told]]:
    chance = (len(sample.proteins) - 1) / max(1, len(sample.letters) - 1)
    shares = between_proteins(codes, sample.group)
    return [[Told("protein", "", float(share), chance)] for share in shares]


def secondary_structure(work: Path, corpus: Corpus, sample: Sample) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Residues in each element, and those of proteins that have any; all [n] bool."""
    sites = annotated(work, corpus, sample)
    found = {name: sites[kind] for kind, name in ELEMENTS.items() if kind in sites and sites[kind].any()}
    known = np.zeros(len(sample.proteins), dtype=bool)
    for inside in found.values():
        known[sample.group[inside]] = True
    return found, known[sample.group]


def principal(work: Path, corpus: Corpus, sample: Sample) -> tuple[np.ndarray, int]:
    """[N_COMPONENTS, d_model] principal components of the language model's states at a sample, and d_model."""
    reader = ShardReader(work / "embed")
    n, total, square = 0, np.zeros(reader.d_model), np.zeros((reader.d_model, reader.d_model))
    for shard, rows in rows_by_shard(corpus, sample):
        states = np.asarray(reader.shard(shard)[rows], dtype=np.float64)
        n, total, square = n + len(states), total + states.sum(axis=0), square + states.T @ states
    mean = total / n
    _, vectors = np.linalg.eigh(square / n - np.outer(mean, mean))
    return vectors[:, ::-1][:, :N_COMPONENTS].T, reader.d_model
