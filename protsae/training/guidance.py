"""What guides a ProtSAE while it trains: GO labels of the proteins, and the ontology's axioms.

    lambda_annot * L_annot + lambda_axiom * L_axiom

Where several processes train together each judges its share of the step's proteins, bags and residues, and every term
is this process's part: the parts of all add up to the term. Of what all know alike (axioms, ridge penalties) each
counts an equal part. All draw the same samples, for they follow from (seed, step).

Read `Guidance.losses`. The losses are in `sae/losses.py` and `sae/geometry.py`.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from protsae.parallel.ranks import ALONE, Ranks
from protsae.sae.geometry import OntologyGeometry, index_axioms
from protsae.sae.losses import annotation_loss, bag_logits, share_moments, top_logits, unevenness
from protsae.sae.passes import TrainingPass
from protsae.sae.protsae import ProtSAE
from protsae.shards import ShardReader
from protsae.training.batches import Batch
from protsae.training.config import NamedResidues, TrainConfig, TrainingData

BAGS_PER_STEP = 32
"""Proteins whose bags one step looks at, of those in its batch."""

BAG_SIZE = 64
"""Residues drawn from each, without repetition where it has as many."""

MEANS_PER_STEP = 512
"""Proteins whose mean residues one step looks at, of all training proteins: as many cost little."""

SITE_CONCEPTS, SITE_PROTEINS = 6, 3
"""Concepts whose named residues one step looks at, and proteins of each."""

NAMED_WEIGHT = 3.0
"""What a named residue weighs against one that is not named, in the loss on sites."""

SITE_MARGIN = 1.5
"""A feature with named residues may fire on this many times the share of a protein that they typically are."""


class Bags(NamedTuple):
    """Residues of some proteins: the logits of what their defined features read."""

    everyone: Int[np.ndarray, " n_all_bags"]
    """Proteins of all processes' bags."""
    part: slice
    """Those of this process."""
    logits: Float[Tensor, "n_bags size m"]
    """Of this process's."""

    @property
    def proteins(self) -> Int[np.ndarray, " n_bags"]:
        """Of this process's bags."""
        return self.everyone[self.part]


