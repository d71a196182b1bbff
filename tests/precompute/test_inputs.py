"""Parsers: hand-made cells, files and mistakes; then the real files where they are at hand."""

import gzip
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import pytest

from precompute.inputs.contacts import read_contacts
from precompute.inputs.feature_columns import parse_features
from precompute.inputs.gaf import read_annotations
from precompute.inputs.records import Region
from precompute.inputs.structure_files import find_structures
from precompute.inputs.uniprot import read_proteins
from protsae.errors import InputError
from protsae.ontology.graph import Edge, Ontology, Term
from protsae.text_files import open_text

HEADER = "Entry\tSequence\tProtein names\tBinding site\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def refused(call: Callable[..., Iterable[object]], *arguments: object) -> str:
    with pytest.raises(InputError) as caught:
        list(call(*arguments))
    message = str(caught.value)
    assert "\n" not in message
    return message


# Feature columns


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("", []),
        ('BINDING 83; /ligand="Zn(2+)"', [Region("Binding site", "Zn(2+)", 82, 82)]),
        ("HELIX 4..14; HELIX 27..36", [Region("Helix", "", 3, 13), Region("Helix", "", 26, 35)]),
        (
            'DISULFID 12..34; /evidence="ECO:1"',
            [Region("Disulfide bond", "", 11, 11), Region("Disulfide bond", "", 33, 33)],
        ),
        ('DISULFID 25; /note="Interchain"', [Region("Disulfide bond", "Interchain", 24, 24)]),
        ("SIGNAL <1..22", [Region("Signal peptide", "", 0, 21)]),
        ("CHAIN 3..9; STRAND 90..>100", [Region("Beta strand", "", 89, 99)]),
        ("TRANSIT ?..45; TRANSIT 1..?; TRANSIT ?12..20; SITE 5", [Region("Site", "", 4, 4)]),
        ("REGION P12345-2:5..8; REGION 99..101; REGION 8..5; REGION 0..3", []),
        (
            'DOMAIN 3..49; /note="F-box; type ""A"""; /evidence="ECO:1|PROSITE:2; x"; MOTIF 5..6; /note="NLS"',
            [Region("Domain", 'F-box; type "A"', 2, 48), Region("Motif", "NLS", 4, 5)],
        ),
        (
            'BINDING 1; /ligand="ATP"; /ligand_id="ChEBI:30616"; /note="via amide"',
            [Region("Binding site", "via amide", 0, 0)],
        ),
    ],
)
def test_feature_cells(text: str, regions: list[Region]) -> None:
    assert list(parse_features(text, 100)) == regions


def test_a_long_note_is_cut_at_sixty_characters() -> None:
    (region,) = parse_features(f'SITE 1; /note="{"x" * 80}"', 5)

    assert len(region.label) == 60
    assert region.label.endswith("…")


# Proteins


def test_a_tsv_with_other_columns_in_another_case(tmp_path: Path) -> None:
    text = (
        "Reviewed\tENTRY\tsequence\tProtein names\tGene Names\tOrganism\tft_binding\tZinc finger\tMutagenesis\n"
        "reviewed\tP1\tmktU\tKinase [Cleaved into: x] (EC 2.7)\tabc; def\tYeast\tBINDING 2\tZN_FING 1..3\tMUTAGEN 1\n"
        "\n"
    )
    (protein,) = read_proteins(write(tmp_path / "p.tsv", text))

    assert protein[:6] == ("P1", "", "Kinase", "abc  def", "Yeast", "MKTU")
    assert [region.kind for region in protein.regions] == ["Binding site", "Zinc finger"]


def test_a_windows_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_bytes(b"\xef\xbb\xbfEntry\tSequence\r\nP1\tMKT\r\n")

    assert next(read_proteins(path)).sequence == "MKT"


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    path = tmp_path / "proteins.txt"
    path.write_bytes(gzip.compress(b"Entry\tSequence\nP1\tMKT\n"))

    assert [protein.accession for protein in read_proteins(path)] == ["P1"]


