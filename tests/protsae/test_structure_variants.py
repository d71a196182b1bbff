"""Structure files as programs really write them: each variant gives the sequence and the places of the plain file.

The last test reads collected cases beside the repository, where they are at hand.
"""

import gzip
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import gemmi
import numpy as np
import pytest

from protsae.errors import InputError
from protsae.sequences import THREE_LETTERS
from protsae.structure.chains import parse_structure, protein_chains
from protsae.structure.mend import mended
from protsae.structure.origin import caption, is_pdb_id
from protsae.structure.read import PlacedStructure, read_uploaded_structure
from protsae.structure.residues import PARENTS, letter, parent
from protsae.structure.write import HIGHEST, LOWEST, into_columns

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSG"
NAMES = {one: three for three, one in list(THREE_LETTERS.items())[::-1]}
ATOMS = {"N": (1.5, -28, -0.9), "CA": (2.3, 0, 0.0), "C": (1.7, 26, 1.1), "O": (2.0, 22, 2.3)}


class Atom(NamedTuple):
    """What an ATOM record says."""

    name: str
    residue: str
    """Name with the chain's letter behind it, 5 columns."""
    number: str
    """With its insertion code."""
    place: np.ndarray
    b: float

    def line(self, serial: int) -> str:
        xyz = "".join(f"{value:8.3f}" for value in self.place)
        head = f"ATOM  {serial:5d}  {self.name:<3s} {self.residue}{self.number:>5s}"
        return f"{head}   {xyz}  1.00{self.b:6.2f}           {self.name[0]}"


def usual_number(i: int) -> str:
    return f"{i + 1} "


def uneven(i: int, atom: str) -> float:
    """B-factors as an experiment gives them."""
    return 20.0 + i / 10 + (atom == "O")


def pdb(
    sequence: str = SEQUENCE,
    *,
    names: Mapping[int, str] | None = None,
    numbers: Callable[[int], str] = usual_number,
    left_out: Collection[int] = (),
    b: Callable[[int, str], float] = uneven,
) -> str:
    """A helix with its backbone.

    Args:
        sequence: one-letter code.
        names: residue names, chain's letter included, in place of the standard ones.
        numbers: of residue i, insertion code included.
        left_out: residues without atoms.
        b: B-factor of residue i's atom.
    """
    atoms, named = [], names or {}
    for i, one in enumerate(sequence):
        for atom, (radius, angle, rise) in ATOMS.items() if i not in left_out else ():
            turn = math.radians(angle + 100 * i)
            place = np.array([radius * math.cos(turn), radius * math.sin(turn), rise + 1.5 * i])
            atoms.append(Atom(atom, named.get(i, NAMES[one] + " A"), numbers(i), place, b(i, atom)))
    return "\n".join([*(atom.line(serial) for serial, atom in enumerate(atoms, start=1)), "TER", ""])


def read(text: str, sequence: str | None = None, filename: str = "one.pdb") -> PlacedStructure:
    return read_uploaded_structure(text.encode(), filename, sequence)


def caption_of(text: str, filename: str = "one.pdb") -> str:
    found = read(text, None, filename)
    return caption(found.pdb_id, found.chain, found.resolution, found.pdb)


# Names of residues and atoms


@pytest.mark.parametrize("name", sorted(PARENTS))
def test_a_simulations_name_is_its_standard_residue(name: str) -> None:
    sequence = SEQUENCE[:20] + letter(PARENTS[name]) + SEQUENCE[20:]
    found = read(pdb(sequence, names={20: f"{name}A" if len(name) == 4 else f"{name} A"}))

    assert found.sequence == sequence
    assert len(found.positions) == len(sequence)
    assert [r.name for r in gemmi.read_pdb_string(found.pdb)[0]["A"]][20] == PARENTS[name]


def test_the_ends_of_a_chain_and_unknown_names() -> None:
    found = read(pdb(names={0: "NMETA", 49: "CGLYA"}))

    assert found.sequence == SEQUENCE
    assert found.chain == "A"
    assert [parent(name) for name in ("NHIE", "CCYX", "NALA", "NXYZ", "LIG", "ALA", "HIE")] == [
        *("HIS", "CYS", "ALA", "NXYZ", "LIG", "ALA", "HIS"),
    ]
    assert [letter(name) for name in ("MSE", "SEP", "XYZ", "SEC", "PYL", "HIE")] == ["M", "S", "X", "U", "O", "H"]


