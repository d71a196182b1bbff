"""Residue activations of many proteins on disk, as fp16 shards that are memory-mapped when read.

    shard-00000.npy ...   float16 [n_rows, d_model]; the rows of a protein are contiguous
    index.parquet         accession, shard, first_row, length; one row a protein, in the order of writing

A shard is written whole or not at all. While a run is unfinished every complete shard has its own small index, so that
a killed run continues after its last complete shard.

Read `ShardWriter.add`, then `ShardReader`. Batches for training are drawn in `training/batches.py`.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from torch import Tensor

from protsae.errors import ArtifactError, InputError
from protsae.files import whole

INDEX_NAME = "index.parquet"
_COLUMNS = ("accession", "shard", "first_row", "length")


class ShardWriter:
    """Collects proteins and writes a shard whenever one is full."""

    def __init__(self, folder: Path, *, max_rows: int = 262_144) -> None:
        """Continue in `folder`, which is made if it does not exist.

        Args:
            folder: of the shards.
            max_rows: residues per shard (640 MB at 1280 dimensions and 262,144 rows); a longer protein gets its own.
        """
        self.folder = folder
        self._max_rows = max_rows
        folder.mkdir(parents=True, exist_ok=True)
        self._parts: list[pd.DataFrame] = []
        if (folder / INDEX_NAME).exists():
            whole = _read_index(folder / INDEX_NAME)
            self._parts = [part for _, part in whole.groupby("shard", sort=True)]
        else:
            while self._part_path(len(self._parts)).exists() and _shard_path(folder, len(self._parts)).exists():
                self._parts.append(_read_index(self._part_path(len(self._parts))))
        self.finished: set[str] = {accession for part in self._parts for accession in part["accession"]}
        self._rows: list[np.ndarray] = []
        self._accessions: list[str] = []
        self._n_rows = 0

    def add(self, accession: str, x: Float[Tensor, "n_residues d_model"]) -> None:
        """Add one protein's activations.

        Args:
            accession: not among `finished`.
            x: finite, within the range of fp16 (65,504).

        Raises:
            InputError: the protein is there already, or a value does not fit.
        """
        if accession in self.finished:
            msg = f"the activations of {accession} are there already; every accession may occur once"
            raise InputError(msg)
        with np.errstate(over="ignore"):
            rows = x.detach().cpu().numpy().astype(np.float16)
        if not np.isfinite(rows).all():
            worst = float(x.detach().abs().max())
            msg = f"the activations of {accession} reach {worst:.3g}, beyond fp16's 65504; read another layer or site"
            raise InputError(msg)
        if self._n_rows and self._n_rows + len(rows) > self._max_rows:
            self._write_shard()
        self.finished.add(accession)
        self._accessions.append(accession)
        self._rows.append(rows)
        self._n_rows += len(rows)

    def close(self) -> None:
        """Write what is left and the index of all shards."""
        if self._rows:
            self._write_shard()
        index = pd.concat(self._parts, ignore_index=True) if self._parts else pd.DataFrame(columns=list(_COLUMNS))
        _write_index(self.folder / INDEX_NAME, index)
        for shard in range(len(self._parts)):
            self._part_path(shard).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close if all went well; after an error only complete shards stay."""
        if kind is None:
            self.close()

    def _part_path(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:05d}.parquet"

    def _write_shard(self) -> None:
        shard = len(self._parts)
        lengths = np.array([len(rows) for rows in self._rows], dtype=np.int64)
        index = pd.DataFrame(
            {
                "accession": self._accessions,
                "shard": np.full(len(lengths), shard, dtype=np.int64),
                "first_row": np.cumsum(lengths) - lengths,
                "length": lengths,
            }
        )
        path = _shard_path(self.folder, shard)
        with whole(path) as partial, partial.open("wb") as handle:
            np.save(handle, np.concatenate(self._rows), allow_pickle=False)
        _write_index(self._part_path(shard), index)
        self._parts.append(index)
        self._rows, self._accessions, self._n_rows = [], [], 0


