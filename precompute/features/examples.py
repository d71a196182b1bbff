"""Example proteins of each feature: the strongest, and two from each of two lower bands.

Bands are quantiles of the protein maxima among shipped proteins in which the feature fires: top = the ten strongest,
high = 50 to 75 %, low = below 25 %. From a lower band come the proteins at one and two thirds of it, which needs no
chance; none of them is among the top ten. Band 3d holds the two strongest proteins with a structure that no other band
has, so that nearly every feature can be seen in space.

Read `choose_examples`, then `ExampleRows`.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from precompute.corpus.codes import CSC, Runs
from precompute.corpus.proteins import Shard

N_TOP = 10
N_LOWER = 2
N_STRUCTURES = 2
BANDS = ("top", "high", "low", "3d")
_DESCENDING_SHARE = {"high": (0.25, 0.50), "low": (0.75, 1.0)}


class Chosen(NamedTuple):
    """Which proteins are shown for which features; all [n], sorted by feature, then protein."""

    feature: np.ndarray
    protein: np.ndarray
    band: np.ndarray
    """Place in BANDS."""

    rank: np.ndarray
    """1 = strongest of its band."""


def choose_examples(peak: CSC, is_shipped: np.ndarray, has_structure: np.ndarray) -> Chosen:
    """Choose from pooled maxima.

    Args:
        peak: sparse [n_proteins, d_sae] maxima.
        is_shipped: [n_proteins]
        has_structure: [n_proteins]
    """
    parts: list[np.ndarray] = [np.empty((0, 4), dtype=np.int64)]
    for feature in range(peak.shape[1]):
        column = slice(peak.indptr[feature], peak.indptr[feature + 1])
        protein, value = peak.indices[column], peak.data[column]
        protein, value = protein[is_shipped[protein]], value[is_shipped[protein]]
        order = protein[np.lexsort((protein, -value))].astype(np.int64)
        placed = [_places(band, len(order)) for band in _DESCENDING_SHARE]
        placed = [np.arange(min(len(order), N_TOP)), *placed]
        taken = np.concatenate(placed)
        in_space = np.flatnonzero(has_structure[order])
        placed.append(in_space[~np.isin(in_space, taken)][:N_STRUCTURES])
        for number, places in enumerate(placed):
            rank = np.arange(1, len(places) + 1)
            ones = np.ones_like(places)
            parts.append(np.stack([feature * ones, order[places], number * ones, rank], axis=1))
    table = np.concatenate(parts)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return Chosen(*table.T)


class ExampleRows:
    """Collects the active residues of the chosen proteins from shard after shard."""

    def __init__(self, chosen: Chosen, max_act: np.ndarray, accession: np.ndarray) -> None:
        self._chosen, self._max, self._accession = chosen, max_act, accession
        self._key = chosen.feature * len(accession) + chosen.protein
        self.rows: list[tuple[int, float, int, np.ndarray, np.ndarray]] = []
        """Place in `chosen`, peak, its position, all active positions, and their activations in 1/255 of max_act."""

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

    def merge(self, other: "ExampleRows") -> None:
        """Take what another collection has found of the same chosen proteins."""
        self.rows += other.rows

    def table(self, sae: str) -> pa.Table:
        """The rows of `example`, positions from 0."""
        rows = sorted(self.rows, key=lambda row: row[0])
        chosen = np.array([row[0] for row in rows], dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum([len(row[3]) for row in rows])]).astype(np.int32)
        positions = np.concatenate([np.empty(0, dtype=np.int64), *(row[3] for row in rows)])
        acts = np.concatenate([np.empty(0, dtype=np.uint8), *(row[4] for row in rows)])
        return pa.table(
            {
                "sae": pa.array([sae] * len(rows), pa.string()),
                "feature": self._chosen.feature[chosen].astype(np.int32),
                "band": pa.array(np.array(BANDS)[self._chosen.band[chosen]], pa.string()),
                "rank": self._chosen.rank[chosen].astype(np.int32),
                "accession": pa.array(self._accession[self._chosen.protein[chosen]], pa.string()),
                "peak_act": np.array([row[1] for row in rows], dtype=np.float64),
                "peak_pos": np.array([row[2] for row in rows], dtype=np.int32),
                "positions": pa.ListArray.from_arrays(offsets, pa.array(positions.astype(np.uint16))),
                "acts": pa.ListArray.from_arrays(offsets, pa.array(acts)),
            }
        )


def _places(band: str, n: int) -> np.ndarray:
    """Places of a lower band's examples among n proteins, strongest first."""
    low, high = (share * n for share in _DESCENDING_SHARE[band])
    thirds = low + (high - low) * np.arange(1, N_LOWER + 1) / (N_LOWER + 1)
    places = np.unique(thirds.astype(np.int64))
    return places[(places >= max(N_TOP, low)) & (places < high)]
