"""The ontology as geometry: GO terms as n-balls whose centres are the concept directions of a ProtSAE.

    centre_c = BatchNorm(e_c)          in this loss only; e_c is also part of W_pred
    L_axiom  = mean NF1 + mean NF2 + mean NF3 + mean NF4        each over (a sample of) the axioms of its form

GO terms that the axioms name but that guide no feature get an embedding here too; they serve the training only and are
not saved with the SAE.

Read `index_axioms`, then `OntologyGeometry.forward`. The losses are in `protsae/sae/losses.py`.

Source: Liu et al. 2025 (arXiv:2509.05309) for the loss; sampling and `scope` are designed here, for speed.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from protsae.ontology.axioms import Axioms
from protsae.sae.base import random_directions
from protsae.sae.losses import Balls, nf1_loss, nf2_loss, nf3_loss, nf4_loss

Scope = Literal["concepts", "all"]


class AxiomIndex(NamedTuple):
    """Axioms whose class numbers count the concepts of an SAE first, in their order, then the extra classes."""

    n_concepts: int
    extra: tuple[str, ...]
    """Classes that the axioms name beside the concepts."""
    roles: tuple[str, ...]
    nf1: np.ndarray
    """[n, 2] (c, d)"""
    nf2: np.ndarray
    """[n, 3] (c, d, e)"""
    nf3: np.ndarray
    """[n, 3] (role, c, d)"""
    nf4: np.ndarray
    """[n, 3] (c, role, d)"""


class AxiomLosses(NamedTuple):
    """Mean loss of each normal form; 0 where there is no axiom of the form."""

    nf1: Float[Tensor, ""]
    nf2: Float[Tensor, ""]
    nf3: Float[Tensor, ""]
    nf4: Float[Tensor, ""]


def index_axioms(axioms: Axioms, concepts: Sequence[str], *, scope: Scope = "concepts") -> AxiomIndex:
    """Number the classes of the axioms for an SAE guided by `concepts`.

    Args:
        axioms: of the concepts' sub-ontologies.
        concepts: GO ids in the order of the defined features; those that no axiom names stay without.
        scope: keep the axioms that name a concept (or a class made up for a concept's definition), or all of them.
            Axioms between two other classes reach a concept only through a chain, and cost as much.
    """
    number = {name: i for i, name in enumerate(axioms.classes)}
    is_near = np.ones(len(number), dtype=bool)
    if scope == "concepts":
        is_near[:] = False
        is_near[[number[c] for c in concepts if c in number]] = True
        is_fresh = np.array([" " in name for name in axioms.classes], dtype=bool)
        n_near = -1
        while n_near != is_near.sum():
            n_near = is_near.sum()
            named = axioms.nf2[is_near[axioms.nf2].any(axis=1)].ravel()
            is_near[named[is_fresh[named]]] = True
    nf1 = axioms.nf1[is_near[axioms.nf1].any(axis=1)]
    nf2 = axioms.nf2[is_near[axioms.nf2].any(axis=1)]
    nf3 = axioms.nf3[is_near[axioms.nf3[:, 1:]].any(axis=1)]
    nf4 = axioms.nf4[is_near[axioms.nf4[:, [0, 2]]].any(axis=1)]

    used = np.unique(np.concatenate([nf1.ravel(), nf2.ravel(), nf3[:, 1:].ravel(), nf4[:, [0, 2]].ravel()]))
    own = set(concepts)
    extra = tuple(axioms.classes[i] for i in used if axioms.classes[i] not in own)
    new = {name: i for i, name in enumerate((*concepts, *extra))}
    renumber = np.array([new.get(name, -1) for name in axioms.classes], dtype=np.int64)
    nf3, nf4 = nf3.copy(), nf4.copy()
    nf3[:, 1:] = renumber[nf3[:, 1:]]
    nf4[:, [0, 2]] = renumber[nf4[:, [0, 2]]]
    return AxiomIndex(len(concepts), extra, axioms.roles, renumber[nf1], renumber[nf2], nf3, nf4)


class OntologyGeometry(nn.Module):
    """The trained parts of the axiom loss that do not belong to the SAE itself."""

    def __init__(self, index: AxiomIndex, d_model: int, *, margin: float, per_step: int, seed: int) -> None:
        """Start the extra classes as the SAE starts its concepts.

        Args:
            index: the axioms.
            d_model: width of the embeddings.
            margin: g of the losses.
            per_step: axioms of each form that one call samples; all where there are fewer.
            seed: of the start and of the samples.
        """
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.extra_embed = nn.Parameter(random_directions(len(index.extra), d_model, generator))
        self.extra_radius = nn.Parameter(torch.full((len(index.extra),), d_model**-0.5))
        self.roles = nn.Parameter(random_directions(len(index.roles), d_model, generator))
        self.batch_norm = nn.BatchNorm1d(d_model, track_running_stats=False)
        self._index, self._margin, self._per_step, self._seed = index, margin, per_step, seed

    def forward(self, embed: Float[Tensor, "m d_model"], radius: Float[Tensor, " m"], *, step: int) -> AxiomLosses:
        """Losses of the axioms that `step` samples; the same step gives the same sample.

        Args:
            embed: centres e_c of the concepts.
            radius: of the concepts; its sign does not count.
            step: optimizer step, for the sample.
        """
        rng = np.random.default_rng((self._seed, step))
        nf1, nf2, nf3, nf4 = (self._sample(rows, rng) for rows in self._index[3:])
        ids = [nf1[:, 0], nf1[:, 1], nf2[:, 0], nf2[:, 1], nf2[:, 2], nf3[:, 1], nf3[:, 2], nf4[:, 0], nf4[:, 2]]
        classes, places = np.unique(np.concatenate(ids), return_inverse=True)
        zero = embed.new_zeros(())
        if len(classes) < 2:
            return AxiomLosses(zero, zero, zero, zero)
        chosen = torch.from_numpy(classes).to(embed.device)
        centres = self.batch_norm(torch.cat([embed, self.extra_embed]).index_select(0, chosen))
        radii = torch.cat([radius, self.extra_radius]).abs().index_select(0, chosen)
        parts = torch.from_numpy(places).to(embed.device).split([len(part) for part in ids])
        c1, d1, c2, d2, e2, c3, d3, c4, d4 = (
            Balls(centres.index_select(0, part), radii.index_select(0, part)) for part in parts
        )
        role3, role4 = (
            self.roles.index_select(0, torch.from_numpy(rows).to(embed.device)) for rows in (nf3[:, 0], nf4[:, 1])
        )
        g = self._margin
        losses = (
            nf1_loss(c1, d1, margin=g),
            nf2_loss(c2, d2, e2, margin=g),
            nf3_loss(role3, c3, d3, margin=g),
            nf4_loss(c4, role4, d4, margin=g),
        )
        return AxiomLosses(*(loss.mean() if len(loss) else zero for loss in losses))

    def _sample(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if len(rows) <= self._per_step:
            return rows
        return rows[rng.integers(len(rows), size=self._per_step)]
