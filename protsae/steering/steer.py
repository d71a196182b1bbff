"""Steering: raise features inside the language model and read what it would write instead.

    mask a share of the residues; x = stream at the SAE's layer and site of the masked sequence
    x' = x + decode(raised acts) - decode(acts),   raised = relu(acts + strength * p99)        p99 per feature
    refill the masked residues from the logits of x'

A strength of 1 adds the feature's 99th percentile of positive activations, "as strong as in natural proteins". The
SAE's error stays in x' (switchable), so a strength of 0 leaves x as it is. By default a masked residue changes only
where the raised features alter the model's choice, so a strength of 0 returns the original sequence, exactly.

The push can be made on the logits instead (`by`): z' = z + strength / s0 (z(s0) - z), z(s0) under a push of s0 = 1/2.

Read `Steering`: it does what does not depend on the strength once, then `Steering.run` costs the layers above the SAE
and one encoding of the new sequence; `Steering.rewrite` leaves the encoding out, `Steering.scan` hides nothing. How
letters are chosen is in `refill.py`, controls in `controls.py`, what a feature does over many proteins in
`steerability.py`.

Source: Liu et al. 2025 (arXiv:2509.05309) for masking, raising a term with its ancestors and the refill; the unit of
strength, the error term and the attributable refill are this project's. Logit-difference amplification: Aranguri and
McGrath 2025, "Discovering undesired rare behaviors via model diff amplification" (Goodfire).
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError
from protsae.plm.base import PLM, PLMState
from protsae.plm.spec import PLMSpec
from protsae.steering import refill as refilling
from protsae.steering.types import (
    TESTED_STRENGTH,
    Predictions,
    Push,
    Reading,
    Rewritten,
    SteerableSAE,
    SteerConfig,
    SteerResult,
)

__all__ = [
    "Predictions",
    "Push",
    "Reading",
    "Rewritten",
    "SteerConfig",
    "SteerResult",
    "SteerableSAE",
    "Steering",
    "dose_response",
]

AMPLIFIED = 0.5
"""Strength of the push whose change of the logits is multiplied, where the strength multiplies logits."""

_NOTHING = np.zeros(0, dtype=np.int64)

_KEPT = 4
"""Masked states that are remembered: of the feature, its controls and alternatives."""


class _Point(NamedTuple):
    """A sequence, perhaps masked, run up to the SAE."""

    state: PLMState
    acts: Tensor
    decoded: Tensor
    plain: np.ndarray
    """Log-probabilities of the untouched PLM, [n_residues, 20]."""

    unsteered: np.ndarray
    """Log-probabilities at strength 0; differs from `plain` only without the error term."""


class Steering:
    """One sequence, run up to the SAE, ready to be steered at any strength."""

    @torch.no_grad()
    def __init__(self, plm: PLM, spec: PLMSpec, sae: SteerableSAE, sequence: str, config: SteerConfig) -> None:
        """Choose what may change and compute all that no strength changes.

        Args:
            plm: the language model.
            spec: the layer and site that the SAE reads.
            sae: on the PLM's device.
            sequence: upper-case letters, at most `plm.max_residues`.
            config: how to steer; `run` may override its strength.

        Raises:
            InputError: the sequence is too long or has unknown letters, or nothing in it can be changed.
        """
        self.config = config
        self.sequence = sequence
        self.d_model = plm.d_model
        self._plm, self._spec, self._sae = plm, spec, sae
        self.free = _free(sequence, config)
        self._x = self._activations(sequence)
        self._masked = self._fixed_mask()
        self._points: dict[bytes, _Point] = {}
        self._responsive: dict[Hashable, Int[np.ndarray, " n_masked"]] = {}

    @property
    def masked(self) -> Int[np.ndarray, " n_masked"]:
        """Positions that may change at any strength, ascending."""
        return self.free if self._masked is None else self._masked

    def run(
        self,
        features: Mapping[int, float],
        *,
        strength: float | None = None,
        always: Mapping[int, float] | None = None,
        read: Sequence[int] | None = None,
        refill: Literal["attributable", "all"] | None = None,
        direction: Float[Tensor, " d_model"] | None = None,
        seed: int | None = None,
    ) -> SteerResult:
        """The sequence at one strength, and the features read out of it.

        Args:
            features: the features to raise, each with its p99_act.
            strength: None for the configuration's.
            always: features that are raised whatever the strength, each with what is added to it.
            read: features to read out; None for those that are raised.
            refill: None for the configuration's.
            direction: push along this direction instead, at every residue as far as the features would have pushed.
            seed: of sampling; None for the configuration's.

        Raises:
            InputError: there is no such feature, it never fires (its p99_act is no unit), or the strength is infinite.
        """
        strength = self.config.strength if strength is None else strength
        written = self.rewrite(
            features, strength=strength, always=always, refill=refill, direction=direction, seed=seed
        )
        return self.read_out(written, strength, list(features) if read is None else read)

    @torch.no_grad()
    def rewrite(
        self,
        features: Mapping[int, float],
        *,
        strength: float | None = None,
        always: Mapping[int, float] | None = None,
        refill: Literal["attributable", "all"] | None = None,
        direction: Float[Tensor, " d_model"] | None = None,
        seed: int | None = None,
    ) -> Rewritten:
        """The sequence at one strength alone, without a read-out: only the layers above the SAE are run.

        Arguments and errors are those of `run`.
        """
        push = self._push(features, strength, always, direction)
        config = self.config if refill is None else replace(self.config, refill=refill)
        seed = config.seed if seed is None else seed

        def predict(letters: str, hidden: Int[np.ndarray, " n"]) -> Predictions:
            return self._predictions(self._point(letters, hidden), push)

        if config.method == "gibbs":
            return refilling.gibbs(predict, self.sequence, self.free, config, seed)
        if config.method == "unmasked":
            return refilling.unmasked(predict, self.sequence, self.free, config, seed)
        return refilling.masked(predict, self.sequence, self._mask(push), config, seed)

    @torch.no_grad()
    def scan(
        self,
        features: Mapping[int, float],
        *,
        strength: float | None = None,
        always: Mapping[int, float] | None = None,
        direction: Float[Tensor, " d_model"] | None = None,
    ) -> Predictions:
        """What the model prefers at every residue with nothing hidden, without the push and with it.

        Arguments and errors are those of `run`.
        """
        return self._predictions(self._whole, self._push(features, strength, always, direction))

    @torch.no_grad()
    def read_out(self, written: Rewritten, strength: float, read: Sequence[int]) -> SteerResult:
        """What features make of a new sequence, beside what they made of the original."""
        same = written.steered == self.sequence
        encoded = self._encoded if same else self._encode(self._activations(written.steered))
        return SteerResult.of(written, strength, _read(*self._encoded, read), _read(*encoded, read))

    @cached_property
    def _encoded(self) -> tuple[Tensor, Tensor]:
        """The original's features, computed when first read out."""
        return self._encode(self._x)

    @cached_property
    def _whole(self) -> _Point:
        """The original with nothing hidden."""
        return self._compute_point(self.sequence, _NOTHING)

    def _push(
        self,
        features: Mapping[int, float],
        strength: float | None,
        always: Mapping[int, float] | None,
        direction: Tensor | None,
    ) -> Push:
        push = Push(features, self.config.strength if strength is None else strength, always or {}, direction)
        _check(push, self._sae.d_sae)
        return push

    def _mask(self, push: Push) -> Int[np.ndarray, " n_masked"]:
        """The residues to hide; the same at every strength of one sign, so that a dose-response is of one mask."""
        if self._masked is not None:
            return self._masked
        strong = push._replace(strength=math.copysign(TESTED_STRENGTH, push.strength))
        direction = None if push.direction is None else push.direction.cpu().numpy().tobytes()
        key = (strong.strength, tuple(push.features.items()), tuple(push.always.items()), direction)
        if key not in self._responsive:
            found = self._predictions(self._whole, strong).at(self.free)
            moved = (np.exp(found.after) * (found.after - found.before)).sum(axis=1)
            count = refilling.wanted(len(self.free), self.config)
            _keep(self._responsive, key, np.sort(self.free[np.argsort(-moved, kind="stable")[:count]]))
        return self._responsive[key]

    def _fixed_mask(self) -> Int[np.ndarray, " n_masked"] | None:
        """The mask, None where it depends on the push or nothing is masked at once."""
        if self.config.method != "masked" or self.config.mask_choice == "responsive":
            return None
        count = refilling.wanted(len(self.free), self.config)
        if self.config.mask_choice == "random":
            return np.sort(np.random.default_rng(self.config.seed).choice(self.free, count, replace=False))
        length = self._x.norm(dim=-1).cpu().numpy()
        return np.sort(self.free[np.argsort(length[self.free], kind="stable")[:count]])

    def _activations(self, sequence: str) -> Float[Tensor, "n_residues d_model"]:
        return self._plm.state(sequence, layer=self._spec.layer, site=self._spec.site).activations

    def _point(self, sequence: str, hidden: Int[np.ndarray, " n_masked"]) -> _Point:
        if sequence != self.sequence or self.config.method == "gibbs":
            return self._compute_point(sequence, hidden)
        if not len(hidden):
            return self._whole
        key = hidden.tobytes()
        point = self._points.get(key) or self._compute_point(sequence, hidden)
        _keep(self._points, key, point)
        return point

    def _compute_point(self, sequence: str, hidden: Int[np.ndarray, " n_masked"]) -> _Point:
        state = self._plm.state(sequence, layer=self._spec.layer, site=self._spec.site, masked=hidden.tolist())
        acts = self._sae.encode(state.activations)
        decoded = self._sae.decode(acts, state.activations)
        plain = _log_softmax(self._plm.logits_from(state))
        if self.config.add_error:
            return _Point(state, acts, decoded, plain, plain)
        return _Point(state, acts, decoded, plain, _log_softmax(self._plm.logits_from(state, edit=lambda _: decoded)))

    def _predictions(self, point: _Point, push: Push) -> Predictions:
        if self.config.by == "activations":
            return Predictions(point.plain, point.unsteered, self._pushed(point, push))
        if push.is_nothing:
            return Predictions(point.plain, point.unsteered, point.unsteered)
        small = push._replace(strength=math.copysign(AMPLIFIED, push.strength) if push.strength else 0.0)
        change = self._pushed(point, small) - point.unsteered
        amplified = point.unsteered + (abs(push.strength) / AMPLIFIED if push.strength else 1.0) * change
        return Predictions(point.plain, point.unsteered, _log_softmax(torch.from_numpy(amplified)))

    def _pushed(self, point: _Point, push: Push) -> Float[np.ndarray, "n_residues 20"]:
        """Log-probabilities under a push of activations."""
        moved = self._moved(point, push)
        base = None if self.config.add_error else point.decoded
        state = point.state

        def edit(x: Tensor) -> Tensor:
            return (x if base is None or state is not point.state else base) + moved

        if self.config.reach == "above":
            for layer in range(state.layer + 1, self._plm.num_layers + 1):
                state = self._plm.onward(state, layer=layer, site=state.site, edit=edit)
        return _log_softmax(self._plm.logits_from(state, edit=edit))

    def _moved(self, point: _Point, push: Push) -> Float[Tensor, "n_residues d_model"]:
        """How far each residue is moved; exactly 0 for a push of nothing."""
        span = slice(*(self.config.residues or (0, len(self.sequence))))
        raised = point.acts.clone()
        for feature, p99 in push.features.items():
            raised[span, feature] = (point.acts[span, feature] + push.strength * p99).clamp(min=0)
        for feature, added in push.always.items():
            raised[span, feature] = (raised[span, feature] + added).clamp(min=0)
        moved = self._sae.decode(raised, point.state.activations) - point.decoded
        if push.direction is None:
            return moved
        unit = (push.direction / push.direction.norm()).to(moved)
        return moved.norm(dim=-1, keepdim=True) * unit

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        acts = self._sae.encode(x)
        predict = getattr(self._sae, "concept_probs", None)
        return acts, acts[:, :0] if predict is None else predict(x)


