"""JumpReLU sparse autoencoder (Rajamanoharan et al. 2024, arXiv:2407.14435): a learnt threshold for each feature.

    pre   = (x_in - b_dec) @ W_enc + b_enc
    acts  = pre * 1[pre > theta]
    x_hat = acts @ W_dec + b_dec
    L     = L_rec + weight * d_model * (L0 / k - 1)^2          # L0: active features, mean over the batch

Neither step has a gradient in theta. It is estimated from the entries close to the threshold, with a rectangle K of
width w around it (a straight-through estimator):

    d acts / d theta            = -(theta / w) * K((pre - theta) / w)
    d 1[pre > theta] / d theta  = -(1 / w) * K((pre - theta) / w)

The paper scales residues to mean |x|^2 = 1, here it is d_model; so the parameter is theta / sqrt(d_model), which Adam
moves as far per step as in the paper, and the penalty is in units of mean |x_in|^2. The penalty is the paper's
alternative for a fixed L0 (its appendix): it also lowers thresholds where L0 falls short. Started far from k it would
send gradients that Adam remembers for thousands of steps; so `start_sparse` starts the thresholds at an L0 near k.

Read `threshold.py` first, then `JumpReLUSAE.activate`.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from protsae.errors import ConfigError
from protsae.parallel.ranks import Share
from protsae.sae.config import SizedConfig
from protsae.sae.entries import Entries
from protsae.sae.passes import TrainingPass
from protsae.sae.threshold import ThresholdSAE


@dataclass(frozen=True, kw_only=True)
class JumpReLUSAEConfig(SizedConfig):
    """Shape and sparsity of a JumpReLU SAE: the training aims at k active features per residue, in the mean."""

    bandwidth: float = 0.4
    """Width w of the rectangle, in units of the pre-activations; with a narrow one more features die."""

    l0_weight: float = 3.0
    """Weight of the squared relative error of L0, in units of mean |x_in|^2."""

    def __post_init__(self) -> None:
        """Refuse numbers outside their range."""
        SizedConfig.__post_init__(self)
        for name in ("bandwidth", "l0_weight"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} must be above 0, got {getattr(self, name)}")


class JumpReLUSAE(ThresholdSAE):
    """SAE whose features are active where their pre-activation exceeds a threshold of their own."""

    architecture: ClassVar[str] = "jumprelu"
    has_penalty: ClassVar[bool] = True
    config_class: ClassVar[type] = JumpReLUSAEConfig
    cfg: JumpReLUSAEConfig

    threshold_unit: nn.Parameter

    def __init__(self, cfg: JumpReLUSAEConfig, *, seed: int = 0) -> None:
        """Start from random unit directions, the encoder as the decoder's transpose; `start_sparse` sets thresholds."""
        super().__init__(cfg)
        self.start(seed, b_enc=0.0, threshold_unit=0.001)

    @property
    def threshold(self) -> Float[Tensor, " d_sae"]:
        """Theta in units of the pre-activations, not negative."""
        return self.threshold_unit * self.d_model**0.5

    @torch.no_grad()
    @override
    def start_sparse(self) -> None:
        """Thresholds that start the features sparse."""
        self.threshold_unit.fill_(self.starting_level() / self.d_model**0.5)

    def floor(self) -> Float[Tensor, " d_sae"]:
        """The thresholds."""
        return self.threshold.detach()

    @override
    def training_floor(self, pre_acts: Float[Tensor, "n d_sae"], share: Share) -> Float[Tensor, " d_sae"]:
        """The lower end of each rectangle: entries between it and the threshold have a gradient."""
        return self.floor() - self.cfg.bandwidth / 2

    def activate(self, entries: Entries) -> Tensor:
        """Pre-activations above their threshold."""
        is_active, slope = self._step(entries)
        return entries.pre * is_active - entries.at(self.floor()) * slope

    @override
    def penalty(
        self, entries: Entries, acts: Tensor, x_in: Float[Tensor, "n d_model"], share: Share
    ) -> Float[Tensor, ""]:
        """Squared relative error of the batch's L0."""
        is_active, slope = self._step(entries)
        l0 = share.ranks.total_with_gradient((is_active - slope).sum() / share.n_rows)
        return self.cfg.l0_weight * self.d_model * (l0 / self.cfg.k - 1).square()

    def _step(self, entries: Entries) -> tuple[Tensor, Tensor]:
        """1[pre > theta], and K((pre - theta) / w) / w times a zero whose gradient is that of theta."""
        theta, pre = entries.at(self.threshold), entries.pre.detach()
        distance = pre - theta.detach()
        height = (distance.abs() < self.cfg.bandwidth / 2) / self.cfg.bandwidth
        return (distance > 0).to(pre), height * (theta - theta.detach())

    @torch.no_grad()
    def after_step(self, passed: TrainingPass, n_rows: int) -> None:
        """Unit decoder rows, and no threshold below 0."""
        super().after_step(passed, n_rows)
        self.threshold_unit.clamp_(min=0)
