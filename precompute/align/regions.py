"""Residue annotations as sparse masks over the rows of a shard.

A region is one annotation: a stretch of residues with a kind. Every region appears twice, at its place and at a place
shifted circularly within its protein (all regions of a protein by the same random offset): the shifted copy keeps each
kind's lengths and the features' runs along the chain, and is the null.

Read `RegionTable.from_annotations`, then `ShardRegions`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus, Shard

MIN_TEST_RESIDUES = 200
MIN_TEST_REGIONS = 10
"""A kind is scored with that many annotated test residues, or that many test regions."""

MIN_VALID_REGIONS = 5


class RegionTable(NamedTuple):
    """All regions of the kinds that are scored."""

    kinds: list[str]
    source_of_kind: np.ndarray
    """[n_kinds] place in `sources`"""

    sources: list[str]
    is_known: np.ndarray
    """[n_sources, n_proteins]: the protein has at least one annotation of that source, so absence means something."""

    protein: np.ndarray
    """[n_regions] row of `Corpus`; ascending"""

    kind: np.ndarray
    """[n_regions]; those at and above len(kinds) are the shifted copies"""

    start: np.ndarray
    """[n_regions] first residue, from 0"""

    length: np.ndarray
    """[n_regions] residues; a shifted region may run over the chain's end into its beginning"""

    @classmethod
    def from_annotations(cls, annotations: pd.DataFrame, corpus: Corpus, *, seed: int) -> Self:
        """Choose the kinds that are common enough, and shift a copy of each region.

        Args:
            annotations: accession, kind, start_pos, end_pos (from 0, the last included), source.
            corpus: the proteins.
            seed: of the shifts.
        """
        row_of = pd.Series(np.arange(corpus.n_proteins), index=corpus.accession)
        table = annotations.assign(protein=row_of.loc[annotations["accession"]].to_numpy())
        sources = sorted(table["source"].unique())
        is_known = np.zeros((len(sources), corpus.n_proteins), dtype=bool)
        for number, source in enumerate(sources):
            is_known[number, table.loc[table["source"] == source, "protein"]] = True
        table["length"] = table["end_pos"] - table["start_pos"] + 1
        table["split"] = corpus.split[table["protein"]]
        kinds = [str(kind) for kind, rows in table.groupby("kind", sort=True) if _is_common(rows)]
        table = table.loc[table["kind"].isin(kinds)].sort_values(["protein", "kind", "start_pos"])
        kind = pd.Categorical(table["kind"], categories=kinds).codes.astype(np.int64)
        source_of = table.groupby("kind")["source"].first()
        protein, start = table["protein"].to_numpy(), table["start_pos"].to_numpy()
        chain = corpus.length
        offset = 1 + (np.random.default_rng(seed).random(corpus.n_proteins) * (chain - 1)).astype(np.int64)
        shifted = (start + offset[protein]) % chain[protein]
        order = np.argsort(np.tile(protein, 2), kind="stable")
        return cls(
            kinds,
            np.array([sources.index(source_of[name]) for name in kinds], dtype=np.int64),
            sources,
            is_known,
            np.tile(protein, 2)[order],
            np.concatenate([kind, kind + len(kinds)])[order],
            np.concatenate([start, shifted])[order],
            np.tile(table["length"].to_numpy(), 2)[order],
        )

    @property
    def n_kinds(self) -> int:
        """Kinds that are scored, the shifted copies not counted."""
        return len(self.kinds)


class ShardRegions(NamedTuple):
    """The regions of one split's proteins in one shard; rows are those of the split's proteins only."""

    rows: np.ndarray
    """Rows of the shard that belong to the split"""

    row_protein: np.ndarray
    """[n_rows] row of `Corpus`"""

    mask: CSR
    """[2 n_kinds, n_rows] of 0 and 1: the residue lies in a region of the kind"""

    regions: CSR
    """[n_regions, n_rows] of 0 and 1"""

    region_kind: np.ndarray
    region_protein: np.ndarray


def shard_regions(table: RegionTable, corpus: Corpus, shard: Shard, split: str) -> ShardRegions:
    """Lay the regions of one split's proteins over the rows of a shard."""
    keep = corpus.split[shard.proteins] == split
    proteins, length = shard.proteins[keep], shard.length[keep]
    rows = ranges(shard.first_row[keep], length)
    first_of = np.full(corpus.n_proteins, -1, dtype=np.int64)
    first_of[proteins] = np.cumsum(length) - length
    chosen = np.flatnonzero(first_of[table.protein] >= 0)
    protein, span = table.protein[chosen], table.length[chosen]
    region = np.repeat(np.arange(len(chosen)), span)
    position = ranges(table.start[chosen], span) % corpus.length[protein][region]
    column = first_of[protein][region] + position
    ones = np.ones(len(column), dtype=np.float32)
    regions = csr_array((ones, (region, column)), shape=(len(chosen), len(rows)))
    mask = csr_array((ones, (table.kind[chosen][region], column)), shape=(2 * table.n_kinds, len(rows)))
    mask.sum_duplicates()
    mask.data[:] = 1
    return ShardRegions(rows, np.repeat(proteins, length), mask, regions, table.kind[chosen], protein)


def ranges(start: Sequence[int] | np.ndarray, length: Sequence[int] | np.ndarray) -> np.ndarray:
    """Concatenated start, start + 1, ..., start + length - 1 of each entry."""
    start, length = np.asarray(start, dtype=np.int64), np.asarray(length, dtype=np.int64)
    return np.repeat(start - (np.cumsum(length) - length), length) + np.arange(length.sum())


def _is_common(rows: pd.DataFrame) -> bool:
    test = rows[rows["split"] == "test"]
    is_enough = test["length"].sum() >= MIN_TEST_RESIDUES or len(test) >= MIN_TEST_REGIONS
    return bool(is_enough and (rows["split"] == "valid").sum() >= MIN_VALID_REGIONS)
