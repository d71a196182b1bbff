"""Everything that an explorer needs, gathered in one folder that appears whole or not at all.

    store.duckdb                              all tables of protsae/store/schema.sql
    sae/<name>/{cfg.json, sae.safetensors}
    plm.json, plm.safetensors                 weights only where the PLM was a folder, i.e. may be shipped
    manifest.json                             hashes of these files, seeds, settings, inputs, metrics, sources

The bundle is built as OUT.partial, opened and checked there, and put in the place of an older OUT in one step: a kill
leaves the old one or the new one. Read `run`.
"""

import errno
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from precompute.config import RunConfig, settings_of
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.pipeline.swap import recover, swap_in
from precompute.pipeline.tables import read_table
from protsae.errors import BundleError, InputError
from protsae.files import json_sha256, read_json, sha256
from protsae.plm.spec import PLMSpec
from protsae.sae.base import load_sae
from protsae.store.reader import StoreReader
from protsae.store.schema import SCHEMA_VERSION
from protsae.store.writer import StoreWriter

CREATED_BY = "precompute, ProtSAE Explorer"
SOURCES = (
    "UniProt (CC BY 4.0): sequences, names, residue annotations",
    "Gene Ontology and GO annotations (CC BY 4.0)",
    "Protein Data Bank (CC0): structures",
)
PLM_WEIGHTS = "plm.safetensors"
SAE_FILES = ("cfg.json", "sae.safetensors")


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Build, check and put in place the bundle.

    Raises:
        InputError: the disk is full, or a stage's result is missing.
        BundleError: what was built does not pass the checks of opening.
    """
    partial = config.out.with_name(config.out.name + ".partial")
    recover(config.out)
    shutil.rmtree(partial, ignore_errors=True)
    with _one_sentence_when_full(partial):
        partial.mkdir(parents=True)
        spec = _write_plm(config, work, partial)
        trained = read_trained(work)
        for sae in trained:
            _copy_sae(sae, partial / "sae" / sae.name)
        identity = _identity(config, partial)
        report("writing the store")
        rows = _write_store(work, partial / "store.duckdb", spec, identity)
        report("hashing and checking")
        _write_manifest(config, work, partial, identity)
        check_bundle(partial)
        swap_in(partial, config.out)
    sizes = [path.stat().st_size for path in config.out.rglob("*") if path.is_file()]
    return {
        "bundle_mb": round(sum(sizes) / 1e6, 2),
        "store_mb": round((config.out / "store.duckdb").stat().st_size / 1e6, 2),
        **{name: rows[name] for name in ("protein", "structure", "feature", "feature_go", "example")},
    }


def check_bundle(folder: Path) -> None:
    """Open a bundle as an explorer does, and check every file against the manifest.

    Raises:
        BundleError: a file is missing or differs, or the parts do not belong together.
        ArtifactError: an SAE cannot be loaded.
    """
    spec = PLMSpec.read(folder / "plm.json")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file() or sha256(folder / name) != digest:
            msg = f"{folder / name} is missing or differs from the manifest; build the bundle again"
            raise BundleError(msg)
    with StoreReader.open(folder / "store.duckdb") as reader:
        saes = reader.saes()
        if not saes or reader.sequence_index().empty:
            msg = f"{folder} holds no SAE or no protein; build the bundle again"
            raise BundleError(msg)
        for row in saes:
            sae = load_sae(folder / "sae" / row.name)
            if not (sae.d_model == row.d_model == spec.embed_dim and sae.d_sae == row.d_sae):
                msg = (
                    f"{folder}: {row.name} is {sae.d_model} x {sae.d_sae}, the store says {row.d_model} x {row.d_sae}, "
                    f"the PLM has width {spec.embed_dim}; build the bundle again"
                )
                raise BundleError(msg)


def _write_plm(config: RunConfig, work: Path, partial: Path) -> PLMSpec:
    spec = PLMSpec.read(work / "embed" / "plm.json")
    if Path(config.plm).is_dir():
        weights = next(Path(config.plm).glob("*.safetensors"))
        shutil.copyfile(weights, partial / PLM_WEIGHTS)
        spec = replace(spec, weights=PLM_WEIGHTS, weights_sha256=sha256(partial / PLM_WEIGHTS))
    else:
        spec = replace(spec, weights=None)
    spec.write(partial / "plm.json")
    return spec


def _copy_sae(sae: TrainedSAE, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in SAE_FILES:
        shutil.copyfile(sae.folder / name, folder / name)


def _write_store(work: Path, path: Path, spec: PLMSpec, identity: str) -> dict[str, int]:
    """Write all tables; returns rows by table."""
    proteins = read_table(work / "proteins" / "proteins.parquet")
    splits = Counter(proteins["split"])
    rows: dict[str, int] = {}
    with StoreWriter(path) as store:
        store.meta(
            {
                "bundle_id": identity,
                "created_by": CREATED_BY,
                "plm": spec.name,
                "layer": spec.layer,
                "site": spec.site,
                **{f"n_{split}_proteins": splits[split] for split in ("train", "valid", "test")},
                "n_shipped_proteins": int(proteins["is_shipped"].to_numpy().sum()),
            }
        )
        rows["protein"] = store.insert("protein", proteins.loc[proteins["is_shipped"]])
        for table in ("annotation", "protein_go"):
            source = work / "proteins" / f"{table}.parquet"
            rows[table] = store.insert(table, source, of_stored_proteins=True)
        for table in ("go_term", "go_synonym", "go_edge"):
            rows[table] = store.insert(table, work / "proteins" / f"{table}.parquet")
        rows["sae"] = store.insert("sae", work / "statistics" / "sae.parquet")
        rows["feature"] = store.insert("feature", _features(work))
        rows["feature_confound"] = store.insert("feature_confound", work / "confounds" / "feature_confound.parquet")
        for table in ("feature_go", "feature_annotation"):
            rows[table] = store.insert(table, work / "associate" / f"{table}.parquet")
        examples = work / "statistics" / "example.parquet"
        rows["example"] = store.insert("example", examples, of_stored_proteins=True)
        rows["neighbour"] = store.insert("neighbour", work / "layout" / "neighbour.parquet")
        structures = work / "structures" / "structure.parquet"
        rows["structure"] = store.insert("structure", structures, of_stored_proteins=True)
    return rows


def _features(work: Path) -> pd.DataFrame:
    """Statistics, place on the map, label and confound of every feature."""
    stats = read_table(work / "statistics" / "feature_stats.parquet")
    labels = read_table(work / "associate" / "label.parquet")
    places = read_table(work / "layout" / "umap.parquet")
    joined = stats.merge(labels, on=["sae", "feature"], how="left", validate="one_to_one")
    assert not joined["label"].isna().to_numpy().any(), "every feature has a label"  # noqa: S101 - ours
    joined = joined.merge(read_table(work / "confounds" / "explained.parquet"), on=["sae", "feature"], how="left")
    return joined.merge(places, on=["sae", "feature"], how="left", validate="one_to_one")


def _write_manifest(config: RunConfig, work: Path, partial: Path, identity: str) -> None:
    files = [path for path in sorted(partial.rglob("*")) if path.is_file()]
    content = {
        "schema_version": SCHEMA_VERSION,
        "bundle_id": identity,
        "created_by": CREATED_BY,
        "files": {path.relative_to(partial).as_posix(): sha256(path) for path in files},
        "seeds": {"seed": config.seed},
        "config": _settings(config),
        "inputs": _input_hashes(config),
        "metrics": {
            "alignment": read_json(work / "associate" / "metrics.json"),
            "saes": read_table(work / "statistics" / "sae.parquet").to_dict("records"),
            "training": read_json(work / "train" / "result.json"),
            "plm": _plm_facts(config),
            "probe": read_json(work / "probe" / "probe.json"),
        },
        "sources": list(SOURCES),
    }
    text = json.dumps(content, indent=1, default=str)
    (partial / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _settings(config: RunConfig) -> dict[str, Any]:
    """The configuration, of paths only the last part."""
    values = settings_of(config).items()
    return {name: Path(v).name if isinstance(v, Path | str) and "/" in str(v) else v for name, v in values}


def _input_hashes(config: RunConfig) -> dict[str, str]:
    names = ("proteins", "annotations", "ontology", "clusters", "contacts")
    paths = {name: getattr(config, name) for name in names}
    return {name: sha256(path) for name, path in paths.items() if path is not None}


def _plm_facts(config: RunConfig) -> Mapping[str, Any]:
    """What stands beside a local PLM: its own configuration and the report of its training."""
    folder = Path(config.plm)
    if not folder.is_dir():
        return {}
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}


def _identity(config: RunConfig, partial: Path) -> str:
    """Name of the bundle: a hash of its models, inputs and settings, so that the same run gives the same name."""
    models = {path.relative_to(partial).as_posix(): sha256(path) for path in partial.rglob("*") if path.is_file()}
    settings = {name: value for name, value in _settings(config).items() if name not in {"out", "device"}}
    return json_sha256([models, _input_hashes(config), settings])[:12]


@contextmanager
def _one_sentence_when_full(partial: Path) -> Iterator[None]:
    """Clear the unfinished bundle away when something fails; a full disk becomes the user's one sentence."""
    try:
        yield
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise InputError(_full(partial)) from error
    except duckdb.Error as error:
        shutil.rmtree(partial, ignore_errors=True)
        if "No space left" not in str(error):
            raise
        raise InputError(_full(partial)) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _full(partial: Path) -> str:
    return f"the disk is full at {partial.parent}; free some space and run again, the finished stages are kept"
