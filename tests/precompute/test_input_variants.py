"""Files as people's tools really write them: every variant reads as the plain file does, or is refused in one sentence.

The last tests read collected cases beside the repository, where they are at hand.
"""

import bz2
import gzip
import json
import lzma
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest

from precompute.inputs.contacts import read_contacts
from precompute.inputs.fasta import accession_of, read_fasta
from precompute.inputs.gaf import read_annotations
from precompute.inputs.homology import read_clusters
from precompute.inputs.records import ProteinRecord
from precompute.inputs.structure_files import find_structures
from precompute.inputs.tsv import rows, unquoted
from precompute.inputs.uniprot import read_proteins
from protsae.errors import InputError
from protsae.ontology.graph import Edge, Ontology, Term
from protsae.sequences import clean_residues
from protsae.text_files import open_text

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSG"
FASTA = f">sp|Q00001|MADE1_TEST Invented kinase OS=Testus testus OX=32644 GN=mad1 PE=1 SV=1\n{SEQUENCE}\n"
TSV = f"Entry\tSequence\nQ00001\t{SEQUENCE}\n"
CLUSTERS = "Q00001\tQ00001\nQ00003\tQ00001\n"
CONTACTS = "Entry\tkind\tposition\nQ00001\tmetal\t5\n"
ROW = "UniProtKB\tQ00001\tMAD\tenables\tGO:2\tPMID:1\tIDA\t\tF\tInvented\t\tprotein\ttaxon:1\t20240101\tTest\t\t\n"
GAF = "!gaf-version: 2.2\n" + ROW
ONTOLOGY = Ontology(
    {
        "GO:1": Term("GO:1", "root", "MFO", is_obsolete=False, synonyms=(), alt_ids=()),
        "GO:2": Term("GO:2", "leaf", "MFO", is_obsolete=False, synonyms=(), alt_ids=()),
        "GO:3": Term("GO:3", "old", "MFO", is_obsolete=True, synonyms=(), alt_ids=(), replaced_by="GO:4"),
        "GO:4": Term("GO:4", "older", "MFO", is_obsolete=True, synonyms=(), alt_ids=(), replaced_by="GO:2"),
    },
    [Edge("GO:2", "is_a", "GO:1")],
)


def read_gaf(path: Path) -> object:
    return read_annotations(path, {"Q00001"}, ONTOLOGY).evidence


def read_touching(path: Path) -> object:
    return read_contacts(path, {"Q00001": 50})


def read_structures(path: Path) -> object:
    (path.parent / "structures.tsv").write_bytes(path.read_bytes())
    (path.parent / "one.pdb").touch()
    return [entry[2:] for entry in find_structures(path.parent, {"Q00001"})["Q00001"]]


READERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "FASTA": (lambda path: list(read_fasta(path)), FASTA),
    "proteins, FASTA": (lambda path: list(read_proteins(path)), FASTA),
    "proteins, TSV": (lambda path: list(read_proteins(path)), TSV),
    "annotations": (read_gaf, GAF),
    "clusters": (read_clusters, CLUSTERS),
    "contacts": (read_touching, CONTACTS),
    "structures": (read_structures, "Entry\tfile\tpdb_id\nQ00001\tone.pdb\t1ABC\n"),
}
readers = pytest.mark.parametrize("kind", READERS)


