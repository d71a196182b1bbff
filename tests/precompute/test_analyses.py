"""Adding an analysis to a finished bundle: by name, from its run, and nothing else changes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from precompute.__main__ import main
from precompute.analyses.computed import Computed
from precompute.analyses.registry import COMPUTED, IN_EVERY_RUN
from precompute.config import RunConfig
from precompute.pipeline.tables import read_table
from protsae.bundle.opening import open_bundle
from protsae.files import sha256
from protsae.store.analyses.confounds import CONFOUNDS
from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.known import ANALYSES, present
from protsae.store.schema import SCHEMA_VERSION


@pytest.fixture
def bundle(copy_run, tmp_path: Path) -> Path:
    """A copy of a bundle and of its work folder."""
    return copy_run(tmp_path)


def hashes(bundle: Path) -> dict[str, str]:
    return {path.relative_to(bundle).as_posix(): sha256(path) for path in bundle.rglob("*") if path.is_file()}


def without_confounds(bundle: Path) -> None:
    """The bundle as if it had been made before there was this analysis."""
    shutil.rmtree(bundle / "analyses" / "confounds")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"] = {name: digest for name, digest in manifest["files"].items() if "confounds" not in name}
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def test_every_function_computes_a_declared_analysis() -> None:
    assert set(IN_EVERY_RUN) <= set(COMPUTED) <= set(ANALYSES)


def test_an_added_analysis_is_the_one_that_the_run_made(bundle: Path) -> None:
    before = hashes(bundle)
    without_confounds(bundle)
    with open_bundle(bundle) as opened:
        assert present(opened.reader) == [ANALYSES[name] for name in IN_EVERY_RUN if name != "confounds"]

    assert main(["analyse", str(bundle), "confounds", "--quiet"]) == 0
    assert {n: h for n, h in hashes(bundle).items() if n != "manifest.json"} == {
        n: h for n, h in before.items() if n != "manifest.json"
    }
    with open_bundle(bundle) as opened:
        assert present(opened.reader) == [ANALYSES[name] for name in IN_EVERY_RUN]
        rows = opened.reader.analysis_table(CONFOUNDS, "feature_confound")
        assert set(rows["confound"]) == {"amino_acid", "position", "length", "family", "organism"}


def test_a_stage_that_it_reads_runs_where_it_is_not_done(bundle: Path) -> None:
    before = hashes(bundle)
    without_confounds(bundle)
    shutil.rmtree(bundle.with_name("bundle.work") / "confounds")

    assert main(["analyse", str(bundle), "confounds", "--quiet"]) == 0
    assert (
        hashes(bundle)["analyses/confounds/feature_confound.parquet"]
        == (before["analyses/confounds/feature_confound.parquet"])
    )


def test_a_new_analysis_is_a_declaration_and_a_function(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = (Column("sae", "VARCHAR", "name of the SAE"), Column("n_features", "INTEGER", "that it has"))
    sizes = Analysis("sizes", 1, "Sizes of the SAEs", ("statistics",), (Table("size", columns, ("sae",)),))

    def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
        counted = read_table(work / "statistics" / "feature_stats.parquet").groupby("sae").size()
        report(f"sizes of {len(counted)} SAEs")
        return Computed({"size": counted.rename("n_features").reset_index()}, {"seed": config.seed})

    monkeypatch.setitem(ANALYSES, "sizes", sizes)
    monkeypatch.setitem(COMPUTED, "sizes", compute)
    before = hashes(bundle)
    with open_bundle(bundle) as opened:
        assert opened.reader.absence(sizes) == (
            "Not computed for this bundle: sizes of the SAEs. `python -m precompute analyse BUNDLE sizes` adds it."
        )

    assert main(["analyse", str(bundle), "sizes", "--quiet"]) == 0
    changed = {name for name, digest in hashes(bundle).items() if digest != before.get(name)}
    assert changed == {"manifest.json", "analyses/sizes/analysis.json", "analyses/sizes/size.parquet"}
    with open_bundle(bundle) as opened:
        rows = opened.reader.analysis_table(sizes, "size")
        assert dict(zip(rows["sae"], rows["n_features"], strict=True)) == {
            row.name: row.d_sae for row in opened.reader.saes()
        }


def other_bundle(bundle: Path) -> None:
    path = bundle.with_name("bundle.work") / "publish" / "done.json"
    record = json.loads(path.read_text())
    record["numbers"]["bundle_id"] = "another"
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("name", "spoil", "sentence"),
    [
        ("islands", lambda _: None, "invalid choice: 'islands'"),
        ("evaluation", lambda _: None, "run `python -m precompute evaluate"),
        ("confounds", shutil.rmtree, "is no bundle (it has no manifest.json)"),
        (
            "confounds",
            lambda bundle: shutil.rmtree(bundle.with_name("bundle.work")),
            "does not exist, but",
        ),
        ("confounds", other_bundle, "is not the run that made"),
    ],
)
def test_a_mistake_is_one_line(
    bundle: Path, name: str, spoil, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(bundle)

    assert main(["analyse", str(bundle), name, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_bundle_is_migrated_once(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(bundle)]) == 0
    assert f"already of schema version {SCHEMA_VERSION}" in " ".join(capsys.readouterr().err.split())
    assert main(["migrate", str(tmp_path / "nowhere")]) == 2
    assert "there is no store at" in capsys.readouterr().err
