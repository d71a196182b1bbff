"""A bundle of an older version becomes one of this version: the same answers, its analyses beside the store."""

import json
from pathlib import Path

import duckdb
import pytest

from protsae.bundle.building import check_bundle
from protsae.bundle.manifest import write_manifest
from protsae.bundle.migrating import migrate_bundle
from protsae.bundle.opening import open_bundle
from protsae.errors import BundleError
from protsae.files import sha256
from protsae.store.analyses.confounds import CONFOUNDS
from protsae.store.analyses.evaluation import EVALUATION
from protsae.store.analyses.known import ANALYSES, present
from protsae.store.migrate import BASELINES, GRADES, ROLES
from protsae.store.schema import MIGRATED, SCHEMA_VERSION

UNKNOWN = dict.fromkeys(
    [
        "label_grade",
        "grade",
        "test_auroc_low",
        "test_auroc_high",
        "all_positive_f1",
        "composition_auroc",
        "probe_auroc",
        "neuron_auroc",
    ]
)
"""What version 2 did not know of an alignment."""

OLD_TABLES = """
    ALTER TABLE feature ADD COLUMN confound VARCHAR;
    UPDATE feature SET confound = f.confound FROM (SELECT * FROM facts WHERE explains) f
        WHERE f.sae = feature.sae AND f.feature = feature.feature;
    CREATE TABLE feature_confound (sae VARCHAR NOT NULL, feature INTEGER NOT NULL, confound VARCHAR NOT NULL,
        auroc REAL, f1 REAL NOT NULL, null_f1 REAL NOT NULL);
    INSERT INTO feature_confound SELECT sae, feature, confound, auroc, f1, null_f1 FROM facts;
    CREATE TABLE evaluation (part VARCHAR NOT NULL, method VARCHAR NOT NULL, namespace VARCHAR NOT NULL,
        k INTEGER NOT NULL, seed INTEGER NOT NULL, metric VARCHAR NOT NULL, value DOUBLE NOT NULL);
    INSERT INTO evaluation SELECT * FROM numbers;
    UPDATE meta SET value = '2' WHERE key = 'schema_version';
"""
"""What version 2 had in the store, from the analyses `facts` and `numbers`."""


FOURTH = """
    CREATE TEMP TABLE shown AS SELECT b.sae, b.feature, b.band, b.rank, e.* EXCLUDE (sae, feature)
        FROM example_band b JOIN example e ON e.sae = b.sae AND e.feature = b.feature AND e.accession = b.accession
        WHERE b.band IN ('top', 'high', 'low');
    DROP TABLE example; DROP TABLE example_band; DROP TABLE feature_difference;
    CREATE TABLE example AS SELECT * FROM shown;
    ALTER TABLE neighbour DROP COLUMN correlation;
    CREATE TEMP TABLE named AS SELECT * EXCLUDE (label_id, label_grade, label_f1, label_null_f1) FROM feature;
    DROP TABLE feature;
    CREATE TABLE feature AS SELECT * FROM named;
    UPDATE meta SET value = '4' WHERE key = 'schema_version';
"""
"""What version 4 had in the store."""


@pytest.fixture
def fourth(copy: Path) -> Path:
    """The made-up bundle as version 4 wrote it."""
    with duckdb.connect(str(copy / "store.duckdb")) as connection:
        connection.execute(FOURTH)
    return sealed(copy, 4)


@pytest.fixture
def old(copy: Path) -> Path:
    """The made-up bundle as version 2 wrote it."""
    folder = copy / "analyses"
    with duckdb.connect(str(copy / "store.duckdb")) as connection:
        for view, file in (("facts", "confounds/feature_confound"), ("numbers", "evaluation/evaluation")):
            connection.execute(f"CREATE TEMP TABLE {view} AS SELECT * FROM read_parquet('{folder / file}.parquet')")
        connection.execute(FOURTH)
        take_away(connection, [*ROLES, *GRADES])
        connection.execute(OLD_TABLES)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    return sealed(copy, 2)


@pytest.fixture
def third(copy: Path) -> Path:
    """The made-up bundle as version 3 wrote it."""
    with duckdb.connect(str(copy / "store.duckdb")) as connection:
        connection.execute(FOURTH)
        take_away(connection, list(GRADES))
        connection.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
    return sealed(copy, 3)


