"""Sequence's input from those who err or mean harm: one clear sentence each, nothing lost, memory bounded."""

import gzip
import io
import tomllib
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import gemmi
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.protein import reading
from protsae.errors import InputError
from protsae.structure.chains import MAX_BYTES
from protsae.structure.read import read_uploaded_structure

from .conftest import OpenPage, html_of, text_of, views_of

SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"
LETTERS = "MKVLAAGITRHWDEFGYPNQ"
CONFIG = Path(reading.__file__).parents[1] / ".streamlit" / "config.toml"


def helix(n: int, chain: str = "A") -> str:
    return "".join(
        f"ATOM  {i + 1:5d}  CA  ALA {chain}{i + 1:4d}    {2.3 * np.cos(1.745 * i):8.3f}{2.3 * np.sin(1.745 * i):8.3f}"
        f"{1.5 * i:8.3f}  1.00 20.00           C\n"
        for i in range(n)
    )


def models(n: int) -> str:
    return "".join(f"MODEL     {k:4d}\n{helix(40)}ENDMDL\n" for k in range(1, n + 1))


def as_cif(pdb: str) -> str:
    structure = gemmi.read_pdb_string(pdb)
    structure.setup_entities()
    return structure.make_mmcif_document().as_string()


def bomb(megabytes: int) -> bytes:
    """Gzipped zeros, a thousandth of their size."""
    packer, block = zlib.compressobj(9, zlib.DEFLATED, 31), bytes(1_000_000)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def zipped() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a.pdb"), helix(30))  # of 1980: the name of a test must not tell the time
    return memory.getvalue()


def most_megabytes(do: Callable[[], object]) -> float:
    """The most memory that Python holds at once meanwhile."""
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def give(app: AppTest, text: str) -> AppTest:
    app.text_area(key="sequence_box").set_value(text)
    next(button for button in app.button if button.label == "Read it").click()
    return app.run()


def drop(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, content, "chemical/x-pdb"))
    return app.run()


# --- pasted -----------------------------------------------------------------------------------------------------------


def test_fifty_thousand_residues_are_refused_with_their_number_and_stay_in_the_box(open_page: OpenPage) -> None:
    long = LETTERS * 2500
    app = give(open_page("sequence"), long)

    assert not app.exception
    assert "The sequence has 50,000 residues, more than the limit of 5,000: give a part of it." in text_of(app)
    assert app.text_area(key="sequence_box").value == long
    assert "sequence" not in app.query_params


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("MKT\x00AYIAKQRQISF", "bytes of a file that is no text"),
        (LETTERS.encode("utf-16-le").decode("latin-1"), "bytes of a file that is no text"),
        (
            gzip.compress(LETTERS.encode(), mtime=0).decode("latin-1"),
            "bytes of a file that is no text|a compressed file",
        ),
        ("PK\x03\x04" + "x" * 100, "a ZIP archive"),
        (f"<html>{SCRIPT}</html>", "a web page"),
    ],
)
def test_files_that_are_pasted_are_named(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        reading.understand(text, lambda _: None, lambda _: [])


def test_markup_in_a_fasta_header_is_text_wherever_it_stands(open_page: OpenPage) -> None:
    app = give(open_page("sequence"), f">{IMAGE.replace(' ', '')} {SCRIPT} OS=<b>Fabula</b>\n{LETTERS * 3}")

    assert not app.exception
    assert views_of(app)[0]["sequence"] == LETTERS * 3
    assert not_markup(app)


def not_markup(app: AppTest) -> bool:
    """Nothing that a stranger wrote stands in the page as HTML."""
    blocks = "".join(str(element.proto.body) for element in app.get("html")).lower()
    spoken = [element for element in app.markdown if element.allow_html]
    blocks += "".join(element.value for element in spoken).lower()
    return not any(mark in blocks for mark in ("<script>alert", "<img src=x", "<b>fabula"))


# --- dropped ----------------------------------------------------------------------------------------------------------


def test_a_gzip_bomb_is_never_unpacked_beyond_the_limit() -> None:
    packed = bomb(1000)

    def read() -> None:
        with pytest.raises(InputError, match="'small' is larger than 20 MB; give a file with the one chain only"):
            read_uploaded_structure(packed, "small")

    assert len(packed) < MAX_BYTES  # so the server would take it
    assert most_megabytes(read) < 5 * MAX_BYTES / 1e6


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pdb", zipped(), "'a.pdb' is a ZIP archive; give a PDB or mmCIF file, plain or gzipped (.gz)"),
        ("a.pdb.gz", gzip.compress(zipped(), mtime=0), "'a.pdb.gz' is a ZIP archive"),
        ("a.cif", f"<!DOCTYPE html><html>{SCRIPT}</html>".encode(), "'a.cif' is a web page"),
        ("a.cif", b'{"data": []}', "'a.cif' is JSON"),
        ("a.pdb", helix(30).encode().replace(b"ALA A  10", b"AL\0 A  10"), "is no text: it holds NUL bytes"),
        ("a.pdb", helix(30).encode("utf-16-le"), "is no text: it holds NUL bytes"),
        ("a.pdb", bytes(5000), "is no text: it holds NUL bytes"),
        ("a.pdb", np.random.default_rng(0).bytes(100_000), "'a.pdb' is no text|'a.pdb' holds no atoms"),
    ],
)
def test_what_is_no_structure_is_called_what_it_is_and_the_sequence_stays(
    open_page: OpenPage, name: str, content: bytes, said: str
) -> None:
    app = open_page("sequence", sequence=LETTERS * 3)
    app = drop(app, name, content)

    assert not app.exception
    assert any(words in text_of(app) for words in said.split("|"))
    assert "Try another file, or remove it." in text_of(app)
    assert views_of(app)[0]["sequence"] == LETTERS * 3
    assert not_markup(app)


