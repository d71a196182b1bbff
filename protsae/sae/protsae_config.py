"""The config of a ProtSAE: shape, concepts, and one switch for every choice of its form.

[D] marks what is designed here where the paper is silent. Each switch is one ablation of the paper's table. The model
is in `protsae.py`. Read `ProtSAEConfig`.

Source: Liu et al. 2025 (arXiv:2509.05309).
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

from protsae.errors import ConfigError
from protsae.ontology.namespaces import GOScope
from protsae.sae.config import Normalise, check_normalise, check_shape

_CHOICES: dict[str, tuple[str, ...]] = {
    "namespace": get_args(GOScope),
    "forcing_mean": ("active", "all"),
    "forcing": ("after", "before"),
    "forcing_strength": ("mean", "graded"),
    "annotation": ("residue", "protein", "bag", "top"),
    "selection": ("joint", "apart"),
}


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
