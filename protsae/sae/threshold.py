"""What the SAEs share whose features are active above a threshold: ReLU, Gated, JumpReLU and BatchTopK.

    pre   = (x_in - b_dec) @ W_enc + bias
    acts  = activate(pre) where pre > floor, else 0            # a floor for each feature, or one for all
    L     = L_rec + penalty

`Entries` are the pre-activations with their floor: all of them as a matrix (`entries.py`), or those above it as a
vector (`fast/threshold.py`). An architecture writes `activate` and `penalty` once, in plain torch, and both forms use
it.

Where a penalty c * S makes the features sparse, a controller sets c so that L0, the mean number of active features,
comes to k: after every step

    e = 2 tanh(log(L0 / k) / 2)
    log c  increases by  slow * e + fast * (e - e of the step before)

so that architectures can be compared at equal L0 without a search over c. Both numbers are saved buffers: a training
that is killed goes on with them.

Read `base.py` first, then `ThresholdSAE.training_pass`.

Source: the controller is designed here (a proportional-integral controller of log c); papers sweep c by hand.
"""

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from scipy.sparse import csr_array
from torch import Tensor
from typing_extensions import override

from protsae.parallel.ranks import Share
from protsae.sae.base import DENSE_ABOVE
from protsae.sae.config import SAEConfig
from protsae.sae.entries import Entries
from protsae.sae.fast import autograd
from protsae.sae.fast import threshold as sparse_threshold
from protsae.sae.passes import TrainingPass
from protsae.sae.tied import TiedSAE

_SLOW, _FAST = 0.02, 1.0
"""Gains of the controller per step."""

_PROBED_ROWS = 64
"""Residues that decide whether a batch is sparse enough for the loops over active features."""


