"""A store of this version from one of the version before: 2 -> 3.

Version 2 held two analyses as tables (`evaluation`, `feature_confound`) and the verdict of one as a column
(`feature.confound`), and knew an SAE's role by its name alone.

Read `migrate_store`.
"""

from pathlib import Path

import duckdb
import pandas as pd

from protsae.errors import BundleError
from protsae.store.schema import SORTED_BY, attach, columns_of, version_of
from protsae.store.writer import StoreWriter

FROM = "2"

MOVED = {"evaluation", "feature_confound"}
"""Tables of version 2 that are analyses now."""

NEW_COLUMNS = {
    ("sae", "role"): "CASE WHEN architecture = 'protsae' THEN 'guided' ELSE 'unguided' END",
    ("sae", "display_name"): """CASE WHEN architecture = 'protsae' THEN 'ProtSAE ' || namespace
        WHEN name = 'vanilla' THEN 'Vanilla' ELSE name END""",
}
"""What version 2 did not say of an SAE, from what it said."""

_CONFOUNDS = """
    SELECT c.sae, c.feature, c.confound, c.auroc, c.f1, c.null_f1, coalesce(f.confound = c.confound, false) AS explains
    FROM store.main.feature_confound c JOIN store.main.feature f ON f.sae = c.sae AND f.feature = c.feature
"""
_EVALUATION = "SELECT part, method, namespace, k, seed, metric, value FROM store.main.evaluation"


def store_version(path: Path) -> str:
    """Schema version of a store, be it this program's or not.

    Raises:
        BundleError: the file is missing or damaged, is held by another process, or is no store.
    """
    with attach(path) as connection:
        return version_of(connection, path)


def migrate_store(old: Path, new: Path) -> dict[str, pd.DataFrame]:
    """Write a store of this version, and return the tables that are analyses now, by the analysis' name.

    Args:
        old: a store of version 2.
        new: where the new store shall stand; not the old one's path.

    Raises:
        BundleError: `old` is of another version, or not what its version says.
    """
    with attach(old) as connection:
        version = version_of(connection, old)
        if version != FROM:
            raise BundleError(f"{old} has schema version {version}, only version {FROM} can be migrated")
        missing = sorted((SORTED_BY.keys() | MOVED) - columns_of(connection).keys())
        if missing:
            raise BundleError(f"{old} lacks the table {missing[0]!r}; build the bundle again")
        try:
            tables = {
                "confounds": connection.execute(_CONFOUNDS).df(),
                "evaluation": connection.execute(_EVALUATION).df(),
            }
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise BundleError(f"{old} is not what its version says ({reason}); build the bundle again") from error
    with StoreWriter(new) as store:
        store.copy_from(old, NEW_COLUMNS)
    return tables
