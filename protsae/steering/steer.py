"""Steering: raise features inside the language model and read what it would write instead.

    mask a share of the residues; x = stream at the SAE's layer and site of the masked sequence
    x' = x + decode(raised acts) - decode(acts),   raised = relu(acts + strength * p99)        p99 per feature
    refill the masked residues from the logits of x'

A strength of 1 adds the feature's 99th percentile of positive activations, "as strong as in natural proteins". The
SAE's error stays in x' (switchable), so a strength of 0 leaves x as it is. By default a masked residue changes only
where the raised features alter the model's choice, so a strength of 0 returns the original sequence, exactly.

Read `Steering`: it does what does not depend on the strength once, then `Steering.run` costs the layers above the SAE
and one encoding of the new sequence; `Steering.rewrite` leaves the encoding out. Controls are in `controls.py`, what a
feature does over many proteins in `steerability.py`.

Source: Liu et al. 2025 (arXiv:2509.05309) for masking, raising a term with its ancestors and the refill; the unit of
strength, the error term and the attributable refill are this project's.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError
from protsae.plm.base import PLM, Edit, PLMState
from protsae.plm.spec import PLMSpec
from protsae.steering.types import Reading, Rewritten, SteerableSAE, SteerConfig, SteerResult

__all__ = [
    "Reading",
    "Rewritten",
    "SteerConfig",
    "SteerResult",
    "SteerableSAE",
    "Steering",
    "dose_response",
]


class _Point(NamedTuple):
    """A masked sequence, run up to the SAE."""

    state: PLMState
    acts: Tensor
    decoded: Tensor
    plain: np.ndarray
    """Log-probabilities of the untouched PLM, [n_residues, 20]."""

    unsteered: np.ndarray
    """Log-probabilities at strength 0; differs from `plain` only without the error term."""


class Steering:
    """One sequence, masked and run up to the SAE, ready to be steered at any strength."""

    @torch.no_grad()
    def __init__(self, plm: PLM, spec: PLMSpec, sae: SteerableSAE, sequence: str, config: SteerConfig) -> None:
        """Choose the mask and compute all that no strength changes.

        Args:
            plm: the language model.
            spec: the layer and site that the SAE reads.
            sae: on the PLM's device.
            sequence: upper-case letters, at most `plm.max_residues`.
            config: how to steer; `run` may override its strength.

        Raises:
            InputError: the sequence is too long or has unknown letters, or nothing in it can be masked.
        """
        self.config = config
        self.sequence = sequence
        self.d_model = plm.d_model
        self._plm, self._spec, self._sae = plm, spec, sae
        self._x = self._activations(sequence)
        self.masked = _choose_mask(sequence, self._x.norm(dim=-1).cpu().numpy(), config)
        self._start = self._point(sequence, self.masked)
        noise = np.random.default_rng(config.seed).gumbel(size=(len(self.masked), 20))
        self._noise = dict(zip(self.masked.tolist(), noise, strict=True))

    def run(
        self,
        features: Mapping[int, float],
        *,
        strength: float | None = None,
        read: Sequence[int] | None = None,
        refill: Literal["attributable", "all"] | None = None,
        direction: Float[Tensor, " d_model"] | None = None,
    ) -> SteerResult:
        """The sequence at one strength, and the features read out of it.

        Args:
            features: the features to raise, each with its p99_act.
            strength: None for the configuration's.
            read: features to read out; None for those that are raised.
            refill: None for the configuration's.
            direction: push along this direction instead, at every residue as far as the features would have pushed.

        Raises:
            InputError: there is no such feature, it never fires (its p99_act is no unit), or the strength is infinite.
        """
        strength = self.config.strength if strength is None else strength
        written = self.rewrite(features, strength=strength, refill=refill, direction=direction)
        return self._result(written, strength, list(features) if read is None else read)

    @torch.no_grad()
    def rewrite(
        self,
        features: Mapping[int, float],
        *,
        strength: float | None = None,
        refill: Literal["attributable", "all"] | None = None,
        direction: Float[Tensor, " d_model"] | None = None,
    ) -> Rewritten:
        """The sequence at one strength alone, without a read-out: only the layers above the SAE are run.

        Arguments and errors are those of `run`.
        """
        strength = self.config.strength if strength is None else strength
        self._check(features, strength)
        refill = refill or self.config.refill
        letters, still = list(self.sequence), self.masked
        point = self._start
        rows: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for left in range(self.config.rounds, 0, -1):
            logp = _log_softmax(
                self._plm.logits_from(point.state, edit=self._edit(point, features, strength, direction))
            )
            certain_first = still[np.argsort(-logp[still].max(axis=1), kind="stable")]
            for position in certain_first[: -(-len(still) // left)].tolist():
                rows[position] = (point.plain[position], point.unsteered[position], logp[position])
                letters[position] = self._choose(position, *rows[position][1:], refill)
            still = np.array([p for p in still.tolist() if p not in rows], dtype=np.int64)
            if not len(still):
                break
            point = self._point("".join(letters), still)
        plain, before, after = (np.stack([rows[p][i] for p in self.masked.tolist()]) for i in range(3))
        return Rewritten(self.sequence, "".join(letters), self.masked, plain, before, after)

    @cached_property
    def _encoded(self) -> tuple[Tensor, Tensor]:
        """The original's features, computed when first read out."""
        return self._encode(self._x)

    def _activations(self, sequence: str) -> Float[Tensor, "n_residues d_model"]:
        return self._plm.state(sequence, layer=self._spec.layer, site=self._spec.site).activations

    def _point(self, sequence: str, masked: Int[np.ndarray, " n_masked"]) -> _Point:
        state = self._plm.state(sequence, layer=self._spec.layer, site=self._spec.site, masked=masked.tolist())
        acts = self._sae.encode(state.activations)
        decoded = self._sae.decode(acts, state.activations)
        plain = _log_softmax(self._plm.logits_from(state))
        if self.config.add_error:
            return _Point(state, acts, decoded, plain, plain)
        return _Point(state, acts, decoded, plain, _log_softmax(self._plm.logits_from(state, edit=lambda _: decoded)))

    def _edit(self, point: _Point, features: Mapping[int, float], strength: float, direction: Tensor | None) -> Edit:
        span = slice(*(self.config.residues or (0, len(self.sequence))))
        raised = point.acts.clone()
        for feature, p99 in features.items():
            raised[span, feature] = (point.acts[span, feature] + strength * p99).clamp(min=0)
        push = self._sae.decode(raised, point.state.activations) - point.decoded
        if direction is not None:
            unit = (direction / direction.norm()).to(push)
            push = push.norm(dim=-1, keepdim=True) * unit
        return lambda x: (x if self.config.add_error else point.decoded) + push

    def _choose(self, position: int, before: np.ndarray, after: np.ndarray, refill: str) -> str:
        old, new = before, after
        if self.config.temperature > 0:
            old, new = (logp / self.config.temperature + self._noise[position] for logp in (before, after))
        if refill == "attributable" and old.argmax() == new.argmax():
            return self.sequence[position]
        return AMINO_ACIDS[new.argmax()]

    @torch.no_grad()
    def _result(self, written: Rewritten, strength: float, read: Sequence[int]) -> SteerResult:
        old, new = (written.letters(s) for s in (self.sequence, written.steered))
        each = np.arange(len(self.masked))
        odds = written.after[each, new] - written.after[each, old]
        same = written.steered == self.sequence
        encoded = self._encoded if same else self._encode(self._activations(written.steered))
        return SteerResult(
            strength=strength,
            original=self.sequence,
            steered=written.steered,
            masked=self.masked,
            changed=written.changed,
            logp_before=written.before,
            logp_after=written.after,
            log_odds=odds[old != new],
            before=_read(*self._encoded, read),
            after=_read(*encoded, read),
            perplexity_before=float(np.exp(written.surprisal_before)),
            perplexity_after=float(np.exp(written.surprisal_after)),
        )

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        acts = self._sae.encode(x)
        predict = getattr(self._sae, "concept_probs", None)
        return acts, acts[:, :0] if predict is None else predict(x)

    def _check(self, features: Mapping[int, float], strength: float) -> None:
        if not math.isfinite(strength):
            raise InputError(f"The strength must be a finite number, got {strength}.")
        if not features:
            raise InputError("There is no feature to steer: choose at least one.")
        for feature, p99 in features.items():
            if not 0 <= feature < self._sae.d_sae:
                raise InputError(f"There is no feature {feature}: this SAE has features 0 to {self._sae.d_sae - 1}.")
            if not 0 < p99 < math.inf:
                raise InputError(f"Feature {feature} has no natural strength (p99_act {p99}): choose one that fires.")


