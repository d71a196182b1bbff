"""The SAEs that the train stage has left, and what later stages need to know of them.

Read `read_trained`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from protsae.errors import InputError
from protsae.files import read_json
from protsae.sae import SAE, load_sae
from protsae.store.rows import Role


class TrainedSAE(NamedTuple):
    """One SAE of the run."""

    name: str
    """Also that of its folder"""

    display_name: str
    role: Role
    folder: Path
    architecture: str
    namespace: str
    """MFO, BPO, CCO, or GO for all three; '' where unguided"""

    concepts: tuple[str, ...]
    """Guiding terms of features 0, 1, ..."""

    d_sae: int
    k: int

    def load(self) -> SAE:
        """The saved weights."""
        return load_sae(self.folder)


def read_trained(work: Path) -> list[TrainedSAE]:
    """All SAEs of the run, in the order of its list.

    Raises:
        InputError: the train stage has not finished.
    """
    result = read_json(work / "train" / "result.json")
    if result is None:
        raise InputError(f"{work / 'train'} holds no result.json; run the stage train first")
    return [
        TrainedSAE(**{**fields, "folder": work / "train" / fields["name"], "concepts": tuple(fields["concepts"])})
        for fields in result["saes"]
    ]


def baseline_of(saes: Sequence[TrainedSAE]) -> str | None:
    """Name of the SAE that guided ones are held against, as in the explorer: unguided before imported, then by name."""
    found = sorted((sae.role != "unguided", sae.name) for sae in saes if sae.role != "guided")
    return found[0][1] if found else None


def plm_directions(sae: SAE) -> Tensor:
    """[d_sae, d_model] what a unit of each activation adds to the PLM's residual stream."""
    return (sae.W_dec / sae.scale).detach()


def decoder(sae: SAE) -> np.ndarray:
    """[d_sae, d_model] decoder directions, of unit length."""
    directions = sae.W_dec.detach().float().cpu().numpy()
    return directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
