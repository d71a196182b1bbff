"""Ordered sparse autoencoder: a TopK SAE whose features come in order, the most useful first (arXiv:2512.02194).

    acts  = TopK_k(ReLU((x_in - b_dec) @ W_enc + b_enc))
    train x_hat = (acts where feature < l, else 0) @ W_dec + b_dec        # l drawn for every residue, 1 to d_sae
    infer x_hat = acts @ W_dec + b_dec

A feature is kept the more often the lower its index is, so what helps most residues most moves to the front: nested
dropout, in which every feature is a Matryoshka group of its own. Every l is drawn as often [D]. k falls from `first_k`
to k over the first `warm_steps` steps: while it is wide the order settles, as features come to be chosen by rank and
not by start. Rows of W_dec have unit length.

[D] marks what is designed here: the paper draws l from the concepts' assumed frequencies.

Read `topk.py` first, then `OrderedSAE.cuts` and `OrderedSAE.training_pass`. How ordered and how stable the result is
over seeds is measured in `protsae/measures/stability.py`.

Source: Ordered SAEs (arXiv:2512.02194); nested dropout, Rippel et al. 2014 (arXiv:1402.0915).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from typing_extensions import override

from protsae.errors import ConfigError
from protsae.parallel.ranks import Share
from protsae.sae.base import DENSE_ABOVE
from protsae.sae.config import SizedConfig
from protsae.sae.fast import sparse
from protsae.sae.fast.autograd import Decode, Encode, Rows, linear
from protsae.sae.passes import TrainingPass
from protsae.sae.tied import TiedSAE
from protsae.sae.topk import keep_top_k


@dataclass(frozen=True, kw_only=True)
class OrderedSAEConfig(SizedConfig):
    """Shape and sparsity of an ordered SAE: k features are kept per residue."""

    first_k: int | None = None
    """Features kept per residue at the first step; None for eight times k, at most all."""

    warm_steps: int = 1000
    """Steps over which k falls to its own number."""

    def __post_init__(self) -> None:
        """Refuse numbers outside their range."""
        super().__post_init__()
        if self.first_k is not None and not self.k <= self.first_k <= self.d_sae:
            raise ConfigError(f"first_k must be in k={self.k}..d_sae={self.d_sae}, got {self.first_k}")
        if self.warm_steps < 0:
            raise ConfigError(f"warm_steps must be at least 0, got {self.warm_steps}")

    @property
    def widest_k(self) -> int:
        """Features kept at the first step."""
        return min(self.d_sae, 8 * self.k) if self.first_k is None else self.first_k


class OrderedSAE(TiedSAE):
    """TopK SAE that is trained with nested dropout over its features."""

    architecture: ClassVar[str] = "ordered"
    config_class: ClassVar[type] = OrderedSAEConfig
    cfg: OrderedSAEConfig

    step: Tensor
    """Steps of the training so far, for the warm-up of k and the draw of the cuts."""

    def __init__(self, cfg: OrderedSAEConfig, *, seed: int = 0) -> None:
        """Start as a TopK SAE does; `seed` is that of the cuts, too."""
        super().__init__(cfg)
        self.start(seed, b_enc=0.0)
        self._seed = seed
        self.register_buffer("step", torch.zeros(()))

    @override
    def competing_biases(self) -> Float[Tensor, " d_sae"]:
        """Those of all features."""
        return self.b_enc

    @override
    def sparsify(
        self, pre_acts: Float[Tensor, "n d_sae"], logits: Float[Tensor, "n m"] | None
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """The k largest positive pre-activations of each row; nothing is cut."""
        return keep_top_k(pre_acts.relu(), self.cfg.k), None

    @property
    def k_now(self) -> int:
        """Features that a training pass keeps at this step: geometric between `widest_k` and k."""
        done = min(1.0, float(self.step) / self.cfg.warm_steps) if self.cfg.warm_steps else 1.0
        return round(self.cfg.widest_k ** (1 - done) * self.cfg.k**done)

    def cuts(self, n: int) -> Int[np.ndarray, " n"]:
        """L of n residues at this step: 1 to d_sae, features from l on are cut."""
        rng = np.random.default_rng((self._seed, int(self.step)))
        return rng.integers(1, self.d_sae + 1, n)

    @override
    def training_pass(
        self, x_in: Float[Tensor, "n d_model"], *, inference: bool = False, share: Share | None = None
    ) -> TrainingPass:
        """Reconstruct rescaled input from the first features of every residue's code.

        Args:
            x_in: in the SAE's own units.
            inference: cut nothing, keep k.
            share: of the batch; None where `x_in` is all of it.
        """
        if inference:
            return super().training_pass(x_in, inference=True)
        share = Share.whole(len(x_in)) if share is None else share
        cut, k = self.cuts(share.n_rows)[share.rows], self.k_now
        is_sparse = x_in.device.type == "cpu" and k <= self.d_sae * DENSE_ABOVE
        x_hat, n_fired = self._sparse(x_in, cut, k) if is_sparse else self._dense(x_in, cut, k)
        none = x_in.new_zeros(len(x_in), 0)
        return TrainingPass(x_hat, none, n_fired, 0, 0, 0, penalty=x_in.new_zeros(()))

    def _dense(self, x_in: Tensor, cut: np.ndarray, k: int) -> tuple[Tensor, Tensor]:
        acts = keep_top_k(((x_in - self.b_dec) @ self.W_enc + self.b_enc).relu(), k)
        is_kept = torch.arange(self.d_sae, device=x_in.device) < torch.from_numpy(cut).to(x_in.device)[:, None]
        return (acts * is_kept) @ self.W_dec + self.b_dec, (acts > 0).sum(0)

    def _sparse(self, x_in: Tensor, cut: np.ndarray, k: int) -> tuple[Tensor, Tensor]:
        weight, bias = self.encoder()
        with torch.no_grad():
            u = x_in - self.b_dec
            codes = sparse.select(linear(u, weight, bias), None, k=k, rule=None)
        owner = np.repeat(np.arange(len(cut)), np.diff(codes.indptr))
        is_kept = codes.features < cut[owner]
        indptr = np.append(0, np.bincount(owner[is_kept], minlength=len(cut)).cumsum()).astype(np.int64)
        rows = Rows(indptr, codes.features[is_kept], self.d_sae)
        acts = Encode.apply(u, weight, bias, self.b_dec, torch.from_numpy(codes.acts[is_kept]), rows)
        n_fired = torch.from_numpy(np.bincount(codes.features, minlength=self.d_sae))
        return Decode.apply(acts, self.W_dec, rows) + self.b_dec, n_fired

    @torch.no_grad()
    @override
    def after_step(self, passed: TrainingPass, n_rows: int) -> None:
        """Unit decoder rows, and one step more."""
        super().after_step(passed, n_rows)
        self.step += 1
