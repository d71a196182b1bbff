"""Models of the package transformers (extra `plms`), opened at every site of their blocks: what they have in common.

Sequences of one length go through a block together and those of others one after the other, so nothing is padded, no
mask is needed, and a sequence's states do not depend on what else is in the batch. Weights come from a folder as
Hugging Face's hub has it (one .safetensors beside config.json), or from a bundle; nothing is unpickled.

Read `TransformerPLM`, then `prot_t5.py` and `esmc.py`.
"""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from protsae.device import pick_device
from protsae.errors import ArtifactError, InputError
from protsae.files import inside, sha256
from protsae.plm.about import About
from protsae.plm.download import Progress, download
from protsae.plm.sites import JOINS, SITES, Outline, Place, Site
from protsae.plm.spec import FILE, PLMSpec
from protsae.plm.walked import Step, WalkedPLM
from protsae.plm.weights import check_sha256, files_of

EXTRA = "pip install 'protsae-explorer[plms]'"
OFFERED: tuple[Site, ...] = ("resid_post", *(site for site in SITES if site != "resid_post"))
"""The block's end first, which is what people mean by a layer of such a model."""

_HUB = "https://huggingface.co/{repository}/resolve/main/{file}"


class Release(NamedTuple):
    """A model that can be asked for by name: a repository of Hugging Face's hub."""

    repository: str
    files: tuple[str, ...]
    """What a folder of it must hold, the weights last."""
    num_layers: int
    d_model: int
    about: About


class Loaded(NamedTuple):
    """A model's configuration and tensors, and where they came from."""

    config: Mapping[str, Any]
    state: Mapping[str, Tensor]
    name: str
    weights: Path


class Group(NamedTuple):
    """Sequences of one length."""

    x: Float[Tensor, "n_sequences length d_model"]
    context: Any
    """What every block needs besides: positions."""


class TransformerPLM(WalkedPLM):
    """One of transformers' models. Stateless between calls, so threads may share one."""

    architecture: str

    def __init__(self, model: Any, *, name: str, weights: Path | None, device: str, heads: int) -> None:
        """Take over a loaded model, in fp32."""
        self.name, self.weights = name, weights
        self.device = pick_device(device)
        self._model = model.to(self.device).eval().requires_grad_(requires_grad=False)
        self._heads = heads

    @classmethod
    def open(cls, folder: Path, spec: PLMSpec, *, device: str = "auto") -> Self:
        """The one that a bundle describes.

        Raises:
            ArtifactError: the weights are missing, damaged, or not those of the bundle.
            InputError: a model that is not in the bundle is not on this machine, or transformers is not installed.
        """
        if spec.weights is None:
            return cls.load(spec.what_to_load(), device=device)
        return cls._of(read_bundle(folder, spec), spec.attention_heads, device)

    @classmethod
    @abstractmethod
    def load(cls, name_or_path: str | Path, *, device: str = "auto") -> Self:
        """From a folder as the hub has it, or by name where it has been fetched."""
        ...

    @classmethod
    @abstractmethod
    def _of(cls, loaded: Loaded, heads: int, device: str) -> Self:
        """The library's class in the shape of the tensors."""
        ...

    @property
    def sites(self) -> tuple[Site, ...]:
        """All of them."""
        return OFFERED

    def spec(self, *, layer: int, site: Site, weights: str | None = None) -> PLMSpec:
        """What `plm.json` says of this model; its hash is that of the file it was read from."""
        return PLMSpec(
            architecture=self.architecture,
            name=self.name,
            layer=layer,
            site=self.site_at(layer, site),
            num_layers=self.num_layers,
            embed_dim=self.d_model,
            attention_heads=self._heads,
            weights=weights,
            weights_sha256=sha256(self.weights) if self.weights else "",
        )

    @abstractmethod
    def blocks(self) -> Sequence[Any]:
        """The library's own blocks, first to last."""
        ...

    @abstractmethod
    def embedded(self, tokens: Tensor) -> Tensor:
        """Token embeddings [n, length, d_model]."""
        ...

    @abstractmethod
    def context(self, x: Tensor) -> Any:
        """What every block needs besides the stream, for sequences of this length."""
        ...

    @abstractmethod
    def attention(self, block: Any, x: Tensor, context: Any) -> Tensor:
        """What a block's attention adds to the stream."""
        ...

    @abstractmethod
    def mlp(self, block: Any, x: Tensor) -> Tensor:
        """What a block's MLP adds to the stream."""
        ...

    def begin(self, tokens: list[Tensor]) -> Iterator[Step]:
        """Every site of a forward pass, tokens end to end; `tokens` lie by length as `harvest_at` orders them."""
        together = [torch.stack(list(same)) for _, same in groupby(tokens, key=len)]
        groups = [Group(x := self.embedded(ids), self.context(x)) for ids in together]
        return self._walk(groups, Place(0, "resid_post"))

    def resume(self, x: Float[Tensor, "n_tokens d_model"], place: Place) -> Iterator[Step]:
        """Every site above `place`."""
        return self._walk([Group(x[None], self.context(x[None]))], place)

    def _walk(self, groups: list[Group], start: Place) -> Iterator[Step]:
        for number, block in enumerate(self.blocks(), start=1):
            halves: list[tuple[Site, Callable[[Any, Tensor, Any], Tensor]]] = [
                ("attn_out", self.attention),
                ("mlp_out", lambda block, x, _: self.mlp(block, x)),
            ]
            for site, update in halves:
                if number < start.layer or (number == start.layer and (start.site, site) != ("resid_mid", "mlp_out")):
                    continue
                added = [update(block, group.x, group.context) for group in groups]
                yield Step(Place(number, site), _rows(added), _rows([group.x for group in groups]))
                groups = [group._replace(x=group.x + more) for group, more in zip(groups, added, strict=True)]
                yield Step(Place(number, JOINS[site]), _rows([group.x for group in groups]))


