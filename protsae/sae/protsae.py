"""ProtSAE: a TopK SAE whose first m features are guided by Gene Ontology terms (Liu et al. 2025, arXiv:2509.05309).

    u      = x_in - b_dec
    logit  = u @ W_pred.T + b_pred,  pi = sigmoid(logit)                      # concept predictor
    a_def  = relu(u @ (stopgrad(W_pred) * exp(r_pred)[:, None]).T + b_def)    # one scale r per concept
    a_free = relu(u @ W_free.T + b_free)
    (z^_def, z_free) = TopK_k over the concatenation, the rest 0              # both blocks compete [D]
    mu     = mean of the residue's active z_free, 0 if none, detached         # [D]
    z_def  = z^_def + 1[pi > 0.5] * relu(mu - z^_def)                         # forced activation
    x_hat  = [z_def, z_free] @ W_dec + b_dec

With `selection = "apart"` defined features do not compete and are not forced; each fires where its concept's logit
passes a threshold that is its own, set so that it fires at a given rate [D]:

    a_def  = relu((u @ stopgrad(W_pred).T - tau) * exp(r_pred))               # tau: the rate, not the loss, sets it
    z      = [a_def, TopK_k(a_free)]

W_pred[c] = e_c + e_hasFunction and b_pred[c] = |radius_c| + offset_c are DeepGOZero's score x.(e_c + rho) + |r_c| with
a free offset [D]; the axiom losses act on e and radius (`geometry.py`). [D] marks what is designed here where the paper
is silent. Each switch of `ProtSAEConfig` is one ablation of the paper's table.

Read `ProtSAEConfig`, then `ProtSAE.sparsify`. Written from the paper's formulas; no code was taken over.
"""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from typing_extensions import override

from protsae.errors import ConfigError
from protsae.ontology.namespaces import GOScope
from protsae.sae.base import SAE, random_directions
from protsae.sae.config import Normalise, check_normalise, check_shape
from protsae.sae.losses import bag_logits, top_logits
from protsae.sae.passes import ForcingRule
from protsae.sae.topk import keep_top_k

_CHOICES: dict[str, tuple[str, ...]] = {
    "namespace": get_args(GOScope),
    "forcing_mean": ("active", "all"),
    "forcing": ("after", "before"),
    "forcing_strength": ("mean", "graded"),
    "annotation": ("residue", "protein", "bag", "top"),
    "selection": ("joint", "apart"),
}

FIRST_PACE, LAST_PACE, PACE_STEPS = 0.2, 0.01, 50
"""Thresholds move by the first at the start and by the last in the end, half-way after so many steps."""


