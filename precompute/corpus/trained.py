"""The SAEs that the train stage has left, and what later stages need to know of them.

Read `read_trained`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from protsae.errors import InputError
from protsae.files import read_json
from protsae.sae.base import SAE, load_sae


class TrainedSAE(NamedTuple):
    """One SAE of the run."""

    name: str
    """protsae_mfo, protsae_bpo, protsae_cco or vanilla; also its folder"""

    folder: Path
    architecture: str
    namespace: str
    """MFO, BPO, CCO; '' where unguided"""

    concepts: tuple[str, ...]
    """Guiding terms of features 0, 1, ..."""

    d_sae: int
    k: int

    def load(self) -> SAE:
        """The saved weights."""
        return load_sae(self.folder)


def read_trained(work: Path) -> list[TrainedSAE]:
    """All SAEs of the run, ProtSAEs first.

    Raises:
        InputError: the train stage has not finished.
    """
    result = read_json(work / "train" / "result.json")
    if result is None:
        msg = f"{work / 'train'} holds no result.json; run the stage train first"
        raise InputError(msg)
    return [
        TrainedSAE(**{**fields, "folder": work / "train" / fields["name"], "concepts": tuple(fields["concepts"])})
        for fields in result["saes"]
    ]


def plm_directions(sae: SAE) -> Tensor:
    """[d_sae, d_model] what a unit of each activation adds to the PLM's residual stream."""
    return (sae.W_dec / sae.scale).detach()


def decoder(sae: SAE) -> np.ndarray:
    """[d_sae, d_model] decoder directions, of unit length."""
    directions = sae.W_dec.detach().float().cpu().numpy()
    return directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
