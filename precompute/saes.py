"""Which SAEs a run makes: the list `saes` of `RunConfig`, `[[saes]]` tables in its TOML file.

    [[saes]]
    name = "wide_topk"
    display_name = "TopK, twice as wide"
    architecture = "topk"
    d_sae = 5120
    match_l0 = ["protsae"]

An SAE is known by its role, which follows from its architecture: guided where terms guide features, else unguided. The
name is an address and says nothing. Read `SAESpec`, then `DEFAULT_SAES`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from precompute.imported import ImportSpec
from protsae.errors import ConfigError
from protsae.ontology.namespaces import GOScope
from protsae.sae import SAE
from protsae.sae.base import ARCHITECTURES
from protsae.sae.config import Normalise, check_normalise
from protsae.store.rows import Role

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def trained_architectures() -> dict[str, type[SAE]]:
    """Name -> class of every architecture that the training loop can make."""
    return {name: kind for name, kind in sorted(ARCHITECTURES.items()) if kind.is_trained}


@dataclass(frozen=True, kw_only=True)
class SAESpec:
    """One SAE of a run."""

    name: str
    """Folder below sae/ and name in addresses: letters, digits, - and _."""

    display_name: str = ""
    """What pages call it; without it the name."""

    architecture: str = "topk"
    """One that the training loop can make: protsae, topk, batchtopk, relu, gated, jumprelu, ordered, gba."""

    namespace: GOScope | None = None
    """Whose terms guide it, MFO, BPO, CCO, or GO for all three; for a guided architecture, and for no other."""

    d_sae: int | None = None
    """Features; without it as many as the run's."""

    k: int | None = None
    """Active features kept or aimed at per residue; without it the run's, or what `match_l0` gives."""

    normalise: Normalise | None = None
    """How residues come into its own units: scalar, dimension or token; without it the run's."""

    match_l0: tuple[str, ...] = ()
    """SAEs before it in the list: k is their mean active features per residue, forced ones included."""

    seed: int | None = None
    """Seed of its start and of its training; without it the run's."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"the name of an SAE must be of letters, digits, - and _, got {self.name!r}")
        known = trained_architectures()
        if self.architecture not in known:
            found = f"{self.name} has the architecture {self.architecture!r}"
            raise ConfigError(f"{found}; those that can be trained are {', '.join(known)}")
        if self.role == "guided" and self.namespace is None:
            raise ConfigError(f"{self.name} is a {self.architecture}, so it needs a namespace: MFO, BPO, CCO or GO")
        if self.role != "guided" and self.namespace is not None:
            raise ConfigError(f"{self.name} is a {self.architecture}, which no term guides; drop its namespace")
        for field, least in (("d_sae", 1), ("k", 1), ("seed", 0)):
            value = getattr(self, field)
            if value is not None and value < least:
                raise ConfigError(f"{field} of {self.name} must be at least {least}, got {value}")
        if self.normalise is not None:
            check_normalise(self.normalise)
        if self.k is not None and self.match_l0:
            raise ConfigError(f"{self.name} has both k={self.k} and match_l0; drop one of them")
        if self.k is not None and self.d_sae is not None and self.k > self.d_sae:
            raise ConfigError(f"k of {self.name} must be at most its d_sae={self.d_sae}, got {self.k}")

    @property
    def role(self) -> Role:
        """What it is in the bundle."""
        return "guided" if ARCHITECTURES[self.architecture].is_guided else "unguided"

    @property
    def title(self) -> str:
        """What pages call it."""
        return self.display_name or self.name


DEFAULT_SAES = (
    SAESpec(name="protsae", display_name="ProtSAE", architecture="protsae", namespace="GO"),
    SAESpec(name="vanilla", display_name="Vanilla", match_l0=("protsae",)),
)
"""One ProtSAE for all of GO, and a TopK SAE of the same width at its total L0."""


def check_list(saes: Sequence[SAESpec], imported: Sequence[ImportSpec] = ()) -> None:
    """Check that the SAEs of one run go together.

    Args:
        saes: that are made.
        imported: that join them.

    Raises:
        ConfigError: there is none, two share a name, or one aims at the L0 of an SAE that does not stand before it.
    """
    if not saes:
        raise ConfigError("the list of SAEs is empty; give at least one [[saes]] table, or leave it out")
    all_names = [one.name.lower() for one in (*saes, *imported)]
    titles = [*(one.title for one in saes), *(one.display_name for one in imported)]
    for what, names in (("name", all_names), ("display name", titles)):
        name, count = Counter(names).most_common(1)[0]
        if count > 1:
            raise ConfigError(f"{count} SAEs have the {what} {name!r}; each needs its own")
    for place, one in enumerate(saes):
        before = [other.name for other in saes[:place]]
        for name in one.match_l0:
            if name not in before:
                listed = f"those before it are {', '.join(before)}" if before else "none stands before it"
                raise ConfigError(f"{one.name} matches the L0 of {name!r}, which must stand before it; {listed}")
