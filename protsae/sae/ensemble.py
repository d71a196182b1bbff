"""Several SAEs presented as one: a weighted sum of their reconstructions, with all their features beside each other.

    bag     x_hat = 1/J sum_j x_hat_j(x)                       members trained alike, from different seeds
    boost   x_hat = sum_j x_hat_j(r_j),  r_1 = x,  r_j = x - sum_{i<j} x_hat_i(r_i)      each trained on what is left

In both x_hat = acts @ W_dec + b_dec, with

    W_dec   rows of the members' decoders in the PLM's own units, one below the other, at unit length
    acts    the members' activations, times weight and length of their row
    b_dec   sum of the members' b_dec in the PLM's own units, weighted

so steering, features and files know it as any other SAE. Both sums are the same number: they differ by rounding alone,
by less than 1e-6 of a residue's length in float32 (a dimension near 0 by more of itself) and 1e-12 in float64. It reads
and writes the PLM's own units (its gain is 1) and is made of trained members, never trained as a whole.

Read `EnsembleSAE.of`, then `EnsembleSAE.forward`. Trained members come from `protsae/training/ensembles.py`.

Source: Gadgil et al. 2025 (arXiv:2505.16077).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal, Self, cast, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from typing_extensions import override

from protsae.errors import ConfigError
from protsae.sae.base import ARCHITECTURES, SAE
from protsae.sae.config import SizedConfig

Mode = Literal["bag", "boost"]

_LEAST = 1e-12


@dataclass(frozen=True, kw_only=True)
class EnsembleSAEConfig(SizedConfig):
    """Which SAEs, and how they are summed; d_sae and k are sums over the members."""

    mode: Mode
    """bag or boost."""

    members: tuple[str, ...]
    """Architecture and config of each, as JSON."""

    def __post_init__(self) -> None:
        """Refuse what makes no ensemble."""
        super().__post_init__()
        if self.mode not in get_args(Mode):
            raise ConfigError(f"mode must be one of {', '.join(get_args(Mode))}, got {self.mode!r}")
        if not self.members:
            raise ConfigError("an ensemble needs at least one member, got none")
        if self.normalise == "token":
            raise ConfigError("an ensemble reads the PLM's own units, so normalise must be scalar, got 'token'")


class EnsembleSAE(SAE):
    """Members side by side; features of the first come first."""

    architecture: ClassVar[str] = "ensemble"
    config_class: ClassVar[type] = EnsembleSAEConfig
    is_trained: ClassVar[bool] = False
    cfg: EnsembleSAEConfig

    def __init__(self, cfg: EnsembleSAEConfig, *, seed: int = 0) -> None:
        """Members with fresh weights, for a file to fill; `of` makes an ensemble of trained ones."""
        super().__init__(cfg)
        self.members = nn.ModuleList([_fresh(text, seed) for text in cfg.members])
        self.W_dec = nn.Parameter(torch.zeros(cfg.d_sae, cfg.d_model), requires_grad=False)
        self.b_dec = nn.Parameter(torch.zeros(cfg.d_model), requires_grad=False)

    @classmethod
    def of(cls, members: Sequence[SAE], mode: Mode) -> Self:
        """One SAE of trained members, which keep their weights; in the precision of the first.

        Args:
            members: of one width d_model; of `boost` in the order in which they were trained.
            mode: how they are summed.

        Raises:
            ConfigError: there is none, their widths differ, or one rescales each residue by its own norm.
        """
        widths = {member.d_model for member in members}
        if len(widths) > 1:
            raise ConfigError(f"members of an ensemble must read the same width, got {sorted(widths)}")
        if any(member.cfg.normalise == "token" for member in members):
            raise ConfigError("a member with normalise='token' is not linear in its activations; train it otherwise")
        made = cls(
            EnsembleSAEConfig(
                d_model=max(widths, default=1),
                d_sae=max(1, sum(member.d_sae for member in members)),
                k=max(1, sum(member.cfg.k for member in members)),
                mode=mode,
                members=tuple(
                    json.dumps({"architecture": member.architecture, **asdict(member.cfg)}) for member in members
                ),
            )
        )
        made.to(members[0].b_dec.dtype)
        with torch.no_grad():
            for own, given in zip(made._members, members, strict=True):
                own.load_state_dict(given.state_dict())
            made.W_dec.copy_(torch.cat([rows / _lengths(rows) for rows in map(_rows, made._members)]))
            made.b_dec.copy_(made.weight * torch.stack([one.b_dec / one.scale for one in made._members]).sum(0))
        return made

    @property
    def _members(self) -> list[SAE]:
        return [cast("SAE", member) for member in self.members]

    @property
    def weight(self) -> float:
        """Of every member's reconstruction."""
        return 1 / len(self.members) if self.cfg.mode == "bag" else 1.0

    @override
    def dense_code(self, x: Float[Tensor, "n d_model"]) -> tuple[Float[Tensor, "n d_sae"], None]:
        """Every member's activations, at unit rows; decoded, they are the sum of what the members reconstruct."""
        left, parts = x, []
        for member in self._members:
            acts = member.encode(left)
            parts.append(self.weight * acts * _lengths(_rows(member)).T)
            if self.cfg.mode == "boost":
                left = left - member.decode(acts)
        return torch.cat(parts, dim=1), None

    @property
    @override
    def runs_sparse(self) -> bool:
        """Never: members encode each in their own way."""
        return False

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """A boosted member reads what is left, so there is no one encoder.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("an ensemble encodes member by member and has no encoder of its own; use its members")

    def sparsify(
        self,
        pre_acts: Float[Tensor, "n d_sae"],  # noqa: ARG002 - the base's signature
        logits: Float[Tensor, "n m"] | None,  # noqa: ARG002 - the base's signature
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """As `encoder`.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("an ensemble encodes member by member and has no pre-activations of its own; use its members")


def _fresh(text: str, seed: int) -> SAE:
    content = json.loads(text)
    kind = ARCHITECTURES.get(content.pop("architecture"))
    if kind is None:
        raise ConfigError(f"a member of the ensemble has an unknown architecture: {text[:80]}")
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
    make = cast("type", kind)
    return make(kind.config_class(**plain), seed=seed)


def _rows(member: SAE) -> Float[Tensor, "d_sae d_model"]:
    """What a unit of each activation adds, in the PLM's own units."""
    return member.W_dec / member.scale


def _lengths(rows: Float[Tensor, "n d_model"]) -> Float[Tensor, "n 1"]:
    return torch.linalg.vector_norm(rows, dim=1, keepdim=True).clamp_min(_LEAST)
