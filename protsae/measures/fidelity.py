"""How much of what the language model knows survives an SAE: loss recovered, through the rest of the forward pass.

    loss recovered = (CE_ablated - CE_sae) / (CE_ablated - CE_clean)          not clipped: 1 is perfect, 0 the ablation

CE is the mean cross-entropy in nats over the twenty amino acids; letters outside the twenty are left out. The states of
all residues at one layer are replaced by the SAE's reconstruction (CE_sae), by zeros or by the mean residue
(CE_ablated), or left as they are (CE_clean); the special tokens keep theirs. Two inputs:

- masked: 15 % of the residues are replaced by <mask>, and only these are predicted: what the model was trained for;
- unmasked: every residue predicts itself, the easy copy task that earlier work on proteins measured.

Read `FidelityBench`, then `Losses`.

Source: Bricken et al. 2023 ("Towards Monosemanticity", loss recovered against zero ablation). The masked input and the
mean ablation are the protocol of this project, where the paper (arXiv:2509.05309) is silent.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ConfigError, InputError
from protsae.measures.metrics import loss_recovered
from protsae.plm.base import PLM, PLMState
from protsae.plm.sites import Site

Reconstruct = Callable[[Float[Tensor, "n_residues d_model"]], Float[Tensor, "n_residues d_model"]]
Ablation = Literal["zero", "mean"]

MASK_SHARE = 0.15
"""Share of residues that ESM-2's training predicts."""

MAX_RESIDUES = 100_000
"""Residues of all sequences together; each is held as two fp32 states, masked and unmasked."""


class Losses(NamedTuple):
    """Cross-entropy summed over each sequence's scored residues, in nats, with four things in the states' place."""

    clean: Float[np.ndarray, " n_sequences"]
    sae: Float[np.ndarray, " n_sequences"]
    zero: Float[np.ndarray, " n_sequences"]
    mean: Float[np.ndarray, " n_sequences"]
    """The mean residue, not a mean loss."""

    n_scored: Int[np.ndarray, " n_sequences"]
    """Residues that the sums run over."""

    @property
    def ce_clean(self) -> float:
        """Nats per scored residue, states untouched."""
        return float(self.clean.sum() / self.n_scored.sum())

    @property
    def ce_sae(self) -> float:
        """Nats per scored residue, the reconstruction in place."""
        return float(self.sae.sum() / self.n_scored.sum())

    @property
    def ce_zero(self) -> float:
        """Nats per scored residue, zeros in place."""
        return float(self.zero.sum() / self.n_scored.sum())

    @property
    def ce_mean(self) -> float:
        """Nats per scored residue, the mean residue in place."""
        return float(self.mean.sum() / self.n_scored.sum())

    def recovered(self, ablation: Ablation = "zero") -> float:
        """Loss recovered against an ablation; nan where the ablation does no damage, so that nothing can be recovered.

        Args:
            ablation: `zero` or `mean`.
        """
        ablated = self.ce_zero if ablation == "zero" else self.ce_mean
        if ablated <= self.ce_clean:
            return float("nan")
        return loss_recovered(clean=self.ce_clean, sae=self.ce_sae, ablated=ablated)


class Fidelity(NamedTuple):
    """What one SAE's reconstruction does to the language model's predictions."""

    masked: Losses
    unmasked: Losses

    @property
    def lr_masked(self) -> float:
        """Loss recovered on masked residues, against zeros."""
        return self.masked.recovered("zero")

    @property
    def lr_masked_mean(self) -> float:
        """Loss recovered on masked residues, against the mean residue."""
        return self.masked.recovered("mean")

    @property
    def lr_unmasked(self) -> float:
        """Loss recovered on the copy task, against zeros."""
        return self.unmasked.recovered("zero")

    @property
    def lr_unmasked_mean(self) -> float:
        """Loss recovered on the copy task, against the mean residue."""
        return self.unmasked.recovered("mean")


class _Prompt(NamedTuple):
    """One sequence, ready for the upper half."""

    state: PLMState
    scored: Int[Tensor, " n_scored"]
    """0-based positions that are predicted."""

    targets: Int[Tensor, " n_scored"]
    """Their amino acids, by place in AMINO_ACIDS."""


class _Condition(NamedTuple):
    """One kind of input, with what does not depend on an SAE."""

    prompts: list[_Prompt]
    clean: Float[np.ndarray, " n_sequences"]
    zero: Float[np.ndarray, " n_sequences"]
    mean: Float[np.ndarray, " n_sequences"]


