"""Residue activations of many proteins on disk, as fp16 shards that are memory-mapped when read.

    shards.json             n_shards: how many belong to the folder; written before the first
    shard-00000.npy ...     float16 [n_rows, d_model]; the rows of a protein are contiguous
    shard-00000.parquet ... the index of each: accession, shard, first_row, length; one row a protein

Every shard has one writer, and nothing is written twice, so that any number of writers may fill a folder side by side.
The index is the last that a shard's writer writes: a shard with an index is whole. The reader merges the indices, which
must be complete and disjoint. Folders of older runs have one index of all shards, `index.parquet`, instead.

Read `assign_shards`, `write_shard` and `fill_shards`, then `ShardReader`. Where lengths are not known beforehand
`shard_writer.py` cuts the shards; batches for training are drawn in `training/batches.py`.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from torch import Tensor

from protsae.errors import ArtifactError, InputError
from protsae.files import read_json, whole, write_json

PLAN_NAME = "shards.json"
OLD_INDEX_NAME = "index.parquet"
MAX_ROWS = 262_144
"""Residues per shard: 640 MB at 1280 dimensions."""

_COLUMNS = ("accession", "shard", "first_row", "length")
_AGAIN = "run the stage that embeds again"


def assign_shards(lengths: Iterable[int], max_rows: int = MAX_ROWS) -> Int[np.ndarray, " n_proteins"]:
    """Shard number of each protein: in order, a new one where the next protein would exceed `max_rows`.

    A protein that is longer than that alone has a shard of its own.
    """
    shard: list[int] = []
    number, used = 0, 0
    for length in lengths:
        if is_full(used, length, max_rows):
            number, used = number + 1, 0
        shard.append(number)
        used += length
    return np.array(shard, dtype=np.int64)


def is_full(used: int, length: int, max_rows: int) -> bool:
    """Whether a shard of `used` rows has no room for `length` more; an empty one takes everything."""
    return used > 0 and used + length > max_rows


def plan_shards(folder: Path, n_shards: int) -> None:
    """Say how many shards belong to the folder, which is made if it does not exist; to be called before the first."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN_NAME, {"n_shards": n_shards})


def write_shard(folder: Path, number: int, accessions: Sequence[str], states: Iterable[Tensor]) -> None:
    """Write one shard and then its index; each appears whole or not at all.

    Args:
        folder: exists.
        number: of the shard, which no other writer has.
        accessions: of its proteins, each once.
        states: activations [n_residues, d_model] of each; finite, within the range of fp16 (65,504).

    Raises:
        InputError: a value does not fit.
    """
    rows = [as_float16(accession, x) for accession, x in zip(accessions, states, strict=True)]
    with whole(shard_path(folder, number)) as partial, partial.open("wb") as handle:
        np.save(handle, np.concatenate(rows), allow_pickle=False)
    _write_index(folder, number, accessions, [len(part) for part in rows])


def fill_shards(
    folders: Sequence[Path],
    number: int,
    accessions: Sequence[str],
    lengths: Sequence[int],
    found: Iterable[tuple[int, Sequence[Tensor]]],
) -> None:
    """Write one shard of the same proteins in each of several folders, protein by protein as their states come.

    What is held in memory is what `found` holds; each shard appears whole or not at all, and then its index.

    Args:
        folders: they exist.
        number: of the shard, which no other writer has.
        accessions: of its proteins, each once.
        lengths: residues of each.
        found: (protein, its activations [n_residues, d_model] for every folder), each protein once, in any order.

    Raises:
        InputError: a value does not fit into fp16.
    """
    first = np.cumsum([0, *lengths])
    with ExitStack() as stack:
        partials = [stack.enter_context(whole(shard_path(folder, number))) for folder in folders]
        maps: list[np.memmap] = []
        for protein, states in found:
            for place, x in enumerate(states):
                if place == len(maps):
                    shape = (int(first[-1]), x.shape[1])
                    maps.append(np.lib.format.open_memmap(partials[place], "w+", np.float16, shape))
                maps[place][first[protein] : first[protein + 1]] = as_float16(accessions[protein], x)
        for each in maps:
            each.flush()
    for folder in folders:
        _write_index(folder, number, accessions, lengths)


def _write_index(folder: Path, number: int, accessions: Sequence[str], n_residues: Sequence[int]) -> None:
    lengths = np.array(n_residues, dtype=np.int64)
    index = pd.DataFrame(
        {
            "accession": list(accessions),
            "shard": np.full(len(lengths), number, dtype=np.int64),
            "first_row": np.cumsum(lengths) - lengths,
            "length": lengths,
        }
    )
    with whole(_index_path(folder, number)) as partial:
        index.to_parquet(partial, index=False)


def as_float16(accession: str, x: Float[Tensor, "n_residues d_model"]) -> Float[np.ndarray, "n_residues d_model"]:
    """Activations as they are stored.

    Raises:
        InputError: a value is beyond fp16's range.
    """
    with np.errstate(over="ignore"):
        rows = x.detach().cpu().numpy().astype(np.float16)
    if not np.isfinite(rows).all():
        worst = float(x.detach().abs().max())
        raise InputError(
            f"the activations of {accession} reach {worst:.3g}, beyond fp16's 65504; read another layer or site"
        )
    return rows


def is_written(folder: Path, number: int, accessions: Sequence[str]) -> bool:
    """Whether an earlier run has left this shard whole, with these proteins in this order."""
    index = index_of(folder, number)
    return index is not None and index["accession"].tolist() == list(accessions)


def shard_name(number: int) -> str:
    """Of a shard, without an ending."""
    return f"shard-{number:05d}"


