"""Group Bias Adaptation: an SAE without a sparsity penalty, whose biases drive features to preset firing rates.

    pre   = (x_in - b_dec) @ W_dec.T + bias                    # tied: the encoder is the decoder's transpose
    acts  = a * ReLU(pre)                                      # a > 0, one number a feature
    x_hat = acts @ W_dec + b_dec                               # rows of W_dec have unit length

The loss is the reconstruction's alone, and gives the biases no gradient. Features stand in groups; those of group g are
to fire on a share rate_g of the residues, rates falling geometrically from group to group. Every `every` steps, over
what was seen since

    share fired > rate_g     bias = max(bias - pace * r, -most)     r: the feature's largest pre-activation, at least 0
    never fired              bias = min(bias + pace * r_g, 0)       r_g: mean of the positive r of its group

most = sqrt(d_model): the norm of a typical residue in the SAE's own units, where the paper's inputs have norm 1. A
feature settles on what is about as frequent as its rate, so wrong rates find less.

The rates are scaled so that they add up to k: L0 comes near k, and SAEs compare at equal L0 [D]. The first biases are
those at which directions of a Gaussian would fire at their rates [D].

Read `GBASAEConfig`, then `GBASAE.after_step`. Bounds on rates in other SAEs are in `protsae/training/firing_rates.py`.

Source: Group Bias Adaptation (arXiv:2506.14002). [D] marks what is designed here.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from protsae.errors import ConfigError
from protsae.parallel.ranks import Share
from protsae.sae.base import random_directions
from protsae.sae.config import SizedConfig
from protsae.sae.entries import Entries
from protsae.sae.passes import TrainingPass
from protsae.sae.threshold import ThresholdSAE


@dataclass(frozen=True, kw_only=True)
class GBASAEConfig(SizedConfig):
    """Shape and firing rates of an SAE with Group Bias Adaptation: the rates of all features add up to k."""

    groups: int = 10
    """Groups of features, of equal size but for the last."""

    span: float = 100.0
    """Rate of the first group over that of the last."""

    every: int = 10
    """Steps between two moves of the biases."""

    pace: float = 0.01
    """How far a bias moves, as a share of the largest pre-activation."""

    def __post_init__(self) -> None:
        """Refuse numbers outside their range."""
        super().__post_init__()
        if not 1 <= self.groups <= self.d_sae:
            raise ConfigError(f"groups must be in 1..d_sae={self.d_sae}, got {self.groups}")
        if self.span < 1:
            raise ConfigError(f"span must be at least 1, got {self.span}")
        if self.every < 1:
            raise ConfigError(f"every must be at least 1, got {self.every}")
        if not 0 < self.pace < 1:
            raise ConfigError(f"pace must be above 0 and below 1, got {self.pace}")


class GroupRate(NamedTuple):
    """One group, after a training."""

    n_features: int
    target: float
    """Share of residues on which its features are to fire."""
    achieved: float
    """Mean over its features, at the last moves of the biases."""
    share_silent: float
    """Features that did not fire between the last two moves."""


class GBASAE(ThresholdSAE):
    """SAE with tied weights whose biases follow firing rates."""

    architecture: ClassVar[str] = "gba"
    config_class: ClassVar[type] = GBASAEConfig
    cfg: GBASAEConfig

    bias: Tensor
    """[d_sae] no parameter: no optimizer and no gradient moves it."""
    fired: Tensor
    """[d_sae] residues on which each feature fired since the last move."""
    peak: Tensor
    """[d_sae] its largest pre-activation since then, at least 0."""
    rows: Tensor
    """Residues since then."""
    steps: Tensor
    """Since then."""
    achieved: Tensor
    """[d_sae] share of residues on which each feature fired before the last move."""

    def __init__(self, cfg: GBASAEConfig, *, seed: int = 0) -> None:
        """Start from random unit directions, scales of 1 and biases of 0."""
        super().__init__(cfg)
        directions = random_directions(cfg.d_sae, cfg.d_model, torch.Generator().manual_seed(seed))
        self.log_scale = nn.Parameter(torch.zeros(cfg.d_sae))
        self.W_dec = nn.Parameter(directions)
        self.b_dec = nn.Parameter(torch.zeros(cfg.d_model))
        for name in ("bias", "fired", "peak", "achieved"):
            self.register_buffer(name, torch.zeros(cfg.d_sae))
        for name in ("rows", "steps"):
            self.register_buffer(name, torch.zeros(()))

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """W_dec, and the biases, which have no gradient."""
        return self.W_dec, self.bias

    @override
    def encoder_times(self, gain: Float[Tensor, "..."]) -> dict[str, Tensor]:
        """A tied encoder takes in no gain.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("a gba SAE's encoder is its decoder's transpose, so no gain can be folded into it alone")

    @property
    def group(self) -> np.ndarray:
        """[d_sae] group of each feature, from 0."""
        return np.arange(self.d_sae) * self.cfg.groups // self.d_sae

    @property
    def rates(self) -> Float[Tensor, " d_sae"]:
        """Share of residues on which each feature is to fire; they add up to k but for a rate that would pass 1."""
        falling = np.geomspace(1.0, 1.0 / self.cfg.span, self.cfg.groups)[self.group]
        return torch.from_numpy(np.minimum(falling * self.cfg.k / falling.sum(), 1.0)).to(self.bias)

    @torch.no_grad()
    @override
    def start_sparse(self) -> None:
        """Biases at which directions of a Gaussian of the input's spread would fire at their rates."""
        level = self.deviation() * torch.special.ndtri(1 - self.rates.clamp(1e-6, 0.5))
        self.bias.copy_(-level.clamp(0, self.most))

    @property
    def most(self) -> float:
        """How far below 0 a bias may lie: the norm of a typical residue in the SAE's own units."""
        return self.d_model**0.5

    def floor(self) -> Tensor:
        """0 for all features."""
        return self.bias.new_zeros(())

    @override
    def training_floor(self, pre_acts: Float[Tensor, "n d_sae"], share: Share) -> Tensor:
        """0 as well."""
        return self.floor()

    def activate(self, entries: Entries) -> Tensor:
        """Positive pre-activations, each times its feature's scale."""
        return entries.pre.relu() * entries.at(self.log_scale.exp())

    @override
    def penalty(
        self, entries: Entries, acts: Tensor, x_in: Float[Tensor, "n d_model"], share: Share
    ) -> Float[Tensor, ""]:
        """None; the largest pre-activations are noted for the next move of the biases."""
        torch.maximum(self.peak, share.ranks.largest(entries.peaks()), out=self.peak)
        return x_in.new_zeros(())

    @torch.no_grad()
    @override
    def after_step(self, passed: TrainingPass, n_rows: int) -> None:
        """Unit decoder rows, and every `every` steps a move of the biases."""
        super().after_step(passed, n_rows)
        self.fired += passed.n_fired.to(self.fired)
        self.rows += n_rows
        self.steps += 1
        if int(self.steps) >= self.cfg.every:
            self._move()

    def _move(self) -> None:
        share, group = self.fired / self.rows, torch.from_numpy(self.group).to(self.bias.device)
        positive = (self.peak > 0).to(self.peak)
        n, total = (self.bias.new_zeros(self.cfg.groups).index_add(0, group, part) for part in (positive, self.peak))
        of_group = (total / n.clamp_min(1))[group]
        sunk = (self.bias - self.cfg.pace * self.peak).clamp_min(-self.most)
        risen = (self.bias + self.cfg.pace * of_group).clamp_max(0)
        self.bias.copy_(torch.where(share > self.rates, sunk, torch.where(self.fired == 0, risen, self.bias)))
        self.achieved.copy_(share)
        for counted in (self.fired, self.peak, self.rows, self.steps):
            counted.zero_()

    def group_rates(self) -> list[GroupRate]:
        """What was aimed at and what came of it, group by group."""
        achieved, rates = self.achieved.cpu().numpy(), self.rates.cpu().numpy()
        found = []
        for number in range(self.cfg.groups):
            own = self.group == number
            silent = float((achieved[own] == 0).mean())
            found.append(GroupRate(int(own.sum()), float(rates[own].mean()), float(achieved[own].mean()), silent))
        return found
