"""BatchTopK sparse autoencoder (Bussmann et al. 2024, arXiv:2412.06410): k features a residue in the mean of a batch.

    training   acts = pre where pre is among the n * k largest positive ones of the batch of n residues, else 0
    inference  acts = pre where pre > theta, else 0
               theta = running mean, over the training batches, of the smallest pre-activation that was kept

    pre   = (x_in - b_dec) @ W_enc + b_enc
    x_hat = acts @ W_dec + b_dec

A residue that needs more features gets more. At inference a residue's code depends on no other residue.

Read `threshold.py` first, then `BatchTopKSAE.training_floor`.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from protsae.parallel.ranks import Share
from protsae.sae.config import SizedConfig
from protsae.sae.entries import Entries
from protsae.sae.fast.threshold import nth_largest
from protsae.sae.passes import TrainingPass
from protsae.sae.threshold import ThresholdSAE

_RATE = 0.1
"""Share of the newest batch in the running mean: it looks back over about ten steps."""


@dataclass(frozen=True, kw_only=True)
class BatchTopKSAEConfig(SizedConfig):
    """Shape and sparsity of a BatchTopK SAE: k features are kept per residue, in the mean of a batch."""


class BatchTopKSAE(ThresholdSAE):
    """SAE that keeps the largest pre-activations of a whole batch."""

    architecture: ClassVar[str] = "batchtopk"
    config_class: ClassVar[type] = BatchTopKSAEConfig
    cfg: BatchTopKSAEConfig

    threshold: Tensor
    """Theta; 0 before the first step."""

    def __init__(self, cfg: BatchTopKSAEConfig, *, seed: int = 0) -> None:
        """Start from random unit directions, the encoder as the decoder's transpose."""
        super().__init__(cfg)
        self.start(seed, b_enc=0.0)
        self.register_buffer("threshold", torch.zeros(()))

    @override
    def competing_biases(self) -> Float[Tensor, " d_sae"]:
        """Those of all features."""
        return self.b_enc

    def floor(self) -> Float[Tensor, ""]:
        """The learnt threshold, one for all features."""
        return self.threshold

    def training_floor(self, pre_acts: Float[Tensor, "n d_sae"], share: Share) -> Float[Tensor, ""]:
        """The largest number below the n * k largest of the batch, not below 0; all that equal the last are kept."""
        n_kept = self.cfg.k * share.n_rows
        if pre_acts.device.type == "cpu":
            least = pre_acts.new_tensor(nth_largest(pre_acts, n_kept, 0.8 * float(self.threshold), share.ranks))
        else:
            own = pre_acts.flatten().topk(min(n_kept, pre_acts.numel())).values
            least = share.ranks.gathered(own).topk(n_kept).values[-1]
        return torch.nextafter(least, least.new_tensor(-torch.inf)).clamp_min(0)

    def activate(self, entries: Entries) -> Tensor:
        """Pre-activations above the floor."""
        return entries.pre * entries.is_above

    @override
    def penalty(
        self, entries: Entries, acts: Tensor, x_in: Float[Tensor, "n d_model"], share: Share
    ) -> Float[Tensor, ""]:
        """None: the choice of the largest makes the features sparse."""
        return x_in.new_zeros(())

    @torch.no_grad()
    def after_step(self, passed: TrainingPass, n_rows: int) -> None:
        """Unit decoder rows, and the threshold's running mean."""
        super().after_step(passed, n_rows)
        if passed.floor is not None:
            self.threshold.lerp_(passed.floor, _RATE if self.threshold > 0 else 1.0)