def test_chains_with_names_of_two_letters_are_no_residue_names() -> None:
    text = pdb("MKTH" * 9, names={i: f"{NAMES[one]}EA" for i, one in enumerate("MKTH" * 9)})
    found = read(text)

    assert mended(text) == text
    assert (found.sequence, found.chain) == ("MKTH" * 9, "EA")


@pytest.mark.parametrize("with_elements", [False, True])
@pytest.mark.parametrize("only_carbons", [False, True])
@pytest.mark.parametrize("names", [{}, {3: "HIE A", 8: "UNL A"}])
def test_atom_names_in_the_first_column_are_no_metals(
    names: dict[int, str], *, only_carbons: bool, with_elements: bool
) -> None:
    lines = [line for line in pdb(names=names).splitlines() if not only_carbons or line[12:16] == " CA "]
    lines = [line[:12] + line[13:16].ljust(4) + line[16:66] + (line[66:] if with_elements else "") for line in lines]
    calcium = "HETATM  999 CA    CA A 301       1.000  90.000   3.000  1.00 20.00          CA"
    found = read("\n".join([*lines, calcium, ""]))
    is_lost = only_carbons and not with_elements and 8 in names  # a lone CA of an unknown residue may be calcium
    expected = "".join(
        {3: "H", 8: "X"}[i] if i in names else one for i, one in enumerate(SEQUENCE) if i != 8 or not is_lost
    )
    written = gemmi.read_pdb_string(found.pdb)

    assert found.sequence == expected
    assert [r.name for r in written[0]["B"]] == ["CA"]
    assert {r["CA"][0].element.name for r in written[0]["A"]} == {"C"}


# Numbers


@pytest.mark.parametrize(
    "numbers",
    [
        lambda i: f"{i + 1 if i < 9 else max(10, i - 3)} ",  # 10, 10A .. 10D without their letters
        lambda i: f"{i + 1 if i < 9 else max(10, i - 3)}{' ABCD'[i - 9] if 9 <= i < 14 else ' '}",
        lambda _: "1 ",
        lambda i: f"{i // 2 + 1} ",
        lambda i: f"{-20 + i} ",
        lambda i: f"{(9_980 + i) % 10_000} ",
    ],
)
@pytest.mark.parametrize("sequence", [SEQUENCE, "MKLLLLLLLLLLLLLLLLKAAAAAAAAAAKGGGGGGGGGGSTTTTTT"])
def test_no_residue_vanishes_whatever_its_number(sequence: str, numbers: Callable[[int], str]) -> None:
    found = read(pdb(sequence, numbers=numbers))

    assert found.sequence == sequence
    assert found.coverage == 1.0
    assert found.positions.tolist() == list(range(1, len(sequence) + 1))


@pytest.mark.parametrize("name", ["THR A", "SER A"])
@pytest.mark.parametrize("letters", [(" ", " "), ("A", "B")])
def test_an_alternative_in_the_same_place_counts_once(name: str, letters: tuple[str, str]) -> None:
    lines = pdb().splitlines()
    first, second = lines[8:12], [line[:17] + name + line[22:] for line in lines[8:12]]
    marked = [
        line[:16] + mark + line[17:] for part, mark in zip((first, second), letters, strict=True) for line in part
    ]

    assert read("\n".join([*lines[:8], *marked, *lines[12:], ""])).sequence == SEQUENCE


# Coordinates


@pytest.mark.parametrize("shift", [(-2000, 0, 0), (0, 5000, -995), (9990, 9990, 9990), (-999.5, 12_345, 0)])
def test_far_away_structures_are_moved_as_a_whole(shift: tuple[float, float, float]) -> None:
    """Only mmCIF has room for such numbers."""
    structure = gemmi.read_pdb_string(pdb())
    for atom in (atom for chain in structure[0] for residue in chain for atom in residue):
        atom.pos += gemmi.Position(*shift)
    found = read(structure.make_mmcif_document().as_string(), SEQUENCE, "far.cif")
    here, near = (gemmi.read_pdb_string(one.pdb)[0]["A"] for one in (found, read(pdb(), SEQUENCE)))
    places, expected = (np.array([a.pos.tolist() for r in chain for a in r]) for chain in (here, near))

    assert all(len(line) == 80 for line in found.pdb.splitlines() if line.startswith("ATOM"))
    assert np.allclose(np.ptp(places - expected, axis=0), 0, atol=0.0025)
    assert found.positions.tolist() == list(range(1, 51))


