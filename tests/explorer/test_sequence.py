"""Sequence: every way of giving a protein, every wrong one, and what is said of the answer."""

from html import unescape
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.draw import downloads, views
from explorer.firing import ranges, starts
from explorer.protein import predictions, reading, subject, uploads
from explorer.protein.reading import Pasted
from explorer.services import data
from explorer.services.refs import FeatureRef
from protsae.store.rows import ProteinRow, StructureRow

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


# --- the page ---------------------------------------------------------------------------------------------------------


def test_it_opens_with_examples_and_no_empty_report(open_page: OpenPage) -> None:
    app = open_page("sequence")

    assert not app.exception
    assert "Nothing read yet" in text_of(app)
    linked = [link.params["accession"] for link in links_of(app, "protein")]
    assert linked
    assert len(set(linked)) == len(linked)
    assert views_of(app) == []


def test_an_unknown_tab_opens_the_first_and_is_quoted_back(open_page: OpenPage) -> None:
    def said(tab: str) -> list[str]:
        app = open_page("sequence", accession=first_protein().accession, tab=tab)
        assert not app.exception
        return [unescape(block) for block in html_of(app, "ps-empty")]

    (sentence,) = said("zzz")
    assert "tab='zzz' is not known here; choose terms, mutations, relies, beside, files." in sentence
    assert "Shown instead: Features that fire" in sentence
    assert not said("terms")


def test_an_accession_shows_the_protein_and_stands_in_the_address(open_page: OpenPage) -> None:
    app = give(open_page("sequence"), first_protein().accession.lower())

    assert not app.exception
    assert param(app, "accession") == first_protein().accession
    assert f"the same as {first_protein().accession}" in html_of(app, "ps-understood")[0]
    assert views_of(app)[0]["sequence"] == first_protein().sequence
    assert all(row["href"].startswith("./feature?sae=") for row in views_of(app)[0]["rows"])
    names = ["Features that fire", "GO terms called", "Mutations", "What it relies on", "Beside another"]
    assert [tab.label.split(" · ")[0] for tab in app.tabs] == [*names, "Downloads"]


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
    app = open_page("sequence", accession="P69905")

    assert not app.exception
    assert "“P69905” is not among the 40 proteins of this bundle (Fabula ficta 26, Escherichia exempli 14)" in text_of(
        app
    )
    assert "Nothing is fetched unless you let it: paste its sequence or FASTA" in text_of(app)
    assert "https://www.uniprot.org/uniprotkb/P69905" in "".join(html_of(app, "ps-out"))


def test_a_name_that_is_not_there_is_said_on_the_page_and_near_ones_are_called_near(open_page: OpenPage) -> None:
    app = give(open_page("sequence"), "ampD88")

    assert not app.exception
    assert "“ampD88” is not among the 40 proteins" in text_of(app)
    assert views_of(app) == []
    assert param(app, "accession") is None
    near = [element.value for element in app.caption if "near in spelling" in element.value]
    assert near == ["Not the same, but near in spelling:"]
    assert {"accession": "Q0T081"} in [link.params for link in links_of(app, "protein")]
    assert {"q": "ampD88"} in [link.params for link in links_of(app, "find")]


def test_words_are_doubted_and_read_only_when_asked(open_page: OpenPage) -> None:
    app = give(open_page("sequence"), "my protein is haemoglobin")

    assert "“my protein is haemoglobin” was not read as a sequence" in text_of(app)
    assert views_of(app) == []
    assert param(app, "sequence") is None
    next(button for button in app.button if button.label == "Read it as a sequence all the same").click().run()
    assert views_of(app)[0]["sequence"] == "MYPROTEINISHAEMOGLOBIN"
    assert "was not read" not in text_of(app)


# --- what the corpus has to do with it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("organism", "said"),
    [
        ("Homo sapiens", "Its organism, Homo sapiens, is not among those that the shipped proteins of the corpus name"),
        ("Escherichia exempli (strain T2)", ""),
        ("", ""),
    ],
)
def test_an_organism_outside_the_corpus_is_said(open_page: OpenPage, organism: str, said: str) -> None:
    header = f">mine OS={organism} OX=1" if organism else ">mine"
    app = give(open_page("sequence"), f"{header}\n{first_protein().sequence[::-1]}")

    assert not app.exception
    assert ("Its organism" in text_of(app)) == bool(said)
    assert said in text_of(app)
    assert "whether its family is in the training corpus is not known" in text_of(app)


