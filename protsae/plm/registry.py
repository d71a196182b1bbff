"""The architectures of language models that can be opened, and the doors through which everybody else gets one.

    load_plm(name_or_path)      a model by name or from local files
    open_plm(bundle)            the model that a bundle was made with, and where its SAEs sit
    fetch_plm(name)             its weights onto this machine: the only one of the three that may use the network
    outline_of(name_or_path)    its layers and sites, before its weights are read where that is possible
    about_plm(name_or_path)     its title, provenance and licence
    weights_file(name_or_path)  its weights on this machine
    files_of(name_or_path)      all its files on this machine

A bundle counts as a path to its model. A new architecture is a module that implements `PLM` (see `base.py`) and one
entry in `ARCHITECTURES`. A local folder says in its config.json which architecture it is (`"architecture"`, ESM-2 where
it does not, nor is Hugging Face's of another model); a bundle in its plm.json.

Read `Architecture`, then `load_plm`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from protsae.errors import ArtifactError, InputError
from protsae.files import inside
from protsae.plm import esm2_plm, esmc, prot_t5, transformer, weights
from protsae.plm.about import About, notice_in, read_about
from protsae.plm.base import PLM
from protsae.plm.download import Progress
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.esmc import ESMC
from protsae.plm.prot_t5 import ProtT5
from protsae.plm.sites import Outline
from protsae.plm.spec import FILE, PLMSpec
from protsae.plm.transformer import Release


class Architecture(NamedTuple):
    """How the models of one architecture are found, fetched and opened."""

    model_names: tuple[str, ...]
    """Models that can be asked for by name."""

    outline: Callable[[str | Path], Outline]
    load: Callable[[str | Path, str], PLM]
    """From a name or path, onto a device."""

    open: Callable[[Path, PLMSpec, str], PLM]
    """From a bundle's folder and its plm.json, onto a device."""

    fetch: Callable[[str, str, Progress | None], None]
    """Gets a named model's weights, of the SHA-256 where one is given; does nothing where they are here."""

    about: Callable[[str], About] = lambda name: About(title=name)
    """What a named model is."""


def _of_transformers(
    kind: type[ProtT5] | type[ESMC], releases: Mapping[str, Release], keys: tuple[str, str]
) -> Architecture:
    return Architecture(
        tuple(releases),
        lambda name_or_path: transformer.outlined(name_or_path, releases, keys),
        lambda name_or_path, device: kind.load(name_or_path, device=device),
        lambda folder, spec, device: kind.open(folder, spec, device=device),
        lambda name, sha256, progress: transformer.fetch(name, releases, sha256, progress),
        lambda name: releases[name].about,
    )


ARCHITECTURES: dict[str, Architecture] = {
    esm2_plm.ARCHITECTURE: Architecture(
        weights.FAIR_ESM_MODELS,
        weights.outline,
        lambda name_or_path, device: ESM2PLM.load(name_or_path, device=device),
        lambda folder, spec, device: ESM2PLM.open(folder, spec, device=device),
        weights.fetch,
        weights.about,
    ),
    prot_t5.ARCHITECTURE: _of_transformers(prot_t5.ProtT5, prot_t5.RELEASES, ("num_layers", "d_model")),
    esmc.ARCHITECTURE: _of_transformers(esmc.ESMC, esmc.RELEASES, ("num_hidden_layers", "hidden_size")),
}
"""By the name that plm.json and config.json give."""


_MODEL_TYPES = {"t5": prot_t5.ARCHITECTURE, "esmc": esmc.ARCHITECTURE}
"""By the model_type that Hugging Face's config.json gives."""


def load_plm(name_or_path: str | Path, *, device: str = "auto") -> PLM:
    """A language model by name, from local files, or that of a bundle; nothing is downloaded.

    Raises:
        InputError: nothing of that name exists, or its weights are not on this machine; the sentence says how to get
            them.
        ArtifactError: the files are damaged or hold something else.
        BundleError: the bundle's plm.json is unusable.
        ConfigError: this machine has no such device.
    """
    if is_bundle(name_or_path):
        return open_plm(Path(name_or_path), device=device)[0]
    return _architecture_of(name_or_path).load(name_or_path, device)


def open_plm(folder: Path, *, device: str = "auto") -> tuple[PLM, PLMSpec]:
    """The language model that a bundle was made with, and where its SAEs sit; nothing is downloaded.

    Raises:
        BundleError: `plm.json` is missing or unusable.
        ArtifactError: the weights are missing, damaged, of another shape, or not those of the bundle, or this version
            knows no such architecture.
        InputError: a model that is not in the bundle is not on this machine.
    """
    spec = PLMSpec.read(folder / FILE)
    return _architecture(spec.architecture, folder / FILE).open(folder, spec, device), spec


def is_bundle(name_or_path: str | Path) -> bool:
    """Whether a path is a bundle, whose model is meant."""
    return (Path(name_or_path) / FILE).is_file()