def refused(call: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(InputError) as caught:
        call(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# Every text input


@readers
@pytest.mark.parametrize(
    "changed",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: b"\n\r\n" + text.encode(),
        lambda text: b"\xef\xbb\xbf\n  \n" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.encode() + b"\n\n",
        lambda text: text.rstrip("\n").encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: gzip.compress(b"\xef\xbb\xbf" + text.encode()),
        lambda text: bz2.compress(text.encode()),
        lambda text: lzma.compress(text.encode()),
    ],
)
def test_marks_blank_lines_line_ends_and_compression_change_nothing(
    tmp_path: Path, kind: str, changed: Callable[[str], bytes]
) -> None:
    call, text = READERS[kind]
    expected = call(written(tmp_path / "plain", text))

    assert expected
    assert call(written(tmp_path / "changed", changed(text))) == expected


@readers
@pytest.mark.parametrize(
    ("changed", "fragment"),
    [
        (lambda text: gzip.compress(text.encode())[:-10], "damaged"),
        (lambda text: gzip.compress(text.encode())[:-6] + b"\0\0\0\0\0\0", "damaged"),
        (lambda text: text.encode() + b"\xff\xfe\xff", "no text file"),
        (lambda text: b"\xff\xfe" + text.encode()[:-1] + b"\x00\xd8", "no text file"),
        (lambda text: bz2.compress(text.encode())[:-10], "damaged"),
        (lambda text: bz2.compress(text.encode())[:20] + b"0" * 20, "damaged"),
        (lambda text: lzma.compress(text.encode())[:-10], "damaged"),
        (lambda text: lzma.compress(text.encode())[:20] + b"0" * 20, "damaged"),
        (lambda text: b"\x28\xb5\x2f\xfd" + text.encode(), "compressed by zstd; unpack it"),
        (lambda text: b"PK\x03\x04" + text.encode(), "compressed by zip; unpack it"),
    ],
)
def test_damage_gets_one_sentence_that_names_the_file(
    tmp_path: Path, kind: str, changed: Callable[[str], bytes], fragment: str
) -> None:
    call, text = READERS[kind]
    said = refused(call, written(tmp_path / "structures.tsv", changed(text)))

    assert fragment in said
    assert str(tmp_path) in said


@readers
def test_a_missing_file_and_a_folder_get_one_sentence(tmp_path: Path, kind: str) -> None:
    if kind != "structures":  # its table may be absent
        call, _ = READERS[kind]
        assert "does not exist" in refused(call, tmp_path / "absent")
        assert "cannot be read" in refused(call, tmp_path)


# Cells


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("plain", "plain"),
        ('"quoted"', "quoted"),
        ('""', ""),
        ('"', '"'),
        ('a "stray', 'a "stray'),
        ('"stray', '"stray'),
        ('"a" and "b"', '"a" and "b"'),
        ('BINDING 3; /ligand="Zn(2+)"', 'BINDING 3; /ligand="Zn(2+)"'),
        ('"BINDING 3; /ligand=""Zn(2+)"""', 'BINDING 3; /ligand="Zn(2+)"'),
        ('"BINDING 3; /ligand=\\"Zn(2+)\\""', 'BINDING 3; /ligand="Zn(2+)"'),
        ('"DOMAIN 2..40; /note=""Made-up """"double"""" fold"""', 'DOMAIN 2..40; /note="Made-up ""double"" fold"'),
    ],
)
def test_a_cell_is_unquoted_only_where_a_program_quoted_it(cell: str, text: str) -> None:
    assert unquoted(cell) == text


def test_a_stray_quotation_mark_swallows_no_lines() -> None:
    assert [cells for _, cells in rows(['a\t"b\n', "c\td\n", 'e\tf"\n'])] == [["a", '"b'], ["c", "d"], ["e", 'f"']]


@pytest.mark.parametrize("quoting", [0, 1, 2])
@pytest.mark.parametrize("index", [False, True])
def test_a_uniprot_table_survives_pandas(tmp_path: Path, quoting: Literal[0, 1, 2], *, index: bool) -> None:
    plain = written(
        tmp_path / "plain.tsv",
        "Entry\tLength\tSequence\tBinding site\tDomain [FT]\tDisulfide bond\n"
        f'Q1\t50\t{SEQUENCE}\tBINDING 3; /ligand="Zn(2+)"; /evidence="E"; BINDING 9..11; /ligand="ATP"\t'
        'DOMAIN 2..40; /note="Made-up ""double"" fold"\tDISULFID 5..30\n'
        f'Q2\t50\t{SEQUENCE[::-1]}\t\tDOMAIN 4..20; /note="One domain only"\t\n',
    )
    expected = list(read_proteins(plain))
    table = pd.read_csv(plain, sep="\t", quoting=3)
    table["Length"] = table["Length"].astype(float)
    table.to_csv(tmp_path / "again.tsv", sep="\t", index=index, quoting=quoting)

    assert [len(protein.regions) for protein in expected] == [5, 1]
    assert expected[0].regions[2].label == 'Made-up "double" fold'
    assert list(read_proteins(tmp_path / "again.tsv")) == expected


