"""Structures: hand-made chains with known places, mistakes, then real files."""

import csv
import gzip
from pathlib import Path

import gemmi
import numpy as np
import pytest

from protsae.errors import InputError
from protsae.structure.align import align_residues
from protsae.structure.chains import MAX_BYTES, parse_structure, protein_chains
from protsae.structure.read import PlacedStructure, read_uploaded_structure

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSG"
THREE = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        gemmi.expand_one_letter_sequence("ARNDCQEGHILKMFPSTWYV", gemmi.ResidueKind.AA),
        strict=True,
    )
)


def broken_at(n: int, *places: int) -> np.ndarray:
    flags = np.zeros(max(0, n - 1), dtype=bool)
    flags[list(places)] = True
    return flags


def pdb(places: list[int], sequence: str = SEQUENCE, *, first_number: int = 1, chain: str = "A", x: float = 0.0) -> str:
    """C-alpha trace; a residue's z is 3.8 angstrom times its place, so that a gap in the places breaks the chain."""
    lines = [
        f"ATOM  {n:5d}  CA  {THREE[sequence[place]]} {chain}{first_number + place:4d}    "
        f"{x:8.3f}{0.0:8.3f}{3.8 * place:8.3f}  1.00 20.00           C"
        for n, place in enumerate(places, start=1)
    ]
    return "\n".join([*lines, "TER", ""])


def read(text: str, sequence: str | None = SEQUENCE) -> PlacedStructure:
    return read_uploaded_structure(text.encode(), "one.pdb", sequence)


def refused(data: bytes, sequence: str | None = SEQUENCE) -> str:
    with pytest.raises(InputError) as caught:
        read_uploaded_structure(data, "one.pdb", sequence)
    message = str(caught.value)
    assert "\n" not in message
    assert "'one.pdb'" in message
    return message


# Alignment


def test_a_full_chain_lies_on_itself() -> None:
    found = align_residues(SEQUENCE, SEQUENCE, broken_at(len(SEQUENCE)))

    assert found.positions.tolist() == list(range(len(SEQUENCE)))
    assert (found.identity, found.coverage, found.n_aligned) == (1.0, 1.0, len(SEQUENCE))


def test_a_gap_opens_where_the_chain_is_broken_not_where_letters_would_allow() -> None:
    sequence = "WYHKC" + "GGGGGG" + "LMWYT"
    modelled = "WYHKC" + "GGG" + "LMWYT"
    for n_left in range(4):
        found = align_residues(modelled, sequence, broken_at(len(modelled), 4 + n_left))
        left = list(range(5 + n_left))
        assert found.positions.tolist() == left + list(range(5 + n_left + 3, 16))


def test_a_tag_is_not_in_the_sequence() -> None:
    found = align_residues("HHHHHH" + SEQUENCE[:30], SEQUENCE, broken_at(36))

    assert found.positions.tolist() == [-1] * 6 + list(range(30))


def test_an_insertion_is_not_in_the_sequence() -> None:
    modelled = SEQUENCE[:25] + "PWPWPWPWPW" + SEQUENCE[25:]
    found = align_residues(modelled, SEQUENCE, broken_at(len(modelled)))

    assert found.positions.tolist() == [*range(25), *[-1] * 10, *range(25, 50)]
    assert found.identity == 1.0


def test_a_mutation_and_an_unknown_residue_shift_nothing() -> None:
    modelled = SEQUENCE[:10] + "W" + SEQUENCE[11:20] + "X" + SEQUENCE[21:]
    found = align_residues(modelled, SEQUENCE, broken_at(len(modelled)))

    assert found.positions.tolist() == list(range(len(SEQUENCE)))
    assert found.identity == pytest.approx(48 / 50)


def test_two_copies_in_one_chain_both_find_their_place() -> None:
    part = SEQUENCE[5:40]
    found = align_residues(part + part, SEQUENCE, broken_at(70, 34))

    assert found.positions.tolist() == [*range(5, 40)] * 2
    assert found.coverage == pytest.approx(35 / 50)


def test_several_unresolved_stretches() -> None:
    places = [*range(3, 12), *range(17, 30), *range(31, 48)]
    modelled = "".join(SEQUENCE[place] for place in places)
    found = align_residues(modelled, SEQUENCE, broken_at(len(places), 8, 21))

    assert found.positions.tolist() == places