def _keep(kept: dict[Any, Any], key: Hashable, value: object) -> None:
    """Remember a value among the last few."""
    kept[key] = value
    for oldest in list(kept)[:-_KEPT]:
        kept.pop(oldest, None)


def dose_response(steering: Steering, features: Mapping[int, float], strengths: Sequence[float]) -> list[SteerResult]:
    """The same sequence and mask at several strengths.

    Raises:
        InputError: a feature cannot be used.
    """
    return [steering.run(features, strength=strength) for strength in strengths]


def _check(push: Push, d_sae: int) -> None:
    if not math.isfinite(push.strength):
        raise InputError(f"The strength must be a finite number, got {push.strength}.")
    if not push.features:
        raise InputError("There is no feature to steer: choose at least one.")
    for feature in (*push.features, *push.always):
        if not 0 <= feature < d_sae:
            raise InputError(f"There is no feature {feature}: this SAE has features 0 to {d_sae - 1}.")
    for feature, p99 in push.features.items():
        if not 0 < p99 < math.inf:
            raise InputError(f"Feature {feature} has no natural strength (p99_act {p99}): choose one that fires.")
    for feature, added in push.always.items():
        if not math.isfinite(added):
            raise InputError(f"What is added to feature {feature} must be a finite number, got {added}.")


def _free(sequence: str, config: SteerConfig) -> Int[np.ndarray, " n_free"]:
    """Positions that may change: standard amino acids of the range that are not locked."""
    first, end = config.residues or (0, len(sequence))
    if end > len(sequence):
        raise InputError(f"Residues {first + 1} to {end} were chosen, but the sequence has only {len(sequence)}.")
    standard = [i for i in range(first, end) if sequence[i] in AMINO_ACIDS]
    if not standard:
        raise InputError(f"None of the residues {sequence[first:end][:20]!r} is a standard amino acid to steer.")
    locked = frozenset(config.locked)
    free = np.array([i for i in standard if i not in locked], dtype=np.int64)
    if not len(free):
        raise InputError(f"All of residues {first + 1} to {end} are locked: unlock one of them.")
    return free


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
