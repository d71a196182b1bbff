"""Finding and opening a bundle: the folder with store, autoencoders and language model that the explorer shows.

Opening checks what could make every later answer wrong: the store's schema, and that store, autoencoders and language
model belong together. Read `find_bundle`, then `open_bundle`.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from protsae.errors import BundleError
from protsae.files import sha256
from protsae.store.reader import StoreReader

DEFAULT = Path(__file__).resolve().parents[2] / "assets" / "demo"


class Bundle(NamedTuple):
    """An open bundle that has passed every check."""

    folder: Path
    reader: StoreReader
    plm: dict[str, Any]
    """plm.json: name, layer, site, num_layers, embed_dim, attention_heads, weights, weights_sha256."""
    manifest: dict[str, Any]
    """manifest.json: hashes, seeds, metrics, sources; empty where the bundle has none."""


def find_bundle(arguments: Sequence[str], environment: Mapping[str, str]) -> Path:
    """Folder to open: `--bundle DIR`, else PROTSAE_BUNDLE, else the embedded one.

    Args:
        arguments: what stands behind `--` on Streamlit's command line; unknown arguments are left alone.
        environment: the process's environment variables.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--bundle")
    try:
        given = parser.parse_known_args(list(arguments))[0].bundle
    except argparse.ArgumentError:
        given = None
    chosen = given or environment.get("PROTSAE_BUNDLE")
    return Path(chosen).expanduser() if chosen else DEFAULT


def stamp(folder: Path) -> tuple[int, ...]:
    """Changes when the bundle was replaced on disk, so that an open one is not kept for ever."""
    names = ("store.duckdb", "plm.json", "manifest.json")
    return tuple(path.stat().st_mtime_ns if (path := folder / name).is_file() else 0 for name in names)


def open_bundle(folder: Path) -> Bundle:
    """Open a bundle read-only.

    Raises:
        BundleError: the folder is missing, a part is missing or damaged, or the parts do not belong together.
    """
    if not folder.is_dir():
        raise BundleError(
            f"There is no bundle at {folder}; give the folder that `python -m precompute run --out` wrote."
        )
    plm = _json(folder / "plm.json")
    manifest = _json(folder / "manifest.json") if (folder / "manifest.json").is_file() else {}
    reader = StoreReader.open(folder / "store.duckdb")
    try:
        _check_plm(folder, plm, reader.meta())
        for sae in reader.saes():
            _check_sae(folder, sae.name, sae.d_model, plm)
    except BaseException:
        reader.close()
        raise
    return Bundle(folder, reader, plm, manifest)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"The bundle has no {path.name} ({path}); copy or build it again.") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read as JSON; copy or build the bundle again.") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path} holds no JSON object; copy or build the bundle again.")
    return content


def _check_plm(folder: Path, plm: Mapping[str, Any], meta: Mapping[str, str]) -> None:
    for key in ("name", "layer", "site", "embed_dim"):
        if key not in plm:
            raise BundleError(f"{folder / 'plm.json'} lacks {key!r}; build the bundle again.")
    for key, field in (("plm", "name"), ("layer", "layer"), ("site", "site")):
        if key in meta and meta[key] != str(plm[field]):
            raise BundleError(
                f"The store was built with {key} {meta[key]!r}, but plm.json names {plm[field]!r}; "
                "store and language model must come from one bundle."
            )
    if not plm.get("weights"):
        return
    weights = folder / plm["weights"]
    if not weights.is_file():
        raise BundleError(f"The language model's weights are missing ({weights}); copy or build the bundle again.")
    expected = plm.get("weights_sha256")
    if expected and sha256(weights) != expected:
        raise BundleError(f"{weights.name} is not the file this bundle was built with; copy or build the bundle again.")


def _check_sae(folder: Path, name: str, d_model: int, plm: Mapping[str, Any]) -> None:
    path = folder / "sae" / name / "cfg.json"
    widths = {d_model, _json(path).get("d_model", d_model), plm["embed_dim"]}
    if len(widths) > 1:
        raise BundleError(
            f"The autoencoder {name} reads states of width {d_model}, but the language model {plm['name']!r} writes "
            f"{plm['embed_dim']}; autoencoders and language model must come from one bundle."
        )
