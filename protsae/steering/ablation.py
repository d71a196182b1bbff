"""What a model's predictions owe to one feature: take it away and see at which residues they change, and how far.

    x' = x - f_i W_dec_i                                 at every residue; all else, the SAE's error too, stays
    KL(residue) = sum over letters of p log2(p / p')     p, p' the predictions from x and from x', in bits

Nothing is masked: the model sees the whole sequence, as it does when features are read. Two controls tell whether a
change means anything: other features, and a random direction that moves each residue exactly as far.

Read `Ablation`.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from protsae.errors import InputError
from protsae.plm.base import PLM
from protsae.plm.spec import PLMSpec
from protsae.steering.types import SteerableSAE


class Ablation:
    """One sequence, run once with everything in place, from which features are then taken."""

    @torch.no_grad()
    def __init__(self, plm: PLM, spec: PLMSpec, sae: SteerableSAE, sequence: str) -> None:
        """Run the model and encode its states.

        Args:
            plm: the language model.
            spec: the layer and site that the SAE reads.
            sae: on the PLM's device.
            sequence: upper-case letters, at most `plm.max_residues`.

        Raises:
            InputError: the sequence is too long or has unknown letters.
        """
        self._plm, self._sae = plm, sae
        self._state = plm.state(sequence, layer=spec.layer, site=spec.site)
        self.acts = sae.encode(self._state.activations)
        """[n_residues, d_sae] activations with everything in place."""
        self._before = self._plm.logits_from(self._state).double().log_softmax(dim=-1)

    def without(self, feature: int) -> Float[np.ndarray, " n_residues"]:
        """KL divergence at every residue where a feature is taken away, in bits; exactly 0 where it never fires.

        Raises:
            InputError: there is no such feature.
        """
        return self._divergence(self._part(feature))

    def random_direction(self, feature: int, *, seed: int = 0) -> Float[np.ndarray, " n_residues"]:
        """The same where each residue is moved as far in a random direction, one for the whole sequence.

        Raises:
            InputError: there is no such feature.
        """
        part = self._part(feature)
        direction = torch.randn(part.shape[1], generator=torch.Generator().manual_seed(seed)).to(part)
        return self._divergence(part.norm(dim=-1, keepdim=True) * direction / direction.norm())

    @torch.no_grad()
    def _part(self, feature: int) -> Float[Tensor, "n_residues d_model"]:
        """What a feature adds to each residue's state: exactly 0 where it is silent."""
        if not 0 <= feature < self._sae.d_sae:
            raise InputError(f"There is no feature {feature}: this SAE has features 0 to {self._sae.d_sae - 1}.")
        part = torch.zeros_like(self._state.activations)
        fires = self.acts[:, feature] > 0
        alone, x = torch.zeros_like(self.acts[fires]), self._state.activations[fires]
        nothing = self._sae.decode(alone, x)
        alone[:, feature] = self.acts[fires, feature]
        part[fires] = self._sae.decode(alone, x) - nothing
        return part

    @torch.no_grad()
    def _divergence(self, part: Float[Tensor, "n_residues d_model"]) -> Float[np.ndarray, " n_residues"]:
        if not part.any():
            return np.zeros(len(part))
        after = self._plm.logits_from(self._state, edit=lambda x: x - part).double().log_softmax(dim=-1)
        bits = (self._before.exp() * (self._before - after)).sum(dim=-1) / math.log(2)
        return bits.clamp(min=0).numpy()