def take_away(connection: duckdb.DuckDBPyConnection, columns: list[tuple[str, str]]) -> None:
    """Drop what an older version did not have."""
    for table in BASELINES:
        connection.execute(f"DROP TABLE {table}")
    for table in dict.fromkeys(table for table, _ in columns):
        dropped = ", ".join(column for of, column in columns if of == table)
        connection.execute(f"CREATE TEMP TABLE kept AS SELECT * EXCLUDE ({dropped}) FROM {table}")
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM kept")
        connection.execute("DROP TABLE kept")


def sealed(folder: Path, version: int) -> Path:
    """The bundle with a manifest of that version."""
    write_manifest(folder, json.loads((folder / "manifest.json").read_text()))
    manifest = json.loads((folder / "manifest.json").read_text()) | {"schema_version": version}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_it_answers_as_before(old: Path, tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match="run `python -m precompute migrate BUNDLE` once"):
        open_bundle(old)
    weights = sha256(old / "plm.safetensors")

    assert migrate_bundle(old)
    check_bundle(old)
    assert json.loads((old / "manifest.json").read_text())["schema_version"] == SCHEMA_VERSION
    assert sha256(old / "plm.safetensors") == weights
    with open_bundle(old) as new, open_bundle(tiny_bundle) as whole:
        assert new.reader.meta() == whole.reader.meta()
        assert present(new.reader) == [CONFOUNDS, EVALUATION]
        for analysis in present(new.reader):
            for table in analysis.tables:
                rows = new.reader.analysis_table(analysis, table.name)
                assert rows.equals(whole.reader.analysis_table(analysis, table.name))
        for ask in (
            lambda reader: reader.protein("Q0T001"),
            lambda reader: reader.annotations("Q0T001"),
            lambda reader: reader.structure("Q0T001").positions.tolist(),
            lambda reader: [(row.peak_pos, row.positions.tolist()) for row in reader.examples("vanilla", 20)],
            lambda reader: reader.saes(),
            lambda reader: [row._replace(**UNKNOWN) for row in reader.term_features("GO:0008270")],
            lambda reader: [
                row._replace(correlation=None, label_grade="none") for row in reader.neighbours("vanilla", 3)
            ],
            lambda reader: reader.map_points("vanilla").drop(columns="label_grade").to_csv(),
        ):
            assert ask(new.reader) == ask(whole.reader)


def test_an_sae_of_version_2_is_known_by_what_it_is(old: Path) -> None:
    with duckdb.connect(str(old / "store.duckdb")) as connection:
        role, shown = (ROLES["sae", name] for name in ("role", "display_name"))
        rows = connection.execute(f"SELECT name, {role}, {shown} FROM sae ORDER BY name").fetchall()

    assert rows == [
        ("protsae_bpo", "guided", "ProtSAE BPO"),
        ("protsae_cco", "guided", "ProtSAE CCO"),
        ("protsae_mfo", "guided", "ProtSAE MFO"),
        ("vanilla", "unguided", "Vanilla"),
    ]


def test_an_alignment_of_version_3_is_graded_by_what_is_there(third: Path) -> None:
    assert "3" in MIGRATED
    with duckdb.connect(str(third / "store.duckdb")) as connection:
        connection.execute("UPDATE feature_go SET n_pos_test = 9")
        connection.execute(
            "UPDATE feature_go SET test_f1_low = 0.9, null_f1 = 0.1, test_auroc = 0.8 WHERE sae = 'vanilla'"
        )
        connection.execute("UPDATE feature_go SET test_f1_low = 0.01, null_f1 = 0 WHERE sae = 'protsae_mfo'")
        connection.execute("UPDATE feature_go SET test_f1_low = 0.9, test_auroc = 0.5 WHERE sae = 'protsae_bpo'")
    sealed(third, 3)

    assert migrate_bundle(third)
    check_bundle(third)
    with open_bundle(third) as new:
        guided = [row for sae in ("protsae_mfo", "protsae_bpo") for row in new.reader.guiding_features(sae)]
        vanilla = [row for row in new.reader.validated_features() if row.sae == "vanilla"]
        zinc, term = new.reader.term_features("GO:0008270")[0], new.reader.term("GO:0008270")
        sites = new.reader.feature_annotations("vanilla", 20)
        assert present(new.reader) == list(ANALYSES.values())

    assert vanilla
    assert {row.grade for row in vanilla} == {"weak"}
    assert {row.grade for row in guided} == {"none"}
    assert term is not None
    with duckdb.connect(str(third / "store.duckdb"), read_only=True) as connection:
        annotated = connection.execute("SELECT max(n_test) FROM go_term WHERE namespace = 'MFO'").fetchall()[0][0]
    assert zinc.all_positive_f1 == pytest.approx(2 * term.n_test / (term.n_test + annotated))
    assert (zinc.test_auroc_low, zinc.composition_auroc, zinc.probe_auroc) == (None, None, None)
    assert {row.grade for row in sites} == {"none"}


