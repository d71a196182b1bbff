"""Opening: what does not belong together, or leads out of the bundle, is refused in one sentence, without torch."""

import json
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from protsae.bundle.building import check_bundle
from protsae.bundle.opening import open_bundle
from protsae.errors import BundleError
from protsae.files import sha256


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def plm(**changes: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "plm.json", **changes)


def manifest(**changes: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "manifest.json", **changes)


def store(statement: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with duckdb.connect(str(folder / "store.duckdb")) as connection:
            connection.execute(statement)

    return change


def linked(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to(folder.parent / "elsewhere")

    return change


def shorten(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-8])


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:20_000])


SPOILT = {
    "no folder": (shutil.rmtree, "There is no bundle at"),
    "no store": (lambda folder: (folder / "store.duckdb").unlink(), "there is no store at"),
    "a truncated store": (cut("store.duckdb"), "store.duckdb"),
    "no SAE": (store("DELETE FROM sae"), "holds no SAE"),
    "no plm.json": (lambda folder: (folder / "plm.json").unlink(), "plm.json is missing"),
    "a broken plm.json": (lambda folder: (folder / "plm.json").write_text("{"), "cannot be read as JSON"),
    "a deep plm.json": (lambda folder: (folder / "plm.json").write_text("[" * 100_000), "cannot be read as JSON"),
    "a list as plm.json": (lambda folder: (folder / "plm.json").write_text("[1]"), "must hold a JSON object"),
    "another PLM": (plm(name="esm2_t33_650M_UR50D"), "esm2_t33_650M_UR50D"),
    "another layer": (plm(layer=2), "built with layer '1', but plm.json names 2"),
    "a wider PLM": (plm(embed_dim=1280), "SAEs and language model must come from one bundle"),
    "a layer as text": (plm(layer="1"), "layer must be int, got '1'"),
    "weights as a list": (plm(weights=["plm.safetensors"]), "weights must be str or null"),
    "weights outside": (plm(weights="../plm.safetensors"), "weights must be the name of a file beside plm.json"),
    "weights anywhere": (plm(weights="/etc/passwd"), "weights must be the name of a file beside plm.json"),
    "an unpinned file": (plm(weights=None, source="/etc/passwd", weights_sha256=""), "needs weights_sha256"),
    "a further field": (plm(pickle="x"), "must hold the fields"),
    "other weights": (shorten("plm.safetensors"), "is not the file this bundle was built with"),
    "no weights": (lambda folder: (folder / "plm.safetensors").unlink(), "weights are missing"),
    "linked weights": (linked("plm.safetensors"), "symbolic link"),
    "a linked store": (linked("store.duckdb"), "symbolic link"),
    "a linked SAE": (linked("sae/vanilla"), "symbolic link"),
    "no SAE folder": (lambda folder: shutil.rmtree(folder / "sae" / "vanilla"), "cfg.json is missing"),
    "a narrower SAE": (lambda folder: edit(folder / "sae" / "vanilla" / "cfg.json", d_sae=32), "has d_sae 32"),
    "an SAE outside": (store("UPDATE sae SET name = '../../elsewhere' WHERE name = 'vanilla'"), "leads out of"),
    "an SAE of dots": (store("UPDATE sae SET name = '..' WHERE name = 'vanilla'"), "leads out of"),
    "a manifest of lists": (manifest(files=[]), "'files' must be dict, but is list"),
    "a manifest without a name": (manifest(bundle_id=None), "'bundle_id' must be str, but is NoneType"),
    "a hash that is none": (manifest(files={"plm.json": 7}), "the hash of 'plm.json' must be str"),
    "a manifest that leads out": (manifest(files={"../secret": "0"}), "leads out of"),
    "a manifest of absolute paths": (manifest(files={"/etc/passwd": "0"}), "leads out of"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_bundle_is_refused_in_one_sentence(copy: Path, what: str) -> None:
    spoil, sentence = SPOILT[what]
    spoil(copy)

    with pytest.raises(BundleError) as caught:
        open_bundle(copy)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_opens_is_closed_with_its_block(tiny_bundle: Path) -> None:
    with open_bundle(tiny_bundle) as opened:
        assert opened.plm.embed_dim == opened.reader.saes()[0].d_model
        assert opened.manifest["bundle_id"] == opened.reader.meta()["bundle_id"] == "tiny"
    with pytest.raises(duckdb.ConnectionException):
        opened.reader.saes()


def test_a_bundle_without_a_manifest_opens_but_does_not_pass_as_whole(copy: Path) -> None:
    (copy / "manifest.json").unlink()

    with open_bundle(copy) as opened:
        assert opened.manifest == {}
    with pytest.raises(BundleError, match=r"manifest\.json is missing"):
        check_bundle(copy)


def test_every_file_is_held_against_the_manifest(copy: Path) -> None:
    check_bundle(copy)
    files = json.loads((copy / "manifest.json").read_text())["files"]
    assert {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()} == {
        *files,
        "manifest.json",
    }
    for name in files:
        whole = (copy / name).read_bytes()
        (copy / name).write_bytes(whole + b" ")
        with pytest.raises(BundleError):
            check_bundle(copy)
        (copy / name).write_bytes(whole)
    check_bundle(copy)


def test_opening_loads_no_torch(tiny_bundle: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.evaluation import evaluation_rows
with open_bundle(Path({str(tiny_bundle)!r})) as bundle:
    assert evaluation_rows(bundle.reader).size
    assert bundle.reader.search_terms("zinc")
print(sorted({{name.split(".")[0] for name in sys.modules}} & {{"torch", "esm", "streamlit", "numba"}}))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_hashing_does_not_read_a_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 * 2**20)
    tracemalloc.start()
    try:
        sha256(path)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()
