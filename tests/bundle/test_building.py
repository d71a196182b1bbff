"""A bundle changes in one step: an analysis comes in, the rest stays as it is, a failure leaves the old one."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from protsae.bundle import building
from protsae.bundle.building import add_analysis, changed_bundle, check_bundle, new_bundle
from protsae.bundle.opening import open_bundle
from protsae.errors import BundleError, InputError
from protsae.files import sha256
from protsae.store.analyses.confounds import feature_confounds
from protsae.store.analyses.evaluation import EVALUATION, evaluation_rows

ROWS = pd.DataFrame(
    [("main", "TopK", "MFO", 8, 0, "auc", 0.5)],
    columns=["part", "method", "namespace", "k", "seed", "metric", "value"],
)


def hashes(bundle: Path) -> dict[str, str]:
    return {path.relative_to(bundle).as_posix(): sha256(path) for path in bundle.rglob("*") if path.is_file()}


def add(bundle: Path) -> None:
    add_analysis(bundle, EVALUATION, {"evaluation": ROWS}, created_by="test", settings={"seeds": 1})


def test_an_analysis_takes_the_place_of_its_last_and_touches_nothing_else(copy: Path) -> None:
    before, inode = hashes(copy), (copy / "store.duckdb").stat().st_ino
    add(copy)

    after = hashes(copy)
    assert {name for name in after if after[name] != before.get(name)} == {
        "manifest.json",
        "analyses/evaluation/analysis.json",
        "analyses/evaluation/evaluation.parquet",
    }
    assert (copy / "store.duckdb").stat().st_ino == inode
    assert [path.name for path in copy.parent.iterdir() if not path.name.startswith(".")] == ["bundle"]
    check_bundle(copy)
    with open_bundle(copy) as bundle:
        assert evaluation_rows(bundle.reader)["value"].tolist() == [0.5]
        assert feature_confounds(bundle.reader, "vanilla", 25)


def test_a_file_system_without_hard_links_gets_copies(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    before = hashes(copy)
    add(copy)

    assert hashes(copy)["store.duckdb"] == before["store.duckdb"]
    check_bundle(copy)


def test_a_reader_goes_on_with_the_bundle_that_it_opened(copy: Path) -> None:
    with open_bundle(copy) as old:
        n_rows = len(evaluation_rows(old.reader))
        add(copy)
        assert len(evaluation_rows(old.reader)) == n_rows > 1
        assert old.reader.protein("Q0T001") is not None
    with open_bundle(copy) as new:
        assert len(evaluation_rows(new.reader)) == 1


def test_a_failure_leaves_the_old_bundle(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = hashes(copy)

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name in ("write_analysis", "write_manifest", "check_bundle", "swap_in"):
        with monkeypatch.context() as patch:
            patch.setattr(building, name, fail)
            with pytest.raises(KeyboardInterrupt):
                add(copy)
        assert hashes(copy) == before
    with pytest.raises(ValueError, match="needs the columns"):
        add_analysis(copy, EVALUATION, {"evaluation": ROWS[["part"]]}, created_by="test", settings={})
    assert hashes(copy) == before
    assert not list(copy.parent.glob("*.partial"))


def test_a_damaged_file_gets_no_fresh_hash(copy: Path) -> None:
    with (copy / "sae" / "vanilla" / "sae.safetensors").open("ab") as file:
        file.write(b" ")

    with pytest.raises(BundleError, match="differs from the manifest"):
        add(copy)


def test_one_program_at_a_time_changes_a_bundle(copy: Path) -> None:
    with FileLock(copy.with_name(".bundle.lock")), pytest.raises(InputError, match="another program is changing"):
        add(copy)
    add(copy)


def test_an_own_file_is_written_into_without_reaching_the_old_bundle(copy: Path) -> None:
    before = hashes(copy)
    with changed_bundle(copy, own=("plm.json",)) as folder, (folder / "plm.json").open("a") as file:
        file.write(" ")
        file.flush()
        assert hashes(copy) == before

    assert hashes(copy)["plm.json"] != before["plm.json"]
    check_bundle(copy)


def test_a_new_bundle_that_is_not_whole_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"plm\.json is missing"), new_bundle(tmp_path / "bundle"):
        pass

    assert not (tmp_path / "bundle").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_what_is_no_bundle_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(BundleError, match=r"manifest\.json is missing"):
        add(tmp_path / "bundle")


def test_the_description_says_what_decided_the_numbers(copy: Path) -> None:
    add(copy)

    facts = json.loads((copy / "analyses" / "evaluation" / "analysis.json").read_text())
    assert {name: facts[name] for name in ("name", "bundle_id", "created_by", "settings")} == {
        "name": "evaluation",
        "bundle_id": "tiny",
        "created_by": "test",
        "settings": {"seeds": 1},
    }
