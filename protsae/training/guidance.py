"""What guides a ProtSAE while it trains: GO labels of the proteins, and the ontology's axioms.

    lambda_annot * L_annot + lambda_axiom * L_axiom

Read `Guidance.losses`. The losses are in `sae/losses.py` and `sae/geometry.py`.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from protsae.sae.geometry import OntologyGeometry, index_axioms
from protsae.sae.losses import annotation_loss, bag_logits, top_logits
from protsae.sae.passes import TrainingPass
from protsae.sae.protsae import ProtSAE
from protsae.training.batches import Batch
from protsae.training.config import SiteLabels, TrainConfig, TrainingData

BAGS_PER_STEP = 64
"""Proteins whose bags one step looks at, of those in its batch."""

BAG_SIZE = 32
"""Residues drawn from each, with repetition."""

TOP_BAGS_PER_STEP, TOP_BAG_SIZE = 32, 64
"""The same where the highest logits of a bag count: fewer, larger, without repetition where the protein allows."""

SITES_PER_STEP = 12
"""Pairs of a protein and a concept whose named residues one step looks at."""


class Guidance:
    """Labels, named residues and axioms of one ProtSAE."""

    def __init__(self, sae: ProtSAE, data: TrainingData, labels: Bool[np.ndarray, "n m"], config: TrainConfig) -> None:
        """Prepare what the losses need; nothing of `sae` changes.

        Args:
            sae: to be guided.
            data: activations, axioms, named residues.
            labels: a row per protein of the reader.
            config: for samples and seed.
        """
        self.sae = sae
        self.device = sae.W_dec.device
        self.labels = torch.from_numpy(labels)
        self.known = None if data.known is None else torch.from_numpy(data.known)
        self._share = self._prevalence(data.train)
        share = self._share.double()
        weight = ((1 - share) / share) ** sae.cfg.positive_weight
        self._balanced_share = (share * weight / (share * weight + 1 - share)).float()
        self._positive_weight = weight.float().to(self.device) if sae.cfg.positive_weight else None
        self._rates = sae.firing_rates(self._share)
        self.geometry: OntologyGeometry | None = None
        if sae.cfg.axioms and data.axioms is not None:
            index = index_axioms(data.axioms, sae.cfg.concepts, scope=config.axiom_scope)
            self.geometry = OntologyGeometry(
                index, sae.d_model, margin=sae.cfg.margin, per_step=config.axioms_per_step, seed=config.seed
            ).to(self.device)
        self.reader, self.seed = data.reader, config.seed
        self.sites = data.sites if sae.cfg.site_weight else None
        self.protein_means: Tensor | None = None
        if sae.cfg.annotation == "protein":
            means = np.zeros((len(data.reader), sae.d_model), np.float32)
            for proteins in (data.train, data.valid):
                means[proteins] = data.reader.protein_means(proteins)
            self.protein_means = torch.from_numpy(means)

    def _prevalence(self, train: Int[np.ndarray, " n_train"]) -> Float[Tensor, " m"]:
        """Share of the training proteins that carry each term, of those on which it is known; kept off 0 and 1."""
        rows = torch.from_numpy(train)
        carried = self.labels[rows].double()
        if self.known is None:
            share = carried.mean(0)
        else:
            known = self.known[rows].double()
            share = (carried * known).sum(0) / known.sum(0).clamp_min(1)
        return share.clamp(1e-4, 1 - 1e-4).float()

    def start(self) -> None:
        """Start the predictor at the (weighted) share of training proteins that carry each term."""
        self.sae.fit_prevalence(self._balanced_share)

    def losses(self, batch: Batch, passed: TrainingPass, *, step: int) -> dict[str, Float[Tensor, ""]]:
        """Every term, unweighted, and their weighted sum as `guidance`."""
        cfg = self.sae.cfg
        terms = {"annot": self.annotation(batch, passed, step=step)}
        total = cfg.lambda_annot * terms["annot"]
        if self.sites is not None:
            terms["site"] = self.site_loss(self.sites, step)
            total = total + cfg.lambda_annot * cfg.site_weight * terms["site"]
        if self.geometry is not None:
            forms = self.geometry(self.sae.concept_embed, self.sae.radius, step=step)
            terms |= {f"axiom_{name}": value for name, value in forms._asdict().items()}
            terms["axiom"] = torch.stack(forms).sum()
            total = total + cfg.lambda_axiom * terms["axiom"]
        return {**terms, "guidance": total}

    def annotation(self, batch: Batch, passed: TrainingPass, *, step: int = 0) -> Float[Tensor, ""]:
        """Cross-entropy of the logits of residues, of mean residues or of bags of residues, as the SAE's config says.

        Args:
            batch: residues of many proteins.
            passed: the SAE's pass over them.
            step: optimizer step, for the bags; the same step gives the same bags of the same proteins.
        """
        if self.sae.cfg.annotation == "residue":
            return self._loss(passed.logits, batch.proteins)
        proteins = np.unique(batch.proteins)
        if self.protein_means is not None:  # a mean logit is the logit of the mean residue: the predictor is linear
            logits = self._logits(self.protein_means[torch.from_numpy(proteins)])
        else:
            rng = np.random.default_rng((self.seed, step))
            is_top = self.sae.cfg.annotation == "top"
            n_bags, size = (TOP_BAGS_PER_STEP, TOP_BAG_SIZE) if is_top else (BAGS_PER_STEP, BAG_SIZE)
            proteins = rng.permutation(proteins)[:n_bags]
            places = self._bags(proteins, size, rng, repeat=not is_top)
            x = self.reader.gather(np.repeat(proteins, size), places.ravel()).astype(np.float32)
            bags = self._logits(torch.from_numpy(x)).unflatten(0, places.shape)
            logits = top_logits(bags, self.sae.cfg.pool_share) if is_top else bag_logits(bags)
        return self._loss(logits, proteins)

    def _bags(
        self, proteins: Int[np.ndarray, " n"], size: int, rng: np.random.Generator, *, repeat: bool
    ) -> Int[np.ndarray, "n size"]:
        """Residues of each protein; without repetition where asked for and the protein is long enough."""
        lengths = self.reader.lengths[proteins]
        places = (rng.random((len(proteins), size)) * lengths[:, None]).astype(np.int64)
        if not repeat:
            for row in np.flatnonzero(lengths >= size):
                places[row] = rng.choice(lengths[row], size, replace=False)
        return places

    def site_loss(self, sites: SiteLabels, step: int) -> Float[Tensor, ""]:
        """Cross-entropy over all residues of some proteins, each for one concept, whose named residues are known.

        Named and other residues of a pair weigh the same, so that a short site in a long protein counts.
        """
        rng = np.random.default_rng((self.seed, step, 1))
        pairs = rng.choice(len(sites.proteins), min(SITES_PER_STEP, len(sites.proteins)), replace=False)
        proteins, concepts = sites.proteins[pairs], sites.concepts[pairs]
        lengths = self.reader.lengths[proteins]
        owners = np.repeat(np.arange(len(pairs)), lengths)
        starts = np.cumsum(lengths) - lengths
        is_named = np.zeros(len(owners), dtype=bool)
        for place, pair in enumerate(pairs):
            is_named[starts[place] + sites.residues[sites.starts[pair] : sites.starts[pair + 1]]] = True
        x = self.reader.gather(proteins[owners], np.arange(len(owners)) - starts[owners]).astype(np.float32)
        every = self._logits(torch.from_numpy(x))
        logits = every[torch.arange(len(owners)), torch.from_numpy(concepts[owners])]
        n_named = np.bincount(owners[is_named], minlength=len(pairs)).clip(1)
        weight = np.where(is_named, 1 / n_named[owners], 1 / (lengths - n_named).clip(1)[owners])
        named = torch.from_numpy(is_named).to(self.device, logits.dtype)
        each = F.binary_cross_entropy_with_logits(logits, named, reduction="none")
        return (each * torch.from_numpy(weight).to(self.device, logits.dtype)).sum() / (2 * len(pairs))

    def after_step(self, passed: TrainingPass, n_rows: int, *, step: int) -> None:
        """Let the thresholds of features that fire apart follow their rates."""
        if self.sae.fires_apart:
            fired = passed.n_fired[: self.sae.cfg.n_defined].cpu()
            self.sae.adapt_thresholds(fired, n_rows, self._rates, step=step)

    def _loss(self, logits: Tensor, proteins: Int[np.ndarray, " n"]) -> Tensor:
        rows = torch.from_numpy(proteins)
        known = None if self.known is None else self.known[rows].to(self.device)
        return annotation_loss(logits, self.labels[rows].to(self.device), self._positive_weight, known)

    def _logits(self, x: Tensor) -> Tensor:
        return self.sae.concept_logits(self.sae.rescaled(x.to(self.device)))
