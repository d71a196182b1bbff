"""ReLU sparse autoencoder with an L1 penalty: the "naive SAE" of the comparisons.

    acts  = ReLU((x_in - b_dec) @ W_enc + b_enc)
    x_hat = acts @ W_dec + b_dec                               # rows of W_dec have unit length
    L     = L_rec + c * (sum of acts, mean over residues)

c is set by the controller of `threshold.py`, so that k features are active in the mean.

Read `threshold.py` first, then `ReLUSAE`.

Source: Bricken et al. 2023 ("Towards monosemanticity"), Cunningham et al. 2023 (arXiv:2309.08600).
"""

# ruff: noqa: ARG002 - the methods of an architecture get all that another one may need

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from protsae.sae.base import random_directions
from protsae.sae.threshold import Entries, PenalizedSAE
from protsae.sae.topk import check_shape


@dataclass(frozen=True, kw_only=True)
class ReLUSAEConfig:
    """Shape and sparsity of a ReLU SAE. Saved as `cfg.json` beside the weights."""

    d_model: int
    """Width of the residual stream that is read, e.g. 1280 for ESM-2 650M."""

    d_sae: int
    """Number of features."""

    k: int = 64
    """Active features per residue that the training aims at, in the mean."""

    def __post_init__(self) -> None:
        check_shape(self.d_model, self.d_sae, self.k)


class ReLUSAE(PenalizedSAE):
    """SAE whose features are active where their pre-activation is positive."""

    architecture: ClassVar[str] = "relu"
    config_class: ClassVar[type] = ReLUSAEConfig
    cfg: ReLUSAEConfig

    def __init__(self, cfg: ReLUSAEConfig, *, seed: int = 0) -> None:
        """Start from random unit directions, the encoder as the decoder's transpose."""
        super().__init__(cfg, first_coef=0.1)
        directions = random_directions(cfg.d_sae, cfg.d_model, torch.Generator().manual_seed(seed))
        self.W_enc = nn.Parameter(directions.T.contiguous())
        self.b_enc = nn.Parameter(torch.zeros(cfg.d_sae))
        self.W_dec = nn.Parameter(directions.clone())
        self.b_dec = nn.Parameter(torch.zeros(cfg.d_model))

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """Rows of W_enc transposed, and b_enc."""
        return self.W_enc.T, self.b_enc

    @torch.no_grad()
    def fit_input(self, mean: Float[Tensor, " d_model"], mean_square_norm: float) -> None:
        """`SAE.fit_input`, and biases that start the features sparse."""
        super().fit_input(mean, mean_square_norm)
        self.b_enc.fill_(-self.starting_level())

    def floor(self) -> Tensor:
        """0 for all features."""
        return self.b_enc.new_zeros(())

    def activate(self, entries: Entries) -> Tensor:
        """ReLU."""
        return entries.pre.relu()

    def dead_acts(
        self, x_in: Float[Tensor, "n d_model"], features: Int[Tensor, " n_features"]
    ) -> Float[Tensor, "n n_features"]:
        """Softplus: a dead feature is negative, where ReLU has no gradient."""
        return nn.functional.softplus((x_in - self.b_dec) @ self.W_enc[:, features] + self.b_enc[features])

    def penalty(self, entries: Entries, acts: Tensor, x_in: Float[Tensor, "n d_model"]) -> Float[Tensor, ""]:
        """The coefficient times the sum of a residue's activations, mean over residues."""
        return self.sparsity_coef * acts.sum() / entries.n_rows
