"""What a reader keeps of a protein stands in the address, and comes back from it."""

import pytest

from explorer.components.protein_view import Kept
from explorer.draw import downloads
from explorer.services import data
from explorer.shell import viewer
from protsae.errors import InputError
from protsae.store.rows import ProteinRow

from .conftest import OpenPage, param, text_of, views_of


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        ({}, Kept()),
        ({"residue": "12"}, Kept(residue=12)),
        ({"residue": "1", "range": "20-30", "row": "2"}, Kept(residue=1, span=(20, 30), row=1)),
        ({"style": "spheres"}, Kept(style="spheres")),
    ],
)
def test_what_is_kept_reads_back(params: dict[str, str], kept: Kept) -> None:
    assert viewer.read(params, 30, 2) == kept


@pytest.mark.parametrize("params", [{"residue": "31"}, {"residue": "0"}, {"residue": "٣"}, {"residue": "x" * 999}])
def test_a_residue_beyond_the_chain_is_quoted(params: dict[str, str]) -> None:
    with pytest.raises(InputError, match="is no residue of this chain; they are numbered 1 to 30") as caught:
        viewer.read(params, 30, 2)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("span", ["30-20", "20-31", "0-3", "3", "3-", ""])
def test_a_range_beyond_the_chain_is_quoted(span: str) -> None:
    with pytest.raises(InputError, match=f"range='{span}' is no range"):
        viewer.read({"range": span}, 30, 2)


def test_a_row_that_is_not_there_is_quoted() -> None:
    with pytest.raises(InputError, match="row='3' is no row of this view; they are numbered 1 to 2"):
        viewer.read({"row": "3"}, 30, 2)


def test_a_style_that_is_none_is_quoted() -> None:
    with pytest.raises(InputError, match="style='wire' is no way to draw a structure: ribbon, tube, spheres"):
        viewer.read({"style": "wire"}, 30, 2)


@pytest.mark.parametrize("page", ["find", "feature", "compare", "protein", "sequence", "steer"])
def test_every_view_shows_what_its_address_keeps(open_page: OpenPage, page: str) -> None:
    which = {"accession": first_protein(open_page).accession} if page in ("protein", "sequence") else {}
    app = open_page(page, residue="3", range="2-5", style="tube", **which)

    assert not app.exception
    assert views_of(app)[0]["kept"] == {"residue": 3, "span": [2, 5], "row": 0, "style": "tube"}


def first_protein(open_page: OpenPage) -> ProteinRow:
    """A protein of the bundle that `open_page` opens."""
    open_page("find")
    row = data.protein(data.bundle().reader.sequence_index()["accession"][0])
    assert row is not None
    return row


def test_a_residue_that_the_chain_lacks_is_said_and_the_view_stands(open_page: OpenPage) -> None:
    app = open_page("feature", residue="99999")

    assert not app.exception
    assert "residue='99999' is no residue of this chain" in text_of(app)
    assert views_of(app)[0]["kept"] == {"residue": None, "span": None, "row": 0, "style": "ribbon"}


def test_another_band_forgets_the_residue(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1", residue="3", range="2-5")
    app.segmented_control(key="choice_band").set_value("3d").run()

    assert not {"residue", "range"} & set(app.query_params)
    assert param(app, "band") == "3d"


def test_ticked_rows_are_shown_from_the_address(open_page: OpenPage) -> None:
    accession = first_protein(open_page).accession
    app = open_page("sequence", accession=accession)
    sae = views_of(app)[0]["rows"][0]["code"].split(" ")[0]
    listed = [url.rsplit("feature=", 1)[1] for url in app.dataframe[0].value["Feature"]]
    wanted = [listed[2], listed[0]]
    app = open_page("sequence", accession=accession, rows=".".join([*wanted, "x", "99999999999"]), row="2")

    assert not app.exception
    assert [row["code"] for row in views_of(app)[0]["rows"]] == [f"{sae} {number}" for number in wanted]
    assert views_of(app)[0]["kept"]["row"] == 1


def test_the_name_and_the_record_of_a_fasta_come_back(open_page: OpenPage) -> None:
    sequence = first_protein(open_page).sequence
    app = open_page("sequence")
    app.text_area(key="sequence_box").set_value(f">sp|X1|one first\n{sequence}\n>two\n{sequence[10:70]}")
    next(button for button in app.button if button.label == "Read it").click()
    app.run().selectbox(key="sequence_record").set_value(1).run()
    params = {name: str(param(app, name)) for name in ("sequence", "name")}
    assert params == {"sequence": sequence[10:70], "name": "two"}
    fresh = open_page("sequence", **params)

    assert "two: 60 residues" in text_of(fresh)
    assert fresh.text_area(key="sequence_box").value == f">two\n{sequence[10:70]}"

    app.query_params["sequence"], app.query_params["name"] = sequence, "sp|X1|one"
    app.run()
    assert app.selectbox(key="sequence_record").value == 0


def test_a_sequence_too_long_for_the_address_says_so(open_page: OpenPage) -> None:
    app = open_page("sequence")
    app.text_area(key="sequence_box").set_value("MKVLAAGITRHWDEFGYPNQ" * 76)
    next(button for button in app.button if button.label == "Read it").click()
    app.run()

    assert not app.exception
    assert "1,520 residues are more than an address holds (1,500)" in text_of(app)
    assert "sequence" not in app.query_params


@pytest.mark.parametrize(
    ("name", "stem"), [("P02925_1BA2_A.pdb.gz", "P02925_1BA2_A"), ("mine.CIF", "mine"), ("P1.2", "P1.2")]
)
def test_files_lose_the_ending_of_what_they_came_from(name: str, stem: str) -> None:
    assert downloads.stem(name) == stem


def test_the_coloured_structure_is_that_of_the_row_that_colours(open_page: OpenPage) -> None:
    open_page("find")
    table = data.bundle().reader.sequence_index()
    accession = str(table["accession"][table["has_structure"]].iloc[0])
    app = open_page("sequence", accession=accession, row="2")
    second = views_of(app)[0]["rows"][1]

    labels = [block.proto.popover.label.replace("\\", "") for block in app.get("popover")]
    assert f"Structure, coloured by {second['label']}" in labels
    assert views_of(app)[0]["name"] == accession