@dataclass(frozen=True, kw_only=True)
class ProtSAEConfig:
    """Shape, concepts and switches of a ProtSAE. Saved as `cfg.json` beside the weights."""

    d_model: int
    """Width of the residual stream that is read, e.g. 1280 for ESM-2 650M."""

    d_sae: int
    """Number of features, the defined ones included."""

    concepts: tuple[str, ...]
    """GO ids of the defined features 0, 1, ..."""

    namespace: GOScope
    """Whose terms the concepts are: one sub-ontology's (the paper's form), or GO for those of all three."""

    k: int = 64
    """Features that TopK keeps per residue; forced ones come on top (see `forcing`)."""

    detach: bool = True
    """Keep the reconstruction loss from turning the concept directions."""

    axioms: bool = True
    """Train the concept embeddings on the ontology's axioms as well."""

    forced_activation: bool = True
    """Raise the feature of a concept with pi > 0.5 to the mean free activation."""

    rescale: bool = True
    """Learn one scale exp(r_pred) per defined feature; else 1."""

    forcing_mean: Literal["active", "all"] = "active"
    """Mean over the residue's active free features, or over all free features, zeros included [D]."""

    forcing: Literal["after", "before"] = "after"
    """Force on top of the k features of TopK, or before it, so that forced features compete for the k places [D]."""

    forcing_strength: Literal["mean", "graded"] = "mean"
    """Force to mu whatever the probability, or to mu * (2 pi - 1): nothing at pi = 0.5, mu at certainty [D]."""

    selection: Literal["joint", "apart"] = "joint"
    """Defined and free features compete for the k places of TopK (the paper's), or k are for the free ones and every
    defined feature fires where its own threshold is passed [D]. Apart, nothing is forced."""

    detector: bool = False
    """Apart: defined features read directions of their own, which residues guide (bags, named sites, even firing), and
    the concept predictor is left to the annotation loss alone [D]. Without it features read W_pred."""

    predictor_l2: float = 0.0
    """Ridge penalty l2 / 2 |W_pred_c|^2 beside the annotation loss, in the SAE's own units [D]."""

    detector_l2: float = 0.0
    """The same on the directions of the detector [D]."""

    rate_share: float = 0.1
    """Apart: share of a positive protein's residues on which the feature of a term is to fire; times the share of
    proteins that carry the term it is the rate at which the threshold lets it fire [D]."""

    rate_min: float = 0.005
    """Apart: least rate, 0 to 1; a rare term's feature needs some room to rank proteins."""

    rate_max: float = 0.03
    """Apart: largest rate, 0 to 1."""

    annotation: Literal["residue", "protein", "bag", "top"] = "residue"
    """What the annotation loss judges: every residue's logit (the paper's), the mean logit over all residues of a
    protein, or of a bag of its residues the log-mean-exp or the mean of the highest `pool_share` of the logits:
    multiple-instance learning, some residues suffice [D]."""

    pool_share: float = 0.15
    """Share of a bag's residues whose logits `annotation = "top"` averages, 0 to 1."""

    site_weight: float = 0.0
    """What the residues that annotations name for a term weigh against its labels [D]; 0 for nothing. Needs residue
    labels in training."""

    spread: float = 0.0
    """Weight, against the annotation loss, of spreading over proteins the places where a feature fires [D]; 0 for
    none. Only with `selection = "apart"` and an annotation loss on bags."""

    positive_weight: float = 0.0
    """Power w: a concept with a share p of positives weighs them ((1 - p) / p)^w in the annotation loss [D].

    At 0, the paper's plain loss, pi > 0.5 is hardly ever reached for a rare term, and its feature stays silent; at 1
    pi > 0.5 means no more than "likelier than on average". pi is a calibrated probability at 0 only,
    or with a detector, whose labels alone are weighed."""

    lambda_annot: float = 10.0
    """Weight of the annotation loss against the reconstruction loss."""

    lambda_axiom: float = 1.0
    """Weight of the axiom loss against the reconstruction loss."""

    margin: float = 0.1
    """Margin g of the axiom losses, in units of the normalised embedding space."""

    normalise: Normalise = "scalar"
    """How residues come into the SAE's own units; undone on the way out."""

    def __post_init__(self) -> None:
        check_shape(self.d_model, self.d_sae, self.k)
        check_normalise(self.normalise)
        if not 0 < len(self.concepts) < self.d_sae:
            raise ConfigError(
                f"a ProtSAE needs 1..{self.d_sae - 1} concepts at d_sae={self.d_sae}, got {len(self.concepts)}"
            )
        concept, n_times = Counter(self.concepts).most_common(1)[0]
        if n_times > 1:
            raise ConfigError(f"concept {concept} is listed {n_times} times; give every GO term once")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        if self.normalise == "token" and self.annotation == "protein":
            raise ConfigError(
                "normalise='token' is not linear, so annotation='protein' cannot take the logit of a mean residue; set "
                "annotation to 'residue' (without a detector also to 'bag'), or normalise to 'scalar' or 'dimension'"
            )
        self._check_firing()
        not_negative = (
            "lambda_annot",
            "lambda_axiom",
            "margin",
            "positive_weight",
            "predictor_l2",
            "detector_l2",
            "rate_share",
            "site_weight",
            "spread",
        )
        for name in not_negative:
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} must not be negative, got {getattr(self, name)}")

    def _check_firing(self) -> None:
        if not 0 < self.rate_min <= self.rate_max < 1:
            raise ConfigError(
                f"rate_min and rate_max must lie between 0 and 1 in this order, got {self.rate_min} and {self.rate_max}"
            )
        if not 0 < self.pool_share <= 1:
            raise ConfigError(f"pool_share must be above 0 and at most 1, got {self.pool_share}")
        if self.detector and (self.selection != "apart" or self.annotation not in {"residue", "protein"}):
            raise ConfigError(
                "a detector needs selection 'apart' and annotation 'residue' or 'protein', "
                f"got {self.selection!r} and {self.annotation!r}; change these or set detector to false"
            )
        if self.spread and (self.selection != "apart" or not self.draws_bags):
            raise ConfigError(
                f"spread={self.spread} needs selection 'apart' and a detector or annotation 'bag' or 'top', "
                f"got {self.selection!r} and {self.annotation!r}"
            )

    @property
    def draws_bags(self) -> bool:
        """Whether a training looks at bags of residues."""
        return self.detector or self.annotation in {"bag", "top"}

    @property
    def n_defined(self) -> int:
        """m, the number of guided features."""
        return len(self.concepts)


