"""Bounds on how often free features fire: biases of those that fire too often sink, of those that fell silent rise.

    b -= SINK * relu(rate / bound - 1)    rate: share of the batch's residues on which the feature fires
    b += RISE                             after SILENT_STEPS steps without firing

A bias moves a feature within the k places of a residue, so the number of active features stays the same. In a TopK SAE
some directions come to fire nearly everywhere and others almost never; neither says much about a protein.

Read `bound_rates`.

Source: Group Bias Adaptation (arXiv:2506.14002) moves biases towards firing rates; two bounds in place of a rate for
every feature, and the constants, are designed here.
"""

import torch
from jaxtyping import Int
from torch import Tensor

SINK = 0.05
"""By how much a bias sinks a step at twice the rate that is allowed."""

SILENT_STEPS, RISE = 6, 0.01
"""Steps after which a feature counts as silent, and by how much its bias then rises a step."""


@torch.no_grad()
def bound_rates(
    biases: Tensor, n_fired: Int[Tensor, " n_features"], n_rows: int, silent: Int[Tensor, " n_features"], bound: float
) -> None:
    """Move the biases of some features a little, in place.

    Args:
        biases: of their pre-activations, in the SAE's own units.
        n_fired: residues of the batch on which each fired.
        n_rows: residues of the batch.
        silent: steps since each fired.
        bound: rate above which a bias sinks, above 0; below what is to count as dense, for some come to lie above it.
    """
    excess = (n_fired.to(biases) / (n_rows * bound) - 1).clamp_min(0)
    biases += RISE * (silent > SILENT_STEPS).to(biases) - SINK * excess