class ThresholdSAE(TiedSAE):
    """An SAE whose features are active where a pre-activation exceeds a threshold; residues may differ in L0."""

    @abstractmethod
    def floor(self) -> Tensor:
        """At inference a feature is active where its pre-activation is above this; 0-dim or [d_sae], no gradient."""

    @abstractmethod
    def training_floor(self, pre_acts: Float[Tensor, "n d_sae"], share: Share) -> Tensor:
        """What a pre-activation must exceed to matter in training; 0-dim or [d_sae], no gradient.

        Args:
            pre_acts: of this process's rows.
            share: of the batch.
        """

    @abstractmethod
    def activate(self, entries: Entries) -> Tensor:
        """Activations of the entries, in their shape; 0 where `is_above` is false."""

    @abstractmethod
    def penalty(
        self, entries: Entries, acts: Tensor, x_in: Float[Tensor, "n d_model"], share: Share
    ) -> Float[Tensor, ""]:
        """What the loss takes on top of the reconstruction, weighted: a mean over these residues, or of all the batch.

        Times their share of the batch it is their part, either way.
        """

    @override
    def sparsify(
        self,
        pre_acts: Float[Tensor, "n d_sae"],
        logits: Float[Tensor, "n m"] | None,
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """Activations at inference."""
        return self.activate(Entries(pre_acts, self.floor())), None

    def training_pass(
        self, x_in: Float[Tensor, "n d_model"], *, inference: bool = False, share: Share | None = None
    ) -> TrainingPass:
        """Reconstruct rescaled input `x_in`, with gradients for all parameters but none for `x_in`.

        Args:
            x_in: in the SAE's own units.
            inference: choose the active features as `encode` does, and leave penalty and gradients out.
            share: of the batch; None where `x_in` is all of it.
        """
        share = Share.whole(len(x_in)) if share is None else share
        with torch.set_grad_enabled(torch.is_grad_enabled() and not inference):
            weight, bias = self.encoder()
            entries, floor = self._entries(x_in, weight, bias, None if inference else share)
            acts = self.activate(entries)
            return TrainingPass(
                x_hat=entries.decode(acts, self.W_dec) + self.b_dec,
                logits=x_in.new_zeros(len(x_in), 0),
                n_fired=entries.n_fired(acts.detach()),
                n_forced=0,
                n_predicted=0,
                n_participating=0,
                penalty=x_in.new_zeros(()) if inference else self.penalty(entries, acts, x_in, share),
                floor=floor,
            )

    def _entries(
        self,
        x_in: Float[Tensor, "n d_model"],
        weight: Float[Tensor, "d_sae d_model"],
        bias: Float[Tensor, " d_sae"],
        trained: Share | None,
    ) -> tuple[Entries, Tensor]:
        """Pre-activations of a batch and their floor; as a vector where the batch is sparse enough for that to pay.

        `trained` is the share of the batch in training, None at inference.
        """

        def floor_of(pre_acts: Tensor) -> Tensor:
            return self.floor() if trained is None else self.training_floor(pre_acts.detach(), trained)

        if not self._is_sparse(x_in, weight, bias, inference=trained is None):
            pre_acts = (x_in - self.b_dec) @ weight.T + bias
            floor = floor_of(pre_acts)
            return Entries(pre_acts, floor), floor
        u = (x_in - self.b_dec).detach()
        pre_acts = autograd.linear(u, weight, bias)
        floor = floor_of(pre_acts)
        return sparse_threshold.SparseEntries(
            sparse_threshold.above(pre_acts, floor), u, weight, bias, self.b_dec
        ), floor

    @torch.no_grad()
    def _is_sparse(self, x_in: Tensor, weight: Tensor, bias: Tensor, *, inference: bool) -> bool:
        """Whether few enough features of the first residues are above their floor."""
        if not self.runs_sparse:
            return False
        pre_acts = (x_in[:_PROBED_ROWS] - self.b_dec) @ weight.T + bias
        floor = self.floor() if inference else self.training_floor(pre_acts, Share.whole(len(pre_acts)))
        return float((pre_acts > floor).float().mean()) <= DENSE_ABOVE

    @torch.no_grad()
    def starting_level(self) -> Float[Tensor, ""]:
        """What a fresh SAE's pre-activations exceed on a share 2 k / d_sae of residues, if these are Gaussian.

        To start there spares hundreds of steps with half of the features active, dense and slow; call it once the
        input is fitted.
        """
        share = self.b_dec.new_tensor(1 - min(0.5, 2 * self.cfg.k / self.d_sae))
        return torch.special.ndtri(share) * self.deviation()

    @torch.no_grad()
    def deviation(self) -> Float[Tensor, ""]:
        """Of a fresh SAE's pre-activations without their biases; call it once the input is fitted."""
        variance = (1 - self.b_dec.pow(2).sum() / self.d_model).clamp_min(1e-6)  # mean |x_in|^2 = d_model
        return torch.ones_like(variance) if self.cfg.normalise == "dimension" else variance.sqrt()

    @torch.no_grad()
    def encode_sparse(self, x: Float[Tensor, "n d_model"]) -> csr_array:
        """`encode` as a sparse matrix [n, d_sae], columns ascending within a row; several times faster on a CPU."""
        if self.W_dec.device.type != "cpu":
            return csr_array(self.encode(x).cpu().numpy())
        weight, bias = self.encoder()
        u = self.rescaled(x) - self.b_dec
        codes = sparse_threshold.above(autograd.linear(u, weight, bias), self.floor())
        acts = self.activate(sparse_threshold.SparseEntries(codes, u, weight, bias, self.b_dec))
        found = csr_array((acts.numpy(), codes.features, codes.indptr), shape=(len(x), self.d_sae))
        found.eliminate_zeros()
        return found


class PenalizedSAE(ThresholdSAE):
    """A `ThresholdSAE` that a penalty makes sparse, held at L0 = k by a controller of the penalty's coefficient."""

    has_penalty: ClassVar[bool] = True

    sparsity_coef: Tensor
    """c"""
    excess: Tensor
    """e of the step before, -2 to 2."""

    def __init__(self, cfg: SAEConfig, *, first_coef: float) -> None:
        """`first_coef` is c before the first step."""
        super().__init__(cfg)
        self.register_buffer("sparsity_coef", torch.tensor(first_coef))
        self.register_buffer("excess", torch.zeros(()))

    @torch.no_grad()
    def after_step(self, passed: TrainingPass, n_rows: int) -> None:
        """Unit decoder rows, and one move of the controller."""
        super().after_step(passed, n_rows)
        l0 = passed.n_fired.sum().to(self.excess) / n_rows
        excess = 2 * torch.tanh((l0.clamp_min(1e-3) / self.cfg.k).log() / 2)
        self.sparsity_coef.mul_((_SLOW * excess + _FAST * (excess - self.excess)).exp())
        self.excess.copy_(excess)