class Guidance:
    """Labels, named residues and axioms of one ProtSAE."""

    def __init__(
        self,
        sae: ProtSAE,
        data: TrainingData,
        labels: Bool[np.ndarray, "n m"],
        config: TrainConfig,
        ranks: Ranks = ALONE,
    ) -> None:
        """Prepare what the losses need; nothing of `sae` changes.

        Args:
            sae: to be guided.
            data: activations, axioms, named residues.
            labels: a row per protein of the reader.
            config: for samples and seed.
            ranks: processes that train together.
        """
        self.ranks = ranks
        self.sae = sae
        self.device = sae.W_dec.device
        self.labels = torch.from_numpy(labels)
        self.known = None if data.known is None else torch.from_numpy(data.known)
        self._n_known = None if data.known is None else data.known.sum(axis=1)
        prevalence = self._prevalence(data.train)
        share = prevalence.double()
        weight = ((1 - share) / share) ** sae.cfg.positive_weight
        self._share, self._balanced_share = prevalence, (share * weight / (share * weight + 1 - share)).float()
        self._positive_weight = weight.float().to(self.device) if sae.cfg.positive_weight else None
        self.geometry: OntologyGeometry | None = None
        if sae.cfg.axioms and data.axioms is not None:
            index = index_axioms(data.axioms, sae.cfg.concepts, scope=config.axiom_scope)
            self.geometry = OntologyGeometry(
                index, sae.d_model, margin=sae.cfg.margin, per_step=config.axioms_per_step, seed=config.seed
            ).to(self.device)
        self.reader, self.seed = data.reader, config.seed
        self.sites = None if data.sites is None or not sae.cfg.site_weight else _Sites.of(data.sites, data.reader)
        share_of_carrier = torch.full((sae.cfg.n_defined,), sae.cfg.rate_share)
        if self.sites is not None:
            named = torch.from_numpy(SITE_MARGIN * self.sites.median_share).float()
            share_of_carrier[self.sites.concepts] = torch.maximum(share_of_carrier[self.sites.concepts], named)
        self._rates = sae.firing_rates(prevalence * share_of_carrier)
        self.train = data.train
        self._centre = sae.b_dec.detach().clone()
        self.protein_means: Tensor | None = None
        if sae.cfg.annotation == "protein":
            means = np.zeros((len(data.reader), sae.d_model), np.float32)
            for proteins in (data.train, data.valid):
                own = proteins[ranks.owns(proteins)]
                if len(own):
                    means[own] = data.reader.protein_means(own)
            self.protein_means = torch.from_numpy(means)

    def parameters(self) -> list[torch.nn.Parameter]:
        """What labels and axioms move, of the SAE and of the ontology's geometry."""
        names = ("concept_embed", "has_function", "radius", "b_offset")
        own = [parameter for name, parameter in self.sae.named_parameters() if name in names]
        return own + (list(self.geometry.parameters()) if self.geometry else [])

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
        """Start predictor and detector at the share of training proteins that carry each term, weighted as they are."""
        self.sae.fit_prevalence(self._share if self.sae.cfg.detector else self._balanced_share)
        if self.sae.cfg.detector:
            self.sae.fit_detector(self._balanced_share)

    def losses(self, batch: Batch, passed: TrainingPass, *, step: int) -> dict[str, Float[Tensor, ""]]:
        """The part that this process has of every term, unweighted, and of their weighted sum as `guidance`."""
        cfg, n_alike = self.sae.cfg, self.ranks.size
        self._centre = self.sae.b_dec.detach().clone()
        bags = self._draw_bags(batch, step) if cfg.draws_bags else None
        drawn = self._draw_proteins(step) if self.protein_means is not None else None
        terms = {"annot": self.annotation(batch, passed, step=step, bags=bags, proteins=drawn)}
        total = cfg.lambda_annot * terms["annot"]
        if cfg.predictor_l2:
            total = total + cfg.lambda_annot * cfg.predictor_l2 * _ridge(self.sae.W_pred) / n_alike
        if cfg.detector and bags is not None:
            terms["detect"] = self._loss(bag_logits(bags.logits), bags.proteins, bags.everyone, self._positive_weight)
            total = total + cfg.lambda_annot * (terms["detect"] + cfg.detector_l2 * _ridge(self.sae.W_detect) / n_alike)
        if cfg.spread and bags is not None:
            margins = bags.logits - self.sae.firing_directions()[1] + self.sae.b_def
            moments = self.ranks.total_with_gradient(share_moments(margins, len(bags.everyone)))
            terms["spread"] = unevenness(moments) / n_alike
            total = total + cfg.lambda_annot * cfg.spread * terms["spread"]
        if self.sites is not None:
            terms["site"] = self.site_loss(self.sites, bags, step)
            total = total + cfg.lambda_annot * cfg.site_weight * terms["site"]
        if self.geometry is not None:
            forms = self.geometry(self.sae.concept_embed, self.sae.radius, step=step)
            terms |= {f"axiom_{name}": value / n_alike for name, value in forms._asdict().items()}
            terms["axiom"] = torch.stack(forms).sum() / n_alike
            total = total + cfg.lambda_axiom * terms["axiom"]
        return {**terms, "guidance": total}

    def annotation(
        self,
        batch: Batch,
        passed: TrainingPass,
        *,
        step: int = 0,
        bags: Bags | None = None,
        proteins: Int[np.ndarray, " n"] | None = None,
    ) -> Float[Tensor, ""]:
        """Cross-entropy of the logits of residues, of mean residues or of bags of residues, as the SAE's config says.

        It is this process's part, as in `losses`.

        Args:
            batch: residues of many proteins.
            passed: the SAE's pass over them.
            step: optimizer step, for the bags; the same step gives the same bags of the same proteins.
            bags: of that step, where they are drawn already.
            proteins: whose mean residues are judged; None for those of the batch.
        """
        weight = None if self.sae.cfg.detector else self._positive_weight
        if self.sae.cfg.annotation == "residue":
            return self._loss(passed.logits, batch.proteins, batch.everyone, weight)
        if self.protein_means is not None:  # a mean logit is the logit of the mean residue: the predictor is linear
            proteins = np.unique(batch.everyone) if proteins is None else proteins
            own = proteins[self.ranks.owns(proteins)]
            return self._loss(self._logits(self.protein_means[torch.from_numpy(own)]), own, proteins, weight)
        bags = self._draw_bags(batch, step) if bags is None else bags
        is_top = self.sae.cfg.annotation == "top"
        logits = top_logits(bags.logits, self.sae.cfg.pool_share) if is_top else bag_logits(bags.logits)
        return self._loss(logits, bags.proteins, bags.everyone, weight)

    def _draw_proteins(self, step: int) -> Int[np.ndarray, " n"]:
        rng = np.random.default_rng((self.seed, step, 2))
        return rng.choice(self.train, min(MEANS_PER_STEP, len(self.train)), replace=False)

    def _draw_bags(self, batch: Batch, step: int) -> Bags:
        rng = np.random.default_rng((self.seed, step))
        proteins = rng.permutation(np.unique(batch.everyone))[:BAGS_PER_STEP]
        lengths = self.reader.lengths[proteins]
        places = (rng.random((len(proteins), BAG_SIZE)) * lengths[:, None]).astype(np.int64)
        for row in np.flatnonzero(lengths >= BAG_SIZE):
            places[row] = rng.choice(lengths[row], BAG_SIZE, replace=False)
        part = self.ranks.part(len(proteins))
        own, places = proteins[part], places[part]
        x = self.reader.gather(np.repeat(own, BAG_SIZE), places.ravel()).astype(np.float32)
        x_in = self.sae.rescaled(torch.from_numpy(x).to(self.device))
        return Bags(proteins, part, self.sae.firing_logits(x_in).unflatten(0, places.shape))

    def site_loss(self, sites: "_Sites", bags: Bags | None, step: int) -> Float[Tensor, ""]:
        """Cross-entropy over residues: named ones against the others of their protein, and against other proteins.

        The odds of a bag are the mean of its residues' odds (`bag_logits`). Where a concept names a share s of a
        protein's residues, theirs are 1 / s where the protein's are 1; so logits are judged less log(1 / s) [D], or the
        two losses would pull one direction to two lengths.

        Mean over some concepts, drawn evenly; scaled so that a `site_weight` of 1 lets the residues of a concept count
        as much as its labels.

        Args:
            sites: named residues.
            bags: of this step; the residues of proteins that lack a concept are negatives, too.
            step: optimizer step.
        """
        rng = np.random.default_rng((self.seed, step, 1))
        chosen = rng.choice(len(sites.concepts), min(SITE_CONCEPTS, len(sites.concepts)), replace=False)
        drawn = [rng.permutation(sites.pairs_of[place])[:SITE_PROTEINS] for place in chosen]
        pairs = np.concatenate(drawn)
        concept = np.repeat(np.arange(len(chosen)), [len(part) for part in drawn])
        lengths = self.reader.lengths[sites.labels.proteins[pairs]]
        n_rows = torch.from_numpy(np.bincount(concept, weights=lengths, minlength=len(chosen)))
        own = self.ranks.part(len(pairs))
        pairs, concept, lengths = pairs[own], concept[own], lengths[own]
        proteins = sites.labels.proteins[pairs]
        owners = np.repeat(np.arange(len(pairs)), lengths)
        starts = np.cumsum(lengths) - lengths
        is_named = np.zeros(len(owners), dtype=bool)
        for start, pair in zip(starts, pairs, strict=True):
            is_named[start + sites.named(pair)] = True
        x = self.reader.gather(proteins[owners], np.arange(len(owners)) - starts[owners]).astype(np.float32)
        weight, bias = self.sae.firing_predictor()
        used = torch.from_numpy(sites.concepts[chosen]).to(self.device)
        column = torch.from_numpy(concept[owners]).to(self.device)
        x_in = self.sae.rescaled(torch.from_numpy(x).to(self.device))
        shift = torch.from_numpy(np.log(sites.median_share[chosen])).float().to(self.device)
        every = F.linear(x_in, weight[used], bias[used] + shift)
        logits = every.gather(1, column[:, None])[:, 0]
        named = torch.from_numpy(is_named).to(self.device, logits.dtype)
        factor = 1 + (NAMED_WEIGHT - 1) * named
        each = F.binary_cross_entropy_with_logits(logits, named, reduction="none") * factor
        per_concept = each.new_zeros(len(chosen)).index_add(0, column, each)
        total = (per_concept / n_rows.to(per_concept)).sum()
        if bags is not None:
            rows = torch.from_numpy(bags.everyone)
            lacks = ~self.labels[rows][:, used.cpu()].to(self.device)
            if self.known is not None:
                lacks = lacks & self.known[rows][:, used.cpu()].to(self.device)
            away = F.softplus(bags.logits[:, :, used] + shift).mean(1)
            total = total + ((away * lacks[bags.part]).sum(0) / lacks.sum(0).clamp_min(1)).sum()
        return total / len(chosen) * len(sites.concepts) / self.sae.cfg.n_defined

    def after_step(self, passed: TrainingPass, n_rows: int, *, step: int) -> None:
        """Let the thresholds of features that fire apart follow their rates."""
        if self.sae.fires_apart:
            self.sae.follow_centre(self._centre)
            fired = passed.n_fired[: self.sae.cfg.n_defined].cpu()
            self.sae.adapt_thresholds(fired, n_rows, self._rates, step=step)

    def _loss(
        self,
        logits: Float[Tensor, "n m"],
        proteins: Int[np.ndarray, " n"],
        everyone: Int[np.ndarray, " n_all"],
        positive_weight: Float[Tensor, " m"] | None,
    ) -> Float[Tensor, ""]:
        """What some logits add to the annotation loss, a mean over the known labels of all processes' proteins."""
        if not len(proteins):
            return logits.sum()
        rows = torch.from_numpy(proteins)
        known = None if self.known is None else self.known[rows].to(self.device)
        loss = annotation_loss(logits, self.labels[rows].to(self.device), positive_weight, known)
        return loss * (self._n_labels(proteins) / max(1, self._n_labels(everyone)))

    def _n_labels(self, proteins: Int[np.ndarray, " n"]) -> int:
        """Known labels of some proteins; where all are known the proteins are counted."""
        return len(proteins) if self._n_known is None else int(self._n_known[proteins].sum())

    def _logits(self, x: Tensor) -> Tensor:
        return self.sae.concept_logits(self.sae.rescaled(x.to(self.device)))


def _ridge(directions: Float[Tensor, "m d_model"]) -> Float[Tensor, ""]:
    return 0.5 * directions.pow(2).sum(1).mean()


class _Sites(NamedTuple):
    """Named residues by concept."""

    labels: NamedResidues
    concepts: Int[np.ndarray, " n_concepts"]
    """Columns of the labels that have any."""
    pairs_of: list[Int[np.ndarray, " n_pairs_of_concept"]]
    """Pairs of each of these."""
    median_share: Float[np.ndarray, " n_concepts"]
    """Of the residues of a protein that are named, 0 to 1."""

    @classmethod
    def of(cls, labels: NamedResidues, reader: ShardReader) -> "_Sites":
        concepts = np.unique(labels.concepts)
        pairs_of = [np.flatnonzero(labels.concepts == concept) for concept in concepts]
        share = np.diff(labels.starts) / reader.lengths[labels.proteins]
        median = np.array([np.median(share[pairs]) for pairs in pairs_of])
        return cls(labels, concepts, pairs_of, median)

    def named(self, pair: int) -> Int[np.ndarray, " n"]:
        """Residues of a pair, from 0."""
        return self.labels.residues[self.labels.starts[pair] : self.labels.starts[pair + 1]]