# UniProt's columns


@pytest.mark.parametrize(
    ("heading", "cells", "genes"),
    [
        ("Gene Names", "abc def", "abc def"),
        ("gene_names", "abc", "abc"),
        ("Gene Names (primary)", "abc", "abc"),
        ("Gene names  (primary )", "abc", "abc"),
        ("gene_primary", "abc", "abc"),
        ("Gene Names (primary)\tGene Names (synonym)", "abc\tdef", "abc def"),
        ("Gene Names (ordered locus)", "YAL001C", "YAL001C"),
        ("Gene Names (primary)\tGene Names", "abc\tabc def", "abc def"),
    ],
)
def test_gene_names_are_found_in_whatever_column(tmp_path: Path, heading: str, cells: str, genes: str) -> None:
    (protein,) = read_proteins(written(tmp_path / "p", f"Entry\tSequence\t{heading}\nQ1\t{SEQUENCE}\t{cells}\n"))

    assert protein.gene_names == genes


@pytest.mark.parametrize(("heading", "key"), [("Metal binding", "METAL"), ("ft_metal", "METAL")])
@pytest.mark.parametrize("other", [("Nucleotide binding", "NP_BIND"), ("Calcium binding", "CA_BIND")])
def test_binding_columns_of_before_2022_are_binding_sites(
    tmp_path: Path, heading: str, key: str, other: tuple[str, str]
) -> None:
    text = f'Entry\tSequence\t{heading}\t{other[0]}\nQ1\t{SEQUENCE}\t{key} 3; /note="Zinc"\t{other[1]} 5..9\n'
    (protein,) = read_proteins(written(tmp_path / "p", text))

    assert protein.regions == (("Binding site", "Zinc", 2, 2), ("Binding site", "", 4, 8))


@pytest.mark.parametrize("length", ["50", "50.0", ""])
def test_the_length_that_the_line_gives_may_be_written_in_any_way(tmp_path: Path, length: str) -> None:
    (protein,) = read_proteins(written(tmp_path / "p", f"Entry\tLength\tSequence\nQ1\t{length}\t{SEQUENCE}\n"))

    assert protein.sequence == SEQUENCE


def test_a_sequence_that_was_cut_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "p", f"Entry\tLength\tSequence\nQ1\t50\t{SEQUENCE}\nQ2\t1,050\t{SEQUENCE[:30]}\n")

    assert "line 3: Q2 has another length than its line says: Length is 1050, the sequence has 30 residues" in refused(
        lambda path: list(read_proteins(path)), path
    )


# FASTA


def test_names_follow_uniprots_headers() -> None:
    names = ("sp|Q00001|MADE1_TEST", "tr|A0A000|X_Y", "sp|Q00001.2|MADE1_TEST", "Q00001", "gi|1|ref|NP_1|", "sp|Q1")

    assert [accession_of(name) for name in names] == ["Q00001", "A0A000", "Q00001", "Q00001", "gi|1|ref|NP_1|", "sp|Q1"]


