"""A bundle appears, and changes, in one step: beside its place first, checked there, then renamed into it.

    with new_bundle(place) as folder: ...          # fill the empty folder, write its manifest
    with changed_bundle(place) as folder: ...      # replace files of a copy; its manifest is renewed

A reader sees the old bundle or the new one, and a kill leaves one of the two. The copy shares its files with the
original (hard links) where the file system can, so that adding a small table to a large bundle costs little; files must
therefore be replaced, never written into.

Read `changed_bundle`, then `add_analysis`.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from protsae.bundle.layout import ANALYSES, sae_folder
from protsae.bundle.manifest import check_files, read_manifest, write_manifest
from protsae.bundle.opening import open_bundle
from protsae.bundle.swap import recover, swap_in
from protsae.errors import BundleError, InputError
from protsae.files import PARTIAL, inside
from protsae.sae import load_sae
from protsae.store.analyses.contract import Analysis
from protsae.store.analyses.files import write_analysis


@contextmanager
def new_bundle(place: Path) -> Iterator[Path]:
    """An empty folder that becomes the bundle at `place` when the block ends, and vanishes where it fails.

    The block fills it and writes its manifest.

    Raises:
        BundleError: what was built does not pass the checks of opening.
        InputError: another process is building or changing the same bundle.
    """
    with _one_at_a_time(place), _built_aside(place) as partial:
        partial.mkdir(parents=True)
        yield partial


@contextmanager
def changed_bundle(place: Path, *, own: tuple[str, ...] = ()) -> Iterator[Path]:
    """A copy of a bundle that takes its place when the block ends, and vanishes where it fails.

    Args:
        place: of the bundle.
        own: files that the block writes into; all others may only be replaced or removed.

    Raises:
        BundleError: `place` is no bundle, or its copy does not pass the checks of opening after the change.
        InputError: another process is building or changing the same bundle.
    """
    with _one_at_a_time(place), _built_aside(place) as partial:
        facts = read_manifest(place)
        check_files(place, facts)  # or a damaged file would be given a fresh hash
        shutil.copytree(place, partial, copy_function=_copier(place, own))
        yield partial
        write_manifest(partial, facts)


def add_analysis(
    place: Path, analysis: Analysis, tables: Mapping[str, pd.DataFrame], *, created_by: str, settings: Mapping[str, Any]
) -> None:
    """Put an analysis into a finished bundle, in the place of an earlier one of its name; the rest stays as it is.

    Args:
        place: of the bundle.
        analysis: what it holds.
        tables: by name, all of them.
        created_by: program and version.
        settings: everything that decided the numbers, as JSON.

    Raises:
        BundleError: `place` is no bundle.
        InputError: another process is building or changing the same bundle.
    """
    with changed_bundle(place) as folder:
        bundle_id = read_manifest(folder)["bundle_id"]
        target = inside(folder, ANALYSES, analysis.name)
        shutil.rmtree(target, ignore_errors=True)
        write_analysis(target, analysis, tables, bundle_id=bundle_id, created_by=created_by, settings=settings)


def check_bundle(folder: Path) -> None:
    """Open a bundle as an explorer does, load its SAEs, read its analyses, and hold every file against the manifest.

    Raises:
        BundleError: a file is missing or differs, or the parts do not belong together.
        ArtifactError: an SAE cannot be loaded.
    """
    with open_bundle(folder) as bundle:
        check_files(folder, read_manifest(folder))
        if bundle.reader.sequence_index().empty:
            raise BundleError(f"{folder} holds no protein; build the bundle again")
        for row in bundle.reader.saes():
            sae = load_sae(sae_folder(folder, row.name))
            if (sae.d_model, sae.d_sae) != (row.d_model, row.d_sae):
                raise BundleError(
                    f"{folder}: {row.name} is {sae.d_model} x {sae.d_sae}, the store says {row.d_model} x {row.d_sae}; "
                    "build the bundle again"
                )


@contextmanager
def _built_aside(place: Path) -> Iterator[Path]:
    """A path beside `place`; what the block leaves there is checked and put in place."""
    partial = place.with_name(place.name + PARTIAL)
    recover(place)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        yield partial
        check_bundle(partial)
        swap_in(partial, place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _one_at_a_time(place: Path) -> Iterator[None]:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place.with_name(f".{place.name}.lock"), timeout=0):
            yield
    except Timeout as error:
        raise InputError(f"another program is changing {place}; wait for it and try again") from error


def _copier(place: Path, own: tuple[str, ...]) -> Callable[[str, str], object]:
    """Copies a file, or shares it where nothing will be written into it and the file system can."""
    apart = {str(place / name) for name in own}

    def copy(source: str, target: str) -> object:
        if source not in apart:
            with suppress(OSError):
                return os.link(source, target)
        return shutil.copy2(source, target)

    return copy
