"""The analysis `folds`: whether the places at which a feature fires most are alike in space. Read `compute`."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.codes import CSC
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.corpus.trained import read_trained
from precompute.features import folds
from precompute.features.sampled import Sample, chosen_proteins, sampled_codes
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table
from protsae.structure.chains import parse_structure, protein_chains
from protsae.structure.residues import alpha_carbon

_TYPES = {
    "sae": "str", "feature": "int32", "n_proteins": "int32", "rmsd": "float32", "by_chance": "float32",
    "z": "float32", "null_z": "float32",
}  # fmt: skip


class _Structures(NamedTuple):
    """The structures of a run, in the order of their sample."""

    sample: Sample
    places: list[np.ndarray]
    """[length, 3] C-alphas by place in the sequence, NaN where unresolved."""
    centres: list[np.ndarray]
    cluster: np.ndarray


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `fold`."""
    corpus = read_corpus(work)
    known = _structures(work, corpus)
    rows: list[dict[str, Any]] = []
    for sae in read_trained(work) if known.places else ():
        report(Transient(f"folds: {sae.name}"))
        codes = sampled_codes(corpus, work / "activations" / sae.name, [known.sample])[0].tocsc()
        own = []
        for feature in range(sae.d_sae):
            at = peaks(codes, feature, known.sample, known.centres, known.cluster)
            if len(at) >= folds.LEAST:
                rng = np.random.default_rng([config.seed, feature])
                places, free = ([listed[chain] for chain in at] for listed in (known.places, known.centres))
                found = folds.alike(places, list(at.values()), free, rng)
                own.append({"sae": sae.name, "feature": feature, "n_proteins": len(at)} | found._asdict())
        rows += own
        alike = sum(row["z"] < -3 for row in own)
        by_chance = sum(row["null_z"] < -3 for row in own)
        report(f"folds: {sae.name}, {alike} of {len(own)} features beyond 3 standard deviations (null: {by_chance})")
    table = pd.DataFrame(rows) if rows else empty_table(_TYPES)
    settings = {"seed": config.seed, "reach": folds.REACH, "most": folds.MOST, "draws": folds.N_DRAWS}
    return Computed({"fold": table}, settings)


def peaks(codes: CSC, feature: int, sample: Sample, centres: list[np.ndarray], cluster: np.ndarray) -> dict[int, int]:
    """Of the chains in which a feature fires most the strongest residue, one chain a cluster, the strongest first.

    A chain whose strongest residue has no resolved surroundings does not count.
    """
    inside = slice(codes.indptr[feature], codes.indptr[feature + 1])
    row, value = codes.indices[inside], codes.data[inside]
    order = np.argsort(-value, kind="stable")
    row = row[order]
    chain, first = np.unique(sample.group[row], return_index=True)
    found: dict[int, int] = {}
    seen: set[int] = set()
    for place in np.argsort(first, kind="stable").tolist():
        number, residue = int(chain[place]), int(sample.place[row[first[place]]])
        if cluster[number] not in seen and residue in centres[number]:
            found[number] = residue
            seen.add(int(cluster[number]))
        if len(found) == folds.MOST:
            break
    return found


def _structures(work: Path, corpus: Corpus) -> _Structures:
    table = read_table(work / "structures" / "structure.parquet", ["accession", "positions", "pdb"])
    row_of = {str(accession): row for row, accession in enumerate(corpus.accession)}
    by_row = {row_of[accession]: (positions, pdb) for accession, positions, pdb in table.itertuples(index=False)}
    sample = chosen_proteins(corpus, np.array(sorted(by_row), dtype=np.int64))
    places = [placed(*by_row[int(row)], len(corpus.sequence[row])) for row in sample.proteins]
    cluster = read_table(work / "proteins" / "proteins.parquet", ["cluster"])["cluster"]
    number = pd.factorize(cluster)[0]
    return _Structures(sample, places, [folds.centres(one) for one in places], number[sample.proteins])


def placed(positions: np.ndarray, pdb: bytes, length: int) -> np.ndarray:
    """[length, 3] C-alphas of a stored structure by place in the sequence, NaN where there is none."""
    chain = protein_chains(parse_structure(gzip.decompress(pdb), "stored.pdb"), "stored.pdb")[0]
    found = np.full((length, 3), np.nan)
    for position, residue in zip(positions, chain.residues, strict=True):
        atom = alpha_carbon(residue)
        if position >= 0 and atom is not None:
            found[position] = atom.pos.tolist()
    return found
