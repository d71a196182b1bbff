"""Cuts shards as proteins come, where their lengths are not known beforehand. Read `ShardWriter`."""

from pathlib import Path
from types import TracebackType
from typing import Self

from jaxtyping import Float
from torch import Tensor

from protsae.errors import InputError
from protsae.shards import MAX_ROWS, PLAN_NAME, as_float16, index_of, is_full, plan_shards, write_shard


class ShardWriter:
    """One writer that cuts shards as proteins come, where their lengths are not known beforehand."""

    def __init__(self, folder: Path, *, max_rows: int = MAX_ROWS) -> None:
        """Continue in `folder` after its last whole shard; the folder is made if it does not exist.

        Args:
            folder: of the shards.
            max_rows: residues per shard; a longer protein gets its own.
        """
        self.folder = folder
        self._max_rows = max_rows
        folder.mkdir(parents=True, exist_ok=True)
        self.finished: set[str] = set()
        """Accessions that lie in whole shards, or have been added."""
        self._n_shards = 0
        while (index := index_of(folder, self._n_shards)) is not None:
            self.finished.update(index["accession"])
            self._n_shards += 1
        self._states: dict[str, Tensor] = {}
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
            raise InputError(f"the activations of {accession} are there already; every accession may occur once")
        as_float16(accession, x)
        if is_full(self._n_rows, len(x), self._max_rows):
            self._write()
        self.finished.add(accession)
        self._states[accession] = x
        self._n_rows += len(x)

    def close(self) -> None:
        """Write what is left, and how many shards there are."""
        if self._states:
            self._write()
        plan_shards(self.folder, self._n_shards)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close if all went well; after an error only complete shards stay."""
        if kind is None:
            self.close()

    def _write(self) -> None:
        (self.folder / PLAN_NAME).unlink(missing_ok=True)
        write_shard(self.folder, self._n_shards, list(self._states), self._states.values())
        self._n_shards += 1
        self._states, self._n_rows = {}, 0