def test_what_columns_hold_is_not_moved() -> None:
    for points in ([[LOWEST, 0, HIGHEST]], [[0, 0, 0], [500, -900, 9000]]):
        assert into_columns(np.array(points, dtype=float)).tolist() == [0, 0, 0]
    points = np.array([[-5000.0, 0, 9000], [5000, 0, 10_500]])
    moved = points + into_columns(points)
    assert moved.min() >= LOWEST
    assert moved.max() <= HIGHEST
    assert into_columns(np.zeros((0, 3))).tolist() == [0, 0, 0]


@pytest.mark.parametrize("bad", ["     nan", "********", "       ?", "        ", "12.3.456", "     inf", "abcdefgh"])
@pytest.mark.parametrize("column", [30, 38, 46])
def test_a_residue_without_coordinates_is_unresolved(bad: str, column: int) -> None:
    lines = pdb().splitlines()
    changed = [line[:column] + bad + line[column + 8 :] if line[22:26] == "  21" else line for line in lines]
    found = read("\n".join([*changed, ""]), SEQUENCE)

    assert found.positions.tolist() == [*range(1, 21), *range(22, 51)]
    assert "nan" not in found.pdb.lower()


@pytest.mark.parametrize("value", ["?", ".", "1e9"])
def test_a_residue_of_mmcif_without_coordinates_is_unresolved(value: str) -> None:
    text = gemmi.read_pdb_string(pdb()).make_mmcif_document().as_string()
    block = gemmi.cif.read_string(text)[0]
    table = block.find("_atom_site.", ["auth_seq_id", "Cartn_x"])
    for row in table:
        if row[0] == "21":
            row[1] = value
    found = read(block.as_string(), SEQUENCE, "one.cif")

    assert found.positions.tolist() == [*range(1, 21), *range(22, 51)]


def test_a_file_without_any_coordinates_is_refused() -> None:
    stars = re.sub(r"(?m)^(ATOM.{24}).{8}", r"\1********", pdb())
    unknown = gemmi.read_pdb_string(pdb()).make_mmcif_document()[0]
    for row in unknown.find("_atom_site.", ["Cartn_x"]):
        row[0] = "?"
    for text, sentence in ((stars, "holds no atoms with coordinates"), (unknown.as_string(), "holds no protein chain")):
        with pytest.raises(InputError, match=sentence) as caught:
            read(text, SEQUENCE)
        assert "\n" not in str(caught.value)


# The whole molecule


def with_seqres(sequence: str, atoms: str) -> str:
    names = [NAMES[one] for one in sequence]
    lines = [
        f"SEQRES {n + 1:3d} A {len(names):4d}  {' '.join(names[13 * n : 13 * n + 13])}"
        for n in range(math.ceil(len(names) / 13))
    ]
    return "\n".join([*lines, atoms])


@pytest.mark.parametrize("left_out", [range(15, 30), range(10), range(40, 50), range(20, 21)])
@pytest.mark.parametrize("as_cif", [False, True])
def test_a_file_that_gives_the_full_sequence_is_read_with_it(left_out: range, *, as_cif: bool) -> None:
    text = with_seqres(SEQUENCE, pdb(left_out=left_out))
    if as_cif:
        structure = gemmi.read_pdb_string(text)
        structure.setup_entities()
        structure.assign_label_seq_id()
        text = structure.make_mmcif_document().as_string()
    found = read(text)

    assert found.sequence == SEQUENCE
    assert found.positions.tolist() == [i + 1 for i in range(50) if i not in left_out]
    assert found.notes == ()


def test_without_it_a_sentence_says_what_is_missing() -> None:
    found = read(pdb(left_out=range(15, 30)))

    assert found.sequence == SEQUENCE[:15] + SEQUENCE[30:]
    assert len(found.notes) == 1
    assert "leaves out residues 16 to 30 and gives no full sequence (SEQRES)" in found.notes[0]
    assert read(pdb()).notes == ()


