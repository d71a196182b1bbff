"""A recipe: all that it takes to steer one sequence to the same result again, as JSON.

    {"format": "protsae-steering", "version": 1, "bundle_id": ..., "sae": ..., "sequence": ...,
     "features": {"17": 0.42}, "strength": 1.5, "always": {}, "config": {...}, "samples": 1}

`features` holds what a strength of 1 adds to each feature, so that a recipe needs no store; `config` is `SteerConfig`.
`bundle_id` says which bundle made it: replaying it with another one is refused. Read `Recipe`, then `replay`.
"""

import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from protsae.errors import ConfigError, InputError
from protsae.plm.base import PLM
from protsae.plm.spec import PLMSpec
from protsae.steering.samples import MOST_SAMPLES, Sample, samples
from protsae.steering.steer import SteerableSAE, SteerConfig, Steering

FORMAT, VERSION = "protsae-steering", 1
MOST_BYTES = 1_000_000
"""Of a file that is read."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What was steered, and how."""

    bundle_id: str
    """Of the bundle with which it was made."""

    sae: str
    """Name of the SAE in that bundle."""

    sequence: str
    """Upper-case letters."""

    features: dict[int, float]
    """Feature -> what a strength of 1 adds to it: its p99_act."""

    strength: float = 1.0
    """In units of the features' p99_act."""

    always: dict[int, float] = field(default_factory=dict)
    """Feature -> what is added to it whatever the strength."""

    config: SteerConfig = field(default_factory=SteerConfig)
    """How; its strength is not used."""

    samples: int = 1
    """Sequences that are written, each with a seed of its own; 1 to 200."""

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= MOST_SAMPLES:
            raise ConfigError(f"samples must be 1 to {MOST_SAMPLES}, got {self.samples}.")
        if not math.isfinite(self.strength):
            raise ConfigError(f"strength must be a finite number, got {self.strength}.")

    def text(self) -> str:
        """As JSON, the same for the same recipe."""
        whole = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return json.dumps(whole, indent=1, sort_keys=True)

    def line(self) -> str:
        """On one line and without the sequence, for the header of a FASTA record."""
        whole = {"format": FORMAT, "version": VERSION, **asdict(self)}
        del whole["sequence"]
        return json.dumps(whole, separators=(",", ":"), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Self:
        """From JSON.

        Raises:
            InputError: it is no recipe, or of another version; the sentence says which part is wrong.
        """
        try:
            whole = json.loads(text[: MOST_BYTES + 1])
        except ValueError as error:
            raise InputError(f"This is no JSON ({error}): give a recipe as the Steer page writes it.") from error
        if not isinstance(whole, dict) or whole.get("format") != FORMAT:
            raise InputError(f'This is no steering recipe: its "format" must be {FORMAT!r}.')
        if whole.get("version") != VERSION:
            raise InputError(f"The recipe's version is {whole.get('version')!r}, but {VERSION} is read here.")
        known = {one.name for one in fields(cls)}
        unknown = sorted(set(whole) - known - {"format", "version"})
        if unknown:
            raise InputError(f"The recipe has an unknown entry {unknown[0]!r}: remove it.")
        try:
            return cls(
                bundle_id=_kind(whole, "bundle_id", str),
                sae=_kind(whole, "sae", str),
                sequence=_kind(whole, "sequence", str),
                features=_amounts(whole, "features"),
                strength=float(_kind(whole, "strength", (int, float))),
                always=_amounts(whole, "always"),
                config=_config(_kind(whole, "config", dict)),
                samples=_kind(whole, "samples", int),
            )
        except ConfigError as error:
            raise InputError(f"The recipe cannot be followed: {error}") from error


def replay(recipe: Recipe, plm: PLM, spec: PLMSpec, sae: SteerableSAE) -> list[Sample]:
    """The recipe's sequences, in the order of their seeds.

    Raises:
        InputError: its sequence or features do not fit the models.
    """
    steering = Steering(plm, spec, sae, recipe.sequence, recipe.config)
    return list(samples(steering, recipe.features, recipe.samples, strength=recipe.strength, always=recipe.always))


def _kind(whole: dict[str, Any], name: str, kind: Any) -> Any:
    value = whole.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"The recipe's {name!r} is missing or of the wrong kind, got {value!r}.")
    return value


def _amounts(whole: dict[str, Any], name: str) -> dict[int, float]:
    found = _kind(whole, name, dict)
    try:
        return {int(feature): float(amount) for feature, amount in found.items()}
    except (TypeError, ValueError) as error:
        raise InputError(f"The recipe's {name!r} must hold a number for each feature, got {found!r}.") from error


def _config(found: dict[str, Any]) -> SteerConfig:
    known = {one.name: one for one in fields(SteerConfig)}
    for name, value in found.items():
        if name not in known:
            raise InputError(f"The recipe's config has an unknown entry {name!r}: remove it.")
        if not _fits(name, value):
            raise InputError(f"The recipe's config has {name} {value!r}, which is not a value that it can have.")
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return replace(SteerConfig(), **given)


_CHOICES = {
    "mask_choice": ("low_activation", "random", "responsive"),
    "method": ("masked", "gibbs", "unmasked"),
    "by": ("activations", "logits"),
    "reach": ("layer", "above"),
    "refill": ("attributable", "all"),
}
_INTEGERS, _FLAGS = ("rounds", "seed"), ("add_error", "include_ancestors")


def _fits(name: str, value: object) -> bool:
    """Whether JSON gave a setting a value of its kind; ranges are checked by the configuration itself."""
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name in _FLAGS:
        return isinstance(value, bool)
    if name == "residues" and value is None:
        return True
    if name in {"residues", "locked"}:
        return (
            isinstance(value, list) and all(type(one) is int for one in value) and (name == "locked" or len(value) == 2)
        )
    if isinstance(value, bool):
        return False
    return isinstance(value, int) if name in _INTEGERS else isinstance(value, int | float)
