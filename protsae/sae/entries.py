"""Pre-activations and what is asked of them: a whole matrix here, those above a floor in `fast/threshold.py`."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Entries:
    """Pre-activations of a batch with their floor, all of them, as a matrix."""

    def __init__(self, pre: Float[Tensor, "n d_sae"], floor: Float[Tensor, ""] | Float[Tensor, " d_sae"]) -> None:
        """`pre` carries gradients; `floor` is of all features or of each."""
        self.pre: Tensor = pre
        self.is_above: Bool[Tensor, ...] = pre.detach() > floor
        """Which of them exceed their floor."""
        self.n_rows: int = len(pre)

    def at(self, per_feature: Float[Tensor, " d_sae"]) -> Float[Tensor, "..."]:
        """The value of each entry's feature, in a shape that fits `pre`."""
        return per_feature.expand_as(self.pre)

    def decode(self, acts: Float[Tensor, "..."], decoder: Float[Tensor, "d_sae d_model"]) -> Float[Tensor, "n d_model"]:
        """Product of activations and decoder."""
        return acts @ decoder

    def n_fired(self, acts: Float[Tensor, "..."]) -> Int[Tensor, " d_sae"]:
        """Rows on which each feature's activation is not zero."""
        return (acts > 0).sum(0)

    @torch.no_grad()
    def peaks(self) -> Float[Tensor, " d_sae"]:
        """The largest pre-activation of each feature, 0 where none is positive."""
        return self.pre.relu().amax(0)
