"""Gated sparse autoencoder (Rajamanoharan et al. 2024, arXiv:2404.16014): which features, and how much, apart.

    h     = (x_in - b_dec) @ W_enc
    gate  = h + b_gate                                         # which features are active: gate > 0
    acts  = 1[gate > 0] * ReLU(exp(r_mag) * h + b_mag)         # how much; W_enc is shared
    x_hat = acts @ W_dec + b_dec
    L     = L_rec + c * (sum of ReLU(gate), mean over residues)
                  + |x_in - ReLU(gate) @ W_dec* - b_dec*|^2    # * without gradient; mean over residues

The last term alone would shrink the activations, so the penalty acts on the gates only. c is set by the controller of
`threshold.py`, so that k features are active in the mean.

Read `threshold.py` first, then `GatedSAE`.
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
from protsae.sae.losses import reconstruction_loss
from protsae.sae.threshold import PenalizedSAE


@dataclass(frozen=True, kw_only=True)
class GatedSAEConfig(SizedConfig):
    """Shape and sparsity of a Gated SAE: the training aims at k active features per residue, in the mean."""


class GatedSAE(PenalizedSAE):
    """SAE with a gate and a magnitude for each feature."""

    architecture: ClassVar[str] = "gated"
    config_class: ClassVar[type] = GatedSAEConfig
    cfg: GatedSAEConfig

    b_gate: nn.Parameter
    r_mag: nn.Parameter
    b_mag: nn.Parameter

    def __init__(self, cfg: GatedSAEConfig, *, seed: int = 0) -> None:
        """Start from random unit directions, the encoder as the decoder's transpose, gate and magnitude equal."""
        super().__init__(cfg, first_coef=0.1)
        self.start(seed, b_gate=0.0, r_mag=0.0, b_mag=0.0)

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """Rows of W_enc transposed, and no bias: gate and magnitude have their own."""
        return self.W_enc.T, torch.zeros_like(self.b_gate)

    @torch.no_grad()
    @override
    def start_sparse(self) -> None:
        """Biases that start the features sparse."""
        self.b_gate.fill_(-self.starting_level())
        self.b_mag.copy_(self.b_gate)

    @torch.no_grad()
    def floor(self) -> Float[Tensor, " d_sae"]:
        """Where h opens the gate and gives a magnitude."""
        return torch.maximum(-self.b_gate, -self.b_mag * (-self.r_mag).exp())

    @override
    def training_floor(self, pre_acts: Float[Tensor, "n d_sae"], share: Share) -> Float[Tensor, " d_sae"]:
        """Where h opens the gate: the penalty sees gates whose magnitude is 0."""
        return -self.b_gate.detach()

    def activate(self, entries: Entries) -> Tensor:
        """Magnitudes behind open gates."""
        return (entries.at(self.r_mag.exp()) * entries.pre + entries.at(self.b_mag)).relu() * entries.is_above

    @override
    def penalty(
        self, entries: Entries, acts: Tensor, x_in: Float[Tensor, "n d_model"], share: Share
    ) -> Float[Tensor, ""]:
        """L1 of the open gates, and the error of a reconstruction from them."""
        gates = (entries.pre + entries.at(self.b_gate)).relu()
        by_gates = entries.decode(gates, self.W_dec.detach()) + self.b_dec.detach()
        return self.sparsity_coef * gates.sum() / entries.n_rows + reconstruction_loss(x_in, by_gates)

    def dead_acts(
        self, x_in: Float[Tensor, "n d_model"], features: Int[Tensor, " n_features"]
    ) -> Float[Tensor, "n n_features"]:
        """Softplus of the gates: a dead one is negative, where ReLU has no gradient."""
        return nn.functional.softplus((x_in - self.b_dec) @ self.W_enc[:, features] + self.b_gate[features])
