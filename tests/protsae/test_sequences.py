"""What users paste: accepted forms, and one sentence for each that is not."""

import pytest

from protsae.errors import InputError
from protsae.sequences import clean_residues, clean_sequence, parse_fasta_text

PROTEIN = "MVLSEGEWQLVLHVWAKVEADVAGHGQDILIRLFKSHPETLEKFDRFKHLK"


@pytest.mark.parametrize(
    "text",
    [
        PROTEIN,
        PROTEIN.lower(),
        f"  {PROTEIN[:20]}\r\n{PROTEIN[20:]}\r\n",
        f"{PROTEIN[:9]}\r{PROTEIN[9:]}",
        f"ORIGIN\n        1 {PROTEIN[:10].lower()} {PROTEIN[10:20].lower()}\n       21 {PROTEIN[20:].lower()}\n//\n",
        f"        1 {PROTEIN[:10].lower()} {PROTEIN[10:].lower()}\n//",
        PROTEIN + "*",
        f"\ufeff{PROTEIN}\u200b",
    ],
)
def test_layout_carries_no_information(text: str) -> None:
    assert clean_sequence(text) == ("", PROTEIN, ())


def test_fasta_gives_its_name() -> None:
    assert clean_sequence(f">sp|P02185|MYG_PHYMC Myoglobin\r\n{PROTEIN}*\r\n").name == "sp|P02185|MYG_PHYMC"
    assert clean_sequence(f"\n\n>\n{PROTEIN}").name == ""


def test_gaps_go_with_a_note() -> None:
    clean = clean_sequence(">a\nMVLS--EGEW.QLVLHVW-*--")

    assert clean.sequence == "MVLSEGEWQLVLHVW"
    assert clean.notes == ("4 gap characters removed; positions count the residues left.",)


def test_j_becomes_x_with_a_note() -> None:
    clean = clean_sequence("MVJSEGBZUOX")

    assert clean.sequence == "MVXSEGBZUOX"
    assert "J" in clean.notes[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        (" \r\n\t", "is empty"),
        ("123 456", "is empty"),
        ("---", "is empty"),
        (">only a header", "'only' has a header but no sequence"),
        (">a\nMKLV*\n>b\n", "'b' has a header but no sequence"),
        ("MVLSEG*EWQ", "stop codon '*' at position 7"),
        (">x\nMVLSEG*EWQ*", "'x' has a stop codon '*' at position 7"),
        ("ATGGTGCTGTCTGAAGGT", "looks like nucleotides (ATGGTGCTGTCT...): translate"),
        ("auggugcugucugaaggu", "looks like nucleotides"),
        ("MVLS1EG?W", "'?' at position 7"),
        ("MVLSé", "'É' at position 5"),
        ("MVL", "only 3 residues (MVL)"),
        ("M" * 5001, "5,001 residues, more than the limit of 5,000"),
        (">a\nMVLSEG\n>b\nMVLSEG\n", "holds 2 sequences ('a', 'b')"),
        (">a\nMVLSE\n>b\nMVLSE\n>c\nMVLSE\n>d\nMVLSE", "holds 4 sequences ('a', 'b', 'c', ...)"),
    ],
)
def test_what_is_no_protein_gets_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        clean_sequence(text)

    message = str(error.value)
    assert sentence in message
    assert "\n" not in message
    assert len(message) < 200


def test_five_thousand_residues_are_accepted_and_the_limit_can_be_lower() -> None:
    assert len(clean_sequence("M" * 4999 + "K").sequence) == 5000
    with pytest.raises(InputError, match="limit of 30"):
        clean_residues("M" * 31, max_residues=30)


def test_short_peptides_of_a_c_g_t_are_peptides() -> None:
    assert clean_sequence("ACGTACG").sequence == "ACGTACG"


def test_a_fasta_of_many_comes_as_a_list() -> None:
    text = ">a first\nmvls\negew\n>b\r\nKKKKK-K\r\n>c\n 1 RR\n 3 RRR"

    assert parse_fasta_text(text) == [("a", "mvlsegew"), ("b", "KKKKK-K"), ("c", "RRRRR")]
