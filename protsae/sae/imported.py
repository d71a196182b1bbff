"""An SAE that another program has trained, in the one form that covers them all.

    x_in  = (x - mean) / std                          # `input_norm`, of each residue over its dimensions
    pre   = (x_in - b_dec) @ W_enc + b_enc
    acts  = activate(pre)                             # `activation`
    x_hat = (acts @ W_dec + b_dec) * std' + mean      # always back in the PLM's own units

    none       mean 0, std 1
    z_score    mean over dimensions; std = s + 1e-5, std' = s          s: unbiased standard deviation
    mean_std   mean over dimensions; std = std' = s + 1e-8
    sqrt_d     mean 0, std = std' = |x| / sqrt(d_model)

    relu       max(pre, 0)
    topk       the k largest of max(pre, 0)
    threshold  pre where pre > threshold, else 0       # one threshold a feature
    gated      max(exp(r_mag) pre + b_mag, 0) where pre + b_gate > 0, else 0

What a source does besides is folded into the weights by its loader, exactly (`protsae/sae/loaders/`): a factor of the
input, an encoder that does not subtract b_dec, activations that are chosen times the norm of their decoder row.
Activations are those of the source, whatever the norm of a decoder row; rows are not brought to unit length.

Read `ImportedSAE.encode` in `base.py`, then `ImportedSAE.sparsify`.

Source: the formulas of SAELens 6, dictionary_learning 0.1, InterPLM, InterProt, ESMC's and BioNeMo's SAEs; the common
form is designed here.
"""

import copy
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Self, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.sparse import csr_array, vstack
from torch import Tensor, nn
from typing_extensions import override

from protsae.errors import ConfigError
from protsae.sae.base import SAE
from protsae.sae.config import Normalise
from protsae.sae.topk import keep_top_k

InputNorm = Literal["none", "z_score", "mean_std", "sqrt_d"]
Activation = Literal["relu", "topk", "threshold", "gated"]

_PIECE = 1024
"""Residues that are encoded at a time where codes are made dense first."""

_LEAST_NORM = 1e-12


@dataclass(frozen=True, kw_only=True)
class ImportedSAEConfig:
    """Shape and form of an SAE from elsewhere."""

    d_model: int
    """Width of the residual stream that is read."""

    d_sae: int
    """Number of features."""

    activation: Activation
    """What becomes of a pre-activation."""

    k: int = 0
    """Active features per residue: exactly with topk; else the mean that was measured, 0 where it was not yet."""

    input_norm: InputNorm = "none"
    """How each residue is brought into the SAE's own units; undone on the way out."""

    source: str = ""
    """Program and kind that it comes from, e.g. SAELens jumprelu."""

    def __post_init__(self) -> None:
        """Refuse numbers outside their range."""
        if self.d_model < 1 or self.d_sae < 1:
            raise ConfigError(f"d_model and d_sae must be at least 1, got d_model={self.d_model}, d_sae={self.d_sae}")
        for name, value, choices in (
            ("activation", self.activation, get_args(Activation)),
            ("input_norm", self.input_norm, get_args(InputNorm)),
        ):
            if value not in choices:
                raise ConfigError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
        least = 1 if self.activation == "topk" else 0
        if not least <= self.k <= self.d_sae:
            raise ConfigError(f"k must be in {least}..d_sae={self.d_sae} with {self.activation}, got {self.k}")

    @property
    def normalise(self) -> Normalise:
        """One scale for all: what norms each residue is `input_norm`."""
        return "scalar"


class _Norm(NamedTuple):
    """How residues come into the SAE's own units, and back."""

    mean: Float[Tensor, "n 1"] | Float[Tensor, ""]
    divisor: Float[Tensor, "n 1"] | Float[Tensor, ""]
    factor: Float[Tensor, "n 1"] | Float[Tensor, ""]
    """What the way out multiplies by."""