def test_another_molecules_full_sequence_is_not_taken() -> None:
    other = "GSWEAHNKLPQRDTVCYFMIGSWEAHNKLPQRDTVCYFMIGSWEAHNKLP"

    assert read(with_seqres(other, pdb())).sequence == SEQUENCE


# Experiment or prediction


def even(low: float, high: float) -> Callable[[int, str], float]:
    """The same for all atoms of a residue, from low to high along the chain."""
    return lambda i, _: low + (high - low) * i / 49


AF_TITLE = "TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION FOR AN INVENTED KINASE (Q00001)\n"
ENTRY = f"HEADER    {'TRANSFERASE':<40s}01-JAN-99   1ABC\n"
XRAY = "EXPDTA    X-RAY DIFFRACTION\nREMARK   2 RESOLUTION.    2.00 ANGSTROMS.\n"


@pytest.mark.parametrize(
    ("head", "filename", "b", "expected"),
    [
        (AF_TITLE, "one.pdb", even(60, 80), "AlphaFold model one chain A, mean pLDDT 70"),
        ("", "AF-Q00001-F1-model_v4.pdb", even(60, 80), "AlphaFold model AF-Q00001-F1-model_v4 chain A, mean pLDDT 70"),
        ("", "alphafold2_ptm_1.pdb", even(0.6, 0.8), "AlphaFold model alphafold2_ptm_1 chain A, mean pLDDT 70"),
        (AF_TITLE, "1abc.pdb", even(60, 80), "AlphaFold model 1abc chain A, mean pLDDT 70"),
        ("", "my_esmfold.pdb", even(0.41, 0.41), "predicted model my_esmfold chain A, mean pLDDT 41"),
        ("", "Q00002.pdb", even(0.41, 0.41), "predicted model Q00002 chain A, mean pLDDT 41"),
        ("", "Q00002.pdb", even(0.2, 0.9), "predicted model Q00002 chain A, mean pLDDT 55"),
        ("", "Q00002.pdb", even(40, 90), "predicted model Q00002 chain A, mean pLDDT 65"),
        ("EXPDTA    THEORETICAL MODEL\n", "x.pdb", even(40, 90), "predicted model x chain A"),
        ("TITLE     SWISS-MODEL SERVER\n", "x.pdb", even(0.4, 0.9), "predicted model x chain A"),
        (ENTRY + XRAY, "x.pdb", even(40, 90), "PDB 1ABC chain A, 2.0 Å"),
        (ENTRY + XRAY, "AF-Q00001-F1.pdb", even(40, 90), "PDB 1ABC chain A, 2.0 Å"),
        (ENTRY, "x.pdb", even(0.2, 0.9), "PDB 1ABC chain A"),
        (XRAY, "mine.pdb", even(40, 90), "mine chain A, 2.0 Å"),
        ("", "1abc.pdb", even(40, 90), "PDB 1ABC chain A"),
        ("", "mine.pdb", lambda i, atom: 20.0 + i + (atom == "O"), "mine chain A"),
        ("", "mine.pdb", even(0, 0), "mine chain A"),
        ("", "mine.pdb", even(1, 1), "mine chain A"),
        ("", "mine.pdb", even(50, 50), "mine chain A"),
        ("", "mine.pdb", even(40, 130), "mine chain A"),
    ],
)
def test_the_caption_says_experiment_prediction_or_file(
    head: str, filename: str, b: Callable[[int, str], float], expected: str
) -> None:
    found = caption_of(head + pdb(b=b), filename)

    assert found.startswith(expected)
    assert ("pLDDT" in found) == ("pLDDT" in expected)


def test_confidence_travels_with_the_text_and_nothing_else_does() -> None:
    predicted, measured = read(pdb(b=even(0.2, 0.9))), read(ENTRY + pdb(b=even(0.2, 0.9)))
    values = [r["CA"][0].b_iso for r in gemmi.read_pdb_string(predicted.pdb)[0]["A"]]

    assert values == pytest.approx(np.linspace(20, 90, 50), abs=1.01)
    assert {a.b_iso for r in gemmi.read_pdb_string(measured.pdb)[0]["A"] for a in r} == {0.0}
    assert measured.pdb.startswith("ATOM")


