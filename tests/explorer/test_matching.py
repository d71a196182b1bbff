"""Nearest stored protein: what is the same, what is nearly the same, and where its residues lie."""

import random

import numpy as np
import pytest

from explorer.protein.matching import TELLING, Match, SequenceIndex, best_structure
from explorer.protein.reading import said_of_match

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def random_protein(seed: int, n: int) -> str:
    return "".join(random.Random(seed).choices(LETTERS, k=n))


@pytest.fixture(scope="module")
def index() -> SequenceIndex:
    proteins = [random_protein(i, 200) for i in range(40)]
    return SequenceIndex([f"P{i:05d}" for i in range(40)], proteins, [i % 2 == 0 for i in range(40)])


def test_the_very_sequence_is_found_with_every_residue_in_place(index: SequenceIndex) -> None:
    match = index.find(random_protein(7, 200))[0]

    assert match.accession == "P00007"
    assert match.is_same
    assert match.carry_over([1, 0, 200]) == [1, 0, 200]


def test_a_tag_a_deletion_and_a_substitution_are_carried_over(index: SequenceIndex) -> None:
    stored = random_protein(4, 200)
    changed = "A" if stored[19] != "A" else "G"
    query = "GSHM" + stored[:19] + changed + stored[20:99] + stored[102:]  # residues 100 to 102 are gone
    match = index.find(query)[0]

    assert match.accession == "P00004"
    assert match.carry_over([1, 20, 99, 103, 200]) == [5, 24, 103, 104, 201]
    assert 0 in match.carry_over([100, 101, 102])
    assert match.identity == pytest.approx(196 / 197, abs=0.006)
    assert match.coverage == pytest.approx(197 / 201, abs=0.006)
    assert match.is_near
    assert not match.is_same


def test_a_fragment_is_near_and_what_lies_outside_is_placed_nowhere(index: SequenceIndex) -> None:
    match = index.find(random_protein(3, 200)[50:150])[0]

    assert (match.identity, match.coverage) == (1.0, 1.0)
    assert match.carry_over([50, 51, 150, 151]) == [0, 1, 100, 0]
    assert not match.is_same


def test_a_tag_does_not_say_whose_the_sequence_is(index: SequenceIndex) -> None:
    protein = random_protein(3, 200)
    tag, fragment = (index.find(protein[50 : 50 + n])[0] for n in (TELLING - 1, TELLING))

    assert (tag.identity, tag.coverage, tag.is_near) == (1.0, 1.0, False)
    assert said_of_match(tag, "").startswith("too short to say whose it is (P00003 holds 29 residues like it")
    assert fragment.is_near
    assert best_structure([tag]) is None


def test_a_stored_peptide_is_itself() -> None:
    peptide = random_protein(0, 16)
    assert SequenceIndex(["A"], [peptide], [True]).find(peptide)[0].is_near


def test_a_distant_relative_is_found_but_not_near(index: SequenceIndex) -> None:
    rng = random.Random(1)
    query = "".join(rng.choice(LETTERS) if rng.random() < 0.3 else letter for letter in random_protein(9, 200))
    match = index.find(query)[0]

    assert match.accession == "P00009"
    assert 0.6 < match.identity < 0.9
    assert not match.is_near


def test_an_unrelated_sequence_has_no_match(index: SequenceIndex) -> None:
    assert index.find("".join(random.Random(999).choices("WCHM", k=150))) == []
    assert SequenceIndex([], [], []).find("MKVLAAGIT") == []


def test_sequences_shorter_than_a_word_and_unknown_letters_are_no_fault(index: SequenceIndex) -> None:
    assert index.find("MKV") == []
    assert index.find("XXXXXXXXXX") == []


def test_of_twins_the_one_with_a_structure_answers() -> None:
    protein = random_protein(0, 60)
    index = SequenceIndex(["A", "B"], [protein, protein], [False, True])

    assert index.find(protein)[0].accession == "B"


def test_the_nearest_structure_must_be_near() -> None:
    def match(accession: str, identity: float, *, has_structure: bool) -> Match:
        return Match(accession, identity, 1.0, has_structure, np.arange(1, TELLING + 1))

    far, near = match("far", 0.5, has_structure=True), match("near", 0.95, has_structure=True)
    assert best_structure([match("plain", 0.99, has_structure=False), near]) is near
    assert best_structure([far]) is None


def test_one_of_four_thousand_proteins_is_found() -> None:
    proteins = [random_protein(i, 370) for i in range(4000)]
    index = SequenceIndex([str(i) for i in range(4000)], proteins, [False] * 4000)
    query = proteins[1234][:200] + "G" + proteins[1234][201:]

    assert index.find(query)[0].accession == "1234"


@pytest.mark.parametrize("rare", ["U", "O", "B", "Z", "X"])
@pytest.mark.parametrize("where", ["pasted", "stored", "both"])
def test_letters_that_the_scores_lack_count_as_unknown(rare: str, where: str) -> None:
    protein = random_protein(5, 120)
    changed = protein[:60] + rare + protein[61:]
    stored, query = {"pasted": (protein, changed), "stored": (changed, protein), "both": (changed, changed[1:])}[where]
    match = SequenceIndex(["P1", "P2"], [stored, random_protein(6, 120)], [True, False]).find(query)[0]

    assert match.accession == "P1"
    assert match.identity == (1.0 if where == "both" else pytest.approx(119 / 120))
    assert match.carry_over([60, 61, 62]) == ([59, 60, 61] if where == "both" else [60, 61, 62])


def test_a_stretch_of_a_stored_selenoprotein_is_found() -> None:
    protein = random_protein(8, 300)
    stored = protein[:139] + "U" + protein[140:]
    match = SequenceIndex(["P1"], [stored], [True]).find(protein[199:299])[0]

    assert (match.identity, match.coverage) == (1.0, 1.0)