@pytest.mark.parametrize(
    ("split", "said"),
    [("train", "among the proteins that trained"), ("valid", "helped to choose"), ("test", "was held out")],
)
def test_a_stored_protein_says_whether_its_family_trained(
    open_page: OpenPage, store: Path, split: str, said: str
) -> None:
    reader = data.bundle().reader
    accession = reader.tuples("SELECT accession FROM protein WHERE split = ? LIMIT 1", [split])[0][0]
    app = open_page("sequence", accession=accession)

    assert said in text_of(app)


def test_the_page_says_which_language_model_it_is_in_the_bundles_words(open_page: OpenPage) -> None:
    for page in ("find", "sequence", "steer"):
        said = text_of(open_page(page))
        assert "The language model here is “tiny_esm2”." in said
        assert "Of its corpus of 40 proteins, 40 proteins (Fabula ficta 26, Escherichia exempli 14) ship." in said


# --- the start cards --------------------------------------------------------------------------------------------------


def test_the_start_cards_show_true_examples_and_open_on_their_feature(open_page: OpenPage) -> None:
    app = open_page("sequence")
    cards = starts.true_examples()

    assert 0 < len(cards) <= starts.EXAMPLES
    for card in cards:
        ref = FeatureRef(card.term.sae, card.term.feature)
        row, protein = data.feature(ref), data.protein(card.example.accession)
        assert row is not None
        assert protein is not None
        assert card.term.grade in ("strong", "weak")
        assert card.term.go_id in {term.go_id for term in data.protein_terms(card.example.accession)}
        assert card.example.peak_act >= starts.STRONG * (row.p999_act or row.max_act)
        said = text_of(app)
        for part in (card.term.term_name, card.example.accession, protein.organism.split(" (")[0]):
            assert part in said.replace("\\", "")
        opened = open_page("sequence", accession=protein.accession, sae=ref.sae, feature=str(ref.feature))
        assert f"feature={ref.feature}" in views_of(opened)[0]["rows"][0]["href"]
        assert f"sae={ref.sae}" in views_of(opened)[0]["rows"][0]["href"]
    assert [link.params for link in links_of(app, "protein")] == [
        {"accession": card.example.accession, "sae": card.term.sae, "feature": str(card.term.feature)} for card in cards
    ]


@pytest.mark.parametrize("feature", ["x", "99999"])
def test_a_wrong_feature_in_the_address_is_said_and_the_list_stays(open_page: OpenPage, feature: str) -> None:
    app = open_page("sequence", accession=first_protein().accession, feature=feature)

    assert not app.exception
    assert f"'{feature}' is no feature of protsae_mfo" in text_of(app)
    assert views_of(app)[0]["rows"]


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
    said = predictions.sentence(found, "train", row.length)
    assert "no evidence" in said or "No guided feature" in said


def test_a_brushed_range_ranks_features_by_their_own_background(open_page: OpenPage) -> None:
    protein = first_protein()
    app = open_page("sequence", accession=protein.accession, range="3-9", apart="1")

    assert not app.exception
    table = next(element.value for element in app.dataframe if "Shifted" in element.value)
    preferred = ranges.of_protein(protein.sequence, data.guided_saes()[0].name, (3, 9))
    assert len(table)
    shown = [preferred[int(url.rsplit("feature=", 1)[1])] for url in table["Feature"]]
    assert table["Fold"].tolist() == pytest.approx([one.fold for one in shown])
    assert table["There"].tolist() == pytest.approx([100 * one.inside for one in shown])
    assert shown[0].gain == max(one.gain for one in preferred.values())
    assert ((table["Shifted"] > 0) & (table["Shifted"] <= 1)).all()


def test_how_near_is_said_in_words() -> None:
    from explorer.protein.matching import Match

    def said(identity: float, coverage: float) -> str:
        return reading.said_of_match(Match("P1", identity, coverage, True, np.arange(1, 90)), "Myoglobin")

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


def test_called_terms_are_shown_beside_the_best_feature_without_guidance(open_page: OpenPage) -> None:
    app = open_page("sequence", accession=first_protein().accession, pairs="1")

    assert not app.exception
    shown = [row["code"].split(" ")[0] for row in views_of(app)[0]["rows"]]
    guided, alone = {row.name for row in data.guided_saes()}, {row.name for row in data.baseline_saes()}
    calls = [call for call in predictions.calls(first_protein().sequence) if call.is_called and call.is_firm]
    if calls:
        assert set(shown[::2]) <= guided
        assert set(shown[1::2]) <= alone