class ProtSAE(SAE):
    """SAE with a concept predictor; features 0 .. m-1 are defined (in the order of `cfg.concepts`), the others free."""

    architecture: ClassVar[str] = "protsae"
    config_class: ClassVar[type] = ProtSAEConfig
    is_guided: ClassVar[bool] = True
    cfg: ProtSAEConfig

    def __init__(self, cfg: ProtSAEConfig, *, seed: int = 0) -> None:
        """Start from random directions; the decoder's rows are the encoder's, at unit length [D]."""
        super().__init__(cfg)
        m, generator = cfg.n_defined, torch.Generator().manual_seed(seed)
        directions = random_directions(cfg.d_sae, cfg.d_model, generator)
        self.concept_embed = nn.Parameter(directions[:m].clone())
        self.has_function = nn.Parameter(torch.zeros(cfg.d_model))
        self.radius = nn.Parameter(torch.full((m,), cfg.d_model**-0.5))
        self.b_offset = nn.Parameter(torch.zeros(m))
        self.r_pred = nn.Parameter(torch.zeros(m))
        self.b_def = nn.Parameter(torch.zeros(m))
        if cfg.detector:
            self.W_detect = nn.Parameter(directions[:m].clone())
            self.b_detect = nn.Parameter(torch.zeros(m))
        self.W_free = nn.Parameter(directions[m:].clone())
        self.b_free = nn.Parameter(torch.zeros(cfg.d_sae - m))
        self.W_dec = nn.Parameter(directions)
        self.b_dec = nn.Parameter(torch.zeros(cfg.d_model))

    @property
    def W_pred(self) -> Float[Tensor, "m d_model"]:  # noqa: N802 - the paper's name
        """Directions of the concept predictor: e_c + e_hasFunction."""
        return self.concept_embed + self.has_function

    @property
    def b_pred(self) -> Float[Tensor, " m"]:
        """Biases of the concept predictor: |radius_c| + offset_c."""
        return self.radius.abs() + self.b_offset

    def concept_predictor(self) -> tuple[Float[Tensor, "m d_model"], Float[Tensor, " m"]]:
        """W_pred, and b_pred less what b_dec takes from the input."""
        weight = self.W_pred
        return weight, self.b_pred - weight @ self.centre

    def firing_directions(self) -> tuple[Float[Tensor, "m d_model"], Float[Tensor, " m"]]:
        """What defined features read u with and the biases of its logits: the detector's, or W_pred and b_pred."""
        return (self.W_detect, self.b_detect) if self.cfg.detector else (self.W_pred, self.b_pred)

    def firing_logits(self, x_in: Float[Tensor, "n d_model"]) -> Float[Tensor, "n m"]:
        """Logits of what defined features read, for rescaled input; the predictor's without a detector."""
        weight, bias = self.firing_directions()
        return nn.functional.linear(x_in, weight, bias - weight @ self.centre)

    @property
    def centre(self) -> Float[Tensor, " d_model"]:
        """b_dec; where features fire apart what guides them does not move it."""
        return self.b_dec.detach() if self.fires_apart else self.b_dec

    @torch.no_grad()
    def follow_centre(self, earlier: Float[Tensor, " d_model"]) -> None:
        """Move biases and thresholds by what a step of b_dec takes from the logits, so that it turns no concept's.

        Args:
            earlier: b_dec before the step.
        """
        moved = self.b_dec - earlier
        self.b_offset += self.W_pred @ moved
        self.b_def += self.firing_directions()[0] @ moved
        if self.cfg.detector:
            self.b_detect += self.W_detect @ moved

    def concept_logits(self, x_in: Float[Tensor, "n d_model"]) -> Float[Tensor, "n m"]:
        """Logits of the concept predictor for rescaled input."""
        return nn.functional.linear(x_in, *self.concept_predictor())

    def concept_probs(self, x: Float[Tensor, "n d_model"]) -> Float[Tensor, "n m"]:
        """Probability of each concept at each residue, in the order of `cfg.concepts`; x in the PLM's own units."""
        return self.concept_logits(self.rescaled(x)).sigmoid()

    def protein_logits(self, logits: Float[Tensor, "n m"]) -> Float[Tensor, " m"]:
        """One logit a concept from those of a protein's residues, pooled as the annotation loss pools them.

        Where the loss judges residues it is their mean.
        """
        if self.cfg.annotation == "bag":
            return bag_logits(logits[None])[0]
        return top_logits(logits[None], self.cfg.pool_share)[0] if self.cfg.annotation == "top" else logits.mean(0)

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """Rescaled concept directions, then the free ones; without gradient to W_pred where `detach` is set."""
        w_def = self.firing_directions()[0]
        w_def = w_def.detach() if self.cfg.detach else w_def
        b_def = self.b_def.detach() if self.fires_apart else self.b_def
        if self.cfg.rescale:
            scale = self.r_pred.exp()
            w_def = w_def * scale[:, None]
            b_def = b_def * scale if self.fires_apart else b_def
        return torch.cat([w_def, self.W_free]), torch.cat([b_def, self.b_free])

    @property
    def fires_apart(self) -> bool:
        """Whether every defined feature has a threshold of its own, -b_def in units of what it reads."""
        return self.cfg.selection == "apart"

    @override
    def encoder_times(self, gain: Float[Tensor, "..."]) -> dict[str, Tensor]:
        """Concept embeddings and free directions times the gain; biases are those of u and stay."""
        names = ("concept_embed", "has_function", "W_free", *(("W_detect",) if self.cfg.detector else ()))
        return {name: getattr(self, name) * gain for name in names}

    @override
    def competing_biases(self) -> Float[Tensor, " n_free"]:
        """Those of the free features; defined ones follow their concepts."""
        return self.b_free

    def forcing_rule(self) -> ForcingRule | None:
        """The config's switches for how defined features fire beside TopK, None where they only compete."""
        if self.fires_apart:
            return ForcingRule(self.cfg.n_defined, before_topk=False, mean_over_all=False, graded=False, apart=True)
        if not self.cfg.forced_activation:
            return None
        return ForcingRule(
            self.cfg.n_defined,
            before_topk=self.cfg.forcing == "before",
            mean_over_all=self.cfg.forcing_mean == "all",
            graded=self.cfg.forcing_strength == "graded",
        )

    def sparsify(
        self, pre_acts: Float[Tensor, "n d_sae"], logits: Float[Tensor, "n m"] | None
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """TopK over both blocks, and forced activation of the predicted concepts.

        With `forcing = "before"` mu is the mean of the free features that TopK would keep without forcing, and TopK
        chooses again after the defined ones were raised: a residue keeps at most k.
        """
        m, k = self.cfg.n_defined, self.cfg.k
        acts = pre_acts.relu()
        if self.fires_apart:
            apart = torch.cat([acts[:, :m], keep_top_k(acts[:, m:], k)], dim=1)
            return apart, torch.zeros_like(apart[:, :m], dtype=torch.bool)
        natural = keep_top_k(acts, k)
        if logits is None or not self.cfg.forced_activation:
            return natural, torch.zeros_like(natural[:, :m], dtype=torch.bool)
        z_free = natural[:, m:].detach()
        n_free = z_free.shape[1] if self.cfg.forcing_mean == "all" else (z_free > 0).sum(1, keepdim=True).clamp_min(1)
        mu = z_free.sum(1, keepdim=True) / n_free
        if self.cfg.forcing_strength == "graded":
            mu = mu * (logits.detach() / 2).tanh()
        base = acts if self.cfg.forcing == "before" else natural
        raised = torch.where((logits > 0) & (mu > base[:, :m]), mu, base[:, :m])
        final = torch.cat([raised, base[:, m:]], dim=1)
        if self.cfg.forcing == "before":
            final = keep_top_k(final, k)
        return final, (final[:, :m] > 0) & (natural[:, :m] == 0)

    @torch.no_grad()
    def fit_prevalence(self, prevalence: Float[Tensor, " m"]) -> None:
        """Start the offsets at the logit of each concept's share of positives, 0 to 1, kept off both ends [D]."""
        share = prevalence.to(self.radius.device).clamp(1e-4, 1 - 1e-4)
        self.b_offset.copy_(share.logit() - self.radius.abs())

    @torch.no_grad()
    def fit_detector(self, prevalence: Float[Tensor, " m"]) -> None:
        """Start the biases of the detector likewise."""
        self.b_detect.copy_(prevalence.to(self.b_detect.device).clamp(1e-4, 1 - 1e-4).logit())

    def firing_rates(self, share: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        """Share of residues on which each defined feature is to fire where it fires apart.

        Args:
            share: of all residues that carry the function: the share of carriers times that of their residues.
        """
        return share.clamp(self.cfg.rate_min, self.cfg.rate_max)

    @torch.no_grad()
    def adapt_thresholds(
        self, n_fired: Int[Tensor, " m"], n_rows: int, rates: Float[Tensor, " m"], *, step: int
    ) -> None:
        """Move every threshold a little towards the one at which its feature fires at its rate.

        A step in the direction of the relative error of the rate, smaller with time: stochastic approximation of a
        quantile (Robbins and Monro 1951), in units of the length of the concept's direction.

        Args:
            n_fired: residues of the batch on which each defined feature fired.
            n_rows: residues in the batch.
            rates: wanted, 0 to 1.
            step: optimizer step, from 0.
        """
        error = ((n_fired / n_rows - rates) / rates).clamp(-1, 3).to(self.b_def.device)
        pace = LAST_PACE + FIRST_PACE / (1 + step / PACE_STEPS)
        self.b_def -= pace * torch.linalg.vector_norm(self.firing_directions()[0], dim=1) * error
