"""What guides a ProtSAE while it trains: GO labels of the proteins, and the ontology's axioms.

    lambda_annot * L_annot + lambda_axiom * L_axiom

Read `Guidance.losses`. The losses are in `sae/losses.py` and `sae/geometry.py`.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from protsae.sae.geometry import OntologyGeometry, index_axioms
from protsae.sae.losses import annotation_loss, bag_logits
from protsae.sae.passes import TrainingPass
from protsae.sae.protsae import ProtSAE
from protsae.training.batches import Batch
from protsae.training.config import TrainConfig, TrainingData

BAGS_PER_STEP = 64
"""Proteins whose bags one step looks at, of those in its batch."""

BAG_SIZE = 32
"""Residues drawn from each, with repetition."""


class Guidance:
    """Labels and axioms of one ProtSAE."""

    def __init__(self, sae: ProtSAE, data: TrainingData, labels: Bool[np.ndarray, "n m"], config: TrainConfig) -> None:
        """Prepare what the losses need; nothing of `sae` changes.

        Args:
            sae: to be guided.
            data: activations and axioms.
            labels: a row per protein of the reader.
            config: for samples and seed.
        """
        self.sae = sae
        self.device = sae.W_dec.device
        self.labels = torch.from_numpy(labels)
        share = self.labels[torch.from_numpy(data.train)].double().mean(0).clamp(1e-4, 1 - 1e-4)
        weight = ((1 - share) / share) ** sae.cfg.positive_weight
        self._balanced_share = (share * weight / (share * weight + 1 - share)).float()
        self._positive_weight = weight.float().to(self.device) if sae.cfg.positive_weight else None
        self.geometry: OntologyGeometry | None = None
        if sae.cfg.axioms and data.axioms is not None:
            index = index_axioms(data.axioms, sae.cfg.concepts, scope=config.axiom_scope)
            self.geometry = OntologyGeometry(
                index, sae.d_model, margin=sae.cfg.margin, per_step=config.axioms_per_step, seed=config.seed
            ).to(self.device)
        self.reader, self.seed = data.reader, config.seed
        self.protein_means: Tensor | None = None
        if sae.cfg.annotation == "protein":
            means = np.zeros((len(data.reader), sae.d_model), np.float32)
            for proteins in (data.train, data.valid):
                means[proteins] = data.reader.protein_means(proteins)
            self.protein_means = torch.from_numpy(means)

    def start(self) -> None:
        """Start the predictor at the (weighted) share of training proteins that carry each term."""
        self.sae.fit_prevalence(self._balanced_share)

    def losses(self, batch: Batch, passed: TrainingPass, *, step: int) -> dict[str, Float[Tensor, ""]]:
        """Every term, unweighted, and their weighted sum as `guidance`."""
        cfg = self.sae.cfg
        terms = {"annot": self.annotation(batch, passed, step=step)}
        total = cfg.lambda_annot * terms["annot"]
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
            proteins = rng.permutation(proteins)[:BAGS_PER_STEP]
            lengths = self.reader.lengths[proteins]
            places = (rng.random((len(proteins), BAG_SIZE)) * lengths[:, None]).astype(np.int64)
            x = self.reader.gather(np.repeat(proteins, BAG_SIZE), places.ravel()).astype(np.float32)
            logits = bag_logits(self._logits(torch.from_numpy(x)).unflatten(0, places.shape))
        return self._loss(logits, proteins)

    def _loss(self, logits: Tensor, proteins: Int[np.ndarray, " n"]) -> Tensor:
        labels = self.labels[torch.from_numpy(proteins)].to(self.device)
        return annotation_loss(logits, labels, self._positive_weight)

    def _logits(self, x: Tensor) -> Tensor:
        return self.sae.concept_logits(self.sae.rescale(x.to(self.device)))
