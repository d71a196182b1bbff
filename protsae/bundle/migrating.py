"""A bundle of this version from one of an older version, in its place and in one step.

Read `migrate_bundle`; what changes in the store stands in `protsae/store/migrate.py`.
"""

from pathlib import Path

from protsae.bundle.building import changed_bundle
from protsae.bundle.layout import ANALYSES, STORE
from protsae.bundle.manifest import read_manifest
from protsae.errors import BundleError
from protsae.store.analyses.files import write_analysis
from protsae.store.analyses.known import ANALYSES as KNOWN
from protsae.store.migrate import migrate_store, store_version
from protsae.store.schema import MIGRATED, SCHEMA_VERSION


def migrate_bundle(place: Path) -> bool:
    """Bring a bundle to this program's version; False where it is of this version already.

    Raises:
        BundleError: there is no bundle, or it is of a version that cannot be migrated.
        InputError: another process is changing the same bundle.
    """
    version = store_version(place / STORE)
    if version == str(SCHEMA_VERSION):
        return False
    if version not in MIGRATED:
        raise BundleError(
            f"{place} has schema version {version}; only {', '.join(MIGRATED)} can be brought to {SCHEMA_VERSION}, "
            "so build the bundle again"
        )
    with changed_bundle(place) as folder:
        manifest = read_manifest(folder)
        tables = migrate_store(place / STORE, folder / STORE)
        for name, rows in tables.items():
            if not rows.empty:
                analysis = KNOWN[name]
                write_analysis(
                    folder / ANALYSES / name,
                    analysis,
                    {analysis.tables[0].name: rows},
                    bundle_id=manifest["bundle_id"],
                    created_by=manifest["created_by"],
                    settings={"migrated_from_schema_version": int(version)},
                )
    return True