def _rows(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.flatten(0, 1) for part in parts])


def token_ids(sequence: str, numbered: Mapping[str, int], *, masked: Sequence[int], mask: int) -> list[int]:
    """One id a residue.

    Args:
        sequence: upper-case letters.
        numbered: id of every letter that is known.
        masked: 0-based positions that get the id `mask`.
        mask: id of what hides a residue.

    Raises:
        InputError: the sequence is empty or has a letter that is not known.
    """
    if not sequence:
        raise InputError("The sequence is empty: give at least one residue.")
    for place, letter in enumerate(sequence, start=1):
        if letter not in numbered:
            raise InputError(
                f"The sequence has {letter!r} at position {place}, which the language model does not know: use the "
                f"letters {''.join(numbered)}."
            )
    hidden = set(masked)
    return [mask if place in hidden else numbered[letter] for place, letter in enumerate(sequence)]


def library(model: str) -> tuple[Any, Any]:
    """The modules of transformers that hold a model and its configuration.

    Raises:
        InputError: the package is not installed, or has no such model.
    """
    home = f"transformers.models.{model}"
    try:
        return import_module(f"{home}.modeling_{model}"), import_module(f"{home}.configuration_{model}")
    except ImportError as error:
        raise InputError(
            f"This language model needs the package transformers with its model {model!r} ({error}): install it with "
            f"`{EXTRA}`."
        ) from error


def read_folder(name_or_path: str | Path, releases: Mapping[str, Release]) -> Loaded:
    """Configuration and weights from a folder, or of a named model where it has been fetched.

    Raises:
        InputError: there is no such folder, or the named model is not on this machine.
        ArtifactError: a file is damaged.
    """
    path = Path(name_or_path)
    name = path.name if path.is_dir() else str(name_or_path)
    if not path.is_dir():
        path = cached_folder(name)
        if not all((path / file).is_file() for file in releases[name].files):
            raise InputError(
                f"The weights of {name} are not on this machine: fetch them once with `python -m protsae.plm {name}`, "
                "or give the path of a folder that holds them."
            )
    config, weights = files_of(path)
    return Loaded(read_config(config), tensors(weights), name, weights)


