"""TopK sparse autoencoder (Gao et al. 2024, arXiv:2406.04093): the "vanilla SAE" of the explorer.

    acts  = TopK_k(ReLU((x_in - b_dec) @ W_enc + b_enc))
    x_hat = acts @ W_dec + b_dec

Read `keep_top_k`, then `TopKSAE`. Scaling, decoding, saving are in `base.py`; the loss is in `protsae/sae/losses.py`.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Tensor
from typing_extensions import override

from protsae.sae.config import SizedConfig
from protsae.sae.fast import placing
from protsae.sae.tied import TiedSAE


@dataclass(frozen=True, kw_only=True)
class TopKSAEConfig(SizedConfig):
    """Shape and sparsity of a TopK SAE: k features are kept per residue (not per protein)."""


class TopKSAE(TiedSAE):
    """SAE that keeps the k largest positive pre-activations of each residue."""

    architecture: ClassVar[str] = "topk"
    config_class: ClassVar[type] = TopKSAEConfig
    cfg: TopKSAEConfig

    def __init__(self, cfg: TopKSAEConfig, *, seed: int = 0) -> None:
        """Start from random unit directions, the encoder as the decoder's transpose."""
        super().__init__(cfg)
        self.start(seed, b_enc=0.0)

    @override
    def competing_biases(self) -> Float[Tensor, " d_sae"]:
        """Those of all features."""
        return self.b_enc

    @override
    def sparsify(
        self,
        pre_acts: Float[Tensor, "n d_sae"],
        logits: Float[Tensor, "n m"] | None,
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """The k largest positive pre-activations of each row."""
        return keep_top_k(pre_acts.relu(), self.cfg.k), None

    @override
    def encode_feature(self, x: Float[Tensor, "n d_model"], feature: int) -> Float[Tensor, " n"]:
        """Features compete only where this one's pre-activation is positive."""
        weight, bias = self.encoder()
        return place_in_top_k(self.rescaled(x) - self.b_dec, weight, bias, feature, self.cfg.k)


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


def place_in_top_k(
    u: Float[Tensor, "n d_model"],
    weight: Float[Tensor, "n_features d_model"],
    bias: Float[Tensor, " n_features"],
    feature: int,
    k: int,
) -> Float[Tensor, " n"]:
    """One column of `keep_top_k(relu(u @ weight.T + bias), k)`: counted, not sorted, and only where it is positive.

    Args:
        u: input of the encoder.
        weight: rows of the features that compete.
        bias: theirs.
        feature: row of the one that is asked for.
        k: features kept per residue.
    """  # fmt: skip
    if u.device.type == "cpu":
        return placing.acts_of(u, weight, bias, feature, k)
    own = (u @ weight[feature] + bias[feature]).relu()
    rows = own > 0
    pre_acts, mine = u[rows] @ weight.T + bias, own[rows, None]
    pre_acts[:, feature] = own[rows]
    before = (pre_acts > mine).sum(1) + (pre_acts[:, :feature] == mine).sum(1)
    own[rows] *= before < k
    return own
