"""TopK sparse autoencoder (Gao et al. 2024, arXiv:2406.04093): the "vanilla SAE" of the explorer.

    acts  = TopK_k(ReLU((x_in - b_dec) @ W_enc + b_enc))
    x_hat = acts @ W_dec + b_dec

Read `keep_top_k`, then `TopKSAE`. Scaling, decoding, saving are in `base.py`; the loss is in `protsae/sae/losses.py`.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from protsae.errors import ConfigError
from protsae.sae.base import SAE, random_directions


@dataclass(frozen=True, kw_only=True)
class TopKSAEConfig:
    """Shape and sparsity of a TopK SAE. Saved as `cfg.json` beside the weights."""

    d_model: int
    """Width of the residual stream that is read, e.g. 1280 for ESM-2 650M."""

    d_sae: int
    """Number of features."""

    k: int = 64
    """Features kept per residue (not per protein)."""

    def __post_init__(self) -> None:
        check_shape(self.d_model, self.d_sae, self.k)


class TopKSAE(SAE):
    """SAE that keeps the k largest positive pre-activations of each residue."""

    architecture: ClassVar[str] = "topk"
    config_class: ClassVar[type] = TopKSAEConfig
    cfg: TopKSAEConfig

    def __init__(self, cfg: TopKSAEConfig, *, seed: int = 0) -> None:
        """Start from random unit directions, the encoder as the decoder's transpose."""
        super().__init__(cfg)
        directions = random_directions(cfg.d_sae, cfg.d_model, torch.Generator().manual_seed(seed))
        self.W_enc = nn.Parameter(directions.T.contiguous())
        self.b_enc = nn.Parameter(torch.zeros(cfg.d_sae))
        self.W_dec = nn.Parameter(directions.clone())
        self.b_dec = nn.Parameter(torch.zeros(cfg.d_model))

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """Rows of W_enc transposed, and b_enc."""
        return self.W_enc.T, self.b_enc

    def sparsify(
        self,
        pre_acts: Float[Tensor, "n d_sae"],
        logits: Float[Tensor, "n m"] | None,  # noqa: ARG002 - guided architectures need them
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """The k largest positive pre-activations of each row."""
        return keep_top_k(pre_acts.relu(), self.cfg.k), None


def keep_top_k(acts: Float[Tensor, "n d_sae"], k: int) -> Float[Tensor, "n d_sae"]:
    """Set all but the k largest of each row to zero; among equals the lower index stays.

    Args:
        acts: not negative.
        k: 1 to d_sae.
    """
    least = acts.detach().topk(k, dim=1).values[:, -1:]
    is_kept = acts >= least
    crowded = (is_kept & (acts > 0)).sum(1) > k
    if crowded.any():
        tied = acts[crowded] == least[crowded]
        above = acts[crowded] > least[crowded]
        is_kept[crowded] = above | (tied & (tied.cumsum(1) <= k - above.sum(1, keepdim=True)))
    return acts * is_kept


def check_shape(d_model: int, d_sae: int, k: int) -> None:
    """Check the numbers that every SAE has.

    Raises:
        ConfigError: one is out of its range.
    """
    if d_model < 1 or d_sae < 1:
        msg = f"d_model and d_sae must be at least 1, got d_model={d_model}, d_sae={d_sae}"
        raise ConfigError(msg)
    if not 0 < k <= d_sae:
        msg = f"k must be in 1..d_sae={d_sae}, got {k}"
        raise ConfigError(msg)
