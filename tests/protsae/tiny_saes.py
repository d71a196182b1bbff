"""Small SAEs of the architectures that share `protsae/sae/threshold.py`, for several test files."""

import copy

import torch
from torch import Tensor

from protsae.sae import (
    SAE,
    BatchTopKSAE,
    BatchTopKSAEConfig,
    GatedSAE,
    GatedSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    ReLUSAE,
    ReLUSAEConfig,
)
from protsae.sae.threshold import ThresholdSAE

CLASSES = {
    "relu": (ReLUSAE, ReLUSAEConfig),
    "gated": (GatedSAE, GatedSAEConfig),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig),
    "batchtopk": (BatchTopKSAE, BatchTopKSAEConfig),
}
NAMES = list(CLASSES)


def make(name: str, d_model: int, d_sae: int, k: int) -> ThresholdSAE:
    """A fresh SAE."""
    sae_class, config_class = CLASSES[name]
    return sae_class(config_class(d_model=d_model, d_sae=d_sae, k=k))


def gradients(sae: SAE) -> dict[str, Tensor]:
    """Of every parameter, 0 where there is none; they are cleared."""
    found = {n: torch.zeros_like(v) if v.grad is None else v.grad.clone() for n, v in sae.named_parameters()}
    sae.zero_grad()
    return found


def shaken(name: str) -> tuple[ThresholdSAE, Tensor]:
    """An SAE with parameters that are nowhere trivial, and residues on which it is sparse and `settled`."""
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(300, 24, generator=generator) + 1
    sae = make(name, 24, 500, 8)
    sae.fit_input(x.mean(0), float(x.pow(2).sum(1).mean()))
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    sae.normalize_decoder()
    if isinstance(sae, BatchTopKSAE):
        sae.threshold.fill_(2.0)
    return sae, settled(sae, x)


@torch.no_grad()
def settled(sae: SAE, x: Tensor) -> Tensor:
    """The residues on which no feature and no concept is about to switch.

    Two ways of the same sum differ by roundings, and where a pre-activation lies that close to its threshold they may
    decide differently, each rightly. A residue stays if changes of x a hundred times as large switch nothing.
    """
    exact, generator = copy.deepcopy(sae).double(), torch.Generator().manual_seed(0)

    def decided(x: Tensor) -> Tensor:
        found = exact(x)
        return found.acts > 0 if found.extra is None else torch.cat([found.acts > 0, found.extra.logits > 0], dim=1)

    x_exact = x.double()
    stays = torch.ones(len(x), dtype=torch.bool)
    for _ in range(20):
        noise = 1e-4 * x_exact.abs().mean() * torch.randn(x.shape, generator=generator, dtype=torch.float64)
        stays &= (decided(x_exact + noise) == decided(x_exact)).all(dim=1)
    return x[stays]
