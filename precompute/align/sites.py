"""Which residues of a run's proteins carry the function of which GO term.

A residue is labelled where an annotation of its protein names it for the term (`site_terms.py`) and the protein itself
is annotated with the term, ancestors included. Such proteins are *annotated* for the term; their other residues are its
negatives, and the residues of all other proteins are unknown at this level.

Read `site_labels`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from precompute.align.regions import ranges
from precompute.align.site_terms import SITE_TERMS, Named, SiteTerm
from precompute.corpus.codes import CSC
from precompute.corpus.proteins import Corpus
from protsae.training.config import NamedResidues


class SiteLabels(NamedTuple):
    """Residues by term; the residues of all proteins lie one after the other, in the order of `Corpus`."""

    terms: tuple[SiteTerm, ...]

    first: np.ndarray
    """[n_proteins + 1] where each protein's residues begin"""

    residues: CSC
    """[n_residues, n_terms] of 1, rows ascending within a column: carries the function"""

    annotated: np.ndarray
    """[n_proteins, n_terms] bool: carries the term and has a labelled residue"""

    def n_annotated(self, split: np.ndarray, part: str) -> np.ndarray:
        """[n_terms] annotated proteins of one split; `split` is [n_proteins]."""
        return self.annotated[split == part].sum(axis=0)


def site_labels(work: Path, corpus: Corpus, terms: Sequence[SiteTerm] = SITE_TERMS) -> SiteLabels:
    """Look every residue annotation up in the map.

    Args:
        work: of the run; its proteins stage is done.
        corpus: the run's proteins.
        terms: columns of the labels, whether the run knows them or not.
    """
    folder = work / "proteins"
    regions = pd.read_parquet(
        folder / "annotation.parquet", columns=["accession", "kind", "label", "start_pos", "end_pos"]
    )
    carried = pd.read_parquet(
        folder / "protein_go.parquet",
        columns=["go_id", "accession"],
        filters=[("go_id", "in", [term.go_id for term in terms])],
    )
    return label(corpus, regions, carried, terms)


def label(corpus: Corpus, regions: pd.DataFrame, carried: pd.DataFrame, terms: Sequence[SiteTerm]) -> SiteLabels:
    """Label residues.

    Args:
        corpus: the proteins.
        regions: accession, kind, label, start_pos, end_pos (from 0, the last included).
        carried: go_id, accession, closed under ancestors.
        terms: columns of the labels.
    """
    row_of = pd.Series(np.arange(corpus.n_proteins), index=corpus.accession)
    place = {term.go_id: column for column, term in enumerate(terms)}
    carries = np.zeros((corpus.n_proteins, len(terms)), dtype=bool)
    known = carried[carried["go_id"].isin(list(place))]
    carries[row_of.loc[known["accession"]].to_numpy(), known["go_id"].map(place).to_numpy(dtype=np.int64)] = True
    number, names = pd.factorize(pd.MultiIndex.from_frame(regions[["kind", "label"]].fillna("")))
    fits = np.zeros((len(names), len(terms)), dtype=bool)
    columns: dict[Named, list[int]] = {}
    for column, term in enumerate(terms):
        for named in term.named:
            columns.setdefault(named, []).append(column)
    for row, name in enumerate(names):
        for named, own in columns.items():
            if named.fits(*name):
                fits[row, own] = True
    protein = row_of.loc[regions["accession"]].to_numpy(dtype=np.int64)
    region, column = np.nonzero(fits[number] & carries[protein])
    start = regions["start_pos"].to_numpy(dtype=np.int64)[region]
    length = regions["end_pos"].to_numpy(dtype=np.int64)[region] - start + 1
    first = np.concatenate([[0], np.cumsum(corpus.length)])
    row = ranges(first[protein[region]] + start, length)
    ones = np.ones(len(row), dtype=np.int8)
    residues = csc_array((ones, (row, np.repeat(column, length))), shape=(int(first[-1]), len(terms)))
    residues.sum_duplicates()
    residues.data[:] = 1
    annotated = np.zeros_like(carries)
    annotated[protein[region], column] = True
    return SiteLabels(tuple(terms), first, residues, annotated)


def guiding_sites(labels: SiteLabels, split: np.ndarray, go_id: Sequence[str]) -> NamedResidues | None:
    """The labelled residues of training proteins, by guiding term; None where there are none.

    Args:
        labels: of the terms of the map.
        split: [n_proteins] train, valid or test.
        go_id: guiding terms, in the order of the SAE's features.
    """
    place = {name: number for number, name in enumerate(go_id)}
    is_train = split == "train"
    proteins, concepts, sizes, residues = [], [], [], []
    for column, term in enumerate(labels.terms):
        if term.go_id not in place:
            continue
        rows = labels.residues.indices[labels.residues.indptr[column] : labels.residues.indptr[column + 1]]
        owner = np.searchsorted(labels.first, rows, side="right") - 1
        kept = is_train[owner]
        found, counts = np.unique(owner[kept], return_counts=True)
        proteins.append(found)
        concepts.append(np.full(len(found), place[term.go_id]))
        sizes.append(counts)
        residues.append(rows[kept] - labels.first[owner[kept]])
    if not sum(map(len, proteins)):
        return None
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    columns = (np.concatenate(part).astype(np.int64) for part in (proteins, concepts, starts[None], residues))
    return NamedResidues(*columns)
