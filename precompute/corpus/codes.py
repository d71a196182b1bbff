"""Sparse codes of residues on disk: one npz a shard, compressed sparse rows.

    indptr [n_rows + 1] int64, features [n] uint16 or uint32 (ascending within a row), values [n] float32, d_sae

At k = 32 a residue takes 192 bytes where its dense code would take 10 kB. Read `write_codes`, then `read_codes`.
"""

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array

from protsae.errors import ArtifactError
from protsae.files import whole
from protsae.shards import shard_name

CSR = csr_array
CSC = csc_array


class Runs(NamedTuple):
    """The stretches of one shard's codes that belong to one feature in one protein, ordered by feature, then row."""

    feature: np.ndarray
    """[n_runs]"""

    protein: np.ndarray
    """[n_runs] row of `Corpus`"""

    start: np.ndarray
    """[n_runs + 1] where each run begins in `row` and `value`"""

    row: np.ndarray
    """[n] row of the shard"""

    value: np.ndarray
    """[n] activation"""


def code_path(folder: Path, shard: int) -> Path:
    """File of one shard's codes in an SAE's folder."""
    return folder / code_item(shard)[1][0]


def code_item(shard: int) -> tuple[str, tuple[str]]:
    """Name of a shard, and of its one file."""
    return shard_name(shard), (f"{shard_name(shard)}.npz",)


def is_encoded(folder: Path, shard: int) -> bool:
    """Whether a shard's codes lie there whole, as the stage that encodes leaves them."""
    return read_extra(code_path(folder, shard), "quality") is not None


def write_codes(path: Path, codes: CSR, **extra: np.ndarray | float) -> None:
    """Write codes [n_rows, d_sae], with further small arrays beside them; the file appears whole or not at all."""
    d_sae = codes.shape[1]
    features = codes.indices.astype(np.uint16 if d_sae <= 2**16 else np.uint32)
    arrays: dict[str, Any] = {  # np.savez takes a flag by name beside them
        "indptr": codes.indptr.astype(np.int64),
        "features": features,
        "values": codes.data.astype(np.float32),
        "d_sae": np.int64(d_sae),
        **extra,
    }
    with whole(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **arrays)


def read_codes(path: Path) -> CSR:
    """Codes [n_rows, d_sae] of one shard.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            indptr, features, values = file["indptr"], file["features"].astype(np.int32), file["values"]
            return csr_array((values, features, indptr), shape=(len(indptr) - 1, int(file["d_sae"])))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{path} is missing or damaged ({error}); run the stage activations again") from error


def read_extra(path: Path, name: str) -> np.ndarray | None:
    """One of the small arrays beside the codes; None where the file is missing or unreadable."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file[name]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def runs_of(codes: CSR, row_protein: np.ndarray) -> Runs:
    """Group codes by feature and protein.

    Args:
        codes: [n_rows, d_sae].
        row_protein: [n_rows] protein of each row; the rows of a protein are contiguous.
    """
    columns: CSC = codes.tocsc()
    columns.sort_indices()
    feature = np.repeat(np.arange(columns.shape[1], dtype=np.int32), np.diff(columns.indptr))
    protein = row_protein[columns.indices]
    is_first = np.ones(len(feature), dtype=bool)
    is_first[1:] = (feature[1:] != feature[:-1]) | (protein[1:] != protein[:-1])
    start = np.flatnonzero(is_first)
    return Runs(feature[start], protein[start], np.append(start, len(feature)), columns.indices, columns.data)