def test_fasta_with_and_without_uniprot_headers(tmp_path: Path) -> None:
    text = (
        ">sp|P12345|AATM_RABIT Aspartate aminotransferase, mitochondrial OS=Oryctolagus cuniculus OX=9986 GN=GOT2\n"
        "MALLHSARVL\nSGVASAFH*\n>my_protein of mine\nmkt\n"
    )
    first, second = read_proteins(write(tmp_path / "p.fasta", text))

    assert first[:6] == (
        *("P12345", "AATM_RABIT", "Aspartate aminotransferase, mitochondrial", "GOT2", "Oryctolagus cuniculus"),
        "MALLHSARVLSGVASAFH",
    )
    assert second[:6] == ("my_protein", "", "of mine", "", "", "MKT")


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("Entry\tLength\nP1\t3\n", "no column 'Sequence'; it has: Entry, Length"),
        ("Accession no\tSequence\nP1\tMKT\n", "no column 'Entry'"),
        (HEADER, "holds no protein"),
        ("", "no column"),
        (HEADER + "P1\tMKT\tx\t\nP1\tMKV\tx\t\n", "holds protein P1 more than once, with different sequences"),
        (HEADER + "P1\tMK1*T\tx\t\n", "protein P1 has a stop codon '*' at position 3"),
        (HEADER + "P1\tMK@T\tx\t\n", "protein P1 has '@' at position 3"),
        (HEADER + "P1\t-\tx\t\n", "protein P1 has no sequence"),
        (HEADER + "P1\t\tx\t\n", "protein P1 has no sequence"),
        (HEADER + "P1\tMKT\n", "line 2 has 2 cells, the heading has 4"),
        (HEADER + "\tMKT\tx\t\n", "line 2 has no accession"),
        (">\nMKT\n", "a sequence without a name"),
        (">P1\n", "protein P1 has no sequence"),
        (HEADER + f"P1\t{'A' * 65_536}\tx\t\n", "65,536 residues"),
    ],
)
def test_a_bad_protein_file_gets_one_sentence(tmp_path: Path, text: str, fragment: str) -> None:
    assert fragment in refused(read_proteins, write(tmp_path / "p.tsv", text))


def test_a_damaged_missing_or_binary_file_gets_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv.gz"
    path.write_bytes(gzip.compress(b"Entry\tSequence\n" + b"P1\tMKTAYIAK\n" * 9000)[:-20])
    assert "damaged" in refused(read_proteins, path)
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    assert "no text file" in refused(read_proteins, path)
    assert "does not exist" in refused(read_proteins, tmp_path / "nothing")
    assert "cannot be read" in refused(read_proteins, tmp_path)


def test_the_real_core_set(shared_data: Path) -> None:
    n_residues, kinds = 0, set()
    first = list(islice(read_proteins(shared_data / "uniprot_yeast_ecoli_bsubtilis.tsv.gz"), 1000))
    for protein in first:
        n_residues += len(protein.sequence)
        kinds |= {region.kind for region in protein.regions}
        assert all(0 <= region.start <= region.end < len(protein.sequence) for region in protein.regions)

    assert len(first) == 1000
    assert {"Helix", "Beta strand", "Transmembrane", "Domain", "Disulfide bond", "Signal peptide"} <= kinds


# GAF


ONTOLOGY = Ontology(
    {
        "GO:1": Term("GO:1", "root", "MFO", is_obsolete=False, synonyms=(), alt_ids=()),
        "GO:2": Term("GO:2", "leaf", "MFO", is_obsolete=False, synonyms=(), alt_ids=("GO:7",)),
        "GO:3": Term("GO:3", "gone", "MFO", is_obsolete=True, synonyms=(), alt_ids=()),
    },
    [Edge("GO:2", "is_a", "GO:1")],
)


def gaf(*rows: tuple[str, str, str, str], version: str = "2.2") -> str:
    lines = [f"!gaf-version: {version}", "!a comment"]
    lines += [
        f"UniProtKB\t{a}\tX\t{q}\t{g}\tPMID:1\t{e}\t\tF\t\t\tprotein\ttaxon:1\t20200101\tX\t\t" for a, q, g, e in rows
    ]
    return "\n".join(lines) + "\n"