@pytest.mark.parametrize("text", ["; an old comment\n" + FASTA, "\n  " + FASTA, FASTA.replace("\n", " \n")])
def test_comments_and_blanks_around_fasta_carry_nothing(tmp_path: Path, text: str) -> None:
    expected = list(read_proteins(written(tmp_path / "plain", FASTA)))

    assert list(read_proteins(written(tmp_path / "p", text))) == expected
    assert expected[0][:6] == ("Q00001", "MADE1_TEST", "Invented kinase", "mad1", "Testus testus", SEQUENCE)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        (">", "a sequence without a name"),
        (">\n", "a sequence without a name"),
        ("> \nMKT\n", "a sequence without a name"),
        (">a\n", "protein a has no sequence"),
        ("", "holds no FASTA record"),
        ("MKTAYIAK\n", "holds no FASTA record"),
    ],
)
def test_fasta_without_names_or_letters_is_refused(tmp_path: Path, text: str, fragment: str) -> None:
    assert fragment in refused(lambda path: list(read_fasta(path)), written(tmp_path / "p", text))


def from_file(path: Path, text: str) -> tuple[str, tuple[str, ...]]:
    (protein,) = read_proteins(written(path, text))
    return protein.sequence, protein.notes


@pytest.mark.parametrize("form", [">Q1\n{}\n", "Entry\tSequence\nQ1\t{}\n"])
@pytest.mark.parametrize("letters", ["MKTAYJIAK", "MKUOBZX", "mkt-ay.iak", "MKTAYIAK*", "MetLysThrAlaTyr"])
def test_files_and_the_page_read_every_letter_alike(tmp_path: Path, letters: str, form: str) -> None:
    clean = clean_residues(letters)

    assert from_file(tmp_path / "p", form.format(letters)) == (clean.sequence, clean.notes)


@pytest.mark.parametrize("form", [">Q1\n{}\n", "Entry\tSequence\nQ1\t{}\n"])
@pytest.mark.parametrize("letters", ["MK*TAYIAK", "MKT?AY", "MKTéAY"])
def test_files_and_the_page_refuse_a_letter_alike(tmp_path: Path, letters: str, form: str) -> None:
    with pytest.raises(InputError) as on_page:
        clean_residues(letters)
    with pytest.raises(InputError) as in_file:
        from_file(tmp_path / "p", form.format(letters))

    place, _, sentence = str(in_file.value).partition(": ")
    assert sentence == str(on_page.value).replace("The sequence", "protein Q1")
    assert place in {f"{tmp_path / 'p'} line 2", f"{tmp_path / 'p'} record 1"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Q00001\tInvented kinase", ("Q00001", "", "Invented kinase", "")),
        (
            "sp|Q00001|MADE1_TEST\tInvented kinase OS=Testus testus",
            ("Q00001", "MADE1_TEST", "Invented kinase", "Testus testus"),
        ),
        ("Q00001\xa0Invented kinase", ("Q00001", "", "Invented kinase", "")),
        ("Q00001.2 Invented kinase", ("Q00001", "", "Invented kinase", "")),
        ("AFDB:AF-Q00001-F1 Invented kinase", ("Q00001", "", "Invented kinase", "")),
        ("AF-Q00001-F1-model_v6", ("Q00001", "", "", "")),
        ("Q00001-2 Invented kinase", ("Q00001-2", "", "Invented kinase", "")),
        ("NP_001234.1 kinase", ("NP_001234.1", "", "kinase", "")),
    ],
)
def test_headers_are_taken_apart_whatever_parts_them(tmp_path: Path, header: str, expected: tuple[str, ...]) -> None:
    (protein,) = read_proteins(written(tmp_path / "p", f">{header}\n{SEQUENCE}\n"))

    assert (protein.accession, protein.entry_name, protein.protein_name, protein.organism) == expected


def test_entries_that_uniprot_has_deleted_or_mapped_twice_are_counted(tmp_path: Path) -> None:
    text = (
        "From\tEntry\tEntry Name\tSequence\tDomain [FT]\n"
        f"A\tQ00001\tM_T\t{SEQUENCE}\tDOMAIN ?..5; DOMAIN 3..60; DOMAIN 2..9; DOMAIN Q00001-2:3..4\n"
        f"B\tQ00001\tM_T\t{SEQUENCE}\t\nC\tQ00002\tdeleted\t\t\nD\tQ00003.4\tN_T\t{SEQUENCE}\t\t\n"
    )
    dropped = Counter[str]()

    found = list(read_proteins(written(tmp_path / "p", text), dropped))

    assert [(protein.accession, len(protein.regions)) for protein in found] == [("Q00001", 1), ("Q00003", 0)]
    assert dropped == {"proteins_repeated": 1, "proteins_deleted_by_uniprot": 1, "regions_without_a_place": 3}
    assert "line 2: protein Q9 has no sequence" in refused(
        lambda path: list(read_proteins(path)), written(tmp_path / "q", "Entry\tSequence\nQ9\t\n")
    )


