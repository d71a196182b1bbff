"""Everything that an explorer needs, gathered in one bundle that appears whole or not at all.

The format is that of `protsae/bundle/`: the store and the SAEs, the PLM's weights and their notice only where it was
given as a folder or as a bundle that holds them (i.e. may be shipped), the analyses that every run computes, and a
manifest.

Read `run`.
"""

import errno
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from precompute.analyses.registry import COMPUTED, CREATED_BY, IN_EVERY_RUN
from precompute.config import RunConfig, settings_of
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.fetching.origin import origins
from precompute.pipeline.tables import read_table
from protsae.bundle.building import new_bundle
from protsae.bundle.layout import ANALYSES, MANIFEST, PLM, PLM_NOTICE, PLM_WEIGHTS, SAE_FILES, STORE, sae_folder
from protsae.bundle.manifest import read_manifest, write_manifest
from protsae.errors import InputError
from protsae.files import json_sha256, read_json, sha256
from protsae.plm.registry import about_plm, is_bundle, weights_file
from protsae.plm.spec import PLMSpec
from protsae.store.analyses.files import write_analysis
from protsae.store.analyses.known import ANALYSES as KNOWN
from protsae.store.writer import StoreWriter

SOURCES = (
    "UniProt (CC BY 4.0): sequences, names, residue annotations",
    "Gene Ontology and GO annotations (CC BY 4.0)",
    "Protein Data Bank (CC0): structures",
)


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Build, check and put in place the bundle.

    Raises:
        InputError: the disk is full, a stage's result is missing, or another process is changing the bundle.
        BundleError: what was built does not pass the checks of opening.
    """
    with _one_sentence_when_full(config.out), new_bundle(config.out) as folder:
        spec = _write_plm(config, work, folder)
        for sae in read_trained(work):
            _copy_sae(sae, sae_folder(folder, sae.name))
        identity = _identity(config, folder)
        report("writing the store")
        rows = _write_store(work, folder / STORE, spec, identity)
        for name in IN_EVERY_RUN:
            report(f"writing the analysis {name}")
            tables, settings = COMPUTED[name](replace(config, out=folder), work, report)
            target = folder / ANALYSES / name
            write_analysis(target, KNOWN[name], tables, bundle_id=identity, created_by=CREATED_BY, settings=settings)
        report("hashing and checking")
        write_manifest(folder, _facts(config, work, folder, identity))
    sizes = [path.stat().st_size for path in config.out.rglob("*") if path.is_file()]
    return {
        "bundle_id": identity,
        "bundle_mb": round(sum(sizes) / 1e6, 2),
        "store_mb": round((config.out / STORE).stat().st_size / 1e6, 2),
        **{name: rows[name] for name in ("protein", "structure", "feature", "feature_go", "example")},
    }


def _write_plm(config: RunConfig, work: Path, folder: Path) -> PLMSpec:
    """The description, and what may be shipped of the PLM: its weights and notice where it was given as a folder.

    A single file is remembered by its path.
    """
    about, weights = about_plm(config.plm), weights_file(config.plm)
    spec = replace(PLMSpec.read(work / "embed" / PLM), title=about.title, provenance=about.provenance)
    spec = replace(spec, licence=about.licence, weights=None, source=None)
    if weights is not None and Path(config.plm) in weights.parents:
        shutil.copyfile(weights, folder / PLM_WEIGHTS)
        spec = replace(spec, weights=PLM_WEIGHTS, weights_sha256=sha256(folder / PLM_WEIGHTS))
        if about.notice is not None:
            shutil.copyfile(about.notice, folder / PLM_NOTICE)
    elif weights is not None:
        spec = replace(spec, weights_sha256=sha256(weights), source=str(weights.resolve()))
    spec.write(folder / PLM)
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
        for table in ("term_baseline", "feature_go", "feature_difference", "kind_baseline", "feature_annotation"):
            rows[table] = store.insert(table, work / "associate" / f"{table}.parquet")
        for table in ("example", "example_band"):
            rows[table] = store.insert(table, work / "examples" / f"{table}.parquet", of_stored_proteins=True)
        rows["neighbour"] = store.insert("neighbour", work / "layout" / "neighbour.parquet")
        structures = work / "structures" / "structure.parquet"
        rows["structure"] = store.insert("structure", structures, of_stored_proteins=True)
    return rows


def _features(work: Path) -> pd.DataFrame:
    """Statistics, place on the map and label of every feature."""
    stats = read_table(work / "statistics" / "feature_stats.parquet")
    labels = read_table(work / "associate" / "label.parquet")
    places = read_table(work / "layout" / "umap.parquet")
    joined = stats.merge(labels, on=["sae", "feature"], how="left", validate="one_to_one")
    assert not joined["label"].isna().to_numpy().any(), "every feature has a label"
    return joined.merge(places, on=["sae", "feature"], how="left", validate="one_to_one")


def _facts(config: RunConfig, work: Path, folder: Path, identity: str) -> dict[str, Any]:
    """What the manifest says besides the files."""
    return {
        "bundle_id": identity,
        "created_by": CREATED_BY,
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
        "sources": [
            *SOURCES,
            *origins((config.proteins, config.annotations, config.ontology)),
            *_plm_source(PLMSpec.read(folder / PLM)),
        ],
    }


def _settings(config: RunConfig) -> dict[str, Any]:
    """The configuration, of paths only the last part, without where shards were kept meanwhile."""
    values = settings_of(config)
    del values["shards_at"]
    if "sae" in values:
        values["sae"] = [{**table, "path": Path(table["path"]).name} for table in values["sae"]]
    return {name: Path(v).name if isinstance(v, Path | str) and "/" in str(v) else v for name, v in values.items()}


def _input_hashes(config: RunConfig) -> dict[str, str]:
    """Every file that a setting names, by the setting."""
    given = {field.name: getattr(config, field.name) for field in fields(config)}
    files = {name: sha256(path) for name, path in given.items() if isinstance(path, Path) and path.is_file()}
    return files | {f"sae {spec.name}": spec.content() for spec in config.sae}


def _plm_facts(config: RunConfig) -> Mapping[str, Any]:
    """What stands beside a local PLM, its own configuration and the report of its training; a bundle has kept it."""
    folder = Path(config.plm)
    if is_bundle(folder):
        return read_manifest(folder)["metrics"].get("plm", {}) if (folder / MANIFEST).is_file() else {}
    if not folder.is_dir():
        return {}
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}


def _plm_source(spec: PLMSpec) -> list[str]:
    """The PLM among the sources, where it says where it comes from."""
    if not spec.provenance:
        return []
    return [f"{spec.shown}{f' ({spec.licence})' if spec.licence else ''}: {spec.provenance}"]


def _identity(config: RunConfig, folder: Path) -> str:
    """Name of the bundle: a hash of its models, inputs and settings, so that the same run gives the same name."""
    models = {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}
    settings = {name: value for name, value in _settings(config).items() if name not in {"out", "device", "engine"}}
    return json_sha256([models, _input_hashes(config), settings])[:12]


@contextmanager
def _one_sentence_when_full(out: Path) -> Iterator[None]:
    """A full disk becomes the user's one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise InputError(_full(out)) from error
    except duckdb.Error as error:
        if "No space left" not in str(error):
            raise
        raise InputError(_full(out)) from error


def _full(out: Path) -> str:
    return f"the disk is full at {out.parent}; free some space and run again, the finished stages are kept"
