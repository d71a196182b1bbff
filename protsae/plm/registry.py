"""The architectures of language models that can be opened, and the doors through which everybody else gets one.

    load_plm(name_or_path)      a model by name or from local files
    open_plm(bundle)            the model that a bundle was made with, and where its SAEs sit
    fetch_plm(name)             its weights onto this machine: the only one of the three that may use the network
    outline_of(name_or_path)    its layers and sites, before its weights are read where that is possible

A new architecture is a module that implements `PLM` (see `base.py`) and one entry in `ARCHITECTURES`. A local folder
says in its config.json which architecture it is (`"architecture"`, ESM-2 where it does not); a bundle in its plm.json.

Read `Architecture`, then `load_plm`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from protsae.errors import ArtifactError, InputError
from protsae.plm import esm2_plm, weights
from protsae.plm.base import PLM
from protsae.plm.download import Progress
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.sites import SITES, Outline
from protsae.plm.spec import PLMSpec


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


ARCHITECTURES: dict[str, Architecture] = {
    esm2_plm.ARCHITECTURE: Architecture(
        weights.FAIR_ESM_MODELS,
        lambda name_or_path: Outline(weights.layers_of(name_or_path), SITES),
        lambda name_or_path, device: ESM2PLM.load(name_or_path, device=device),
        lambda folder, spec, device: ESM2PLM.open(folder, spec, device=device),
        weights.fetch,
    )
}
"""By the name that plm.json and config.json give."""


def load_plm(name_or_path: str | Path, *, device: str = "auto") -> PLM:
    """A language model by name or from local files; nothing is downloaded.

    Raises:
        InputError: nothing of that name exists, or its weights are not on this machine; the sentence says how to get
            them.
        ArtifactError: the files are damaged or hold something else.
        ConfigError: this machine has no such device.
    """
    return _architecture_of(name_or_path).load(name_or_path, device)


def open_plm(folder: Path, *, device: str = "auto") -> tuple[PLM, PLMSpec]:
    """The language model that a bundle was made with, and where its SAEs sit; nothing is downloaded.

    Raises:
        BundleError: `plm.json` is missing or unusable.
        ArtifactError: the weights are missing, damaged, of another shape, or not those of the bundle, or this version
            knows no such architecture.
        InputError: a model that is not in the bundle is not on this machine.
    """
    spec = PLMSpec.read(folder / "plm.json")
    return _architecture(spec.architecture, folder / "plm.json").open(folder, spec, device), spec


def fetch_plm(name_or_path: str | Path, *, sha256: str = "", progress: Progress | None = None) -> None:
    """Get the weights of a model that goes by name, unless they are on this machine; local files stay as they are.

    Args:
        name_or_path: of the model.
        sha256: what a download must have, in hexadecimal; '' where it is not known.
        progress: takes bytes done and bytes in all (0 where the server does not say).

    Raises:
        InputError: there is no such model, or the download failed.
        ArtifactError: what came is damaged or something else.
    """
    if not Path(name_or_path).exists():
        _architecture_of(name_or_path).fetch(str(name_or_path), sha256, progress)


def outline_of(name_or_path: str | Path) -> Outline:
    """Layers and sites of a model, from its name or its configuration; only a `.pt` file is read for it.

    Raises:
        InputError: nothing of that name exists, or its configuration cannot be read.
        ArtifactError: the files are damaged or hold something else.
    """
    return _architecture_of(name_or_path).outline(name_or_path)


def model_names() -> tuple[str, ...]:
    """Every model that can be asked for by name."""
    return tuple(name for architecture in ARCHITECTURES.values() for name in architecture.model_names)


def _architecture_of(name_or_path: str | Path) -> Architecture:
    path = Path(name_or_path)
    if path.is_dir():
        return _architecture(_named_in(path / "config.json"), path / "config.json")
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
    found = values.get("architecture", esm2_plm.ARCHITECTURE) if isinstance(values, dict) else esm2_plm.ARCHITECTURE
    return str(found)