def test_ids_of_the_protein_data_bank() -> None:
    assert [is_pdb_id(text) for text in ("1MBN", "9xyz", "pdb_00001mbn", "AF-P1-F1", "Q00002", "0ABC", "1ABCD")] == [
        *(True, True, True, False, False, False, False),
    ]


# Ends, chains without names, few columns


OTHER = "MSDKIIHLTDDSFDTDVLKADGAILVDFWAEWCGPCKMIAPILDEIADEY"


def moved(text: str, *, to_chain: str, by: float = 60.0, number: int = 0) -> str:
    """The atoms elsewhere, in another chain, their numbers raised."""
    lines = []
    for line in text.splitlines():
        if line.startswith("ATOM"):
            place = f"{line[:21]}{to_chain}{int(line[22:26]) + number:4d}{line[26:30]}{float(line[30:38]) + by:8.3f}"
            lines.append(place + line[38:])
    return "\n".join(lines) + "\n"


def unnamed(text: str, **changes: float) -> str:
    return moved(text, to_chain=" ", by=changes.get("by", 0.0), number=int(changes.get("number", 0)))


def with_last_oxygen(text: str) -> str:
    last = text.rstrip("\n").splitlines()[-1]
    return text + f"{last[:12]} OXT{last[16:30]}{float(last[30:38]) + 1.0:8.3f}{last[38:]}\n"


def chains_of(text: str, filename: str = "x.pdb") -> list[tuple[str, str]]:
    structure = parse_structure(text.encode(), filename)
    return [(chain.name, chain.letters) for chain in protein_chains(structure, filename)]


def test_chains_behind_an_end_are_read_and_another_model_is_not() -> None:
    first, second = moved(pdb(), to_chain="A"), moved(pdb(OTHER), to_chain="B")

    assert chains_of(f"{first}END\n{second}END\n") == [("A", SEQUENCE), ("B", OTHER)]
    assert read(f"{first}END   \n{second}END\n", OTHER).chain == "B"
    assert chains_of(f"{first}END\n{moved(pdb(), to_chain='A', by=3.0)}END\n") == [("A", SEQUENCE)]
    halves = first.splitlines(keepends=True)
    assert chains_of("".join([*halves[:100], "END\n", *halves[100:]])) == [("A", SEQUENCE)]
    assert chains_of(f"{unnamed(pdb())}END\n{unnamed(pdb(OTHER), by=60)}END\n") == [("A", SEQUENCE), ("B", OTHER)]


@pytest.mark.parametrize("separator", ["TER\n", "TER   \n", ""])
def test_chains_without_names_whose_numbers_begin_anew_are_two(separator: str) -> None:
    text = unnamed(pdb()) + separator + unnamed(pdb(OTHER), by=60) + separator
    water = "HETATM 9999  O   WAT    51      11.000  10.000  10.000  1.00  0.00           O\n"

    assert chains_of(text + water) == [("A", SEQUENCE), ("B", OTHER)]
    assert read(text, SEQUENCE).chain == "A"


def test_chains_without_names_whose_numbers_go_on_are_told_by_the_last_oxygen() -> None:
    second = unnamed(pdb(OTHER), by=60, number=50)

    assert chains_of(f"{with_last_oxygen(unnamed(pdb()))}TER\n{second}TER\n") == [("A", SEQUENCE), ("B", OTHER)]
    assert chains_of(f"{unnamed(pdb())}TER\n{second}TER\n") == [("", SEQUENCE + OTHER)]  # TER at a gap


def test_chains_without_names_are_told_by_their_segments() -> None:
    lines = [f"{line[:72]:<72}PRO{'A' if i < 200 else 'B'}" for i, line in enumerate((unnamed(pdb()) * 2).splitlines())]

    assert chains_of("\n".join(lines)) == [("A", SEQUENCE), ("B", SEQUENCE)]


def test_one_chain_without_a_name_keeps_none() -> None:
    text = unnamed(pdb()) + "TER\nATOM   9999  Na+ Na+    51      10.000  10.000  10.000  1.00  0.00\nTER\n"

    assert chains_of(text) == [("", SEQUENCE)]
    assert read(text).notes == ()