def test_text_in_utf_16_with_its_mark_is_read() -> None:
    assert read_uploaded_structure(helix(30).encode("utf-16"), "a.pdb").sequence == "A" * 30


@pytest.mark.parametrize(("name", "text"), [("m.pdb", models(100)), ("m.cif", as_cif(models(100)))])
def test_of_a_hundred_models_the_first_is_read_and_the_page_says_so(open_page: OpenPage, name: str, text: str) -> None:
    app = drop(open_page("sequence"), name, text.encode())

    assert not app.exception
    assert views_of(app)[0]["sequence"] == "A" * 40
    assert "the first of 100 models, covers 100 %" in views_of(app)[0]["structure"]["title"]
    assert most_megabytes(lambda: read_uploaded_structure(text.encode(), name)) < 100


def test_markup_in_a_chain_a_title_and_a_file_name_is_text(open_page: OpenPage) -> None:
    block = gemmi.cif.read_string(as_cif(helix(30))).sole_block()
    block.set_pair("_struct.title", gemmi.cif.quote(SCRIPT))
    atoms = block.find("_atom_site.", ["auth_asym_id"])
    for row in atoms:
        row[0] = gemmi.cif.quote(IMAGE)
    text = block.as_string()
    app = drop(open_page("sequence"), f"{SCRIPT}.cif", text.encode())

    assert not app.exception
    assert views_of(app)[0]["sequence"] == "A" * 30
    assert IMAGE in views_of(app)[0]["structure"]["title"]  # the component sets text, never HTML
    assert not_markup(app)
    assert html_of(app, "ps-understood")


def test_the_browser_component_sets_no_html_from_data() -> None:
    scripts = (Path(reading.__file__).parents[1] / "components").glob("*.js")

    assert not [
        path.name for path in scripts if "innerHTML" in path.read_text() or "insertAdjacent" in path.read_text()
    ]


def test_the_server_takes_no_larger_file_than_is_read() -> None:
    assert tomllib.loads(CONFIG.read_text())["server"]["maxUploadSize"] * 1_000_000 == MAX_BYTES
