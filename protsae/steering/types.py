"""What goes into steering and what comes out; how it is done is in `steer.py`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ConfigError

TESTED_STRENGTH = 5.0
"""That features are tested at: weaker pushes hardly move what judges read (docs/steering.md)."""


class SteerableSAE(Protocol):
    """What steering needs of an SAE; `protsae.sae` has the real ones."""

    @property
    def d_sae(self) -> int:
        """Number of features."""
        ...

    def encode(self, x: Tensor, /) -> Tensor:
        """Residue activations [n, d_model] -> feature activations [n, d_sae]."""
        ...

    def decode(self, acts: Tensor, x: Tensor | None = None, /) -> Tensor:
        """Feature activations -> residue activations, both in the PLM's units; x is the residues they came from."""
        ...


@dataclass(frozen=True, kw_only=True)
class SteerConfig:
    """How to steer."""

    strength: float = 1.0
    """In units of each feature's p99_act; 0 changes nothing, below 0 lowers the features."""

    mask_ratio: float = 0.5
    """Share of the residues that may change, 0 to 1; the paper's."""

    mask_choice: Literal["low_activation", "random", "responsive"] = "responsive"
    """Which ones: those with the shortest PLM activations at the SAE's place, any, or those whose predictions move most
    when the push is made with nothing hidden, at the strength that features are tested at; they are the same at every
    strength of one sign."""

    method: Literal["masked", "gibbs", "unmasked"] = "masked"
    """Hide a share of the residues and refill them, as the paper does; hide a few at a time, over and over, until that
    share differs; or hide nothing and take that share of substitutions, the most favoured by the push first."""

    by: Literal["activations", "logits"] = "activations"
    """What the strength multiplies: the features' activations, or the change of the logits that half of their p99_act
    brings about (logit-difference amplification)."""

    reach: Literal["layer", "above"] = "layer"
    """Push at the SAE's layer alone, or at the same site of every layer above it, too."""

    at_once: float = 0.1
    """Share of the residues that a step of `gibbs` hides, above 0 and at most 1."""

    residues: tuple[int, int] | None = None
    """Only these residues are masked and steered, from 0, end excluded; None for the whole chain."""

    locked: tuple[int, ...] = ()
    """Residues that never change, from 0, e.g. an active site."""

    add_error: bool = True
    """Keep what the SAE does not reconstruct; False decodes alone, as the paper does."""

    include_ancestors: bool = True
    """Raise the features of a GO term's ancestors with its own; for whoever chooses the features."""

    rounds: int = 1
    """Passes over which the masked residues are refilled, the most certain first; later passes see earlier ones. Of
    `gibbs`: how often each residue is visited at most."""

    temperature: float = 0.0
    """0 takes the likeliest residue; above 0 samples, with the same noise for the steered and the unsteered choice."""

    seed: int = 0
    """Of a random mask and of sampling."""

    refill: Literal["attributable", "all"] = "attributable"
    """Change a masked residue only where steering alters the choice, or refill every one, as the paper does."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.strength):
            raise ConfigError(f"strength must be a finite number, got {self.strength}.")
        if not 0 < self.mask_ratio <= 1:
            raise ConfigError(f"mask_ratio must be above 0 and at most 1, got {self.mask_ratio}.")
        if not 0 < self.at_once <= 1:
            raise ConfigError(f"at_once must be above 0 and at most 1, got {self.at_once}.")
        if self.locked and min(self.locked) < 0:
            raise ConfigError(f"locked must hold residues counted from 0, got {min(self.locked)}.")
        if self.residues and not 0 <= self.residues[0] < self.residues[1]:
            raise ConfigError(f"residues must be (first, end) with 0 <= first < end, got {self.residues}.")
        if self.rounds < 1:
            raise ConfigError(f"rounds must be at least 1, got {self.rounds}.")
        if not 0 <= self.temperature < math.inf:
            raise ConfigError(f"temperature must be 0 or above, got {self.temperature}.")


class Predictions(NamedTuple):
    """What the model would write, as log-probabilities in the order of AMINO_ACIDS."""

    plain: Float[np.ndarray, "n 20"]
    """Of the untouched PLM."""

    before: Float[np.ndarray, "n 20"]
    """At strength 0; differs from `plain` only without the error term."""

    after: Float[np.ndarray, "n 20"]
    """Under the push."""

    def at(self, positions: Int[np.ndarray, " m"]) -> "Predictions":
        """Of some residues."""
        return Predictions(*(rows[positions] for rows in self))


class Push(NamedTuple):
    """What is added to feature activations at every residue, never below silence."""

    features: Mapping[int, float]
    """What a strength of 1 adds to each: its p99_act."""

    strength: float = 1.0
    always: Mapping[int, float] = {}
    """Added whatever the strength: features that have a dose of their own."""

    direction: Float[Tensor, " d_model"] | None = None
    """Push along this direction instead, at every residue as far as the features would have pushed."""

    @property
    def is_nothing(self) -> bool:
        """Nothing is added to any feature."""
        return self.strength == 0 and not any(self.always.values())


class Reading(NamedTuple):
    """A feature over one whole sequence, as the SAE encodes it anew."""

    feature: int
    max_act: float
    mean_act: float
    mean_pi: float | None
    """ProtSAE's concept predictor, mean over residues, 0 to 1; None for other features."""


