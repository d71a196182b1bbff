"""The losses of a guided sparse autoencoder, as pure functions of tensors.

    L = L_rec + lambda_annot * L_annot + lambda_axiom * L_axiom

L_axiom keeps GO terms as n-balls (centre e, radius |r|) that satisfy the ontology's axioms in normal form; every
function gives one value per axiom, the training takes the mean of each form (`sae/geometry.py`).

Read `reconstruction_loss`, then `nf1_loss`.

Source: Liu et al. 2025 (arXiv:2509.05309) for the sum; ELEmbeddings (Kulmanov et al. 2019, arXiv:1902.10499) for the
n-ball losses.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor
from torch.linalg import vector_norm

SOFT_THRESHOLD = 4.0
"""Steepness of the threshold in `spread_loss`, per unit of a logit."""

LEAST_SHARE = 1e-8
"""Square of a share below which a feature counts as silent in `spread_loss`, which then asks nothing of it."""


def reconstruction_loss(x: Float[Tensor, "n d_model"], x_hat: Float[Tensor, "n d_model"]) -> Float[Tensor, ""]:
    """Squared error summed over the dimensions, mean over residues; at least 0."""
    return (x - x_hat).pow(2).sum(dim=1).mean()


def annotation_loss(
    logits: Float[Tensor, "n m"],
    labels: Float[Tensor, "n m"] | Bool[Tensor, "n m"],
    positive_weight: Float[Tensor, " m"] | None = None,
    known: Bool[Tensor, "n m"] | None = None,
) -> Float[Tensor, ""]:
    """Binary cross-entropy in nats, mean over the known pairs of rows and concepts; 0 where none is known.

    Args:
        logits: of the concept predictor.
        labels: 1 where the row's protein carries the term or a descendant of it, else 0.
        positive_weight: factor on the positives of each concept; None for 1, as in the paper.
        known: pairs whose label says anything; None for all.
    """
    labels = labels.to(logits.dtype)
    if known is None:
        return F.binary_cross_entropy_with_logits(logits, labels, pos_weight=positive_weight)
    each = F.binary_cross_entropy_with_logits(logits, labels, pos_weight=positive_weight, reduction="none")
    return (each * known).sum() / known.sum().clamp_min(1)


def bag_logits(logits: Float[Tensor, "n_bags size m"]) -> Float[Tensor, "n_bags m"]:
    """One logit per bag of residues: log mean exp, between the mean and the maximum of its residues' logits.

    Source: multiple-instance learning with a soft maximum; Ilse et al. 2018 (arXiv:1802.04712) compare the poolings.
    """
    return logits.logsumexp(dim=1) - math.log(logits.shape[1])


def top_logits(logits: Float[Tensor, "n_bags size m"], share: float) -> Float[Tensor, "n_bags m"]:
    """One logit per bag of residues: the mean of the highest `share` of them, at least of one.

    Source: pooling of multiple-instance learning between mean and maximum, see `bag_logits`.
    """
    return logits.topk(max(1, round(share * logits.shape[1])), dim=1, sorted=False).values.mean(dim=1)


def spread_loss(margins: Float[Tensor, "n_bags size m"]) -> Float[Tensor, ""]:
    """How unevenly the places where features fire are spread over proteins; 0 where every protein has the same share.

    The log of E[s^2] / E[s]^2, mean over features, s the share of a protein's residues on which the feature fires, with
    a soft threshold. At a given rate a feature that fires on a few residues of many proteins can rank them, and one
    that fires all over a few proteins can not.

    Args:
        margins: pre-activations less their thresholds, a bag of residues a protein.
    """
    return unevenness(share_moments(margins, len(margins)))


def share_moments(margins: Float[Tensor, "n_bags size m"], n_bags: int) -> Float[Tensor, "2 m"]:
    """What some of `n_bags` bags add to E[s] and E[s^2] of `spread_loss`."""
    share = (SOFT_THRESHOLD * margins).sigmoid().mean(1)
    return torch.stack([share.sum(0), share.pow(2).sum(0)]) / n_bags


def unevenness(moments: Float[Tensor, "2 m"]) -> Float[Tensor, ""]:
    """`spread_loss` from E[s] and E[s^2]."""
    first, second = moments
    return ((second + LEAST_SHARE) / (first.pow(2) + LEAST_SHARE)).log().mean()


def auxiliary_loss(
    residual: Float[Tensor, "n d_model"],
    residual_hat: Float[Tensor, "n d_model"],
    squared: Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Squared error of what dead features make of the residual, over the residual's own square; 0 if there is none.

    Args:
        residual: of some rows.
        residual_hat: what dead features make of it.
        squared: the square of the residual; None for that of these rows, where they are all.

    Source: Gao et al. 2024 (arXiv:2406.04093), AuxK.
    """
    squared = residual.pow(2).sum() if squared is None else squared
    return (residual - residual_hat).pow(2).sum() / squared.clamp_min(1e-12)


class Balls(NamedTuple):
    """One n-ball per axiom."""

    centre: Float[Tensor, "n_axioms d_embed"]
    radius: Float[Tensor, " n_axioms"]


Roles = Float[Tensor, "n_axioms d_embed"]
PerAxiom = Float[Tensor, " n_axioms"]


def nf1_loss(c: Balls, d: Balls, *, margin: float) -> PerAxiom:
    """C <= D: the ball of C lies in the ball of D."""
    return (vector_norm(c.centre - d.centre, dim=1) + c.radius - d.radius - margin).relu()


def nf2_loss(c: Balls, d: Balls, e: Balls, *, margin: float) -> PerAxiom:
    """C and D <= E: the balls of C and D meet, and the centre of E lies in both."""
    return (
        (vector_norm(c.centre - d.centre, dim=1) - c.radius - d.radius - margin).relu()
        + (vector_norm(c.centre - e.centre, dim=1) - c.radius - margin).relu()
        + (vector_norm(d.centre - e.centre, dim=1) - d.radius - margin).relu()
    )


def nf3_loss(role: Roles, c: Balls, d: Balls, *, margin: float) -> PerAxiom:
    """R some C <= D: the ball of C, moved along the role, lies in the ball of D."""
    return (vector_norm(c.centre + role - d.centre, dim=1) + c.radius - d.radius - margin).relu()


def nf4_loss(c: Balls, role: Roles, d: Balls, *, margin: float) -> PerAxiom:
    """C <= R some D: the ball of C meets the ball of D moved along the role."""
    return (vector_norm(c.centre - (d.centre + role), dim=1) - c.radius - d.radius - margin).relu()