@pytest.mark.parametrize(("mark", "name"), [(",", "commas"), (";", "semicolons")])
def test_a_table_with_other_marks_between_its_columns_is_named(tmp_path: Path, mark: str, name: str) -> None:
    path = written(tmp_path / "p", TSV.replace("\t", mark))

    assert f"its columns are parted by {name}" in refused(lambda path: list(read_proteins(path)), path)


# Clusters


@pytest.mark.parametrize("name", ["{}", "sp|{}|MADE_TEST"])
@pytest.mark.parametrize("is_swapped", [False, True])
@pytest.mark.parametrize("heading", ["", "protein\tcluster\n"])
def test_clusters_are_read_either_way_round(tmp_path: Path, name: str, heading: str, *, is_swapped: bool) -> None:
    expected = {"Q1": "Q1", "Q3": "Q1", "Q4": "Q1", "Q2": "Q2"}
    pairs = [(name.format(a), name.format(b)) for a, b in expected.items()]
    lines = ["\t".join(reversed(pair) if is_swapped else pair) + "\n" for pair in pairs]
    found = read_clusters(written(tmp_path / "c", heading + "".join(lines + lines[:1])))

    assert {accession: found[accession] for accession in expected} == expected


def test_a_protein_in_two_clusters_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "c", "Q1\tQ1\nQ2\tQ1\nQ2\tQ3\nQ3\tQ3\n")

    assert "line 2 puts 'Q2' into a cluster, and a later line into another" in refused(read_clusters, path)


def test_an_empty_cluster_file_is_refused(tmp_path: Path) -> None:
    assert "holds no cluster" in refused(read_clusters, written(tmp_path / "c", "\n\n"))


# GAF


@pytest.mark.parametrize(
    "head",
    [
        "",
        "\n",
        "!\n",
        "!\n!generated-by: a test\n!gaf-version: 2.2\n",
        "!gaf-version:2.2\n",
        "! gaf-version: 2.1\n",
        "!GAF-VERSION: 2.0\n",
        "!gaf-version: 2\n",
        "!gaf-version: 1.0\n",
        "!date: 2024-01-01\n!gaf-version: 2.2\n!\n",
    ],
)
def test_the_version_may_stand_in_any_line_of_the_head_or_in_none(tmp_path: Path, head: str) -> None:
    assert read_gaf(written(tmp_path / "a", head + ROW)) == {"Q00001": {"GO:2": "EXP"}}


@pytest.mark.parametrize(
    "negated", ["NOT", "not", "Not|enables", "NOT|enables", "NOT enables", "enables|NOT", " NOT | enables"]
)
def test_not_is_no_annotation_in_any_spelling(tmp_path: Path, negated: str) -> None:
    text = GAF + ROW.replace("enables", negated).replace("GO:2", "GO:1")

    found = read_annotations(written(tmp_path / "a", text), {"Q00001"}, ONTOLOGY)

    assert found.evidence == {"Q00001": {"GO:2": "EXP"}}
    assert found.n_negated == 1


