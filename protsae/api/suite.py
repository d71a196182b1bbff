"""A suite of SAEs from Python: by name, with every hash checked; nothing is downloaded.

    suite = protsae.Suite.open("my_suite")        # a folder with suite.json, or a bundle alone
    sae = suite.load("protsae-R4-4096")
    bundle = suite.bundle("protsae-R4-4096")      # its statistics, examples, language model

Read `Suite.load`. What a registry says is in `protsae/bundle/suite.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from protsae.api.opened import OpenBundle, open_bundle
from protsae.bundle import opening
from protsae.bundle.suite import (
    Entry,
    Registry,
    check_entry,
    check_ontology,
    is_suite,
    read_registry,
    registry_of,
)
from protsae.errors import InputError
from protsae.plm.sites import site_named
from protsae.sae import load_sae

if TYPE_CHECKING:
    from protsae.sae import SAE


class Suite:
    """SAEs over layers, sites and widths of one language model."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        """Keep what was read; use `Suite.open`."""
        self.folder, self.registry = folder, registry

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a suite's folder, or a bundle as the suite of its own SAEs.

        Raises:
            BundleError: there is neither, or the registry is damaged.
        """
        folder = Path(path)
        if is_suite(folder):
            return cls(folder, read_registry(folder))
        with opening.open_bundle(folder) as bundle:
            return cls(folder, registry_of({".": bundle}))

    @property
    def names(self) -> list[str]:
        """Every SAE's name."""
        return [entry.name for entry in self.registry.entries]

    def entry(self, name: str) -> Entry:
        """What the registry says of an SAE: place, width, k, hashes, metrics beside their baselines.

        Raises:
            BundleError: there is none of this name.
        """
        return self.registry.entry(name)

    def find(self, *, layer: int | None = None, site: str | None = None, width: int | None = None) -> list[Entry]:
        """The SAEs at a layer, a site (a name or its letter) or of a width; of all where nothing is said.

        Raises:
            ConfigError: there is no such site.
        """
        wanted = {"layer": layer, "site": None if site is None else site_named(site), "width": width}
        given = {key: value for key, value in wanted.items() if value is not None}
        return [e for e in self.registry.entries if all(getattr(e, key) == value for key, value in given.items())]

    def load(self, name: str, *, ontology: str | Path | None = None) -> "SAE":
        """An SAE, bit for bit as it was saved.

        Args:
            name: as in `protsae-R4-4096`.
            ontology: the OBO file that its terms are to be looked up in; another one than the suite's is refused.

        Raises:
            BundleError: there is none of this name, or a file, its terms or the ontology is not as the registry says.
            InputError: the ontology's file is missing.
            ArtifactError: its files are damaged.
        """
        entry = self.entry(name)
        place = check_entry(self.folder, self.registry, entry)
        if ontology is not None:
            path = Path(ontology)
            if not path.is_file():
                raise InputError(f"There is no ontology at {path}; give an OBO file.")
            check_ontology(self.registry, path)
        return load_sae(place)

    def bundle(self, name: str, *, device: str = "auto") -> OpenBundle:
        """The bundle that an SAE is in, open.

        Raises:
            BundleError: there is no such SAE, or its bundle cannot be opened.
        """
        return open_bundle(self.folder / self.entry(name).bundle, device=device)
