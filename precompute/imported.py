"""SAEs of other programs that join a run: `--sae NAME=PATH:FORMAT`, or `[[sae]]` tables in its TOML file.

    --sae interprot=esm2_plm1280_l24_sae4096.safetensors:interprot:k=64:plm=esm2_t33_650M_UR50D

    [[sae]]
    name = "interprot"
    path = "esm2_plm1280_l24_sae4096.safetensors"
    format = "interprot"
    k = 64

An SAE says little without the very states that it was trained on. So layer, site and language model of each must be
known, from its files or from whoever adds it, and be those of the run.

Read `ImportSpec`, then `check_place`.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from protsae.errors import ConfigError, InputError
from protsae.files import sha256
from protsae.plm.registry import is_bundle
from protsae.plm.sites import SITES, Outline, Site
from protsae.plm.spec import FILE, PLMSpec
from protsae.sae.loaders import FOREIGN, Foreign, Told, load_foreign

_FLAG = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_-]*)=(?P<rest>.+)")
_HOW = "NAME=PATH:FORMAT, with :k=64, :layer=24, :site=resid_post, :plm=NAME and the like behind it"
_FACTS: dict[str, type] = {"k": int, "layer": int, "site": str, "plm": str, "scale": float, "kind": str, "title": str}


@dataclass(frozen=True, kw_only=True)
class ImportSpec:
    """One SAE of another program."""

    name: str
    """Folder below sae/ and name in addresses: letters, digits, - and _."""

    path: Path
    """Its folder or file."""

    format: Literal["saelens", "dictionary_learning", "interplm", "interprot", "esmc", "bionemo"]
    """Which program has written it."""

    title: str = ""
    """What pages call it; without it the name."""

    k: int | None = None
    """Features that TopK keeps per residue, where no file says it."""

    layer: int | None = None
    """Block whose states it reads, from 1, where no file says it."""

    site: Site | None = None
    """Where in the block, where its format does not say it."""

    plm: str = ""
    """Language model whose states it reads, by the run's name for it, where no file says it."""

    scale: float | None = None
    """Factor of its input, where its files only say that there is one."""

    kind: Literal["topk", "batchtopk"] | None = None
    """Which rule made it, where its tensors are the same for both."""

    def __post_init__(self) -> None:
        if not _FLAG.fullmatch(f"{self.name}=x"):
            raise ConfigError(f"the name of an SAE must be of letters, digits, - and _, got {self.name!r}")
        if self.format not in FOREIGN:
            raise ConfigError(f"{self.name} has the format {self.format!r}; the formats are {', '.join(FOREIGN)}")
        for field, least in (("k", 1), ("layer", 1)):
            value = getattr(self, field)
            if value is not None and value < least:
                raise ConfigError(f"{field} of {self.name} must be at least {least}, got {value}")
        if self.scale is not None and not 0 < self.scale < float("inf"):
            raise ConfigError(f"scale of {self.name} must be above 0, got {self.scale}")
        for field, choices in (("site", SITES), ("kind", ("topk", "batchtopk"))):
            value = getattr(self, field)
            if value is not None and value not in choices:
                raise ConfigError(f"{field} of {self.name} must be one of {', '.join(choices)}, got {value!r}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From a flag; the path may hold colons.

        Raises:
            ConfigError: it is not of that form, or a fact is unknown or of the wrong type.
        """
        named = _FLAG.fullmatch(text)
        parts = named["rest"].split(":") if named else []
        facts: dict[str, object] = {}
        while parts and "=" in parts[-1] and parts[-1].partition("=")[0].isidentifier():
            key, _, value = parts.pop().partition("=")
            facts[key] = _fact(text, key, value)
        if named is None or len(parts) < 2:
            raise ConfigError(f"--sae must be {_HOW}; got {text!r}")
        path, given = ":".join(parts[:-1]), parts[-1]
        if given not in FOREIGN:
            raise ConfigError(f"--sae {text!r} has the format {given!r}; the formats are {', '.join(FOREIGN)}")
        made: dict[str, object] = {"name": named["name"], "path": Path(path).expanduser(), "format": given, **facts}
        return cls(**made)  # pyright: ignore[reportArgumentType] - checked in _fact and __post_init__

    @property
    def display_name(self) -> str:
        """What pages call it."""
        return self.title or self.name

    @property
    def told(self) -> Told:
        """What its loader is told."""
        return Told(self.k, self.layer, self.site or "", self.plm, self.scale, self.kind)

    def read(self) -> Foreign:
        """The SAE, and what its files say.

        Raises:
            ArtifactError: a file is missing, damaged or of another format.
            ConfigError: a fact is missing that decides the result.
        """
        return load_foreign(self.path, self.format, self.told)

    def content(self) -> str:
        """Hash of its files.

        Raises:
            InputError: there are none.
        """
        if not self.path.exists():
            raise InputError(f"--sae {self.name}: {self.path} does not exist")
        if not self.path.is_dir():
            return sha256(self.path)
        files = sorted(path for path in self.path.iterdir() if path.is_file())
        return hashlib.sha256("".join(f"{path.name}:{sha256(path)}\n" for path in files).encode()).hexdigest()


def check_place(spec: ImportSpec, foreign: Foreign, *, plm: str, layer: int, site: str, outline: Outline) -> None:
    """Refuse an SAE that does not read what the run embeds.

    Args:
        spec: what was asked for.
        foreign: what was read.
        plm: name or path of the run's language model.
        layer: that the run reads.
        site: that the run reads.
        outline: of the language model.

    Raises:
        ConfigError: a fact is unknown or another one than the run's.
    """
    stated, name = foreign.stated, spec.name
    here = plm_name(plm)
    for what, known, given in (
        ("language model", stated.plm.rsplit("/", maxsplit=1)[-1], here),
        ("layer", stated.layer or "", layer),
        ("site", stated.site, site),
    ):
        key = "plm" if what == "language model" else what
        if not known:
            raise ConfigError(
                f"{spec.path} does not say which {what} it reads; where it is the run's, say so: "
                f"--sae {name}={spec.path}:{spec.format}:{key}={given}"
            )
        if str(known) != str(given):
            raise ConfigError(
                f"{name} reads the {what} {known}, but the run embeds {given}; give the run "
                f"--{key} {known}, or say {key}={given} where the two are the same"
            )
    if stated.is_normed_at_the_end and layer == outline.num_layers:
        raise ConfigError(
            f"{name} reads layer {layer}, the last one, after the model's final layer norm, which is no site here; "
            "give an SAE of a layer before it"
        )
    if outline.d_model not in {None, foreign.sae.d_model}:
        raise ConfigError(
            f"{name} reads states of width {foreign.sae.d_model}, but {here} writes {outline.d_model}; give the run "
            "the language model that it was trained on"
        )


def plm_name(name_or_path: str) -> str:
    """What a language model is called: its own name, that of a folder or file, or what a bundle calls its own."""
    if is_bundle(name_or_path):
        return PLMSpec.read(Path(name_or_path) / FILE).name
    return Path(name_or_path).name.removesuffix(".pt")


def _fact(text: str, key: str, value: str) -> object:
    if key not in _FACTS:
        raise ConfigError(f"--sae {text!r} says {key!r}, which is no fact of an SAE; facts are {', '.join(_FACTS)}")
    try:
        return _FACTS[key](value)
    except ValueError as error:
        raise ConfigError(f"{key} in --sae {text!r} must be a number, got {value!r}") from error