@pytest.mark.parametrize("modelled", ["", "W", "XXXX"])
def test_next_to_nothing_is_placed_nowhere_or_once(modelled: str) -> None:
    found = align_residues(modelled, "AAAA", broken_at(len(modelled)))

    assert (found.positions == -1).all()
    assert (found.identity, found.coverage) == (0.0, 0.0)


# Files


def test_unresolved_residues_never_shift_whatever_the_files_own_numbers() -> None:
    places = [*range(2, 14), *range(20, 45)]
    found = read(pdb(places, first_number=501))

    assert found.positions.tolist() == [place + 1 for place in places]
    assert found.author_numbers == tuple(str(place + 501) for place in places)
    assert (found.chain, found.atoms, found.identity, found.resolution) == ("A", "ca", 1.0, None)
    assert found.coverage == pytest.approx(len(places) / len(SEQUENCE))


def test_what_is_written_is_renumbered_and_read_back_the_same() -> None:
    places = [*range(2, 14), *range(20, 45)]
    found = read(pdb(places, first_number=501))
    again = gemmi.read_pdb_string(found.pdb)

    assert [chain.name for chain in again[0]] == ["A"]
    assert [residue.seqid.num for residue in again[0]["A"]] == list(range(1, len(places) + 1))
    assert [residue["CA"][0].pos.z for residue in again[0]["A"]] == pytest.approx([3.8 * place for place in places])


def test_the_best_fitting_chain_is_chosen() -> None:
    other = "GSWEAHNKLPQRDTVCYFMIGSWEAHNKLPQRDTVCYFMI"
    text = (
        pdb(list(range(40)), other, chain="A")
        + pdb(list(range(30)), chain="B", x=50)
        + pdb(list(range(40)), chain="C", x=90)
    )

    assert read(text).chain == "C"
    assert read(text, None).chain == "A"


def test_without_a_sequence_the_structures_own_is_taken() -> None:
    found = read(pdb(list(range(5, 30))), None)

    assert found.sequence == SEQUENCE[5:30]
    assert found.positions.tolist() == list(range(1, 26))


def test_ligands_are_kept_as_chain_b_and_water_is_not() -> None:
    hetero = (
        "HETATM  901 ZN    ZN A 301       1.000   2.000   3.000  1.00 20.00          ZN\n"
        "HETATM  902  O   HOH A 302       9.000   2.000   3.000  1.00 20.00           O\n"
        "HETATM  903  CA  GLU A 303      40.000  40.000  40.000  1.00 20.00           C\n"
        "HETATM  904 CA    CA A 304      60.000  40.000  40.000  1.00 20.00          CA\n"
    )
    found = read(pdb(list(range(30))) + hetero)
    written = gemmi.read_pdb_string(found.pdb)

    assert len(found.positions) == 30
    assert [residue.name for residue in written[0]["B"]] == ["ZN", "CA", "GLU"]
    assert written[0]["B"][0][0].element.name == "Zn"
    assert written[0]["B"][1][0].element.name == "Ca"


def test_a_ligand_with_a_residues_number_is_kept() -> None:
    heme = "HETATM  999 FE   HEM A   1       5.000   0.000   0.000  1.00 20.00          FE"
    found = read(pdb(list(range(30))) + heme + "\nEND\n")

    assert found.pdb.count("HETATM") == 1
    assert len(found.positions) == 30


def test_a_modified_residue_counts_as_its_parent() -> None:
    text = pdb(list(range(30))).replace("ATOM      1  CA  MET", "HETATM    1  CA  MSE")
    found = read(text)

    assert found.positions.tolist() == list(range(1, 31))
    assert found.identity == 1.0


def test_insertion_codes_alternative_places_and_later_models_do_not_count_twice() -> None:
    lines = pdb(list(range(30))).splitlines()
    lines[10] = lines[10][:26] + "A" + lines[10][27:]
    alternative = lines[5][:16] + "B" + lines[5][17:]
    lines[5] = lines[5][:16] + "A" + lines[5][17:]
    model = "\n".join([*lines[:6], alternative, *lines[6:]])
    found = read(f"MODEL        1\n{model}\nENDMDL\nMODEL        2\n{model}\nENDMDL\n")

    assert found.positions.tolist() == list(range(1, 31))
    assert found.author_numbers[10] == "11A"