def test_annotations_are_resolved_and_the_rest_is_counted(tmp_path: Path) -> None:
    text = gaf(
        ("P1", "enables", "GO:2", "IEA"),
        ("P1", "enables", "GO:7", "IDA"),
        ("P1", "NOT|enables", "GO:1", "IDA"),
        ("P2", "enables", "GO:1", "ND"),
        ("P2", "enables", "GO:3", "IDA"),
        ("P2", "enables", "GO:99", "IDA"),
        ("P9", "enables", "GO:2", "IDA"),
        ("P2", "enables", "GO:2", "ISS"),
    )
    found = read_annotations(write(tmp_path / "a.gaf", text), {"P1", "P2", "P3"}, ONTOLOGY)

    assert found.evidence == {"P1": {"GO:2": "EXP"}, "P2": {"GO:2": "IEA"}}
    assert found[1:] == (8, 1, 1, 0, 1, 2, 1)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("hello\n", "no GAF 2.2"),
        ("", "no GAF 2.2"),
        (gaf() + "UniProtKB\tP1\tX\n", "no GAF 2.2 (broken after 0 rows, in line 3: 'UniProtKB\\tP1\\tX')"),
        (gaf(("P1", "enables", "2", "IDA")), "no GAF 2.2 (broken after 0 rows, in line 3"),
        (gaf(("P1", "enables", "GO:3", "IDA")), "1 rows carry terms that the ontology lacks or has declared obsolete"),
        (gaf(("P1", "NOT|enables", "GO:2", "IDA")), "1 say NOT or that nothing is known"),
        (gaf(version="3.0"), "is GAF 3, which is not known"),
        (gaf(("Q1", "", "GO:2", "IDA")), "annotates none of the proteins (1 rows, the last of 'Q1')"),
    ],
)
def test_a_bad_gaf_gets_one_sentence(tmp_path: Path, text: str, fragment: str) -> None:
    assert fragment in refused(read_annotations, write(tmp_path / "a.gaf", text), {"P1"}, ONTOLOGY)


def test_older_gaf_versions_are_read(tmp_path: Path) -> None:
    text = gaf(("P1", "", "GO:2", "IDA"), version="2.1")

    assert read_annotations(write(tmp_path / "a.gaf", text), {"P1"}, ONTOLOGY).evidence == {"P1": {"GO:2": "EXP"}}


# Contacts


def test_neighbouring_contacts_are_joined(tmp_path: Path) -> None:
    rows = "P1\tmetal\t7\nP1\tmetal\t5\nP1\tmetal\t6\nP1\tmetal\t6\nP1\tmetal\t9\nP1\tnuclear\t1\nP9\tmetal\t4\n"
    found = read_contacts(write(tmp_path / "c.tsv", "Entry\tkind\tposition\n" + rows), {"P1": 9})

    assert found == {
        "P1": [
            Region("Metal contact", "", 4, 6),
            Region("Metal contact", "", 8, 8),
            Region("Nucleic-acid contact", "", 0, 0),
        ]
    }


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("Entry\tposition\n", "no column 'kind'"),
        ("Entry\tkind\tposition\nP1\twater\t1\n", "line 2 has kind 'water'"),
        ("Entry\tkind\tposition\nP1\tmetal\t10\n", "position '10'; P1 has residues 1 to 9"),
        ("Entry\tkind\tposition\nP1\tmetal\tx\n", "position 'x'"),
        ("Entry\tkind\tposition\nP1\tmetal\n", "position ''"),
    ],
)
def test_a_bad_contact_file_gets_one_sentence(tmp_path: Path, text: str, fragment: str) -> None:
    assert fragment in refused(read_contacts, write(tmp_path / "c.tsv", text), {"P1": 9})


# Structure files


def test_structures_are_found_by_name(tmp_path: Path) -> None:
    for name in ("P1.pdb", "P1_1abc_A.cif.gz", "AF-P2-F1-model_v4.pdb.gz", "P3.txt", "README", "x_P4y.pdb"):
        (tmp_path / name).touch()
    found = find_structures(tmp_path, {"P1", "P2", "P3", "P4"})

    assert {accession: [file.path.name for file in files] for accession, files in found.items()} == {
        "P1": ["P1.pdb", "P1_1abc_A.cif.gz"],
        "P2": ["AF-P2-F1-model_v4.pdb.gz"],
    }


def test_structures_are_found_by_the_table_beside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "structures"
    folder.mkdir()
    (folder / "one.pdb").touch()
    table = tmp_path / "structures.tsv"
    write(table, "Entry\tpdb_id\tchain\tfile\tresolution_angstrom\nP1\t1ABC\tB\tone.pdb\t1.9\nP8\t\t\tone.pdb\t\n")

    assert find_structures(folder, {"P1"}) == {"P1": [("P1", folder / "one.pdb", "1ABC", "B", 1.9)]}
    write(table, "Entry\tfile\nP1\ttwo.pdb\n")
    assert "line 2 names 'two.pdb'" in refused(find_structures, folder, {"P1"})
    write(table, "Entry\tpath\nP1\ttwo.pdb\n")
    assert "no column 'file'" in refused(find_structures, folder, {"P1"})


def test_a_folder_of_other_proteins_structures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Q1.pdb").touch()

    assert "no file in" in refused(find_structures, tmp_path, {"P1"})


def test_open_text_gives_the_text(tmp_path: Path) -> None:
    with open_text(write(tmp_path / "x", "a\nb\n")) as handle:
        assert handle.read() == "a\nb\n"