def read_bundle(folder: Path, spec: PLMSpec) -> Loaded:
    """The weights that a bundle holds.

    Raises:
        ArtifactError: they are missing, damaged, or not the bundle's.
    """
    assert spec.weights is not None
    path = inside(folder, spec.weights)
    if not path.is_file():
        raise ArtifactError(f"{path} is missing: copy the bundle again.")
    check_sha256(path, spec.weights_sha256)
    return Loaded({}, tensors(path), spec.name, path)


def tensors(path: Path) -> dict[str, Tensor]:
    """Everything in a safetensors file, in fp32.

    Raises:
        ArtifactError: it is damaged.
    """
    try:
        return {name: value.float() for name, value in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path} cannot be read as safetensors ({error}): copy or build it again.") from error


def filled(model: Any, state: Mapping[str, Tensor], source: Path, *, tied: Sequence[str] = ()) -> Any:
    """The library's model with these weights.

    Raises:
        ArtifactError: one is missing, unknown or of another shape.
    """
    expected = model.state_dict()
    for name in sorted((expected.keys() - set(tied)) ^ (state.keys() - set(tied))):
        verb = "lacks" if name in expected else "has an unknown"
        raise ArtifactError(f"{source} is no {type(model).__name__}: it {verb} parameter {name}.")
    for name, value in state.items():
        if name in expected and value.shape != expected[name].shape:
            raise ArtifactError(
                f"{source} is no {type(model).__name__}: {name} is {list(value.shape)} where "
                f"{list(expected[name].shape)} is needed."
            )
    model.load_state_dict(dict(state), strict=False)
    return model


def outlined(name_or_path: str | Path, releases: Mapping[str, Release], keys: tuple[str, str]) -> Outline:
    """Blocks, sites and width from a name, a configuration or a bundle's plm.json; weights are not read.

    Raises:
        InputError: the configuration cannot be read.
    """
    path = Path(name_or_path)
    if (path / FILE).is_file():
        spec = PLMSpec.read(path / FILE)
        return Outline(spec.num_layers, OFFERED, spec.embed_dim)
    if path.is_dir():
        config = read_config(path / "config.json")
        return Outline(number(config, keys[0], path), OFFERED, number(config, keys[1], path))
    release = releases[str(name_or_path)]
    return Outline(release.num_layers, OFFERED, release.d_model)


def read_config(path: Path) -> dict[str, Any]:
    """A model's config.json.

    Raises:
        InputError: it cannot be read.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): copy the model again.") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} holds no JSON object: copy the model again.")
    return values


def number(config: Mapping[str, Any], key: str, source: Path) -> int:
    """A whole number above 0 of a configuration.

    Raises:
        InputError: it is none.
    """
    value = config.get(key)
    if type(value) is not int or value < 1:
        raise InputError(f"{source} gives {value!r} as {key}, which must be a whole number above 0: copy it again.")
    return value


def cached_folder(name: str) -> Path:
    """Where a named model is kept, beside fair-esm's."""
    return Path(torch.hub.get_dir()) / "checkpoints" / name


def fetch(name: str, releases: Mapping[str, Release], sha256: str, progress: Progress | None) -> None:
    """Download a named model's files, unless they are there; the weights with a progress that people see.

    Raises:
        InputError: the download failed.
        ArtifactError: what came has another SHA-256.
    """
    release = releases[name]
    for file in release.files:
        is_weights = file == release.files[-1]
        download(
            _HUB.format(repository=release.repository, file=file),
            cached_folder(name) / file,
            sha256=sha256 if is_weights else "",
            progress=progress if is_weights else None,
        )


def of_hub(title: str, provenance: str, licence: str, repository: str) -> About:
    """What a release is, with where it comes from."""
    return About(title, provenance, licence, source=f"https://huggingface.co/{repository}")
