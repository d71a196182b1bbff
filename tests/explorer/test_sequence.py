"""Sequence: every way of giving a protein, every wrong one, and what is said of the answer."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.draw import downloads, views
from explorer.protein import predictions, reading, subject, uploads
from explorer.protein.reading import Hits, Pasted, Records, Stored, understand
from explorer.sequence import tables
from explorer.services import data
from explorer.services.live import ActiveFeature
from protsae.errors import InputError
from protsae.store.rows import ProteinHit, ProteinRow, StructureRow

from .conftest import OpenPage, html_of, links_of, param, text_of, views_of


@pytest.fixture
def store(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))
    return tiny_bundle


def give(app: AppTest, text: str) -> AppTest:
    app.text_area(key="sequence_box").set_value(text)
    next(button for button in app.button if button.label == "Read it").click()
    return app.run()


def first_protein() -> ProteinRow:
    accession = data.bundle().reader.sequence_index()["accession"][0]
    row = data.protein(accession)
    assert row is not None
    return row


def no_protein(accession: str) -> None:
    return None


def hit(accession: str, name: str, gene: str = "") -> ProteinHit:
    return ProteinHit(accession, f"{accession}_X", name, gene, "yeast", 100, has_structure=False)


# --- what the box's text is -------------------------------------------------------------------------------------------


def test_letters_that_are_a_proteins_name_are_that_protein() -> None:
    found = understand("myoglobin", no_protein, lambda _: [hit("P02185", "Myoglobin")])

    assert found == Stored("P02185")


def test_a_name_that_several_share_is_a_choice() -> None:
    kinases = [hit("P1", "Hexokinase-1"), hit("P2", "Hexokinase-2")]
    found = understand("hexokinase", no_protein, lambda _: kinases)

    assert isinstance(found, Hits)
    assert [h.accession for h in found.proteins] == ["P1", "P2"]
    assert understand("hexokinase-2", no_protein, lambda _: kinases) == Stored("P2")


def test_a_sequence_is_not_searched_for_as_a_name() -> None:
    letters = "mkvlaagitrhwdefgyplnqsmkvlaagit"
    found = understand(letters, no_protein, lambda _: pytest.fail("searched"))

    assert found == Pasted(letters.upper(), "", ())


def test_gaps_are_dropped_and_said() -> None:
    found = understand(">sp|X MYG\nMKV-LAAG-ITRHW", no_protein, lambda _: [])

    assert isinstance(found, Pasted)
    assert found.sequence == "MKVLAAGITRHW"
    assert "2 gap characters" in found.notes[0]


def test_many_records_become_a_choice() -> None:
    found = understand(">a\nMKVLAAGIT\n>b\nMKVLAAGIA", no_protein, lambda _: [])

    assert isinstance(found, Records)
    assert [name for name, _ in found.records] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("MKVL*AAGITRHW", "stop codon"),
        ("ATGGCCATTGTAATGGGCCGCTGA", "nucleotides"),
        ("M" * 3 + "KV" * 2600, "more than the limit"),
        ("P99999", "No protein of this bundle is called 'P99999'"),
        ("YAL001C", "No protein of this bundle is called 'YAL001C'"),
        (">only a header\n", "no sequence below it"),
        ("MKVLAAGIT 1€ RHWMKVLAAGIT", "no amino acid"),
        ("MKV", "only 3 residues"),
    ],
)
def test_each_wrong_text_gets_one_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(")) as caught:
        understand(text, no_protein, lambda _: [])
    assert "\n" not in str(caught.value)


# --- the page ---------------------------------------------------------------------------------------------------------


def test_it_opens_with_examples_and_no_empty_report(open_page: OpenPage) -> None:
    app = open_page("sequence")

    assert not app.exception
    assert "Nothing read yet" in text_of(app)
    assert len(links_of(app, "sequence")) == 3
    assert len({link.params["accession"] for link in links_of(app, "sequence")}) == 3
    assert views_of(app) == []


def test_an_accession_shows_the_protein_and_stands_in_the_address(open_page: OpenPage) -> None:
    app = give(open_page("sequence"), first_protein().accession.lower())

    assert not app.exception
    assert param(app, "accession") == first_protein().accession
    assert f"the same as {first_protein().accession}" in html_of(app, "ps-understood")[0]
    assert views_of(app)[0]["sequence"] == first_protein().sequence
    assert all(row["href"].startswith("./feature?sae=") for row in views_of(app)[0]["rows"])
    assert [tab.label.split(" · ")[0] for tab in app.tabs] == ["Features that fire", "GO terms called", "Downloads"]


def test_the_address_brings_a_pasted_sequence_back(open_page: OpenPage) -> None:
    letters = first_protein().sequence[5:60]
    app = open_page("sequence", sequence=letters)

    assert not app.exception
    assert app.text_area(key="sequence_box").value == letters
    assert f"{len(letters)} residues; 100 % identical to {first_protein().accession}" in text_of(app)


def test_wrong_text_is_said_and_kept_and_the_app_stays_up(open_page: OpenPage) -> None:
    app = give(open_page("sequence"), "ATGGCCATTGTAATGGGCCGCTGA")

    assert not app.exception
    assert "looks like nucleotides" in text_of(app)
    assert app.text_area(key="sequence_box").value == "ATGGCCATTGTAATGGGCCGCTGA"
    app = give(app, first_protein().accession)
    assert "nucleotides" not in text_of(app)
    assert "the same as" in text_of(app)


def test_one_of_many_records_can_be_chosen(open_page: OpenPage) -> None:
    first, second = first_protein().sequence, first_protein().sequence[10:70]
    app = give(open_page("sequence"), f">one\n{first}\n>two\n{second}\n>bad\nMKV*LAA")
    picker = app.selectbox(key="sequence_record")

    assert "3 sequences" in picker.label
    assert param(app, "sequence") == first
    app = picker.set_value(1).run()
    assert param(app, "sequence") == second
    app = app.selectbox(key="sequence_record").set_value(2).run()
    assert "stop codon" in text_of(app)
    assert param(app, "sequence") == second


@pytest.mark.parametrize("rare", "UOBZXJ")
def test_rare_letters_near_a_stored_protein_are_read_and_matched(open_page: OpenPage, rare: str) -> None:
    row = first_protein()
    app = give(open_page("sequence"), row.sequence[:40] + rare + row.sequence[41:60])

    assert not app.exception
    assert f"60 residues; 98 % identical to {row.accession}" in text_of(app)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Met Lys Thr Ala Tyr Ile Ala Lys Gln Arg", "10 residues; "),
        ("Met Lys Thr Ala Tyr Ile Ala Lys Gln Arg", "Three-letter code was read as one-letter code."),
        ("SEQRES   1 A   13  MET LYS THR ALA TYR ILE ALA LYS GLN ARG GLN ILE SEC\n", "is that of a structure file"),
        ("ATOM      1  N   MET A   1       2.300   0.000   0.000  1.00 50.00           N\n", "is that of a structure"),
    ],
)
def test_three_letter_code_and_structure_text_are_understood_as_what_they_are(
    open_page: OpenPage, text: str, said: str
) -> None:
    app = give(open_page("sequence"), text)

    assert not app.exception
    assert said in text_of(app)


def helix(n: int, left_out: range, b: float) -> bytes:
    lines = [
        f"ATOM  {i + 1:5d}  CA  ALA A{i + 1:4d}    {2.3 * np.cos(1.745 * i):8.3f}{2.3 * np.sin(1.745 * i):8.3f}"
        f"{1.5 * i:8.3f}  1.00{b:6.2f}           C"
        for i in range(n)
        if i not in left_out
    ]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("name", "left_out", "b", "said", "title"),
    [
        ("mine.pdb", range(20, 30), 20.0, "The file leaves out residues 21 to 30", "mine.pdb chain A, covers 100 %"),
        ("mine.pdb", range(0), 0.5, "40 residues", "predicted model mine.pdb chain A, mean pLDDT 50, covers 100 %"),
        ("AF-P1-F1.pdb", range(0), 90.0, "40 residues", "AlphaFold model AF-P1-F1.pdb chain A, mean pLDDT 90, covers"),
    ],
)
def test_an_uploaded_structure_says_what_it_is_and_what_it_lacks(
    open_page: OpenPage, store: Path, name: str, left_out: range, *, b: float, said: str, title: str
) -> None:
    content = helix(40, left_out, b)
    app = open_page("sequence")
    app.file_uploader[0].set_value((name, content, "chemical/x-pdb"))
    app.run()
    upload = uploads.structure_in((name, content), None)

    assert not app.exception
    assert said in text_of(app)
    assert upload is not None
    assert upload.view.title.startswith(title)


def test_an_unknown_protein_in_the_address_is_said(open_page: OpenPage) -> None:
    app = open_page("sequence", accession="P00000X")

    assert not app.exception
    assert "has no protein 'P00000X'" in text_of(app)


def test_a_damaged_structure_file_is_said_and_the_strip_stays(open_page: OpenPage) -> None:
    app = open_page("sequence", accession=first_protein().accession)
    app.file_uploader[0].set_value(("rubbish.pdb", b"not a structure", "chemical/x-pdb"))
    app.run()

    assert not app.exception
    assert "rubbish.pdb" in text_of(app)
    assert len(views_of(app)) == 1


# --- what is said and shown -------------------------------------------------------------------------------------------


def test_structure_and_annotations_move_to_the_readers_numbering(store: Path) -> None:
    table = data.bundle().reader.sequence_index()
    accession = table["accession"][table["has_structure"]].iloc[0]
    row, stored = data.protein(accession), data.structure(accession)
    assert row is not None
    assert stored is not None

    about = subject.learn(Pasted("GSHMA" + row.sequence, "tagged", ()), None)
    assert about.structure is not None
    moved, expected = np.array(about.structure.positions), stored.positions
    assert np.array_equal(moved[expected > 0], expected[expected > 0] + 5)
    assert "placed on this numbering" in about.structure.title
    shift = {region[0] for track in subject.tracks(about) for region in track.regions} - {
        annotation.start_pos + 5 for annotation in data.annotations(accession)
    }
    assert not shift


@pytest.mark.parametrize(
    ("name", "resolution", "pdb", "title"),
    [
        ("1abc", 2.0, "ATOM", "PDB 1ABC chain A, 2.0 Å, covers 50 % of the sequence."),
        ("mine", None, "ATOM", "mine chain A, covers 50 % of the sequence."),
        (
            "AF-P1-F1",
            None,
            "REMARK   1 ALPHAFOLD MODEL, MEAN PLDDT 71.6\nATOM",
            "AlphaFold model AF-P1-F1 chain A, mean",
        ),
        ("mine", None, "REMARK   1 PREDICTED MODEL\nATOM", "predicted model mine chain A, covers 50 %"),
    ],
)
def test_pdb_stands_before_a_pdb_id_only(name: str, resolution: float | None, pdb: str, title: str) -> None:
    row = StructureRow("P1", name, "A", "full", resolution, 1.0, 0.5, np.array([1, 2]), ("1", "2"), pdb)
    view = views.structure(row)

    assert view is not None
    assert view.title.startswith(title)


def test_calls_use_the_frozen_threshold_and_pooling(store: Path) -> None:
    row = first_protein()
    found = predictions.calls(row.sequence)

    assert {call.term.sae for call in found} == {row.name for row in data.guided_saes()}
    assert all(call.is_called == (call.score > call.term.threshold) for call in found)
    assert predictions.pooled(np.array([1.0, 3.0]), "max") == 3.0
    assert predictions.pooled(np.array([1.0, 3.0]), "mean") == 2.0
    said = predictions.sentence(found, seen_in_training=True)
    assert "no evidence" in said or "No guided feature" in said


def test_a_brushed_range_ranks_features_that_prefer_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {1: [1.0, 1, 1, 1], 2: [0, 0, 1.0, 0], 3: [1.0, 0, 0, 0]}
    monkeypatch.setattr(tables.live, "feature_rows", lambda _, refs: [np.array(rows[f]) for _, f in refs])
    about = subject.Subject("MKVL", "", (), None, None, None, "")
    active = [ActiveFeature(f, 1.0, 1, 1, 10.0, 0.0) for f in rows]

    assert [a.feature for a in tables.in_range(about, "vanilla", active, (3, 4))] == [2]


def test_how_near_is_said_in_words() -> None:
    from explorer.protein.matching import Match

    def said(identity: float, coverage: float) -> str:
        return reading.said_of_match(Match("P1", identity, coverage, True, np.arange(1, 9)), "Myoglobin")

    assert said(0.98, 1.0) == "98 % identical to P1 (Myoglobin)"
    assert said(0.98, 0.6) == "98 % identical to P1 (Myoglobin) over 60 % of its length"
    assert said(0.42, 1.0) == "not nearly known (the nearest, P1 (Myoglobin), is 42 % identical)"
    assert reading.said_of_match(None, "") == "no stored protein is like it"


def test_b_factors_follow_positions_not_file_numbers() -> None:
    pdb = "\n".join(
        f"ATOM  {i:5d}  CA  ALA {chain}{i:4d}       0.000   0.000   0.000  1.00 50.00           C"
        for i, chain in ((1, "A"), (2, "A"), (1, "B"))
    )
    text = downloads.coloured_pdb(pdb, [3, 0], np.array([0, 0, 1.0]), 2.0, "activation of zinc")

    factors = [float(line[60:66]) for line in text.splitlines() if line.startswith("ATOM")]
    assert factors == [50.0, 0.0, 50.0]
    assert text.startswith("REMARK   1 activation of zinc\n")


def test_files_are_plain_and_safe() -> None:
    assert downloads.table_csv(["a"], [["=1+1"], ["x,y"]]) == 'a\n\'=1+1\n"x,y"\n'
    assert downloads.residues_csv("MK", [("zinc", np.array([0, 1.5]))]) == "position,residue,zinc\n1,M,0\n2,K,1.5\n"
    assert downloads.fasta("a\nb", "M" * 61) == ">a b\n" + "M" * 60 + "\nM\n"
    assert downloads.file_name("P1/2 x", "vanilla", "", "a.csv") == "P1-2-x_vanilla_a.csv"
