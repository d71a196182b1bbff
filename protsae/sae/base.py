"""What every sparse autoencoder of this project can do: encode, decode, save, load.

    x_in  = gain * x                                   # a number, one for each dimension, or one for each residue
    u     = x_in - b_dec
    acts  = sparsify(u @ W_enc + b_enc)                # the architecture's own step, see topk.py and threshold.py
    x_hat = (acts @ W_dec + b_dec) / gain

The gain follows from the config's `normalise`:

    scalar      sqrt(d_model / mean |x|^2), so that mean |x_in|^2 = d_model
    dimension   1 / standard deviation of each dimension, so that mean |x_in - its mean|^2 = d_model
    token       sqrt(d_model) / |x| of each residue, so that |x_in|^2 = d_model; not linear in x

With `token` the way out needs the residues that went in; without them `decode` takes one of typical norm.

Rows of W_dec have unit length. `encode`, `decode` and `forward` take and give the PLM's own units and are plain,
differentiable torch on any device: the definition. `training_pass` and `encode_sparse` give the same results through
the active features only (`fast/sparse.py`, which lies below this module and knows no SAE).

Read `SAE.forward`, then the architecture. The files of a saved SAE are in `artifact.py`.

Source: gain and unit rows are designed here where the paper (arXiv:2509.05309) is silent.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from torch import Tensor, nn

from protsae.errors import ConfigError
from protsae.parallel.ranks import Share
from protsae.sae import artifact
from protsae.sae.artifact import Dtype
from protsae.sae.config import SAEConfig
from protsae.sae.fast import sparse
from protsae.sae.passes import ForcingRule, ForwardOutput, GuidedOutput, TrainingPass

DENSE_ABOVE = 1 / 12
"""Share of active features above which dense products beat gathers on a CPU (measured at d_model 320)."""

_LEAST_NORM = 1e-12
"""Keeps quotients finite."""

_LEAST_DEVIATION = 1e-4
"""Of a dimension, as a share of the widest one's: what hardly varies is not blown up."""

ARCHITECTURES: dict[str, "type[SAE]"] = {}
"""Architecture name -> class; every subclass of `SAE` enters itself."""


