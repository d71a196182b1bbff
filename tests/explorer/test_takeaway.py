"""What a reader takes away names its bundle, autoencoder, feature and scale, and other programs read it."""

import io
import json
import zipfile
from typing import NamedTuple

import gemmi
import numpy as np
import pytest

from explorer.components import figure
from explorer.draw import downloads, structure_files
from explorer.draw.structure_files import Coloured, numbers_of
from explorer.services import data, provenance
from explorer.services.refs import FeatureRef
from tests.explorer.conftest import OpenPage


class Calls(NamedTuple):
    name: str
    acts: np.ndarray


def atom(serial: int, residue: int, chain: str = "A", name: str = "CA", kind: str = "ATOM  ") -> str:
    where = f"{3.8 * serial:8.3f}{0.0:8.3f}{0.0:8.3f}"
    return f"{kind}{serial:5d}  {name:<3} ALA {chain}{residue:4d}    {where}{1:6.2f}{7:6.2f}           C"


@pytest.fixture
def coloured() -> Coloured:
    """Three residues of a sequence, 4 to 6, of which the second fires at full colour; and a ligand."""
    pdb = "\n".join([*(atom(i, i) for i in (1, 2, 3)), atom(4, 1, "B", "C1", "HETATM"), "END"])
    values = np.array([0, 0, 0, 0.5, 2, 0])
    return Coloured("P1_protsae_7_abc", pdb, [4, 5, 6], values, 2.0, "bundle abc · ProtSAE #7 zinc")


def test_a_structure_keeps_the_sequences_numbers_and_its_activation(coloured: Coloured) -> None:
    for structure in (gemmi.read_pdb_string(coloured.pdb_text()), read_cif(coloured.mmcif_text())):
        chain = structure[0]["A"]
        assert [residue.seqid.num for residue in chain] == [4, 5, 6]
        assert [residue[0].b_iso for residue in chain] == pytest.approx([25, 100, 0])
        assert structure[0]["B"][0][0].b_iso == pytest.approx(7)


def read_cif(text: str) -> gemmi.Structure:
    return gemmi.make_structure_from_block(gemmi.cif.read_string(text).sole_block())


def test_every_form_names_its_source(coloured: Coloured) -> None:
    with zipfile.ZipFile(io.BytesIO(structure_files.archive(coloured))) as whole:
        texts = {name.rpartition(".")[2]: whole.read(name).decode() for name in whole.namelist()}

    assert set(texts) == {"pdb", "cif", "pml", "cxc", "csv"}
    for ending in ("pdb", "cif", "pml", "cxc"):
        assert "bundle abc" in texts[ending], ending
    assert "load P1_protsae_7_abc.pdb" in texts["pml"]
    assert "open P1_protsae_7_abc.pdb" in texts["cxc"]
    assert "resi 5 " in texts["pml"]
    assert "/A:5 " in texts["cxc"]
    assert texts["csv"].splitlines()[2] == "5,5,2"
    assert structure_files.archive(coloured) == structure_files.archive(coloured)


def test_a_residue_outside_the_sequence_keeps_the_files_own_numbers(coloured: Coloured) -> None:
    moved = coloured._replace(positions=[4, 0, 5])

    assert numbers_of(moved.positions) is None
    chain = gemmi.read_pdb_string(moved.pdb_text())[0]["A"]
    assert [residue.seqid.num for residue in chain] == [1, 2, 3]
    assert [residue[0].b_iso for residue in chain] == pytest.approx([25, 0, 100])
    assert moved.active() == [3]


def test_scripts_of_a_silent_structure_select_nothing(coloured: Coloured) -> None:
    silent = coloured._replace(values=np.zeros(6))

    assert "resi" not in silent.pymol_script()
    assert "/A:" not in silent.chimerax_script()


def test_json_holds_rows_arrays_and_no_nan() -> None:
    row = Calls("é", np.array([0.5, np.nan]))

    read = json.loads(downloads.json_text({"rows": [row], "n": np.int64(3), "none": float("inf")}))

    assert read["rows"][0]["acts"] == [0.5, None]
    assert read["rows"][0]["name"] == "é"
    assert (read["n"], read["none"]) == (3, None)


def test_a_source_names_bundle_weights_feature_and_full_colour(open_page: OpenPage) -> None:
    open_page("find")
    ref = data.default_feature()
    row = data.feature(ref)
    assert row is not None

    source = provenance.of([ref], scale="normalised")

    for part in (data.bundle().manifest["bundle_id"], f"#{ref.feature} {row.label}", f"{row.p999_act:.4g}"):
        assert str(part) in source.sentence()
    digest = data.bundle().manifest["files"][f"sae/{ref.sae}/sae.safetensors"]
    assert source.saes == ((data.sae(ref.sae).display_name, digest[:12]),)
    assert provenance.of([ref, FeatureRef(ref.sae, 0)], scale="raw").scale.startswith("full colour: activation")
    assert provenance.of([ref]).scale == ""


def test_every_page_offers_its_link_and_how_to_cite_it(open_page: OpenPage) -> None:
    app = open_page("feature", sae="vanilla", feature="24")

    link, citation = (element.value for element in app.code[-2:])
    assert "feature=24" in link
    assert f"bundle={provenance.bundle_id()}" in link
    for name in ("ProtSAE Explorer", provenance.bundle_id(), *(sae.display_name for sae in data.saes())):
        assert name in citation


def test_a_link_of_another_bundle_is_said_and_opens_all_the_same(open_page: OpenPage) -> None:
    app = open_page("feature", sae="vanilla", feature="24", bundle="<b>other</b>")
    said = " ".join(element.proto.body for element in app.get("html"))

    assert "&lt;b&gt;other&lt;/b&gt;" in said
    assert provenance.bundle_id() in said
    assert not app.exception

    same = open_page("feature", sae="vanilla", feature="24", bundle=provenance.bundle_id())
    assert "This link was made" not in " ".join(element.proto.body for element in same.get("html"))


def test_a_figure_offers_the_widths_of_journals() -> None:
    assert figure.WIDTHS_MM == (89, 120, 183)
