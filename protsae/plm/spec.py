"""`plm.json`: which language model a bundle was made with, and where in it the SAEs sit.

The weights are a file of the bundle (`weights`), a model that fair-esm names (`name`), or a file of this machine
(`source`): the one path that leads out of a bundle, and it is opened only where the file's SHA-256 is as written.
"""

from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from protsae.errors import ArtifactError, BundleError, ConfigError
from protsae.files import read_object, sha256, write_json
from protsae.plm.about import WORDS
from protsae.plm.sites import Site, check_site

FILE = "plm.json"

READS_ONLY = frozenset({"prot_t5"})
"""Architectures without a head that predicts letters."""

_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "layer": (int,),
    "site": (str,),
    "num_layers": (int,),
    "embed_dim": (int,),
    "attention_heads": (int,),
    "weights": (str, type(None)),
    "weights_sha256": (str,),
    "architecture": (str,),
    "source": (str, type(None)),
    **dict.fromkeys(WORDS, (str,)),
}
"""JSON's types of the fields; True is no number."""


@dataclass(frozen=True, kw_only=True)
class PLMSpec:
    """A language model, and the place in it that the SAEs read. Saved as `plm.json`."""

    name: str
    """fair-esm's name, or what a local or embedded model is called."""

    layer: int
    """Block, counted from 1."""

    site: Site
    """`resid_mid` (after attention) or `resid_post` (after the whole block)."""

    num_layers: int
    """Blocks in all."""

    embed_dim: int
    """Width of the residual stream (d_model)."""

    attention_heads: int
    """Heads per block."""

    weights: str | None = None
    """File beside `plm.json` that holds the weights; None where they are not in the bundle."""

    weights_sha256: str = ""
    """SHA-256 of the weights' file; '' is not checked."""

    architecture: str = "esm2"
    """Which entry of `protsae/plm/registry.py` opens it; files of before there were several lack it."""

    source: str | None = None
    """Where the weights were on disk when the bundle was made, where they are neither in it nor of fair-esm's names."""

    title: str = ""
    """What pages call it; without it the name."""

    provenance: str = ""
    """Where the weights come from, in words."""

    licence: str = ""
    """Of the weights."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, known = getattr(self, field.name), _TYPES[field.name]
            if type(value) not in known:
                names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in known)
                raise ConfigError(f"{field.name} must be {names}, got {value!r}.")
        check_site(self.layer, self.site, self.num_layers)
        if min(self.embed_dim, self.attention_heads) < 1 or self.embed_dim % (2 * self.attention_heads):
            raise ConfigError(
                f"embed_dim must be an even multiple of attention_heads, got {self.embed_dim} and "
                f"{self.attention_heads}: copy both from the model's own configuration."
            )
        if not self.name or _is_path(self.name):
            raise ConfigError(f"name must be a model's name and no path, got {self.name!r}.")
        if self.weights is not None and _is_path(self.weights):
            raise ConfigError(f"weights must be the name of a file beside plm.json, got {self.weights!r}.")
        if self.source is not None and not (self.weights is None and self.weights_sha256):
            raise ConfigError(f"source ({self.source!r}) needs weights_sha256, and no weights beside plm.json.")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The specification in a `plm.json`.

        Raises:
            BundleError: the file is missing, is not JSON, or lacks or misstates a field.
        """
        values = read_object(path)
        names = {field.name for field in fields(cls)}
        needed = {field.name for field in fields(cls) if field.default is MISSING}
        if not needed <= set(values) <= names:
            given = ", ".join(sorted(values))
            raise BundleError(f"{path} must hold the fields {', '.join(sorted(names))}, but holds {given or 'none'}.")
        try:
            return cls(**values)
        except ConfigError as error:
            raise BundleError(f"{path} is not usable: {error}") from error

    @property
    def predicts(self) -> bool:
        """Whether it predicts letters; else there are no likelihoods and nothing can be steered."""
        return self.architecture not in READS_ONLY

    @property
    def shown(self) -> str:
        """What pages call it."""
        return self.title or self.name

    def identity(self) -> dict[str, Any]:
        """Every field that decides its states, and none of the words about it."""
        return {name: value for name, value in asdict(self).items() if name not in WORDS}

    def write(self, path: Path) -> None:
        """Write `plm.json`."""
        write_json(path, asdict(self))

    def what_to_load(self) -> str:
        """fair-esm's name, or the local file of a model that is not in the bundle.

        Raises:
            ArtifactError: the local file is gone, or has become another.
        """
        if self.source is None:
            return self.name
        path = Path(self.source)
        if not path.is_file():
            raise ArtifactError(
                f"This bundle was made with the language model in {path}, which is not there any more: put the file "
                "back, or build the bundle again from where it is now."
            )
        if sha256(path) != self.weights_sha256:
            raise ArtifactError(
                f"{path} is not the language model that this bundle was made with (its SHA-256 differs): put the old "
                "file back, or build the bundle again."
            )
        return self.source


def _is_path(name: str) -> bool:
    """Whether a name would lead elsewhere than to a file of that name in the same folder."""
    return name in {"", ".", ".."} or bool(set(name) & set("/\\:\0"))