@pytest.mark.parametrize("name", ["Q00001-2", "Q00001.3", "Q00001:PRO_0000012345", "UniProtKB:Q00001", "q00001"])
def test_isoforms_versions_and_chains_count_for_their_entry(tmp_path: Path, name: str) -> None:
    found = read_annotations(written(tmp_path / "a", GAF.replace("Q00001", name)), {"Q00001"}, ONTOLOGY)

    assert found.evidence == {"Q00001": {"GO:2": "EXP"}}
    assert (found.n_of_parts, found.n_other_proteins) == (1, 0)
    own = read_annotations(written(tmp_path / "b", GAF.replace("Q00001", "Q00001-2")), {"Q00001-2"}, ONTOLOGY)
    assert (own.evidence, own.n_of_parts) == ({"Q00001-2": {"GO:2": "EXP"}}, 0)


def test_ids_and_codes_in_other_letters_are_read(tmp_path: Path) -> None:
    text = GAF.replace("GO:2", "go_2").replace("IDA", "ida")

    assert read_gaf(written(tmp_path / "a", text)) == {"Q00001": {"GO:2": "EXP"}}


def test_files_put_one_behind_the_other_and_cut_last_columns_are_read(tmp_path: Path) -> None:
    text = GAF + GAF.replace("GO:2", "GO:1").replace("\tTest\t\t\n", "\tTest\n")

    assert read_gaf(written(tmp_path / "a", text)) == {"Q00001": {"GO:2": "EXP", "GO:1": "EXP"}}


@pytest.mark.parametrize(
    "text",
    [
        "!gpad-version: 2.0\nUniProtKB:Q00001\t\tRO:0002327\tGO:2\tPMID:1\tECO:1\t\t\t2024-01-01\tTest\t\t\n",
        "!gpa-version: 1.1\nUniProtKB\tQ00001\tenables\tGO:2\tPMID:1\tECO:1\t\t\t20240101\tTest\t\t\n",
        "UniProtKB\tQ00001\tenables\tGO:2\tPMID:1\tECO:1\t\t\t20240101\tTest\t\t\n",
        "!gpi-version: 2.1\nUniProtKB:Q00001\tMAD\n",
        "GENE PRODUCT DB\tGENE PRODUCT ID\tSYMBOL\tQUALIFIER\tGO TERM\n",
    ],
)
def test_other_formats_of_annotations_are_refused(tmp_path: Path, text: str) -> None:
    assert "no GAF 2.2" in refused(read_gaf, written(tmp_path / "a", text))


def test_annotations_of_replaced_terms_move_and_are_counted(tmp_path: Path) -> None:
    found = read_annotations(written(tmp_path / "a", GAF.replace("GO:2", "GO:3")), {"Q00001"}, ONTOLOGY)

    assert found.evidence == {"Q00001": {"GO:2": "EXP"}}
    assert (found.n_moved, found.n_unknown_terms) == (1, 0)


# Tables beside structures


def test_a_table_of_structures_with_quotes_and_odd_numbers(tmp_path: Path) -> None:
    (tmp_path / "one.pdb").touch()
    text = 'Entry\tfile\ttitle\tresolution_angstrom\n"Q1"\t"one.pdb"\ta "5\' end\tnan\nQ2\tone.pdb\t\t-1\n'
    written(tmp_path / "structures.tsv", text)

    assert [(e.accession, e.resolution) for (e,) in find_structures(tmp_path, {"Q1", "Q2"}).values()] == [
        ("Q1", None),
        ("Q2", None),
    ]


def test_structures_of_other_proteins_are_counted_and_names_read_in_either_case(tmp_path: Path) -> None:
    for name in ("q1.pdb", "Q2_1abc_A.cif.gz", "Q9.pdb", "notes.txt"):
        (tmp_path / name).touch()
    dropped = Counter[str]()

    assert sorted(find_structures(tmp_path, {"Q1", "Q2"}, dropped)) == ["Q1", "Q2"]
    assert dropped == {"structures_of_other_proteins": 1}
    written(tmp_path / "structures.tsv", "Entry\tfile\nQ1\tq1.pdb\nQ9\tQ9.pdb\n")
    assert sorted(find_structures(tmp_path, {"Q1", "Q2"}, dropped)) == ["Q1"]
    assert dropped == {"structures_of_other_proteins": 2}