def test_a_label_of_version_4_says_how_well_it_holds(fourth: Path, tiny_bundle: Path) -> None:
    assert migrate_bundle(fourth)
    check_bundle(fourth)

    with open_bundle(fourth) as new, open_bundle(tiny_bundle) as whole:
        for sae in ("protsae_mfo", "vanilla"):
            assert new.reader.map_points(sae).equals(whole.reader.map_points(sae))
            for feature in (0, 3, 20, 21):
                assert str(new.reader.feature(sae, feature)) == str(whole.reader.feature(sae, feature))
                for band in ("top", "low"):
                    assert str(new.reader.examples(sae, feature, band)) == str(
                        whole.reader.examples(sae, feature, band)
                    )
        zinc = [row for row in new.reader.term_features("GO:0008270") if row.is_best_for_term]
        assert new.reader.examples("protsae_mfo", 0, "with") == []
        assert {row.correlation for row in new.reader.neighbours("vanilla", 20)} == {None}
        assert new.reader.difference("GO:0008270", zinc[0].sae, zinc[0].feature, "vanilla", zinc[-1].feature) is None


def test_a_second_time_there_is_nothing_to_do(old: Path) -> None:
    assert migrate_bundle(old)
    before = (old / "manifest.json").stat().st_mtime_ns

    assert not migrate_bundle(old)
    assert (old / "manifest.json").stat().st_mtime_ns == before


def test_a_bundle_that_was_not_evaluated_gets_no_evaluation(old: Path) -> None:
    with duckdb.connect(str(old / "store.duckdb")) as connection:
        connection.execute("DELETE FROM evaluation")
    content = json.loads((old / "manifest.json").read_text())
    write_manifest(old, content)

    assert migrate_bundle(old)
    assert [path.name for path in (old / "analyses").iterdir()] == ["confounds"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE meta SET value = '1' WHERE key = 'schema_version'", "has schema version 1; only 2, 3, 4 can be"),
        ("DROP TABLE evaluation", "lacks the table 'evaluation'"),
        ("ALTER TABLE neighbour RENAME TO n; CREATE VIEW neighbour AS SELECT * FROM n", "lacks the table 'neighbour'"),
        ("ALTER TABLE evaluation DROP COLUMN k", "is not what its version says"),
        ("ALTER TABLE neighbour DROP COLUMN cosine", "is not what its version says"),
        ("UPDATE sae SET name = '../../x' WHERE name = 'vanilla'", "leads out of"),
    ],
)
def test_what_cannot_be_migrated_stays_as_it_is(old: Path, change: str, sentence: str) -> None:
    with duckdb.connect(str(old / "store.duckdb")) as connection:
        connection.execute(change)
    content = json.loads((old / "manifest.json").read_text())
    write_manifest(old, content)
    before = sha256(old / "store.duckdb")

    with pytest.raises(BundleError, match=sentence) as caught:
        migrate_bundle(old)
    assert "\n" not in str(caught.value)
    assert sha256(old / "store.duckdb") == before
    assert not list(old.parent.glob("*.partial"))


def test_where_there_is_no_bundle_nothing_is_migrated(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no store at"):
        migrate_bundle(tmp_path)