def shard_files(number: int) -> tuple[str, str]:
    """Names of a shard's two files: its activations, and the index that makes it whole."""
    return f"{shard_name(number)}.npy", f"{shard_name(number)}.parquet"


def shard_path(folder: Path, number: int) -> Path:
    """File of one shard's activations."""
    return folder / shard_files(number)[0]


def open_shard(folder: Path, number: int) -> Float[np.ndarray, "n_rows d_model"]:
    """All residues of one shard, mapped (float16).

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    return _map_shard(shard_path(folder, number))


def read_index(folder: Path) -> pd.DataFrame:
    """The indices of all shards as one, by shard and row: accession, shard, first_row, length.

    Raises:
        ArtifactError: the folder is unfinished, a shard's index is missing or damaged, or two of them contradict.
    """
    n_shards = _n_shards(folder)
    parts = []
    for number in range(n_shards):
        part = index_of(folder, number)
        if part is None:
            raise ArtifactError(
                f"{folder} lacks shard {number} of {n_shards} or its index: the embeddings are unfinished; {_AGAIN}"
            )
        parts.append(part)
    if not any(len(part) for part in parts):
        raise ArtifactError(f"{folder} holds no protein; {_AGAIN}")
    index = pd.concat(parts, ignore_index=True)
    _check_index(folder, index)
    return index


class ShardReader:
    """Read-only view of a finished folder of shards; proteins are numbered in the order of the index."""

    def __init__(self, folder: Path) -> None:
        """Open the index and map all shards.

        Raises:
            ArtifactError: the folder is unfinished, or a file is missing, damaged or does not fit the index.
        """
        self.folder = folder
        index = read_index(folder)
        self.accessions: list[str] = index["accession"].tolist()
        self.shards: Int[np.ndarray, " n_proteins"] = index["shard"].to_numpy(np.int64)
        self.first_rows: Int[np.ndarray, " n_proteins"] = index["first_row"].to_numpy(np.int64)
        self.lengths: Int[np.ndarray, " n_proteins"] = index["length"].to_numpy(np.int64)
        self._maps = [open_shard(folder, number) for number in range(int(self.shards.max()) + 1)]
        self.d_model = self._maps[0].shape[1]
        n_rows = np.bincount(self.shards, weights=self.lengths).astype(np.int64)
        for number, (rows, needed) in enumerate(zip(self._maps, n_rows.tolist(), strict=True)):
            if rows.shape != (needed, self.d_model):
                raise ArtifactError(
                    f"{shard_path(folder, number)} has the shape {rows.shape} where the index asks for "
                    f"({needed}, {self.d_model}); {_AGAIN}"
                )
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
            raise InputError(f"there are no activations of {accession!r} in {self.folder}; embed it first") from None

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


def _index_path(folder: Path, number: int) -> Path:
    return folder / shard_files(number)[1]


def _n_shards(folder: Path) -> int:
    """Shards that belong to the folder."""
    if (folder / PLAN_NAME).is_file():
        n_shards = (read_json(folder / PLAN_NAME) or {}).get("n_shards")
        if not isinstance(n_shards, int) or n_shards < 0:
            raise ArtifactError(f"{folder / PLAN_NAME} is damaged: it gives n_shards as {n_shards!r}; {_AGAIN}")
        return n_shards
    if (folder / OLD_INDEX_NAME).is_file():
        return int(_read_index(folder / OLD_INDEX_NAME)["shard"].max()) + 1
    raise ArtifactError(f"{folder / PLAN_NAME} does not exist: the embeddings are unfinished; {_AGAIN}")


def index_of(folder: Path, number: int) -> pd.DataFrame | None:
    """The index of one shard; None where the shard or its index is not there."""
    if not shard_path(folder, number).is_file():
        return None
    if _index_path(folder, number).is_file():
        index = _read_index(_index_path(folder, number))
        if (index["shard"] != number).any():
            raise ArtifactError(f"{_index_path(folder, number)} is the index of another shard; {_AGAIN}")
        return index
    if not (folder / OLD_INDEX_NAME).is_file():
        return None
    index = _read_index(folder / OLD_INDEX_NAME)
    own = pd.DataFrame(index.loc[index["shard"] == number])
    return own if len(own) else None


def _map_shard(path: Path) -> np.ndarray:
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ArtifactError(f"{path} is missing or damaged ({error}); {_AGAIN}") from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype != np.float16:
        raise ArtifactError(f"{path} holds no float16 matrix; {_AGAIN}")
    return rows


def _read_index(path: Path) -> pd.DataFrame:
    try:
        index = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise ArtifactError(f"{path} is damaged ({' '.join(str(error).split())[:120]}); {_AGAIN}") from error
    if tuple(index.columns) != _COLUMNS:
        raise ArtifactError(f"{path} has the columns {', '.join(map(str, index.columns))}, not {', '.join(_COLUMNS)}")
    return index


def _check_index(folder: Path, index: pd.DataFrame) -> None:
    """Refuse a merged index with a protein twice, or with rows of a shard that belong to none or to two."""
    twice = index.loc[index["accession"].duplicated(), "accession"]
    if len(twice):
        raise ArtifactError(f"{folder} has {twice.iloc[0]} in two places; {_AGAIN}")
    end = (index["first_row"] + index["length"]).groupby(index["shard"]).shift(fill_value=0)
    wrong = index.loc[index["first_row"] != end]
    if len(wrong):
        first = wrong.iloc[0]
        raise ArtifactError(
            f"{folder} has {first['accession']} at row {first['first_row']} of shard {first['shard']}, where the "
            f"protein before it ends at row {end[wrong.index[0]]}; {_AGAIN}"
        )
