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

With `detector`, too, a_def reads directions of its own, W_detect, in the place of W_pred [D].

W_pred[c] = e_c + e_hasFunction and b_pred[c] = |radius_c| + offset_c are DeepGOZero's score x.(e_c + rho) + |r_c| with
a free offset [D]; the axiom losses act on e and radius (`geometry.py`). [D] marks what is designed here where the paper
is silent.

Read `ProtSAEConfig` in `protsae_config.py`, then `ProtSAE.sparsify`. Written from the paper's formulas; no code was
taken over.
"""

from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from typing_extensions import override

from protsae.sae.base import SAE, random_directions
from protsae.sae.losses import bag_logits, top_logits
from protsae.sae.passes import ForcingRule
from protsae.sae.protsae_config import ProtSAEConfig
from protsae.sae.topk import keep_top_k, place_in_top_k

FIRST_PACE, LAST_PACE, PACE_STEPS = 0.2, 0.01, 50
"""Thresholds move by the first at the start and by the last in the end, half-way after so many steps."""


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

    def firing_predictor(self) -> tuple[Float[Tensor, "m d_model"], Float[Tensor, " m"]]:
        """The same as `concept_predictor`, for what defined features read."""
        weight, bias = self.firing_directions()
        return weight, bias - weight @ self.centre

    def firing_logits(self, x_in: Float[Tensor, "n d_model"]) -> Float[Tensor, "n m"]:
        """Logits of what defined features read, for rescaled input; the predictor's without a detector."""
        return nn.functional.linear(x_in, *self.firing_predictor())

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
        w_def, b_def = self._defined_encoder(slice(None))
        return torch.cat([w_def, self.W_free]), torch.cat([b_def, self.b_free])

    def _defined_encoder(self, rows: slice) -> tuple[Float[Tensor, "n d_model"], Float[Tensor, " n"]]:
        w_def, b_def = self.firing_directions()[0][rows], self.b_def[rows]
        w_def = w_def.detach() if self.cfg.detach else w_def
        b_def = b_def.detach() if self.fires_apart else b_def
        if self.cfg.rescale:
            scale = self.r_pred[rows].exp()
            w_def = w_def * scale[:, None]
            b_def = b_def * scale if self.fires_apart else b_def
        return w_def, b_def

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

    @override
    def encode_feature(self, x: Float[Tensor, "n d_model"], feature: int) -> Float[Tensor, " n"]:
        """Defined features that fire apart are their own pre-activations; free ones compete with free ones."""
        if not self.fires_apart:
            return self.encode(x)[:, feature]
        u, m = self.rescaled(x) - self.b_dec, self.cfg.n_defined
        if feature >= m:
            return place_in_top_k(u, self.W_free, self.b_free, feature - m, self.cfg.k)
        weight, bias = self._defined_encoder(slice(feature, feature + 1))
        return (u @ weight[0] + bias[0]).relu()

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
