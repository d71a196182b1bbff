"""The publish stage over made-up results of the stages before it: whole bundle, no half bundle, hashes that hold."""

import errno
import json
import shutil
from pathlib import Path

import duckdb
import pytest
from tiny_bundle import tiny_parts

from precompute.align.labelling import COLUMNS
from precompute.config import RunConfig
from precompute.pipeline.tables import write_table
from precompute.stages import publish
from protsae.bundle import building
from protsae.bundle.building import check_bundle
from protsae.errors import ArtifactError, BundleError, InputError
from protsae.files import sha256
from protsae.plm.spec import PLMSpec
from protsae.store.analyses.confounds import CONFOUNDS
from protsae.store.analyses.known import ANALYSES
from protsae.store.reader import StoreReader
from protsae.store.writer import StoreWriter


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with bundle.work, as the stages leave it, and plm, the local language model."""
    folder = tmp_path_factory.mktemp("publish")
    parts = tiny_parts(folder / "plm")
    work = folder / "bundle.work"
    stages = "proteins embed train statistics associate examples confounds sites layout structures"
    for name in stages.split():
        (work / name).mkdir(parents=True)
    proteins = parts.tables["protein"].assign(is_shipped=lambda rows: rows["accession"] < "Q0T301")
    write_table(work / "proteins" / "proteins.parquet", proteins)
    for table in ("annotation", "protein_go", "go_term", "go_synonym", "go_edge"):
        write_table(work / "proteins" / f"{table}.parquet", parts.tables[table])
    features = parts.tables["feature"]
    places, labels = ["umap_x", "umap_y"], list(COLUMNS)
    write_table(work / "statistics" / "feature_stats.parquet", features.drop(columns=[*places, *labels]))
    write_table(work / "layout" / "umap.parquet", features.loc[features["density"] > 0, ["sae", "feature", *places]])
    write_table(work / "associate" / "label.parquet", features[["sae", "feature", *labels]])
    write_table(work / "statistics" / "sae.parquet", parts.tables["sae"])
    for table in ("example", "example_band"):
        write_table(work / "examples" / f"{table}.parquet", parts.tables[table])
    for table in ("term_baseline", "feature_go", "feature_difference", "kind_baseline", "feature_annotation"):
        write_table(work / "associate" / f"{table}.parquet", parts.tables[table])
    facts = parts.analyses["confounds"]["feature_confound"]
    named = facts.loc[facts["explains"], ["sae", "feature", "confound"]]
    explained = features[["sae", "feature"]].merge(named, on=["sae", "feature"], how="left")
    write_table(work / "confounds" / "feature_confound.parquet", facts.drop(columns="explains"))
    write_table(work / "confounds" / "explained.parquet", explained.astype({"confound": "string"}))
    for table, rows_of_sites in parts.analyses["sites"].items():
        write_table(work / "sites" / f"{table}.parquet", rows_of_sites)
    write_table(work / "layout" / "neighbour.parquet", parts.tables["neighbour"])
    write_table(work / "structures" / "structure.parquet", parts.tables["structure"])
    (work / "associate" / "metrics.json").write_text('{"MFO": {"mean_f1": 0.5}}')
    (folder / "plm" / "plm.json").rename(work / "embed" / "plm.json")
    (folder / "plm" / "config.json").write_text('{"num_layers": 2}')
    rows = []
    for row in parts.tables["sae"].to_dict("records"):
        parts.saes[row["name"]].save(work / "train" / row["name"], "float16")
        kept = {key: row[key] for key in ("name", "display_name", "role", "architecture", "namespace", "d_sae", "k")}
        rows.append(kept | {"concepts": list(getattr(parts.saes[row["name"]].cfg, "concepts", ()))})
    (work / "train" / "result.json").write_text(json.dumps({"saes": rows}))
    (folder / "inputs.txt").write_text("inputs")
    return folder


ALONE = (("confounds",), ("sites",))
"""What analyses read that `made` holds whole; others read codes and scores, which it lacks."""


@pytest.fixture
def config(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    told = tuple(name for name in publish.IN_EVERY_RUN if ANALYSES[name].reads in ALONE)
    monkeypatch.setattr(publish, "IN_EVERY_RUN", told)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "inputs.txt"
    return RunConfig(
        proteins=file, annotations=file, ontology=file, plm=str(tmp_path / "plm"), out=tmp_path / "bundle", layer=1
    )


def run(config: RunConfig) -> dict[str, int | float | str]:
    return publish.run(config, config.work, lambda _: None)


def test_a_bundle_is_whole_and_says_what_is_in_it(config: RunConfig) -> None:
    numbers = run(config)
    manifest = json.loads((config.out / "manifest.json").read_text())
    files = {path.relative_to(config.out).as_posix() for path in config.out.rglob("*") if path.is_file()}

    assert files == {"manifest.json", *manifest["files"]}
    assert {"store.duckdb", "plm.json", "plm.safetensors", "sae/vanilla/cfg.json"} <= files
    assert {"analyses/confounds/analysis.json", "analyses/confounds/feature_confound.parquet"} <= files
    assert all(sha256(config.out / name) == digest for name, digest in manifest["files"].items())
    assert manifest["metrics"]["alignment"] == {"MFO": {"mean_f1": 0.5}}
    assert manifest["inputs"]["proteins"] == sha256(config.proteins)
    assert manifest["config"]["out"] == "bundle"
    assert str(config.out.parent) not in (config.out / "manifest.json").read_text()
    assert (numbers["protein"], numbers["feature"], numbers["structure"]) == (30, 256, 8)
    assert not list(config.out.parent.glob("*.partial")) + list(config.out.parent.glob("*.old"))


def umap_x(reader: StoreReader, feature: int) -> float | None:
    row = reader.feature("vanilla", feature)
    assert row is not None
    return row.umap_x


def test_the_store_holds_shipped_proteins_only_and_places_from_one(config: RunConfig, tiny_bundle: Path) -> None:
    run(config)
    with StoreReader.open(config.out / "store.duckdb") as new, StoreReader.open(tiny_bundle / "store.duckdb") as whole:
        assert len(new.sequence_index()) == 30
        assert new.protein("Q0T301") is None
        assert new.annotations("Q0T301") == []
        assert new.annotations("Q0T001") == whole.annotations("Q0T001")
        structures = [reader.structure("Q0T001") for reader in (new, whole)]
        first, second = (one.positions.tolist() for one in structures if one is not None)
        assert first == second
        kept = [row for row in whole.examples("vanilla", 20) if row.accession < "Q0T301"]
        assert [row.accession for row in new.examples("vanilla", 20)] == [row.accession for row in kept]
        assert umap_x(new, 20) == pytest.approx(umap_x(whole, 20))
        assert umap_x(new, 15) is None
        assert new.analysis_table(CONFOUNDS, "feature_confound").equals(
            whole.analysis_table(CONFOUNDS, "feature_confound")
        )
        meta = new.meta()
        assert (meta["n_shipped_proteins"], meta["plm"], meta["layer"], meta["site"]) == (
            "30",
            "tiny_esm2",
            "1",
            "resid_mid",
        )


def test_the_same_run_has_the_same_name(config: RunConfig) -> None:
    run(config)
    first = json.loads((config.out / "manifest.json").read_text())
    run(config)
    second = json.loads((config.out / "manifest.json").read_text())

    assert first["bundle_id"] == second["bundle_id"]
    assert {n: d for n, d in first["files"].items() if n != "store.duckdb"} == {
        n: d for n, d in second["files"].items() if n != "store.duckdb"
    }


def test_weights_of_a_named_plm_are_not_shipped(config: RunConfig) -> None:
    run(RunConfig(**{**vars(config), "plm": "esm2_t6_8M_UR50D"}))

    spec = PLMSpec.read(config.out / "plm.json")
    assert (spec.weights, spec.source) == (None, None)
    assert not (config.out / "plm.safetensors").exists()


def test_a_plm_in_a_single_file_is_remembered_by_its_path_and_hash(config: RunConfig, tmp_path: Path) -> None:
    file = tmp_path / "tuned.pt"
    file.write_bytes(b"weights")
    run(RunConfig(**{**vars(config), "plm": str(file)}))

    spec = PLMSpec.read(config.out / "plm.json")
    assert (spec.weights, spec.source, spec.weights_sha256) == (None, str(file), sha256(file))
    assert spec.what_to_load() == str(file)
    assert str(tmp_path) not in (config.out / "manifest.json").read_text()


def test_what_a_plm_says_of_itself_goes_where_it_goes(config: RunConfig, tmp_path: Path) -> None:
    said = {"title": "Tiny", "provenance": "Drawn at random.", "licence": "MIT"}
    (tmp_path / "plm" / "config.json").write_text(json.dumps({"num_layers": 2, **said}))
    (tmp_path / "plm" / "plm.NOTICE.txt").write_text("in full")
    run(config)
    first = json.loads((config.out / "manifest.json").read_text())
    again = RunConfig(**{**vars(config), "plm": str(config.out), "out": tmp_path / "second"})
    shutil.copytree(config.work, again.work)

    run(again)

    second = json.loads((again.out / "manifest.json").read_text())
    for folder, manifest in ((config.out, first), (again.out, second)):
        spec = PLMSpec.read(folder / "plm.json")
        assert {name: getattr(spec, name) for name in said} == said
        assert (folder / "plm.NOTICE.txt").read_text() == "in full"
        assert "plm.NOTICE.txt" in manifest["files"]
        assert "Tiny (MIT): Drawn at random." in manifest["sources"]
        assert manifest["metrics"]["plm"]["config"]["title"] == "Tiny"
    assert second["files"]["plm.safetensors"] == first["files"]["plm.safetensors"]


def test_a_bundle_is_rebuilt_in_its_place_with_the_model_that_it_holds(config: RunConfig) -> None:
    run(config)
    weights = (config.out / "plm.safetensors").read_bytes()

    run(RunConfig(**{**vars(config), "plm": str(config.out), "seed": 1}))

    assert (config.out / "plm.safetensors").read_bytes() == weights
    assert PLMSpec.read(config.out / "plm.json").weights == "plm.safetensors"
    check_bundle(config.out)


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        duckdb.IOException("Could not write file: No space left on device"),
    ],
)
def test_a_full_disk_is_one_sentence_and_the_old_bundle_stays(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    run(config)
    before = (config.out / "manifest.json").read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(StoreWriter, "close", fail)
    with pytest.raises(InputError, match="the disk is full") as caught:
        run(config)
    assert "\n" not in str(caught.value)
    assert (config.out / "manifest.json").read_bytes() == before
    check_bundle(config.out)
    assert not list(config.out.parent.glob("*.partial"))


PLACES = [
    *((publish, name) for name in ("_write_plm", "_copy_sae", "_write_store", "write_analysis", "write_manifest")),
    *((building, name) for name in ("check_bundle", "swap_in")),
]


def test_an_exception_anywhere_leaves_the_old_bundle(config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    run(config)
    before = sha256(config.out / "manifest.json")

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for module, name in PLACES:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fail)
            with pytest.raises(KeyboardInterrupt):
                run(config)
        check_bundle(config.out)
        assert sha256(config.out / "manifest.json") == before
        assert not list(config.out.parent.glob("*.partial"))


def test_parts_that_do_not_belong_together_are_refused(config: RunConfig) -> None:
    run(config)
    weights = config.out / "sae" / "vanilla" / "sae.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(BundleError, match="differs from the manifest"):
        check_bundle(config.out)

    manifest = json.loads((config.out / "manifest.json").read_text())
    manifest["files"]["sae/vanilla/sae.safetensors"] = sha256(weights)
    (config.out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError):
        check_bundle(config.out)