def test_mmcif_and_gzip_give_the_same_as_pdb() -> None:
    plain = read(pdb(list(range(30))))
    structure = gemmi.read_pdb_string(pdb(list(range(30))))
    structure.name = "9TST"
    structure.setup_entities()
    text = structure.make_mmcif_document().as_string()
    cif = read_uploaded_structure(gzip.compress(text.encode()), "x.cif.gz", SEQUENCE)

    assert cif.pdb == plain.pdb
    assert cif.positions.tolist() == plain.positions.tolist()
    assert (cif.pdb_id, plain.pdb_id) == ("9TST", "one")


def test_columns_of_before_1996_are_read() -> None:
    old = "\n".join(
        f"{line[:66]:<72s}1ABC{n:4d}" for n, line in enumerate(pdb(list(range(30))).splitlines(), start=3610)
    )

    assert read(old).positions.tolist() == list(range(1, 31))


@pytest.mark.parametrize(
    ("data", "fragment"),
    [
        (b"", "holds no atoms"),
        (b"hello world\n" * 50, "holds no atoms"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "is no text: it holds NUL bytes"),
        (b"\x1f\x8b\x08garbage", "is damaged"),
        (gzip.compress(pdb(list(range(30))).encode(), mtime=0)[:-12], "is damaged"),
        (b"data_x\nloop_\n_atom_site.id\n1 2\n3\n'", "cannot be read"),
        (b"ATOM      1  CA  MET A   1    not-a-number   0.000   0.000  1.00 20.00           C\n", "holds no atoms"),
        (b"HETATM    1 ZN    ZN A   1       1.000   0.000   0.000  1.00 20.00          ZN\n", "no protein chain"),
        (b"x" * (MAX_BYTES + 1), "larger than 20 MB"),
        (gzip.compress(bytes(MAX_BYTES + 1), mtime=0), "larger than 20 MB"),
        (pdb(list(range(40)), "GSWEAHNKLPQRDTVCYFMIGSWEAHNKLPQRDTVCYFMI").encode(), "another protein's structure"),
        (pdb(list(range(4))).encode(), "another protein's structure"),
    ],
)
def test_a_bad_file_gets_one_sentence(data: bytes, fragment: str) -> None:
    assert fragment in refused(data)


# Real files


def test_every_real_core_structure_lies_on_its_sequence(shared_data: Path) -> None:
    """A sample of real files; those whose table says the same in other words must agree residue by residue."""
    sequences = real_sequences(shared_data)
    with (shared_data / "structures.tsv").open() as handle:
        rows = [row for row in csv.DictReader(handle, delimiter="\t") if row["Entry"] in sequences][::6]
    n_compared = 0
    for row in rows:
        sequence = sequences[row["Entry"]]
        data = (shared_data / "structures" / row["file"]).read_bytes()
        found = read_uploaded_structure(data, row["file"], sequence)
        assert found.identity > 0.9
        assert (found.chain, found.atoms) == (row["chain"], row["atoms"])
        letters = protein_chains(parse_structure(data, row["file"]), row["file"])[0].letters
        listed = listed_positions(row["segments_chain_to_uniprot"], len(letters))
        equal = [p > 0 and letters[i] == sequence[p - 1] for i, p in enumerate(listed)]
        if listed and all(equal) and found.identity == 1.0:
            n_compared += 1
            assert found.positions.tolist() == listed, row["file"]
    assert len(rows) > 50
    assert n_compared > 15


def real_sequences(folder: Path) -> dict[str, str]:
    with gzip.open(folder / "uniprot_yeast_ecoli_bsubtilis.tsv.gz", "rt") as handle:
        return {row["Entry"]: row["Sequence"] for row in csv.DictReader(handle, delimiter="\t")}


def listed_positions(segments: str, n: int) -> list[int]:
    """Positions by the table; [] where its numbers do not count the residues of the file."""
    listed = [0] * n
    for segment in segments.split(";"):
        span, start = segment.split(":")
        first, last = map(int, span.split("-"))
        if last > n:
            return []
        listed[first - 1 : last] = range(int(start), int(start) + last - first + 1)
    return listed
