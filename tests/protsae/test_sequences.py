"""What users paste: accepted forms, and one sentence for each that is not."""

import pytest

from protsae.errors import InputError
from protsae.sequences import clean_residues, clean_sequence, parse_fasta_text, read_letters

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
        ("MVLSé", "'é' at position 5"),
        ("MVLSß", "'ß' at position 5"),
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


@pytest.mark.parametrize(
    "text",
    [
        "Met Lys Thr Ala Tyr Ile Sec Xle",
        "MET LYS THR ALA TYR ILE SEC XLE",
        "MetLysThrAlaTyrIleSecXle",
        "METLYSTHRALATYRILESECXLE",
        "H-Met-Lys-Thr-Ala-Tyr-Ile-Sec-Xle-OH",
        "NH2-Met-Lys-Thr-Ala-Tyr-Ile-Sec-Xle-COOH",
        "1 Met Lys Thr\n4 Ala Tyr Ile\n7 Sec Xle",
        ">three\nMet Lys Thr Ala\nTyr Ile Sec Xle\n",
    ],
)
def test_three_letter_code_is_translated_with_a_note(text: str) -> None:
    clean = clean_sequence(text)

    assert clean.sequence == "MKTAYIUX"
    assert clean.notes[0] == "Three-letter code was read as one-letter code."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Met Lys Thr Hyp Tyr Ile Ala", "looks like three-letter code, but 'HYP' is none"),
        ("SEQRES   1 A  120  MET LYS THR ALA\n", "is that of a structure file"),
        ("ATOM      1  N   MET A   1       2.300   0.000   0.000  1.00 50.00           N\n", "is that of a structure"),
        ("HEADER    OXYGEN STORAGE\nATOM      1  N   MET A\n", "is that of a structure"),
        ("data_1MBN\nloop_\n_atom_site.id\n", "is that of a structure"),
        ("HETATM 1001  O   HOH A 201       2.300   0.000   0.000\n", "is that of a structure"),
    ],
)
def test_what_is_no_one_letter_code_is_said_so(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        clean_sequence(text)


def test_one_letter_code_is_never_taken_for_three_letters() -> None:
    for text in ("ALAALAALAK", "METLYSTHRA", PROTEIN, "ACDEFGHIKLMNPQRSTVWY", "SERTHRLYS"):
        assert clean_sequence(text) == ("", text, ())


def test_letters_mean_the_same_wherever_they_come_from() -> None:
    """The rule itself; that files follow it, too, is held in `tests/precompute/test_input_variants.py`."""
    assert read_letters("mk-uobzx.j*", "It") == (
        "MKUOBZXX",
        (
            "2 gap characters removed; positions count the residues left.",
            "1 J (leucine or isoleucine) read as X, which the model knows.",
        ),
    )
    assert read_letters("-.-", "It") == ("", ())
    with pytest.raises(InputError, match=r"It has a stop codon '\*' at position 3"):
        read_letters("MK*T", "It")
    with pytest.raises(InputError, match=r"It has '\?' at position 2"):
        read_letters("M?", "It")