def fetch_plm(name_or_path: str | Path, *, sha256: str = "", progress: Progress | None = None) -> None:
    """Get the weights of a model that goes by name, unless they are on this machine; local files stay as they are.

    Args:
        name_or_path: of the model, or a bundle that only names its model.
        sha256: what a download must have, in hexadecimal; '' where it is not known.
        progress: takes bytes done and bytes in all (0 where the server does not say).

    Raises:
        InputError: there is no such model, or the download failed.
        ArtifactError: what came is damaged or something else.
    """
    if is_bundle(name_or_path):
        spec = PLMSpec.read(Path(name_or_path) / FILE)
        if spec.weights is None and spec.source is None:
            fetch_plm(spec.name, sha256=spec.weights_sha256, progress=progress)
    elif not Path(name_or_path).exists():
        _architecture_of(name_or_path).fetch(str(name_or_path), sha256, progress)


def outline_of(name_or_path: str | Path) -> Outline:
    """Layers and sites of a model, from its name or its configuration; only a `.pt` file is read for it.

    Raises:
        InputError: nothing of that name exists, or its configuration cannot be read.
        ArtifactError: the files are damaged or hold something else.
        BundleError: the bundle's plm.json is unusable.
    """
    if is_bundle(name_or_path):
        spec = PLMSpec.read(Path(name_or_path) / FILE)
        if spec.weights is None:
            return outline_of(spec.what_to_load())
    return _architecture_of(name_or_path).outline(name_or_path)


def about_plm(name_or_path: str | Path) -> About:
    """What people are told of a model.

    Raises:
        InputError: nothing of that name exists, or its configuration gives something else than text.
        BundleError: the bundle's plm.json is unusable.
    """
    path = Path(name_or_path)
    if is_bundle(path):
        spec = PLMSpec.read(path / FILE)
        if spec.weights is None and spec.source is None:
            return about_plm(spec.name)
        return About(spec.title, spec.provenance, spec.licence, notice_in(path))
    if path.is_dir():
        return read_about(path)
    if path.exists():
        return About()
    return _architecture_of(name_or_path).about(str(name_or_path))


def weights_file(name_or_path: str | Path) -> Path | None:
    """The local file with a model's weights; None where the model goes by its name alone.

    Raises:
        InputError: a folder holds no weights, or several.
        BundleError: the bundle's plm.json is unusable.
        ArtifactError: a file that the bundle only points to is gone, or has become another.
    """
    path = Path(name_or_path)
    if is_bundle(path):
        spec = PLMSpec.read(path / FILE)
        if spec.weights is not None:
            return inside(path, spec.weights)
        return Path(spec.what_to_load()) if spec.source is not None else None
    if path.is_dir():
        return weights.files_of(path)[1]
    return path if path.exists() else None


def files_of(name_or_path: str | Path) -> tuple[Path, ...]:
    """The files that a local model is opened from, its weights first; none where it goes by its name alone.

    A copy of them in one folder is the same model: the folder, or the `.pt` file in it.

    Raises:
        InputError: a folder holds no weights, or several.
        BundleError: the bundle's plm.json is unusable.
        ArtifactError: a file that the bundle only points to is gone, or has become another.
    """
    file = weights_file(name_or_path)
    if file is None:
        return ()
    names = () if file.suffix == ".pt" else ("config.json", FILE, prot_t5.VOCABULARY)
    return (file, *(file.parent / name for name in names if (file.parent / name).is_file()))


def model_names() -> tuple[str, ...]:
    """Every model that can be asked for by name."""
    return tuple(name for architecture in ARCHITECTURES.values() for name in architecture.model_names)


def _architecture_of(name_or_path: str | Path) -> Architecture:
    path = Path(name_or_path)
    if path.is_dir():
        config = path / (FILE if is_bundle(path) else "config.json")
        return _architecture(_named_in(config), config)
    if path.exists():
        return ARCHITECTURES[esm2_plm.ARCHITECTURE]
    for architecture in ARCHITECTURES.values():
        if str(name_or_path) in architecture.model_names:
            return architecture
    raise InputError(
        f"There is no language model {str(name_or_path)!r}: give a folder, a fair-esm .pt file or one of "
        f"{', '.join(model_names())}."
    )


def _architecture(name: str, source: Path) -> Architecture:
    if name not in ARCHITECTURES:
        raise ArtifactError(
            f"{source} names the architecture {name!r}, which this version does not know: it has "
            f"{', '.join(sorted(ARCHITECTURES))}."
        )
    return ARCHITECTURES[name]


def _named_in(config: Path) -> str:
    """The architecture that a local model's configuration names; a damaged one is ESM-2's loader to complain about."""
    try:
        values = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return esm2_plm.ARCHITECTURE
    if not isinstance(values, dict):
        return esm2_plm.ARCHITECTURE
    of_hub = _MODEL_TYPES.get(str(values.get("model_type")), esm2_plm.ARCHITECTURE)
    return str(values.get("architecture", of_hub))
