"""`plm.json`: which language model a bundle was made with, and where in it the SAEs sit."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from protsae.errors import BundleError, ConfigError
from protsae.plm.sites import Site, check_site


@dataclass(frozen=True, kw_only=True)
class PLMSpec:
    """A language model, and the place in it that the SAEs read. Saved as `plm.json`."""

    name: str
    """fair-esm's name, the path of a local model, or what an embedded one is called."""

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
    """File beside `plm.json` that holds the weights; None where `name` says what to load."""

    weights_sha256: str = ""
    """SHA-256 of the weights' file; '' is not checked."""

    architecture: str = "esm2"
    """Which entry of `protsae/plm/registry.py` opens it; files of before there were several lack it."""

    def __post_init__(self) -> None:
        check_site(self.layer, self.site, self.num_layers)
        if min(self.embed_dim, self.attention_heads) < 1 or self.embed_dim % (2 * self.attention_heads):
            raise ConfigError(
                f"embed_dim must be an even multiple of attention_heads, got {self.embed_dim} and "
                f"{self.attention_heads}: copy both from the model's own configuration."
            )

    @classmethod
    def read(cls, path: Path) -> Self:
        """The specification in a `plm.json`.

        Raises:
            BundleError: the file is missing, is not JSON, or lacks or misstates a field.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise BundleError(f"{path} is missing: this folder is no bundle, or an incomplete one.") from error
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise BundleError(f"{path} cannot be read ({_first_line(error)}): build the bundle again.") from error
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or {*values, "architecture"} != names:
            given = ", ".join(sorted(map(str, values))) if isinstance(values, dict) else type(values).__name__
            raise BundleError(f"{path} must hold the fields {', '.join(sorted(names))}, but holds {given or 'none'}.")
        try:
            return cls(**values)
        except (ConfigError, TypeError) as error:
            raise BundleError(f"{path} is not usable: {_first_line(error)}") from error

    def write(self, path: Path) -> None:
        """Write `plm.json`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]