class SAE(nn.Module, ABC):
    """Sparse autoencoder over residue activations [n_residues, d_model] of a protein language model."""

    architecture: ClassVar[str]
    config_class: ClassVar[type]
    is_guided: ClassVar[bool] = False
    """Whether terms guide some of the features, so that training needs labels."""
    is_trained: ClassVar[bool] = True
    """Whether the training loop makes it; else it is fitted by a function of its own."""
    has_penalty: ClassVar[bool] = False
    """Whether `TrainingPass.penalty` is ever more than 0."""

    cfg: Any
    scale: Tensor
    """The gain: [d_model] with `dimension`, else 0-dim; with `token` that of a residue of typical norm."""
    W_dec: nn.Parameter
    b_dec: nn.Parameter

    def __init__(self, cfg: SAEConfig) -> None:
        """Keep `cfg`; the subclass makes the parameters."""
        super().__init__()
        self.cfg = cfg
        self.d_model: int = cfg.d_model
        self.d_sae: int = cfg.d_sae
        self.register_buffer("scale", torch.ones(cfg.d_model if cfg.normalise == "dimension" else ()))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the architecture known to `load_sae`."""
        super().__init_subclass__(**kwargs)
        if "architecture" in vars(cls):  # else a base of several architectures
            ARCHITECTURES[cls.architecture] = cls

    @abstractmethod
    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """Encoder directions, a row per feature, and their biases; gradients flow as the architecture allows."""

    @abstractmethod
    def sparsify(
        self, pre_acts: Float[Tensor, "n d_sae"], logits: Float[Tensor, "n m"] | None
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """Final activations (zero where inactive), and which of them are active only by force."""

    def concept_predictor(self) -> tuple[Float[Tensor, "m d_model"], Float[Tensor, " m"]] | None:
        """Directions and biases that give the concept logits of rescaled input; None where there is no predictor."""
        return None

    def concept_logits(self, x_in: Float[Tensor, "n d_model"]) -> Float[Tensor, "n m"] | None:
        """Logits of the concept predictor for rescaled input; None where there is no predictor."""
        predictor = self.concept_predictor()
        return None if predictor is None else nn.functional.linear(x_in, *predictor)

    def competing_biases(self) -> Float[Tensor, " n_features"] | None:
        """Biases of the features that compete for the k places, the last ones of the SAE; None where there is no k."""
        return None

    def forcing_rule(self) -> ForcingRule | None:
        """How predicted concepts force their features; None where they never do."""
        return None

    def gain(self, x: Float[Tensor, "n d_model"] | None) -> Float[Tensor, "..."]:
        """Factor between the PLM's own units and the SAE's: 0-dim, [d_model] or, with `token`, [n, 1].

        Args:
            x: residues in the PLM's own units; None for one of typical norm.
        """
        if self.cfg.normalise != "token" or x is None:
            return self.scale
        return self.d_model**0.5 / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(_LEAST_NORM)

    def rescaled(self, x: Float[Tensor, "n d_model"]) -> Float[Tensor, "n d_model"]:
        """Residue activations, from the PLM's own units to the SAE's."""
        return x * self.gain(x)

    def forward(self, x: Float[Tensor, "n d_model"]) -> ForwardOutput:
        """Encode and decode residue activations, both in the PLM's own units."""
        acts, extra = self.dense_code(x)
        return ForwardOutput(self.decode(acts, x), acts, extra)

    def dense_code(self, x: Float[Tensor, "n d_model"]) -> tuple[Float[Tensor, "n d_sae"], GuidedOutput | None]:
        """What `forward` gives but for the reconstruction, which takes half of its time."""
        x_in = self.rescaled(x)
        weight, bias = self.encoder()
        logits = self.concept_logits(x_in)
        acts, is_forced = self.sparsify((x_in - self.b_dec) @ weight.T + bias, logits)
        return acts, None if logits is None or is_forced is None else GuidedOutput(logits, is_forced)

    def encode(self, x: Float[Tensor, "n d_model"]) -> Float[Tensor, "n d_sae"]:
        """Activations of all features, zero where inactive and never negative; forced ones included."""
        return self.dense_code(x)[0]

    def encode_feature(self, x: Float[Tensor, "n d_model"], feature: int) -> Float[Tensor, " n"]:
        """One column of `encode`, with less work where the architecture allows it.

        Args:
            x: in the PLM's own units.
            feature: its number.
        """
        return self.encode(x)[:, feature]

    def decode(
        self, acts: Float[Tensor, "n d_sae"], x: Float[Tensor, "n d_model"] | None = None
    ) -> Float[Tensor, "n d_model"]:
        """Residue activations in the PLM's own units.

        Args:
            acts: of all features.
            x: residues that `acts` are of, in the PLM's own units; only `token` asks for them, to give each its norm
                back, and gives all the typical norm where None.
        """
        return (acts @ self.W_dec + self.b_dec) / self.gain(x)

    def decode_sparse(
        self, codes: csr_array, x: Float[Tensor, "n d_model"] | None = None
    ) -> Float[np.ndarray, "n d_model"]:
        """`decode` of codes [n, d_sae] through the active features only, in the PLM's own units."""
        weight, bias, gain = (part.detach().cpu().numpy() for part in (self.W_dec, self.b_dec, self.gain(x)))
        return (codes @ weight + bias) / gain

    @torch.no_grad()
    def encode_sparse(self, x: Float[Tensor, "n d_model"]) -> csr_array:
        """`encode` as a sparse matrix [n, d_sae], columns ascending within a row; several times faster on a CPU."""
        if not self.runs_sparse:
            return _compressed(self.encode(x))
        x_in = self.rescaled(x)
        weight, bias = self.encoder()
        pre_acts = sparse.linear(x_in - self.b_dec, weight, bias)
        codes = sparse.select(pre_acts, self.concept_logits(x_in), k=self.cfg.k, rule=self.forcing_rule())
        return csr_array((codes.acts, codes.features, codes.indptr), shape=(len(x), self.d_sae))

    def training_pass(
        self,
        x_in: Float[Tensor, "n d_model"],
        *,
        inference: bool = False,
        share: Share | None = None,  # noqa: ARG002 - architectures that choose over a whole batch use it
    ) -> TrainingPass:
        """Reconstruct rescaled input `x_in`, with gradients for all parameters but none for `x_in`.

        Args:
            x_in: in the SAE's own units.
            inference: choose the active features as `encode` does, for a validation, which needs no gradients; else as
                the training does.
            share: of a batch that several processes train on, of which `x_in` is this one's; None where it is whole.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and not inference):
            weight, bias = self.encoder()
            if self.runs_sparse:
                return sparse.training_pass(
                    x_in,
                    encoder=(weight, bias),
                    decoder=(self.W_dec, self.b_dec),
                    predictor=self.concept_predictor(),
                    k=self.cfg.k,
                    rule=self.forcing_rule(),
                )
            logits = self.concept_logits(x_in)
            acts, is_forced = self.sparsify((x_in - self.b_dec) @ weight.T + bias, logits)
            logits = x_in.new_zeros(len(x_in), 0) if logits is None else logits
            is_predicted = logits > 0
            return TrainingPass(
                x_hat=acts @ self.W_dec + self.b_dec,
                logits=logits,
                n_fired=(acts > 0).sum(0),
                n_forced=0 if is_forced is None else int(is_forced.sum()),
                n_predicted=int(is_predicted.sum()),
                n_participating=int((is_predicted & (acts[:, : logits.shape[1]] > 0)).sum()),
                penalty=x_in.new_zeros(()),
            )

    def reconstruct_with(
        self, x_in: Float[Tensor, "n d_model"], features: Int[Tensor, " n_features"], k: int
    ) -> Float[Tensor, "n d_model"]:
        """What the k strongest of some features make of rescaled input, without b_dec: for the AuxK loss."""
        acts = self.dead_acts(x_in, features)
        least = acts.detach().topk(min(k, len(features)), dim=1).values[:, -1:]
        return (acts * (acts >= least)) @ self.W_dec[features]

    def dead_acts(
        self, x_in: Float[Tensor, "n d_model"], features: Int[Tensor, " n_features"]
    ) -> Float[Tensor, "n n_features"]:
        """What stands for the activations of some dead features: ReLU, as most are positive but not chosen."""
        weight, bias = self.encoder()
        return ((x_in - self.b_dec) @ weight[features].T + bias[features]).relu()

    @property
    def runs_sparse(self) -> bool:
        """Whether training and `encode_sparse` go through the active features only."""
        return self.W_dec.device.type == "cpu" and self.cfg.k <= self.d_sae * DENSE_ABOVE

    @torch.no_grad()
    def fit_input(
        self,
        mean: Float[Tensor, " d_model"],
        mean_square_norm: float,
        *,
        deviation: Float[Tensor, " d_model"] | None = None,
        unit_mean: Float[Tensor, " d_model"] | None = None,
    ) -> None:
        """Set the gain as `normalise` says, and start `b_dec` at the mean residue in the SAE's own units.

        Args:
            mean: of the training residues, in the PLM's own units.
            mean_square_norm: mean of |x|^2 over the same residues.
            deviation: standard deviation of each dimension; for `dimension`.
            unit_mean: mean of the residues brought to a norm of sqrt(d_model); for `token`.

        Raises:
            ValueError: `mean_square_norm` is not a positive number, or what the normalisation needs is missing.
        """
        if not 0 < mean_square_norm < float("inf"):
            raise ValueError(f"the mean squared norm of residue activations must be positive, got {mean_square_norm}")
        self.scale.fill_((self.d_model / mean_square_norm) ** 0.5)
        start = mean.to(self.scale)
        if self.cfg.normalise == "dimension":
            if deviation is None:
                raise ValueError("normalise='dimension' needs the standard deviation of each dimension; give deviation")
            deviation = deviation.to(self.scale)
            least = _LEAST_DEVIATION * float(deviation.max().clamp_min(_LEAST_NORM))
            self.scale.copy_(1 / deviation.clamp_min(least))
        start = start * self.scale
        if self.cfg.normalise == "token":
            if unit_mean is None:
                raise ValueError("normalise='token' needs the mean of residues of equal norm; give unit_mean")
            start = unit_mean.to(self.scale)
        self.b_dec.copy_(start)
        self.start_sparse()

    @torch.no_grad()
    def folded(self) -> Self:
        """The same SAE with a gain of 1, for programs that know none: equal activations and reconstructions.

        Rows of its W_dec are as long as what a unit of each activation adds to the PLM's residual stream.

        Raises:
            ConfigError: the gain differs between residues (`token`), or the architecture has no encoder of its own.
        """
        if self.cfg.normalise == "token":
            raise ConfigError(
                "normalise='token' is not linear in the residue, so no weights can take it in; let the other program "
                "rescale each residue, or train with normalise 'scalar' or 'dimension'"
            )
        state = self.state_dict() | self.encoder_times(self.scale)
        made = type(self)(replace(self.cfg, normalise="scalar")).to(self.scale.device)
        for name in ("W_dec", "b_dec"):
            state[name] = state[name] / self.scale
        made.load_state_dict(state | {"scale": torch.ones_like(made.scale)})
        return made

    def encoder_times(self, gain: Float[Tensor, "..."]) -> dict[str, Tensor]:
        """Parameters of the encoder, by name, for residues that were not multiplied by `gain` (0-dim or [d_model]).

        Raises:
            ConfigError: the architecture has no encoder of its own.
        """
        raise ConfigError(
            f"a {self.architecture} SAE has no encoder of its own that could take in a gain of {float(gain.mean()):g}"
        )

    def start_sparse(self) -> None:
        """Set what decides how many features of a fresh SAE are active, once the input is fitted; often nothing."""

    @torch.no_grad()
    def project_decoder_gradient(self) -> None:
        """Take from the gradient of each row of W_dec the part along the row, which unit length would undo."""
        if self.W_dec.grad is not None:
            along = (self.W_dec.grad * self.W_dec).sum(dim=1, keepdim=True)
            self.W_dec.grad.sub_(along * self.W_dec)

    @torch.no_grad()
    def normalize_decoder(self) -> None:
        """Bring the rows of W_dec to unit length, in place."""
        self.W_dec.div_(torch.linalg.vector_norm(self.W_dec, dim=1, keepdim=True).clamp_min(1e-12))

    def after_step(self, passed: TrainingPass, n_rows: int) -> None:  # noqa: ARG002 - architectures with a state use them
        """Finish one step of the optimizer: unit decoder rows, and what else the architecture keeps.

        Args:
            passed: the pass that the step was made of.
            n_rows: residues in it.
        """
        self.normalize_decoder()

    def save(self, folder: Path, dtype: Dtype = "float32") -> None:
        """Write cfg.json and sae.safetensors, each in one atomic step.

        Args:
            folder: made if it does not exist.
            dtype: of the matrices; vectors and the scale stay float32.
        """
        artifact.write(folder, self.architecture, self.cfg, self.state_dict(), dtype)


def load_sae(folder: Path) -> SAE:
    """Read a saved SAE of any architecture; parameters come as float32 on the CPU.

    Raises:
        ArtifactError: a file is missing, damaged, of an unknown architecture, or does not fit its config.
    """
    architecture, cfg = artifact.read_config(folder, {name: cls.config_class for name, cls in ARCHITECTURES.items()})
    sae = ARCHITECTURES[architecture](cfg)
    sae.load_state_dict(artifact.read_tensors(folder, architecture, sae.state_dict()))
    return sae


def _compressed(acts: Float[Tensor, "n d_sae"]) -> csr_array:
    """Dense activations as a sparse matrix; from a GPU only what is active travels."""
    rows, features = acts.nonzero(as_tuple=True)
    indptr = np.zeros(len(acts) + 1, dtype=np.int32)
    np.cumsum(torch.bincount(rows, minlength=len(acts)).cpu().numpy(), out=indptr[1:])
    active = acts[rows, features].cpu().numpy()
    return csr_array((active, features.int().cpu().numpy(), indptr), shape=(len(acts), acts.shape[1]))


def random_directions(n: int, d_model: int, generator: torch.Generator) -> Float[Tensor, "n d_model"]:
    """Rows drawn evenly from the unit sphere."""
    return nn.functional.normalize(torch.randn(n, d_model, generator=generator), dim=1)