class ShardReader:
    """Read-only view of a finished folder of shards; proteins are numbered in the order of the index."""

    def __init__(self, folder: Path) -> None:
        """Open the index and map all shards.

        Raises:
            ArtifactError: the folder is unfinished, or a file is missing, damaged or does not fit the index.
        """
        self.folder = folder
        index = _read_index(folder / INDEX_NAME)
        self.accessions: list[str] = index["accession"].tolist()
        self.shards: Int[np.ndarray, " n_proteins"] = index["shard"].to_numpy(np.int64)
        self.first_rows: Int[np.ndarray, " n_proteins"] = index["first_row"].to_numpy(np.int64)
        self.lengths: Int[np.ndarray, " n_proteins"] = index["length"].to_numpy(np.int64)
        self._maps = [_map_shard(_shard_path(folder, s)) for s in range(int(self.shards.max(initial=-1)) + 1)]
        if not self._maps:
            msg = f"{folder} holds no protein; run the stage that embeds again"
            raise ArtifactError(msg)
        self.d_model = self._maps[0].shape[1]
        for shard, rows in enumerate(self._maps):
            needed = (self.first_rows + self.lengths)[self.shards == shard].max(initial=0)
            if rows.shape[1] != self.d_model or len(rows) != needed:
                msg = (
                    f"{_shard_path(folder, shard)} has the shape {rows.shape} where the index asks for "
                    f"({needed}, {self.d_model}); run the stage that embeds again"
                )
                raise ArtifactError(msg)
        self._row_of = {accession: i for i, accession in enumerate(self.accessions)}

    def __len__(self) -> int:
        """Number of proteins."""
        return len(self.accessions)

    @property
    def n_shards(self) -> int:
        """Number of files."""
        return len(self._maps)

    def row_of(self, accession: str) -> int:
        """The number of a protein.

        Raises:
            InputError: there is no such protein.
        """
        try:
            return self._row_of[accession]
        except KeyError:
            msg = f"there are no activations of {accession!r} in {self.folder}; embed it first"
            raise InputError(msg) from None

    def protein(self, row: int) -> Float[np.ndarray, "n_residues d_model"]:
        """All residues of one protein, a view into the mapped file (float16)."""
        first = self.first_rows[row]
        return self._maps[self.shards[row]][first : first + self.lengths[row]]

    def shard(self, shard: int) -> Float[np.ndarray, "n_rows d_model"]:
        """All residues of one shard, mapped (float16)."""
        return self._maps[shard]

    def gather(
        self, proteins: Int[np.ndarray, " n"], residues: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n d_model"]:
        """Single residues, in the order asked for (float16).

        Args:
            proteins: number of each residue's protein.
            residues: position in it, from 0.
        """
        out = np.empty((len(proteins), self.d_model), np.float16)
        shards, rows = self.shards[proteins], self.first_rows[proteins] + residues
        order = np.lexsort((rows, shards))  # files are read from front to back
        edges = np.searchsorted(shards[order], np.arange(self.n_shards + 1))
        for shard in range(self.n_shards):
            wanted = order[edges[shard] : edges[shard + 1]]
            out[wanted] = self._maps[shard][rows[wanted]]
        return out

    def protein_means(self, proteins: Sequence[int] | Int[np.ndarray, " n"]) -> Float[np.ndarray, "n d_model"]:
        """Mean over all residues of each protein (float32)."""
        return np.stack([self.protein(int(row)).mean(axis=0, dtype=np.float32) for row in proteins])


def _shard_path(folder: Path, shard: int) -> Path:
    return folder / f"shard-{shard:05d}.npy"


def _map_shard(path: Path) -> np.ndarray:
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        msg = f"{path} is missing or damaged ({error}); run the stage that embeds again"
        raise ArtifactError(msg) from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype != np.float16:
        msg = f"{path} holds no float16 matrix; run the stage that embeds again"
        raise ArtifactError(msg)
    return rows


def _read_index(path: Path) -> pd.DataFrame:
    if not path.exists():
        msg = f"{path} does not exist: the embeddings are unfinished; run the stage that embeds again"
        raise ArtifactError(msg)
    try:
        index = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        msg = f"{path} is damaged ({' '.join(str(error).split())[:120]}); run the stage that embeds again"
        raise ArtifactError(msg) from error
    if tuple(index.columns) != _COLUMNS:
        msg = f"{path} has the columns {', '.join(map(str, index.columns))}, not {', '.join(_COLUMNS)}"
        raise ArtifactError(msg)
    return index


def _write_index(path: Path, index: pd.DataFrame) -> None:
    with whole(path) as partial:
        index.to_parquet(partial, index=False)
