"""`manifest.json`: what a bundle is made of, and what it was made from.

    schema_version, bundle_id, created_by     which program reads it, its name
    files                                     SHA-256 of every other file, by its path in the bundle
    seeds, config, inputs, metrics, sources   how it was made; for people and reports

Read `read_manifest`, then `check_files`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protsae.bundle.layout import MANIFEST
from protsae.errors import BundleError
from protsae.files import inside, read_object, sha256, write_json
from protsae.store.schema import SCHEMA_VERSION

_TYPES: dict[str, type] = {
    "schema_version": int,
    "bundle_id": str,
    "created_by": str,
    "files": dict,
    "seeds": dict,
    "config": dict,
    "inputs": dict,
    "metrics": dict,
    "sources": list,
}


def read_manifest(bundle: Path) -> dict[str, Any]:
    """The manifest, its fields of the right kind.

    Raises:
        BundleError: it is missing, no JSON, or misstates a field.
    """
    path = inside(bundle, MANIFEST)
    content = read_object(path)
    for name, kind in _TYPES.items():
        if type(content.get(name)) is not kind:
            found = type(content[name]).__name__ if name in content else "missing"
            raise BundleError(
                f"{path}: {name!r} must be {kind.__name__}, but is {found}; copy or build the bundle again"
            )
    for name, digest in content["files"].items():
        if not isinstance(digest, str):
            raise BundleError(f"{path}: the hash of {name!r} must be str, got {digest!r}; copy the bundle again")
        inside(bundle, name)
    return content


def write_manifest(bundle: Path, facts: Mapping[str, Any]) -> None:
    """Write the manifest of all files that stand in the bundle now.

    Args:
        bundle: a folder that nobody reads yet.
        facts: everything but schema_version and files.
    """
    files = [path for path in sorted(bundle.rglob("*")) if path.is_file() and path != bundle / MANIFEST]
    hashes = {path.relative_to(bundle).as_posix(): sha256(path) for path in files}
    content = {**dict.fromkeys(_TYPES), **facts, "schema_version": SCHEMA_VERSION, "files": hashes}
    write_json(bundle / MANIFEST, json.loads(json.dumps(content, default=str)))


def check_files(bundle: Path, manifest: Mapping[str, Any]) -> None:
    """Hold every file of the manifest against its hash.

    Raises:
        BundleError: one is missing or differs.
    """
    for name, digest in manifest["files"].items():
        path = inside(bundle, name)
        if not path.is_file() or sha256(path) != digest:
            raise BundleError(f"{path} is missing or differs from the manifest; copy or build the bundle again")
