"""What a text in the Sequence page's box is: a protein's name, a sequence, several, or words that are none of these."""

from typing import Literal

import pytest

from explorer.protein.reading import Hits, NotFoundError, Pasted, Records, Stored, address_in, understand
from protsae.errors import InputError
from protsae.store.rows import ProteinHit

HitMatch = Literal["exact", "name", "accession", "near"]


def no_protein(accession: str) -> None:
    return None


def hit(accession: str, name: str, gene: str = "", match: HitMatch = "exact") -> ProteinHit:
    return ProteinHit(accession, f"{accession}_X", name, gene, "yeast", 100, has_structure=False, match=match)


def test_letters_that_are_a_proteins_name_are_that_protein() -> None:
    found = understand("myoglobin", no_protein, lambda _: [hit("P02185", "Myoglobin")])

    assert found == Stored("P02185")


def test_a_name_that_several_share_is_a_choice() -> None:
    kinases = [hit("P1", "Hexokinase-1", match="name"), hit("P2", "Hexokinase-2", match="name")]
    found = understand("hexokinase", no_protein, lambda _: kinases)

    assert isinstance(found, Hits)
    assert [h.accession for h in found.proteins] == ["P1", "P2"]
    second = [kinases[0], hit("P2", "Hexokinase-2")]
    assert understand("hexokinase-2", no_protein, lambda _: second) == Stored("P2")


@pytest.mark.parametrize("match", ["near", "accession"])
@pytest.mark.parametrize("text", ["P00330", "ADH1", "YAL001C", "insulin", "p53", "heat shock 70", "Mouse albumin"])
def test_a_protein_that_is_not_there_is_never_replaced(text: str, match: HitMatch) -> None:
    other = hit("P99999", "Another protein", match=match)
    with pytest.raises(NotFoundError, match=f"“{text}”.* is not among the 12 proteins of a test") as caught:
        understand(text, no_protein, lambda _: [other], "the 12 proteins of a test")

    assert caught.value.near == (other,)
    assert caught.value.text == text


@pytest.mark.parametrize("text", ["ADH1", "P00330", "14-3-3"])
def test_a_name_that_merely_begins_so_is_not_the_one_asked_for(text: str) -> None:
    with pytest.raises(NotFoundError, match="is not among"):
        understand(text, no_protein, lambda _: [hit("P1", f"{text}B protein", match="name")])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("my protein is haemoglobin", "B, O, which proteins hardly have"),
        ("Read the chain", "pieces of 4, 3, 5 letters, as words do"),
        ("what makes yeast rise", "pieces of 4, 5, 5, 4 letters, as words do"),
        ("kinase", "6 letters long and not in capitals"),
        ("Catalase", "8 letters long and not in capitals"),
        ("INSULIN", "1 of its 7 letters are U"),
        ("protein folding is a hard problem that many people have worked on for years", "which proteins hardly have"),
    ],
)
def test_words_are_not_read_as_a_sequence_unasked(text: str, why: str) -> None:
    with pytest.raises(NotFoundError, match=why) as caught:
        understand(text, no_protein, lambda _: [])

    assert "was not read as a sequence" in str(caught.value)
    assert caught.value.pasted is not None
    assert caught.value.pasted.sequence == "".join(text.upper().split())


@pytest.mark.parametrize(
    "text",
    [
        "MKVLAAGIT",
        "MKVLAAGITR HWDEFGYPLN QSMKV",
        "mkvlaagitr hwdefgypln qsmkvlaagi tr",
        "        1 mkvlaagitr hwdefgypln\n       21 qsmkvlaagi trhwdefgyp\n//",
        "MKVLAAGITRHWDEFGYPLNQSMKVLAAGITRHWDEFGYP\nLNQSMKVLAAG",
        "MKVLAAGITRHWDEFGYPLNQSMKUVLAAGITRHWDEF",
        "Met Lys Thr Ala Tyr Ile Ala Lys Gln Arg",
        "H-Met-Lys-Thr-Ala-Tyr-Ile-Ala-OH",
        ">insulin\nmalwmrllpl",
        ">my protein is\nHAEM OGLO BIN",
    ],
)
def test_sequences_however_written_are_read(text: str) -> None:
    assert isinstance(understand(text, no_protein, lambda _: []), Pasted)


def test_a_short_sequence_says_what_it_was_taken_for() -> None:
    found = understand("MKVLAAGIT", no_protein, lambda _: [])

    assert isinstance(found, Pasted)
    assert found.notes == ("Read as a sequence of 9 residues, for no protein of this bundle is called so.",)


@pytest.mark.parametrize(
    ("header", "organism"),
    [
        (">sp|P69905|HBA_HUMAN Hemoglobin subunit alpha OS=Homo sapiens OX=9606 GN=HBA1 PE=1 SV=2", "Homo sapiens"),
        (">tr|A0A1|X OS=Escherichia coli (strain K12)", "Escherichia coli (strain K12)"),
        (">NP_000549.1 hemoglobin subunit alpha [Homo sapiens]", "Homo sapiens"),
        (">mine", ""),
    ],
)
def test_the_organism_of_a_fasta_header_is_known(header: str, organism: str) -> None:
    found = understand(f"{header}\nMVLSPADKTNVKAAWGKVGA", no_protein, lambda _: [])
    two = understand(f">a\nMKVLAAGIT\n{header}\nMVLSPADKTNVKAAWGKVGA", no_protein, lambda _: [])

    assert isinstance(found, Pasted)
    assert found.organism == organism
    assert isinstance(two, Records)
    assert [record.organism for record in two.records] == ["", organism]


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
    assert [record.name for record in found.records] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("MKVL*AAGITRHW", "stop codon"),
        ("ATGGCCATTGTAATGGGCCGCTGA", "nucleotides"),
        ("M" * 3 + "KV" * 2600, "more than the limit"),
        ("P99999", "“P99999” is not among the proteins of this bundle. Nothing is fetched"),
        ("YAL001C", "“YAL001C” is not among the proteins of this bundle. Nothing is fetched"),
        (">only a header\n", "no sequence below it"),
        ("MKVLAAGIT 1€ RHWMKVLAAGIT", "no amino acid"),
        ("MKV", "only 3 residues"),
    ],
)
def test_each_wrong_text_gets_one_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(")) as caught:
        understand(text, no_protein, lambda _: [])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"sequence": "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"}', "it is JSON, not a sequence"),
        ("PK\x03\x04\x14\x00abc", "it is a ZIP archive, not a sequence"),
        ("%PDF-1.7 x", "it is a PDF, not a sequence"),
        ("<!DOCTYPE html><p>MKTAYIAKQRQISF", "it is a web page, not a sequence"),
        ("@read1\nACGT\n+\nIIII", "FASTQ"),
        ("MKT\x00AYIAKQRQISF", "bytes of a file that is no text"),
    ],
)
def test_a_file_pasted_by_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        understand(text, lambda _: None, lambda _: [])


@pytest.mark.parametrize(
    "text",
    [
        "https://www.uniprot.org/uniprotkb/P00331/entry",
        "https://rest.uniprot.org/uniprotkb/p00331.fasta",
        "uniprot.org/uniprot/P00331#function",
        "https://alphafold.ebi.ac.uk/entry/AF-P00331-F1",
        "https://alphafold.ebi.ac.uk/entry/P00331",
    ],
)
def test_the_address_of_an_entry_is_its_accession(text: str) -> None:
    assert address_in(text) == "P00331"
    assert address_in("https://example.org/P00331") == ""