def dose_response(steering: Steering, features: Mapping[int, float], strengths: Sequence[float]) -> list[SteerResult]:
    """The same sequence and mask at several strengths.

    Raises:
        InputError: a feature cannot be used.
    """
    return [steering.run(features, strength=strength) for strength in strengths]


def _choose_mask(sequence: str, length: Float[np.ndarray, " n"], config: SteerConfig) -> Int[np.ndarray, " n_masked"]:
    first, end = config.residues or (0, len(sequence))
    if end > len(sequence):
        raise InputError(f"Residues {first + 1} to {end} were chosen, but the sequence has only {len(sequence)}.")
    candidates = np.array([i for i in range(first, end) if sequence[i] in AMINO_ACIDS], dtype=np.int64)
    if not len(candidates):
        raise InputError(f"None of the residues {sequence[first:end][:20]!r} is a standard amino acid to steer.")
    count = max(1, round(config.mask_ratio * len(candidates)))
    if config.mask_choice == "random":
        return np.sort(np.random.default_rng(config.seed).choice(candidates, count, replace=False))
    return np.sort(candidates[np.argsort(length[candidates], kind="stable")[:count]])


def _read(
    acts: Float[Tensor, "n_residues d_sae"], pi: Float[Tensor, "n_residues n_defined"], features: Sequence[int]
) -> tuple[Reading, ...]:
    return tuple(
        Reading(
            feature,
            float(acts[:, feature].max()),
            float(acts[:, feature].mean()),
            float(pi[:, feature].mean()) if feature < pi.shape[1] else None,
        )
        for feature in features
    )


def _log_softmax(logits: Float[Tensor, "n 20"]) -> Float[np.ndarray, "n 20"]:
    return logits.log_softmax(dim=-1).numpy()