class Rewritten(NamedTuple):
    """A sequence that was written anew under a push, before anything is read out of it. Positions count from 0."""

    original: str
    steered: str
    masked: Int[np.ndarray, " n_masked"]
    """Positions that could change, ascending."""

    plain: Float[np.ndarray, "n_masked 20"]
    """Log-probabilities of the untouched PLM at the masked positions, in the order of AMINO_ACIDS."""

    before: Float[np.ndarray, "n_masked 20"]
    """The same at strength 0; differs from `plain` only without the error term."""

    after: Float[np.ndarray, "n_masked 20"]
    """The same under the push."""

    def letters(self, sequence: str) -> Int[np.ndarray, " n_masked"]:
        """A sequence's residues at the masked positions, as places in AMINO_ACIDS."""
        return np.array([AMINO_ACIDS.index(sequence[p]) for p in self.masked], dtype=np.int64)

    @property
    def changed(self) -> Int[np.ndarray, " n_changed"]:
        """Positions that differ, ascending."""
        return self.masked[self.letters(self.original) != self.letters(self.steered)]

    @property
    def surprisal_before(self) -> float:
        """Mean of -ln p of the original residues at the masked positions under the untouched PLM, nats, 0 or above."""
        return self._surprisal(self.original)

    @property
    def surprisal_after(self) -> float:
        """Of the new residues there."""
        return self._surprisal(self.steered)

    def _surprisal(self, sequence: str) -> float:
        return float(-self.plain[np.arange(len(self.masked)), self.letters(sequence)].mean())


class SteerResult(NamedTuple):
    """What one strength did to one sequence. Positions count from 0."""

    strength: float
    original: str
    steered: str
    masked: Int[np.ndarray, " n_masked"]
    """Positions that could change, ascending."""

    changed: Int[np.ndarray, " n_changed"]
    """Positions that did, ascending."""

    logp_before: Float[np.ndarray, "n_masked 20"]
    """Log-probabilities at the masked positions without the raised features, in the order of AMINO_ACIDS."""

    logp_after: Float[np.ndarray, "n_masked 20"]
    """The same with them."""

    log_odds: Float[np.ndarray, " n_changed"]
    """ln p(new) - ln p(original) under steering, per changed position."""

    before: tuple[Reading, ...]
    """The features on the original sequence, in the order in which they were given."""

    after: tuple[Reading, ...]
    """The same on the steered sequence."""

    perplexity_before: float
    """Of the original residues at the masked positions under the unsteered PLM, all masked at once: 1 to infinity."""

    perplexity_after: float
    """Of the new residues there. A cheap stand-in for pseudo-perplexity: no further pass through the model."""

    @classmethod
    def of(
        cls, written: Rewritten, strength: float, before: tuple[Reading, ...], after: tuple[Reading, ...]
    ) -> "SteerResult":
        """What was written, with what features make of the original and of the new sequence."""
        old, new = (written.letters(s) for s in (written.original, written.steered))
        each = np.arange(len(written.masked))
        odds = written.after[each, new] - written.after[each, old]
        return cls(
            strength=strength,
            original=written.original,
            steered=written.steered,
            masked=written.masked,
            changed=written.changed,
            logp_before=written.before,
            logp_after=written.after,
            log_odds=odds[old != new],
            before=before,
            after=after,
            perplexity_before=float(np.exp(written.surprisal_before)),
            perplexity_after=float(np.exp(written.surprisal_after)),
        )

    @property
    def n_changed(self) -> int:
        """Residues that differ."""
        return len(self.changed)
