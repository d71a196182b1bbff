"""Example proteins of each feature, and all residues on which it fires there.

By the strongest residue, among shipped proteins in which the feature fires: band top holds the strongest, high three
from 50 to 75 %, low three from below 25 %; from a lower band come the proteins at one, two and three quarters of it,
which needs no chance. Band 3d holds the strongest with a structure that none of these has, so that nearly every feature
can be seen in space.

Where a GO term guides the feature, or names it and holds, by the very score that the term is judged by (`LabelScore`),
among shipped proteins that are annotated in the term's sub-ontology, for of others nothing is known: band with holds
the highest with the term, without the highest that lack it, and silent the lowest with the term that the feature does
not call. Where none of the three highest has a structure, the fourth is the highest that has one.

Read `choose_examples`, then `ExampleRows`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from precompute.corpus.codes import CSC, Runs
from precompute.corpus.proteins import Shard
from precompute.features.counts import Pooled

N_TOP = 6
N_LOWER = 3
N_STRUCTURES = 3
N_TERM = 4
BANDS = ("top", "high", "low", "3d", "with", "without", "silent")
_DESCENDING_SHARE = {"high": (0.25, 0.50), "low": (0.75, 1.0)}


class LabelScore(NamedTuple):
    """The GO terms that name features, and how a protein is scored for them; all [n], one a named feature."""

    feature: np.ndarray
    term: np.ndarray
    """Column of the protein labels."""
    namespace: np.ndarray
    """MFO | BPO | CCO: of the term"""
    pooling: np.ndarray
    """max | mean"""
    threshold: np.ndarray
    """A protein is called where its score exceeds it."""


class Shown(NamedTuple):
    """Which proteins may be shown, and what is known of them."""

    is_shipped: np.ndarray
    """[n_proteins]"""
    has_structure: np.ndarray
    """[n_proteins]"""
    labels: CSC
    """[n_proteins, n_terms] of 0 and 1, closed under ancestors."""
    is_known: Mapping[str, np.ndarray]
    """Namespace -> [n_proteins]: the protein is annotated in it."""


class Chosen(NamedTuple):
    """Which proteins are shown for which features; all [n], sorted by feature, band and rank."""

    feature: np.ndarray
    protein: np.ndarray
    band: np.ndarray
    """Place in BANDS."""
    rank: np.ndarray
    """From 1, in the order that the band is sorted by."""
    score: np.ndarray
    """What it is sorted by: the largest activation, or the score that the term is judged by."""

    def table(self, sae: str, accession: np.ndarray) -> pd.DataFrame:
        """The rows of `example_band`."""
        return pd.DataFrame(
            {
                "sae": sae,
                "feature": self.feature.astype(np.int32),
                "band": np.array(BANDS)[self.band],
                "rank": self.rank.astype(np.int32),
                "accession": accession[self.protein],
                "score": self.score,
            }
        )


def choose_examples(pooled: Pooled, shown: Shown, names: LabelScore) -> Chosen:
    """Choose from pooled scores.

    Args:
        pooled: sparse [n_proteins, d_sae] scores.
        shown: the proteins.
        names: what the features are called.
    """
    bands = [*_by_peak(pooled.max, shown), *_by_term(pooled, shown, names)]
    sizes = [len(band.protein) for band in bands]
    feature = np.repeat(np.array([band.feature for band in bands], dtype=np.int64), sizes)
    number = np.repeat(np.array([BANDS.index(band.name) for band in bands], dtype=np.int64), sizes)
    rank = np.concatenate([np.arange(1, size + 1) for size in (0, *sizes)])
    protein = np.concatenate([np.empty(0, dtype=np.int64), *(band.protein for band in bands)])
    score = np.concatenate([np.empty(0), *(band.score for band in bands)])
    order = np.lexsort((rank, number, feature))
    return Chosen(feature[order], protein[order], number[order], rank[order], score[order])


class _Band(NamedTuple):
    """One band of one feature."""

    feature: int
    name: str
    protein: np.ndarray
    """In order"""
    score: np.ndarray
    """What orders them"""


def _by_peak(peak: CSC, shown: Shown) -> Iterator[_Band]:
    """The bands that every feature has."""
    for feature in range(peak.shape[1]):
        column = slice(peak.indptr[feature], peak.indptr[feature + 1])
        protein, value = peak.indices[column].astype(np.int64), peak.data[column]
        protein, value = protein[shown.is_shipped[protein]], value[shown.is_shipped[protein]]
        order = np.lexsort((protein, -value))
        protein, value = protein[order], value[order]
        placed = {"top": np.arange(min(len(protein), N_TOP))}
        placed |= {band: _places(band, len(protein)) for band in _DESCENDING_SHARE}
        in_space = np.flatnonzero(shown.has_structure[protein])
        placed["3d"] = in_space[~np.isin(in_space, np.concatenate([*placed.values()]))][:N_STRUCTURES]
        for band, places in placed.items():
            yield _Band(feature, band, protein[places], value[places])


def _by_term(pooled: Pooled, shown: Shown, names: LabelScore) -> Iterator[_Band]:
    """The bands of features that a GO term names; of equal scores, proteins with a structure come first."""
    for feature, term, namespace, pooling, threshold in zip(*names, strict=True):
        known = np.flatnonzero(shown.is_shipped & shown.is_known[namespace])
        score = getattr(pooled, pooling)[:, [feature]].toarray().ravel()[known]
        order = np.lexsort((known, ~shown.has_structure[known], -score))
        known, score = known[order], score[order]
        carries = shown.labels[:, [term]].toarray().ravel()[known] > 0
        for band, places in (
            ("with", _highest(carries & (score > 0), shown.has_structure[known])),
            ("without", _highest(~carries & (score > 0), shown.has_structure[known])),
            ("silent", _lowest(score, carries & (score <= threshold))),
        ):
            yield _Band(int(feature), band, known[places], score[places])


ExampleRow = tuple[int, float, int, np.ndarray, np.ndarray]
"""Place in the keys, peak, its position, all active positions, and their activations in 1/255 of max_act."""


class ExampleRows:
    """Collects the active residues of the chosen proteins from shard after shard."""

    def __init__(self, chosen: Chosen, max_act: np.ndarray, accession: np.ndarray) -> None:
        self._max, self._accession = max_act, accession
        self._key = np.unique(chosen.feature * len(accession) + chosen.protein)
        """Of every pair of feature and protein, which may be in several bands."""
        self.rows: list[ExampleRow] = []

    def add(self, runs: Runs, shard: Shard) -> None:
        """Take what one shard holds of the chosen proteins."""
        key = runs.feature.astype(np.int64) * len(self._accession) + runs.protein
        place = np.minimum(np.searchsorted(self._key, key), max(0, len(self._key) - 1))
        wanted = np.flatnonzero(self._key[place] == key) if len(self._key) else []
        first_row = np.zeros(len(self._accession), dtype=np.int64)
        first_row[shard.proteins] = shard.first_row
        for run in wanted:
            inside = slice(runs.start[run], runs.start[run + 1])
            value = runs.value[inside]
            position = runs.row[inside] - first_row[runs.protein[run]]
            share = value.astype(np.float64) / self._max[runs.feature[run]]
            acts = np.clip(np.ceil(share * 255), 1, 255).astype(np.uint8)
            peak = int(value.argmax())
            self.rows.append((int(place[run]), float(value[peak]), int(position[peak]), position, acts))

    def merge(self, rows: Sequence[ExampleRow]) -> None:
        """Take what another collection has found of the same chosen proteins."""
        self.rows += rows

    def table(self, sae: str) -> pa.Table:
        """The rows of `example`, positions from 0; a protein in which the feature is silent has none."""
        rows = sorted(self.rows, key=lambda row: row[0])
        feature, protein = np.divmod(
            self._key[np.array([row[0] for row in rows], dtype=np.int64)], max(1, len(self._accession))
        )
        offsets = np.concatenate([[0], np.cumsum([len(row[3]) for row in rows])]).astype(np.int32)
        positions = np.concatenate([np.empty(0, dtype=np.int64), *(row[3] for row in rows)])
        acts = np.concatenate([np.empty(0, dtype=np.uint8), *(row[4] for row in rows)])
        return pa.table(
            {
                "sae": pa.array([sae] * len(rows), pa.string()),
                "feature": feature.astype(np.int32),
                "accession": pa.array(self._accession[protein], pa.string()),
                "peak_act": np.array([row[1] for row in rows], dtype=np.float64),
                "peak_pos": np.array([row[2] for row in rows], dtype=np.int32),
                "positions": pa.ListArray.from_arrays(offsets, pa.array(positions.astype(np.uint16))),
                "acts": pa.ListArray.from_arrays(offsets, pa.array(acts)),
            }
        )


def _places(band: str, n: int) -> np.ndarray:
    """Places of a lower band's examples among n proteins, strongest first."""
    low, high = (share * n for share in _DESCENDING_SHARE[band])
    steps = low + (high - low) * np.arange(1, N_LOWER + 1) / (N_LOWER + 1)
    places = np.unique(steps.astype(np.int64))
    return places[(places >= max(N_TOP, low)) & (places < high)]


def _highest(among: np.ndarray, has_structure: np.ndarray) -> np.ndarray:
    """First places among some, the last of them one with a structure where the others have none."""
    places = np.flatnonzero(among)
    first, rest = places[: N_TERM - 1], places[N_TERM - 1 :]
    shaped = rest[has_structure[rest]]
    last = shaped if len(shaped) and not has_structure[first].any() else rest
    return np.concatenate([first, last[:1]])


def _lowest(scores: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Places of the lowest scores among some, the lowest first; the order given decides a tie."""
    places = np.flatnonzero(among)
    return places[np.argsort(scores[places], kind="stable")][:N_TERM]
