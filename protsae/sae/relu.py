"""ReLU sparse autoencoder with an L1 penalty: the "naive SAE" of the comparisons.

    acts  = ReLU((x_in - b_dec) @ W_enc + b_enc)
    x_hat = acts @ W_dec + b_dec                               # rows of W_dec have unit length
    L     = L_rec + c * (sum of acts, mean over residues)

c is set by the controller of `threshold.py`, so that k features are active in the mean.

Read `threshold.py` first, then `ReLUSAE`.

Source: Bricken et al. 2023 ("Towards monosemanticity"), Cunningham et al. 2023 (arXiv:2309.08600).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from typing_extensions import override

from protsae.parallel.ranks import Share
from protsae.sae.config import SizedConfig
from protsae.sae.entries import Entries
from protsae.sae.threshold import PenalizedSAE


@dataclass(frozen=True, kw_only=True)
class ReLUSAEConfig(SizedConfig):
    """Shape and sparsity of a ReLU SAE: the training aims at k active features per residue, in the mean."""


class ReLUSAE(PenalizedSAE):
    """SAE whose features are active where their pre-activation is positive."""

    architecture: ClassVar[str] = "relu"
    config_class: ClassVar[type] = ReLUSAEConfig
    cfg: ReLUSAEConfig

    def __init__(self, cfg: ReLUSAEConfig, *, seed: int = 0) -> None:
        """Start from random unit directions, the encoder as the decoder's transpose."""
        super().__init__(cfg, first_coef=0.1)
        self.start(seed, b_enc=0.0)

    @torch.no_grad()
    @override
    def start_sparse(self) -> None:
        """Biases that start the features sparse."""
        self.b_enc.fill_(-self.starting_level())

    def floor(self) -> Tensor:
        """0 for all features."""
        return self.b_enc.new_zeros(())

    @override
    def training_floor(self, pre_acts: Float[Tensor, "n d_sae"], share: Share) -> Tensor:
        """0 as well."""
        return self.floor()

    def activate(self, entries: Entries) -> Tensor:
        """ReLU."""
        return entries.pre.relu()

    def dead_acts(
        self, x_in: Float[Tensor, "n d_model"], features: Int[Tensor, " n_features"]
    ) -> Float[Tensor, "n n_features"]:
        """Softplus: a dead feature is negative, where ReLU has no gradient."""
        return nn.functional.softplus((x_in - self.b_dec) @ self.W_enc[:, features] + self.b_enc[features])

    @override
    def penalty(
        self, entries: Entries, acts: Tensor, x_in: Float[Tensor, "n d_model"], share: Share
    ) -> Float[Tensor, ""]:
        """The coefficient times the sum of a residue's activations, mean over residues."""
        return self.sparsity_coef * acts.sum() / entries.n_rows