class FidelityBench:
    """The same sequences, masks and ablations for every SAE: lower halves and baselines are computed once."""

    def __init__(
        self,
        plm: PLM,
        sequences: Sequence[str],
        *,
        layer: int,
        site: Site,
        mean_state: Float[Tensor, " d_model"],
        mask_share: float = MASK_SHARE,
        seed: int = 0,
    ) -> None:
        """Run the lower half of every forward pass, and the upper half untouched, with zeros and with the mean residue.

        Args:
            plm: the language model.
            sequences: held-out proteins, none longer than `plm.max_residues`.
            layer: block that the SAEs read, from 1.
            site: site that the SAEs read.
            mean_state: the mean residue of the training data, in the PLM's own units.
            mask_share: share of each sequence's residues that are masked, at least one; above 0, below 1.
            seed: of the masked positions; those of a sequence depend on nothing but the seed and its place in the list.

        Raises:
            InputError: there are too many sequences or none, or one is too long or holds a letter that the model does
                not know, or none of the twenty.
            ConfigError: `mask_share` is out of range, `mean_state` has another width, or the model has no such layer.
        """
        if not 0 < mask_share < 1:
            raise ConfigError(f"The share of masked residues must lie between 0 and 1, got {mask_share}.")
        if tuple(mean_state.shape) != (plm.d_model,):
            raise ConfigError(
                f"The mean residue must have the {plm.d_model} dimensions of {plm.name}, "
                f"got shape {tuple(mean_state.shape)}."
            )
        _check(sequences)
        self._plm = plm
        mean = mean_state.to(plm.device, torch.float32)
        rngs = [np.random.default_rng([seed, index]) for index in range(len(sequences))]
        plain = [_standard(sequence) for sequence in sequences]
        masks = [
            np.sort(rng.choice(places, max(1, round(mask_share * len(places))), replace=False))
            for rng, places in zip(rngs, plain, strict=True)
        ]
        self._masked, self._unmasked = (
            self._condition(
                [
                    _Prompt(
                        plm.state(sequence, layer=layer, site=site, masked=mask.tolist() if is_masked else ()),
                        torch.from_numpy(mask),
                        torch.tensor([AMINO_ACIDS.index(sequence[place]) for place in mask]),
                    )
                    for sequence, mask in zip(sequences, scored, strict=True)
                ],
                mean,
            )
            for is_masked, scored in ((True, masks), (False, plain))
        )

    def measure(self, reconstruct: Reconstruct) -> Fidelity:
        """Put a reconstruction in the place of all residues' states, sequence by sequence.

        Args:
            reconstruct: x -> x_hat, both fp32 in the PLM's own units on its device; called without gradients.
        """
        masked, unmasked = (
            Losses(c.clean, self._ce(c.prompts, reconstruct), c.zero, c.mean, _sizes(c.prompts))
            for c in (self._masked, self._unmasked)
        )
        return Fidelity(masked, unmasked)

    def _condition(self, prompts: list[_Prompt], mean: Tensor) -> _Condition:
        return _Condition(
            prompts,
            clean=self._ce(prompts, None),
            zero=self._ce(prompts, torch.zeros_like),
            mean=self._ce(prompts, mean.expand_as),
        )

    def _ce(self, prompts: list[_Prompt], edit: Reconstruct | None) -> Float[np.ndarray, " n_sequences"]:
        sums = []
        for state, scored, targets in prompts:
            logits = self._plm.logits_from(state, edit=edit)[scored].double()
            sums.append(float(cross_entropy(logits, targets, reduction="sum")))
        return np.array(sums)


def _check(sequences: Sequence[str]) -> None:
    if not sequences:
        raise InputError("Fidelity was asked for 0 sequences: give at least one.")
    total = sum(map(len, sequences))
    if total > MAX_RESIDUES:
        raise InputError(
            f"The {len(sequences):,} sequences hold {total:,} residues together, but the states of at most "
            f"{MAX_RESIDUES:,} are kept: give fewer sequences."
        )
    for sequence in sequences:
        if not set(sequence) & set(AMINO_ACIDS):
            raise InputError(
                f"The sequence {sequence[:20]!r} holds none of the twenty amino acids, so nothing in it can be "
                "predicted: leave it out."
            )


def _standard(sequence: str) -> Int[np.ndarray, " n"]:
    """0-based positions of the twenty amino acids."""
    return np.array([place for place, letter in enumerate(sequence) if letter in AMINO_ACIDS])


def _sizes(prompts: Sequence[_Prompt]) -> Int[np.ndarray, " n_sequences"]:
    return np.array([len(prompt.scored) for prompt in prompts])
