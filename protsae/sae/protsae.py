"""ProtSAE: a TopK SAE whose first m features are guided by Gene Ontology terms (Liu et al. 2025, arXiv:2509.05309).

    u      = x_in - b_dec
    logit  = u @ W_pred.T + b_pred,  pi = sigmoid(logit)                      # concept predictor
    a_def  = relu(u @ (stopgrad(W_pred) * exp(r_pred)[:, None]).T + b_def)    # one scale r per concept
    a_free = relu(u @ W_free.T + b_free)
    (z^_def, z_free) = TopK_k over the concatenation, the rest 0              # both blocks compete [D]
    mu     = mean of the residue's active z_free, 0 if none, detached         # [D]
    z_def  = z^_def + 1[pi > 0.5] * relu(mu - z^_def)                         # forced activation
    x_hat  = [z_def, z_free] @ W_dec + b_dec

W_pred[c] = e_c + e_hasFunction and b_pred[c] = |radius_c| + offset_c are DeepGOZero's score x.(e_c + rho) + |r_c| with
a free offset [D]; the axiom losses act on e and radius (`geometry.py`). [D] marks what is designed here where the paper
is silent. Each switch of `ProtSAEConfig` is one ablation of the paper's table.

Read `ProtSAEConfig`, then `ProtSAE.sparsify`. Written from the paper's formulas; no code was taken over.
"""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from typing_extensions import override

from protsae.errors import ConfigError
from protsae.ontology.namespaces import Namespace
from protsae.sae.base import SAE, random_directions
from protsae.sae.config import Normalise, check_normalise, check_shape
from protsae.sae.passes import ForcingRule
from protsae.sae.topk import keep_top_k

_CHOICES: dict[str, tuple[str, ...]] = {
    "namespace": get_args(Namespace),
    "forcing_mean": ("active", "all"),
    "forcing": ("after", "before"),
    "forcing_strength": ("mean", "graded"),
    "annotation": ("residue", "protein", "bag"),
}


@dataclass(frozen=True, kw_only=True)
class ProtSAEConfig:
    """Shape, concepts and switches of a ProtSAE. Saved as `cfg.json` beside the weights."""

    d_model: int
    """Width of the residual stream that is read, e.g. 1280 for ESM-2 650M."""

    d_sae: int
    """Number of features, the defined ones included."""

    concepts: tuple[str, ...]
    """GO ids of the defined features 0, 1, ...; all of one sub-ontology."""

    namespace: Namespace
    """Sub-ontology of the concepts."""

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

    annotation: Literal["residue", "protein", "bag"] = "residue"
    """Annotation loss on every residue's logits, on the mean logit over all residues of a protein, or on the
    log-mean-exp of the logits of a bag of its residues: multiple-instance learning, one residue suffices [D]."""

    positive_weight: float = 0.0
    """Power w: a concept with a share p of positives weighs them ((1 - p) / p)^w in the annotation loss [D].

    At 0, the paper's plain loss, pi > 0.5 is hardly ever reached for a rare term, and its feature stays silent; at 1
    pi > 0.5 means no more than "likelier than on average". pi is a calibrated probability at 0 only."""

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
                "annotation to 'bag' or 'residue', or normalise to 'scalar' or 'dimension'"
            )
        for name in ("lambda_annot", "lambda_axiom", "margin", "positive_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} must not be negative, got {getattr(self, name)}")

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
        return weight, self.b_pred - weight @ self.b_dec

    def concept_logits(self, x_in: Float[Tensor, "n d_model"]) -> Float[Tensor, "n m"]:
        """Logits of the concept predictor for rescaled input."""
        return nn.functional.linear(x_in, *self.concept_predictor())

    def concept_probs(self, x: Float[Tensor, "n d_model"]) -> Float[Tensor, "n m"]:
        """Probability of each concept at each residue, in the order of `cfg.concepts`; x in the PLM's own units."""
        return self.concept_logits(self.rescale(x)).sigmoid()

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """Rescaled concept directions, then the free ones; without gradient to W_pred where `detach` is set."""
        w_def = self.W_pred.detach() if self.cfg.detach else self.W_pred
        if self.cfg.rescale:
            w_def = w_def * self.r_pred.exp()[:, None]
        return torch.cat([w_def, self.W_free]), torch.cat([self.b_def, self.b_free])

    @override
    def encoder_times(self, gain: Float[Tensor, "..."]) -> dict[str, Tensor]:
        """Concept embeddings and free directions times the gain; biases are those of u and stay."""
        return {name: getattr(self, name) * gain for name in ("concept_embed", "has_function", "W_free")}

    def forcing_rule(self) -> ForcingRule | None:
        """The config's switches for forced activation, None where it is off."""
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
