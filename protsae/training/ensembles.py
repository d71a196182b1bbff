"""Members of an ensemble, one after the other: each of a boosted one is trained on what those before it leave over.

Read `boost`; a bag's members are trained as any SAE is, from different seeds.

Source: Gadgil et al. 2025 (arXiv:2505.16077).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from protsae.sae.base import SAE, load_sae
from protsae.sae.ensemble import EnsembleSAE
from protsae.shards import ShardReader
from protsae.training.config import TrainConfig, TrainingData
from protsae.training.loop import train


class Residuals(ShardReader):
    """The same proteins, of which some SAEs have taken what they explain."""

    def __init__(self, folder: Path, members: Sequence[SAE]) -> None:
        """Open a folder of shards.

        Args:
            folder: of the activations.
            members: boosted so far, in order; none leaves everything.
        """
        super().__init__(folder)
        self._ensemble = EnsembleSAE.of(members, "boost") if members else None

    def protein(self, row: int) -> Float[np.ndarray, "n_residues d_model"]:
        """What is left of one protein's residues."""
        return self._left(super().protein(row))

    def gather(
        self, proteins: Int[np.ndarray, " n"], residues: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n d_model"]:
        """What is left of single residues, in the order asked for."""
        return self._left(super().gather(proteins, residues))

    @torch.no_grad()
    def _left(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, np.float32)
        return x if self._ensemble is None else x - self._ensemble(torch.from_numpy(x)).x_hat.numpy()


def boost(
    make: Callable[[int], SAE], data: TrainingData, folder: Path, config: TrainConfig, *, embed: Path, n_members: int
) -> EnsembleSAE:
    """Train the members that are not trained yet, and present them as one SAE.

    Args:
        make: a fresh SAE for a seed.
        data: what an unguided SAE learns from.
        folder: for a folder of each member.
        config: of every training; the seed rises by one from member to member.
        embed: folder of the activations.
        n_members: how many, at least 1.
    """
    members: list[SAE] = []
    for number in range(n_members):
        seed, own = config.seed + number, folder / f"member-{number}"
        if not (own / "sae.safetensors").is_file():
            left = data._replace(reader=Residuals(embed, members))
            train(make(seed), left, replace(config, seed=seed), own)
        members.append(load_sae(own))
    return EnsembleSAE.of(members, "boost")