class ImportedSAE(SAE):
    """An SAE that another program has trained."""

    architecture: ClassVar[str] = "imported"
    config_class: ClassVar[type] = ImportedSAEConfig
    is_trained: ClassVar[bool] = False
    cfg: ImportedSAEConfig

    typical_mean: Tensor
    """Mean over residues and dimensions, for residues that are not known; 0 until `fit_typical`."""

    def __init__(self, cfg: ImportedSAEConfig) -> None:
        """Parameters of zeros, for a loader or a file to fill."""
        super().__init__(cfg)
        self.W_enc = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_sae))
        self.b_enc = nn.Parameter(torch.zeros(cfg.d_sae))
        self.W_dec = nn.Parameter(torch.zeros(cfg.d_sae, cfg.d_model))
        self.b_dec = nn.Parameter(torch.zeros(cfg.d_model))
        for name in {"threshold": ("threshold",), "gated": ("b_gate", "r_mag", "b_mag")}.get(cfg.activation, ()):
            self.register_parameter(name, nn.Parameter(torch.zeros(cfg.d_sae)))
        self.register_buffer("typical_mean", torch.zeros(()))

    @override
    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """Rows of W_enc transposed, and b_enc."""
        return self.W_enc.T, self.b_enc

    @override
    def sparsify(
        self, pre_acts: Float[Tensor, "n d_sae"], logits: Float[Tensor, "n m"] | None
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """Activations by the rule of the source."""
        match self.cfg.activation:
            case "relu":
                return pre_acts.relu(), None
            case "topk":
                return keep_top_k(pre_acts.relu(), self.cfg.k), None
            case "threshold":
                return pre_acts.relu() * (pre_acts > self.get_parameter("threshold")), None
            case "gated":
                b_gate, r_mag, b_mag = map(self.get_parameter, ("b_gate", "r_mag", "b_mag"))
                return (r_mag.exp() * pre_acts + b_mag).relu() * (pre_acts + b_gate > 0), None

    @override
    def gain(self, x: Float[Tensor, "n d_model"] | None) -> Float[Tensor, "..."]:
        """Factor between the PLM's own units and the SAE's, but for the mean."""
        return self.scale if x is None else 1 / self._norm(x).divisor

    @override
    def rescaled(self, x: Float[Tensor, "n d_model"]) -> Float[Tensor, "n d_model"]:
        """Residue activations, from the PLM's own units to the SAE's."""
        norm = self._norm(x)
        return (x - norm.mean) / norm.divisor

    @override
    def decode(
        self, acts: Float[Tensor, "n d_sae"], x: Float[Tensor, "n d_model"] | None = None
    ) -> Float[Tensor, "n d_model"]:
        """Residue activations in the PLM's own units.

        Args:
            acts: of all features.
            x: residues that `acts` are of; where None and residues are normed each by itself, a typical one's norm.
        """
        norm = self._norm(x)
        return (acts @ self.W_dec + self.b_dec) * norm.factor + norm.mean

    @override
    def decode_sparse(
        self, codes: csr_array, x: Float[Tensor, "n d_model"] | None = None
    ) -> Float[np.ndarray, "n d_model"]:
        """`decode` of codes [n, d_sae] through the active features only, in the PLM's own units."""
        weight, bias = (part.detach().cpu().numpy() for part in (self.W_dec, self.b_dec))
        mean, _, factor = (part.detach().cpu().numpy() for part in self._norm(x))
        return (codes @ weight + bias) * factor + mean

    @torch.no_grad()
    @override
    def encode_sparse(self, x: Float[Tensor, "n d_model"]) -> csr_array:
        """`encode` as a sparse matrix [n, d_sae], columns ascending within a row."""
        if self.runs_sparse or not len(x):
            return super().encode_sparse(x)
        pieces = [csr_array(self.encode(piece).cpu().numpy()) for piece in x.split(_PIECE)]
        return csr_array(vstack(pieces, format="csr"))

    @property
    @override
    def runs_sparse(self) -> bool:
        """Whether codes are made through the active features only."""
        return self.cfg.activation == "topk" and super().runs_sparse

    @torch.no_grad()
    def fit_typical(self, x: Float[Tensor, "n d_model"]) -> None:
        """Measure what stands for residues that are not known: the mean, and the factor of a typical one.

        Args:
            x: residues in the PLM's own units.
        """
        norm = self._norm(x)
        self.typical_mean.copy_(norm.mean.mean())
        self.scale.copy_(1 / norm.factor.square().mean().sqrt().clamp_min(_LEAST_NORM))

    @torch.no_grad()
    @override
    def folded(self) -> Self:
        """The same SAE: its weights hold every factor already.

        Raises:
            ConfigError: each residue is normed by itself, which no weights can take in.
        """
        if self.cfg.input_norm != "none":
            raise ConfigError(
                f"input_norm={self.cfg.input_norm!r} norms each residue by itself, so no weights can take it in; let "
                "the other program norm the residues"
            )
        return copy.deepcopy(self)

    def _norm(self, x: Float[Tensor, "n d_model"] | None) -> _Norm:
        one, zero = torch.ones_like(self.scale), torch.zeros_like(self.scale)
        if self.cfg.input_norm == "none":
            return _Norm(zero, one, one)
        if x is None:
            return _Norm(self.typical_mean, 1 / self.scale, 1 / self.scale)
        if self.cfg.input_norm == "sqrt_d":
            norm = torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(_LEAST_NORM) / self.d_model**0.5
            return _Norm(zero, norm, norm)
        mean, deviation = x.mean(dim=1, keepdim=True), x.std(dim=1, keepdim=True)
        if self.cfg.input_norm == "z_score":
            return _Norm(mean, deviation + 1e-5, deviation)
        return _Norm(mean, deviation + 1e-8, deviation + 1e-8)