def test_that_a_file_holds_other_proteins_is_said() -> None:
    found = read(moved(pdb(), to_chain="A") + moved(pdb(OTHER[:30]), to_chain="B"))

    assert found.chain == "A"
    assert "holds other protein chains, too (B); the longest, A, is read" in found.notes[0]
    assert read(moved(pdb(), to_chain="A") + moved(pdb(), to_chain="B")).notes == ()


PLACE = ("Cartn_x", "Cartn_y", "Cartn_z")


def atom_rows() -> list[dict[str, str]]:
    """The atoms by mmCIF's columns."""
    rows = []
    for line in (line for line in pdb().splitlines() if line.startswith("ATOM")):
        named = {"atom_id": line[12:16], "comp_id": line[17:20], "asym_id": line[21], "seq_id": line[22:26]}
        row = {f"{kind}_{name}": text.strip() for name, text in named.items() for kind in ("label", "auth")}
        row |= dict(zip(PLACE, (line[30:38].strip(), line[38:46].strip(), line[46:54].strip()), strict=True))
        row |= {"group_PDB": "ATOM", "id": line[6:11].strip(), "type_symbol": line[77], "label_alt_id": "."}
        rows.append(row | {"label_entity_id": "1", "occupancy": "1.00", "B_iso_or_equiv": line[60:66].strip()})
    return rows


def cif_of(columns: Collection[str]) -> str:
    head = "".join(f"_atom_site.{name}\n" for name in columns)
    return f"data_x\nloop_\n{head}" + "".join(" ".join(row[name] for name in columns) + "\n" for row in atom_rows())


@pytest.mark.parametrize(
    "columns",
    [
        tuple(atom_rows()[0]),
        ("label_atom_id", "label_comp_id", "label_asym_id", "label_seq_id", *PLACE),
        ("id", "auth_atom_id", "auth_comp_id", "auth_asym_id", "auth_seq_id", *PLACE),
        ("label_atom_id", "label_comp_id", "label_seq_id", *PLACE),
        (*PLACE, "label_comp_id", "label_atom_id", "auth_seq_id"),
        *(
            tuple(name for name in atom_rows()[0] if name != left_out)
            for left_out in ("id", "type_symbol", "auth_seq_id")
        ),
    ],
)
def test_mmcif_with_few_columns_is_read(columns: tuple[str, ...]) -> None:
    text = cif_of(columns)

    found = read(text, None, "few.cif")

    assert (found.sequence, found.chain, found.coverage) == (SEQUENCE, "A", 1.0)
    assert read("\ufeff" + text, None, "few.cif").sequence == SEQUENCE


def test_mmcif_without_residue_numbers_is_counted() -> None:
    columns = ("label_atom_id", "label_comp_id", "label_asym_id", *PLACE)

    assert read(cif_of(columns), None, "few.cif").sequence == SEQUENCE


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_text(encoding: str) -> None:
    assert read_uploaded_structure(pdb().encode(encoding), "one.pdb").sequence == SEQUENCE


# Collected cases


@pytest.mark.parametrize(
    "name",
    ["atom-names-left-justified", "insertion-codes-dropped", "md-residue-names", "unresolved-loop-upload"],
)
def test_the_collected_structures(shared_cases: Path, name: str) -> None:
    expected = json.loads((shared_cases / name / "expected.json").read_text())
    files = list((shared_cases / name).glob("*.pdb"))
    assert files
    for path in files:
        found = read_uploaded_structure(gzip.compress(path.read_bytes()), path.name)
        assert found.sequence == expected["sequence"]
        assert found.coverage == expected.get("coverage", found.coverage)
        first, last = map(int, expected.get("unresolved", "0-0").split("-"))
        assert [p for p in range(1, 51) if p not in found.positions] == [
            p for p in range(first, last + 1) if 0 < p <= 50
        ]
        assert protein_chains(parse_structure(path.read_bytes(), path.name), path.name)


def test_the_collected_predictions(shared_cases: Path) -> None:
    folder = shared_cases / "predicted-called-pdb"
    said = {path.stem[:2]: caption_of(path.read_text(), path.name) for path in folder.glob("*.pdb")}

    assert said == {
        "AF": "AlphaFold model AF-Q00001-F1-model_v4 chain A, mean pLDDT 35",
        "Q0": "predicted model Q00002 chain A, mean pLDDT 41",
    }
