"""Opening a bundle: the one validator of what could make every later answer wrong.

Store, SAEs and language model must be there, of this version, of the right kind, and belong together; no path leads
out of the bundle. Nothing here loads a model or imports torch; `building.check_bundle` also loads the SAEs and hashes
every file.

Read `open_bundle`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from protsae.bundle.layout import MANIFEST, PLM, STORE, refuse_links, sae_folder
from protsae.bundle.manifest import read_manifest
from protsae.errors import BundleError
from protsae.files import inside, read_object, sha256
from protsae.plm.spec import PLMSpec
from protsae.store.reader import StoreReader
from protsae.store.rows import SAERow


class Bundle(NamedTuple):
    """An open bundle that has passed every check."""

    folder: Path
    reader: StoreReader
    plm: PLMSpec
    manifest: Mapping[str, Any]
    """manifest.json: hashes, seeds, metrics, sources; empty where the bundle has none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reader.close()


def open_bundle(folder: Path) -> Bundle:
    """Open a bundle read-only; its store stays open until the reader is closed.

    Raises:
        BundleError: the folder is missing, a part is missing or damaged, or the parts do not belong together.
    """
    if not folder.is_dir():
        raise BundleError(
            f"There is no bundle at {folder}; give the folder that `python -m precompute run --out` wrote."
        )
    refuse_links(folder)
    plm = PLMSpec.read(folder / PLM)
    manifest = read_manifest(folder) if (folder / MANIFEST).is_file() else {}
    reader = StoreReader.open(folder / STORE)
    try:
        _check_plm(folder, plm, reader.meta())
        _check_saes(folder, reader.saes(), plm)
    except BaseException:
        reader.close()
        raise
    return Bundle(folder, reader, plm, manifest)


def _check_plm(folder: Path, plm: PLMSpec, meta: Mapping[str, str]) -> None:
    for key, value in (("plm", plm.name), ("layer", plm.layer), ("site", plm.site)):
        if key in meta and meta[key] != str(value):
            raise BundleError(
                f"The store was built with {key} {meta[key]!r}, but plm.json names {value!r}; "
                "store and language model must come from one bundle."
            )
    if plm.weights is None:
        return
    weights = inside(folder, plm.weights)
    if not weights.is_file():
        raise BundleError(f"The language model's weights are missing ({weights}); copy or build the bundle again.")
    if plm.weights_sha256 and sha256(weights) != plm.weights_sha256:
        raise BundleError(f"{weights.name} is not the file this bundle was built with; copy or build the bundle again.")


def _check_saes(folder: Path, saes: Sequence[SAERow], plm: PLMSpec) -> None:
    if not saes:
        raise BundleError(f"{folder} holds no SAE; build the bundle again.")
    for sae in saes:
        _check_sae(folder, sae, plm)


def _check_sae(folder: Path, sae: SAERow, plm: PLMSpec) -> None:
    cfg = read_object(sae_folder(folder, sae.name) / "cfg.json")
    for key, stored in (("d_model", sae.d_model), ("d_sae", sae.d_sae)):
        if cfg.get(key, stored) != stored:
            raise BundleError(
                f"The SAE {sae.name} has {key} {cfg[key]!r}, but the store says {stored}; SAEs and store must come "
                "from one bundle."
            )
    if sae.d_model != plm.embed_dim:
        raise BundleError(
            f"The SAE {sae.name} reads states of width {sae.d_model}, but the language model {plm.name!r} writes "
            f"{plm.embed_dim}; SAEs and language model must come from one bundle."
        )
