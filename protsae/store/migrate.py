"""A store of this version from an older one.

Version 4 did not say how well a feature's label holds, nor which alignment it stands for: both follow from its other
tables. It had bands of examples by the strongest residue only, compared features by their directions, and kept no
paired differences; a store that comes from it has none of what is new.

Version 3 judged an alignment by shuffled labels alone: it kept no AUROC interval, no baseline and no grade. What
calling every protein positive reaches follows from the counts that it kept; the rest is NULL, so that no grade is above
weak. The AUROC itself stands in for its interval.

Version 2 also held two analyses as tables (`evaluation`, `feature_confound`) and the verdict of one as a column
(`feature.confound`), and knew an SAE's role by its name alone.

Read `migrate_store`.
"""

from pathlib import Path

import duckdb
import pandas as pd

from protsae.errors import BundleError
from protsae.store.grades import SITE_RULE, TERM_RULE, grade_sql
from protsae.store.schema import MIGRATED, SORTED_BY, attach, columns_of, version_of
from protsae.store.writer import StoreWriter

MOVED = {"evaluation", "feature_confound"}
"""Tables of version 2 that are analyses now."""

ROLES = {
    ("sae", "role"): "CASE WHEN architecture = 'protsae' THEN 'guided' ELSE 'unguided' END",
    ("sae", "display_name"): """CASE WHEN architecture = 'protsae' THEN 'ProtSAE ' || namespace
        WHEN name = 'vanilla' THEN 'Vanilla' ELSE name END""",
}
"""What version 2 did not say of an SAE, from what it said."""

GRADES = {
    ("feature_go", "test_auroc_low"): "NULL",
    ("feature_go", "test_auroc_high"): "NULL",
    ("feature_go", "grade"): grade_sql(
        TERM_RULE,
        test_auroc_low="test_auroc",
        all_positive_f1="(SELECT b.all_positive_f1 FROM term_baseline b WHERE b.go_id = feature_go.go_id)",
        composition_auroc="NULL",
    ),
    ("feature_annotation", "grade"): grade_sql(SITE_RULE, all_positive_f1="NULL", amino_acid_auroc="NULL"),
}
"""What neither version said of an alignment; of annotated sites they kept too little for any grade but none."""

BASELINES = {
    "term_baseline": """
        WITH annotated AS (
            SELECT namespace, max(n_train) AS n_train, max(n_valid) AS n_valid, max(n_test) AS n_test
            FROM old.main.go_term GROUP BY namespace)
        SELECT t.go_id, s.n_train, s.n_valid, s.n_test, 2 * t.n_test / nullif(t.n_test + s.n_test, 0), NULL, NULL, NULL
        FROM old.main.go_term t JOIN annotated s USING (namespace)
        WHERE t.go_id IN (SELECT go_id FROM old.main.feature_go)
    """,
    "kind_baseline": "SELECT NULL AS kind, NULL, NULL WHERE false",
}
"""Rows of tables that neither version 2 nor 3 has; every protein annotated in a sub-ontology carries its root."""

_LABELS = """
    WITH named AS (
        SELECT f.*, CASE label_origin WHEN 'guided' THEN f.go_id WHEN 'annotation' THEN label WHEN 'go' THEN
            (SELECT arg_min(a.go_id, (a.rank_in_feature, a.go_id)) FROM feature_go a
                JOIN go_term t ON t.go_id = a.go_id
                WHERE a.sae = f.sae AND a.feature = f.feature AND t.name = f.label) END AS label_id
        FROM old.main.feature f),
    scored AS (
        SELECT sae, feature, go_id AS label_id, grade, test_f1, null_f1 FROM feature_go
        UNION ALL SELECT sae, feature, kind, grade, test_f1, null_f1 FROM feature_annotation)
    SELECT sae, feature, n.kind, n.go_id, density, protein_density, max_act, mean_act, p99_act, p999_act, histogram,
        aa_effect, aa_enrichment, umap_x, umap_y, label, coalesce(label_id, ''), label_origin,
        coalesce(s.grade, 'none'), s.test_f1, s.null_f1
    FROM named n LEFT JOIN scored s USING (sae, feature, label_id)
"""

LATER = {
    "feature": _LABELS,
    "feature_difference": "SELECT NULL AS go_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE false",
    "example": """
        SELECT DISTINCT ON (sae, feature, accession) sae, feature, accession, peak_act, peak_pos, positions, acts
        FROM old.main.example
    """,
    "example_band": "SELECT sae, feature, band, rank, accession, peak_act FROM old.main.example",
}
"""Rows of tables that no older version has, or has in another form."""

ALIKE = {("neighbour", "correlation"): "NULL"}
"""What no older version measured of two features."""

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


def _versions() -> str:
    """'2, 3 and 4'."""
    return f"{', '.join(MIGRATED[:-1])} and {MIGRATED[-1]}"


def migrate_store(old: Path, new: Path) -> dict[str, pd.DataFrame]:
    """Write a store of this version, and return the tables that are analyses now, by the analysis' name.

    Args:
        old: a store of one of the versions in `MIGRATED`.
        new: where the new store shall stand; not the old one's path.

    Raises:
        BundleError: `old` is of another version, or not what its version says.
    """
    tables: dict[str, pd.DataFrame] = {}
    with attach(old) as connection:
        version = version_of(connection, old)
        if version not in MIGRATED:
            raise BundleError(f"{old} has schema version {version}, only {_versions()} can be migrated")
        moved = MOVED if version == "2" else set()
        made = LATER if version == "4" else LATER | BASELINES
        new_tables = {"feature_difference", "example_band"} | (made.keys() - LATER.keys())
        missing = sorted(((SORTED_BY.keys() - new_tables) | moved) - columns_of(connection).keys())
        if missing:
            raise BundleError(f"{old} lacks the table {missing[0]!r}; build the bundle again")
        try:
            if moved:
                tables["confounds"] = connection.execute(_CONFOUNDS).df()
                tables["evaluation"] = connection.execute(_EVALUATION).df()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise BundleError(f"{old} is not what its version says ({reason}); build the bundle again") from error
    with StoreWriter(new) as store:
        values = ALIKE | (GRADES if version != "4" else {}) | (ROLES if version == "2" else {})
        store.copy_from(old, values, made)
    return tables