def test_contacts_of_other_proteins_are_counted_and_numbers_of_pandas_read(tmp_path: Path) -> None:
    path = written(tmp_path / "c", "Entry\tkind\tposition\nQ00001\tMetal\t5.0\nQ9\tmetal\t1\n")
    dropped = Counter[str]()

    assert read_contacts(path, {"Q00001": 50}, dropped) == read_touching(written(tmp_path / "d", CONTACTS))
    assert dropped == {"contacts_of_other_proteins": 1}


@pytest.mark.parametrize("position", ["0", "51", "-1", "²", "1" * 5000, "x", ""])
def test_a_position_outside_the_protein_is_refused(tmp_path: Path, position: str) -> None:
    path = written(tmp_path / "c", f"Entry\tkind\tposition\nQ00001\tmetal\t{position}\n")

    assert "Q00001 has residues 1 to 50" in refused(read_touching, path)


def test_text_comes_as_it_is_but_for_the_mark(tmp_path: Path) -> None:
    with open_text(written(tmp_path / "x", "\ufeffa\r\nb")) as handle:
        assert handle.read() == "a\r\nb"


# Collected cases


def expected_of(folder: Path) -> dict:
    return json.loads((folder / "expected.json").read_text())


def proteins_of(path: Path) -> list[ProteinRecord]:
    return list(read_proteins(path))


def test_the_collected_fasta_files(shared_cases: Path) -> None:
    folder = shared_cases / "fasta-bom-or-blank-first"
    for path in folder.glob("*.fasta"):
        assert [protein.accession for protein in read_proteins(path)] == expected_of(folder)["accessions"]
    letters = shared_cases / "fasta-letters"
    for path in letters.glob("*.fasta"):
        (protein,) = read_proteins(path)
        pasted = path.read_text().splitlines()[1]
        assert protein.sequence == clean_residues(pasted).sequence


def test_the_collected_tables_of_proteins(shared_cases: Path) -> None:
    folder = shared_cases / "pandas-quoted-tsv"
    for path in folder.glob("*.tsv"):
        found = {
            protein.accession: [[r.kind, r.label, r.start + 1, r.end + 1] for r in protein.regions]
            for protein in read_proteins(path)
        }
        assert found == expected_of(folder)
    columns = shared_cases / "uniprot-columns"
    (gene,) = read_proteins(columns / "primary_gene.tsv")
    (former,) = read_proteins(columns / "before_2022.tsv")
    assert gene.gene_names == "mad1"
    assert [(r.start + 1, r.end + 1) for r in former.regions] == [(3, 3), (5, 9), (12, 20), (22, 22)]
    assert "Length is 50, the sequence has 30" in refused(proteins_of, columns / "length_disagrees.tsv")


def test_the_collected_annotations(shared_cases: Path) -> None:
    folder = shared_cases / "gaf-first-line"
    ontology, expected = Ontology.read(folder / "go.obo"), expected_of(folder)
    for path in folder.glob("*.g*"):
        if path.name in expected["refused"]:
            assert "GPAD" in refused(lambda p: read_annotations(p, {"Q00001"}, ontology), path)
        else:
            assert read_annotations(path, {"Q00001"}, ontology).evidence == expected["read"]
    replaced = shared_cases / "replaced-by-chain"
    ontology = Ontology.read(replaced / "go.obo")
    found = read_annotations(replaced / "old_ids.gaf", {"Q00001", "Q00002"}, ontology)
    assert {accession: sorted(terms) for accession, terms in found.evidence.items()} == expected_of(replaced)
    assert read_annotations(replaced / "only_obsolete.gaf", {"Q00001"}, ontology).n_moved == 1
    cyclic = shared_cases / "ontology-cycle" / "go-basic.obo"
    assert str(cyclic) in refused(Ontology.read, cyclic)


def test_the_collected_clusters(shared_cases: Path) -> None:
    folder = shared_cases / "mmseqs-column-order"

    assert read_clusters(folder / "native_cluster.tsv") == expected_of(folder)["clusters"]
