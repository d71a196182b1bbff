"""ProteinView's data, the drawable structure, still strips: positions are never shifted, colours never per protein."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.components import protein_view as pv
from explorer.components.protein_view import StripRow, StructureView, Track, view_data
from explorer.components.ribbon import _numbers_with_gaps, drawable, secondary_structure
from explorer.components.strips import profile, strip_runs, strip_thumbnail
from explorer.components.thumbnails import structure_svg

COMPONENTS = Path(pv.__file__).parent


def helix(n: int) -> np.ndarray:
    """C-alphas of an ideal right-handed alpha helix: 100 degrees and 1.5 angstrom a residue, radius 2.3."""
    turn = np.radians(100) * np.arange(n)
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(n)], axis=1)


def strand(n: int) -> np.ndarray:
    """C-alphas of an extended strand: a zigzag of 3.3 angstrom a residue along, 0.95 to either side."""
    side = np.where(np.arange(n) % 2 == 0, 0.95, -0.95)
    return np.stack([3.3 * np.arange(n), side, np.zeros(n)], axis=1)


def pdb_of(trace: np.ndarray, chain: str = "A") -> str:
    lines = [
        f"ATOM  {i:5d}  CA  ALA {chain}{i:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C"
        for i, (x, y, z) in enumerate(trace, start=1)
    ]
    return "\n".join(lines)


def row(values: list[float], scale: float = 2.0) -> StripRow:
    return StripRow(label="zinc", values=np.array(values), scale=scale)


def data_of(**changes: Any) -> dict:
    given: dict[str, Any] = {"sequence": "MKV", "rows": [row([0, 1, 2])], "tracks": [], "structure": None}
    given |= {"marks": (), "kept": pv.Kept(), "height": 300}
    return view_data(**given | changes)


def test_values_travel_with_four_digits_and_missing_ones_as_null() -> None:
    data = data_of(rows=[row([0.0, 1.23456, math.nan])])

    assert data["rows"][0]["values"] == [0, 1.235, None]
    assert data["rows"][0]["scale"] == 2.0


def test_a_row_of_another_length_is_our_own_fault() -> None:
    with pytest.raises(ValueError, match="2 values for 3 residues"):
        data_of(rows=[row([0, 1])])


def test_marks_and_placed_residues_must_lie_in_the_sequence() -> None:
    with pytest.raises(ValueError, match="marked residue 4"):
        data_of(marks=[4])
    with pytest.raises(ValueError, match="outside the sequence"):
        data_of(structure=StructureView(pdb=pdb_of(helix(3)), positions=[1, 2, 9]))


def test_tracks_and_mark_notes_are_kept() -> None:
    data = data_of(tracks=[Track(name="Site", regions=[(2, 3, "zinc")])], marks={2: "K2R"})

    assert data["tracks"] == [{"name": "Site", "regions": [[2, 3, "zinc"]]}]
    assert (data["marks"], data["markNote"]) == ([2], {"2": "K2R"})


def test_the_first_words_of_the_title_name_the_structure() -> None:
    view = StructureView(pdb=pdb_of(helix(8)), positions=[0, 1, 2, 3, 0, 0, 0, 0], title="PDB 1ABC chain A, 2.0 Å.")
    data = data_of(structure=view)["structure"]

    assert data["short"] == "PDB 1ABC chain A"
    assert data["positions"] == [0, 1, 2, 3, 0, 0, 0, 0]
    assert "estimated" in data["title"]


def model_of(plddt: list[float], remark: str = "ALPHAFOLD MODEL, MEAN PLDDT 60.0") -> str:
    lines = pdb_of(helix(len(plddt))).splitlines()
    text = "".join(f"{line[:60]}{value:6.2f}{line[66:]}\n" for line, value in zip(lines, plddt, strict=True))
    return f"REMARK   1 {remark}\n{text}" if remark else text


def test_a_predicted_model_says_of_each_residue_how_sure_it_is_and_an_experiment_of_none() -> None:
    plddt = [91.0, 70.0, 69.99, 50.0, 49.99, 3.0]

    def doubt_of(pdb: str) -> list[int]:
        view = StructureView(pdb=pdb, positions=[1, 2, 3, 0, 0, 0])
        return data_of(structure=view)["structure"]["doubt"]

    assert doubt_of(model_of(plddt)) == [0, 0, 1, 1, 2, 2]
    assert doubt_of(model_of(plddt, "PREDICTED MODEL")) == []  # its B-factors are no confidences
    assert doubt_of(model_of(plddt, "")) == []


def test_a_still_draws_what_a_model_is_not_sure_of_thinner_in_the_same_colour() -> None:
    def pens(pdb: str) -> dict[str, tuple[str, float]]:
        svg = structure_svg(pdb, np.arange(1, 7), np.arange(6.0), 5.0)
        found = re.findall(r'd="([^"]+)" stroke="(#\w+)" stroke-width="(\S+)"', svg)
        return {curve: (colour, float(width)) for curve, colour, width in found}

    sure, unsure = pens(model_of([90] * 6)), pens(model_of([90, 90, 90, 60, 40, 40]))
    ratios = [unsure[curve][1] / width for curve, (_, width) in sure.items()]

    assert {curve: colour for curve, (colour, _) in sure.items()} == {c: colour for c, (colour, _) in unsure.items()}
    assert sorted(round(ratio, 1) for ratio in ratios) == [0.3, 0.3, 0.5, 1.0, 1.0, 1.0]


def test_an_ideal_helix_and_an_ideal_strand_are_told_apart() -> None:
    assert set(secondary_structure(helix(16))[1:-2]) == {"h"}
    assert set(secondary_structure(strand(12))[1:-3]) == {"e"}
    assert secondary_structure(np.cumsum(np.full((5, 3), 9.0), axis=0)) == "ccccc"


def test_a_gap_breaks_the_ribbon_but_not_the_order() -> None:
    trace = helix(12)
    trace[6:] += [30, 0, 0]
    numbers = [int(line[22:26]) for line in drawable(pdb_of(trace)).text.splitlines() if line[12:16] == " CA "]

    assert numbers == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13]


def test_numbers_never_leave_their_columns_and_the_widest_gaps_break_first() -> None:
    n, gaps = 9_990, {100 * k: 20.0 + k for k in range(1, 31)}
    steps = np.tile([3.8, 0.0, 0.0], (n, 1))
    for place, width in gaps.items():
        steps[place, 0] = width

    numbers = np.array(_numbers_with_gaps(np.cumsum(steps, axis=0)))
    assert numbers[-1] == 9_999
    assert np.flatnonzero(np.diff(numbers) == 2).tolist() == [100 * k - 1 for k in range(22, 31)]


@pytest.mark.parametrize("bad", ["     nan", "     inf"])
@pytest.mark.parametrize("residues", [[0], [5], [11], [3, 4, 5, 6], list(range(1, 12))])
def test_a_residue_without_coordinates_keeps_its_place_in_the_order(bad: str, residues: list[int]) -> None:
    lines = pdb_of(helix(12)).splitlines()
    for index in residues:
        lines[index] = lines[index][:30] + bad + lines[index][38:]
    ready = drawable("\n".join(lines))
    svg = structure_svg("\n".join(lines), np.arange(1, 13), np.ones(12), 1.0)

    assert ready.n_residues == 12
    assert len([line for line in ready.text.splitlines() if line[12:16] == " CA "]) == 12
    assert "nan" not in (ready.text + svg).lower()
    assert "inf" not in (ready.text + svg).lower()


def test_without_any_coordinates_there_is_nothing_to_draw() -> None:
    text = "\n".join(line[:30] + "     nan" + line[38:] for line in pdb_of(helix(4)).splitlines())

    assert drawable(text).text == text
    assert "<path" not in structure_svg(text, np.arange(1, 5), np.ones(4), 1.0)


def test_a_longer_structure_than_the_columns_hold_about_its_middle_is_moved() -> None:
    trace = np.stack([1.5 * np.arange(2_000.0), np.zeros(2_000), np.zeros(2_000)], axis=1)  # 3,000 angstrom
    lines = drawable(pdb_of(trace)).text.splitlines()
    atoms = [line for line in lines if line.startswith("ATOM")]
    x = [float(line[30:38]) for line in atoms if line[12:16] == " CA "]

    assert {len(line) for line in atoms} == {80}
    assert abs(x[-1] - x[0]) == pytest.approx(1.5 * 1_999, abs=0.01)


def test_a_trace_gets_helices_and_stays_the_same_hand() -> None:
    trace = helix(20)
    ready = drawable(pdb_of(trace))
    placed = np.array(
        [[float(line[i : i + 8]) for i in (30, 38, 46)] for line in ready.text.splitlines() if line[12:16] == " CA "]
    )

    assert ready.is_trace
    assert ready.n_residues == 20
    assert ready.text.startswith("HELIX")
    assert "END" not in ready.text  # with it 3Dmol would forget the helices
    assert np.allclose(placed.mean(axis=0), 0, atol=1e-2)
    for points in (trace, placed):  # a mirror image would turn the sign
        a, b, c = points[1] - points[0], points[2] - points[1], points[3] - points[2]
        assert np.cross(a, b) @ c > 0
    assert np.ptp(placed[:, 0]) >= np.ptp(placed[:, 1]) >= np.ptp(placed[:, 2]) - 1e-3


def test_backbone_atoms_and_ligands_are_kept() -> None:
    lines = []
    for i, (x, y, z) in enumerate(helix(6), start=1):
        lines += [
            f"ATOM  {0:5d}  {name:<3s} ALA A{i:4d}    {x + k:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           {name[0]}"
            for k, name in enumerate(("N", "CA", "C", "O"))
        ]
    lines.append("HETATM    9 ZN    ZN B   1       0.000   0.000   0.000  1.00  0.00          ZN")
    ready = drawable("\n".join(lines))

    assert not ready.is_trace
    assert ready.text.count("ATOM  ") == 24
    assert ready.text.count("HETATM") == 1
    assert "HELIX" not in ready.text


def test_text_without_a_carbon_comes_back() -> None:
    assert drawable("nonsense").n_residues == 0


def test_a_strip_shows_the_strongest_residue_of_a_column() -> None:
    values = np.zeros(1000)
    values[501] = 3.0
    columns, runs = strip_runs(values, 2.0, 100)

    assert columns == 100
    assert runs == [(50, 1, 1.0)]


@pytest.mark.parametrize("n", [30, 348, 1659])
@pytest.mark.parametrize("share", [0.0, 0.22, 0.9999])
def test_a_profile_keeps_the_peak_at_its_share_of_the_chain(n: int, share: float) -> None:
    values = np.full(n, 0.1)
    values[int(share * n)] = 4.0
    heights = profile(values, 2.0)

    highest = np.flatnonzero(np.array(heights) == 1.0)

    assert len(heights) == 2 * min(n, 150)
    assert np.diff(highest).tolist() == [1]
    assert highest.mean() / (len(heights) - 1) == pytest.approx((int(share * n) + 0.5) / n, abs=0.01)
    assert set(heights) == {0.05, 1.0}
    assert profile(np.array([math.nan, 1.0]), 2.0) == [0.0, 0.0, 0.5, 0.5]
    assert profile(values, 0.0)[0] == 0.0


def test_missing_values_are_hatched_and_zero_is_nothing() -> None:
    html = strip_thumbnail(np.array([0.0, math.nan, 1.0]), 2.0)

    assert html.count("<i ") == 2
    assert html.count("repeating-linear-gradient") == 1


def test_the_weakest_activation_is_still_seen() -> None:
    assert strip_runs(np.array([1e-6]), 5.0, 10)[1] == [(0, 1, 0.05)]


def test_html_strips_carry_both_themes() -> None:
    html = strip_thumbnail(np.array([0.0, 2.0]), 2.0)

    assert "light-dark(#40107c, #d3bcff)" in html
    assert html.count("<i ") == 1


def test_a_thumbnail_colours_each_residue_by_its_place_in_the_sequence() -> None:
    trace = helix(6)
    trace[3:] += [0, 0, 20]  # a gap: no line may cross it
    svg = structure_svg(pdb_of(trace), np.array([11, 12, 13, 0, 15, 16]), np.eye(20)[14], 1.0)
    lines = re.findall(r'd="M(\S+) (\S+)Q(\S+) (\S+) (\S+) (\S+)" stroke="(#\w+)"', svg)

    assert len(lines) == 6
    assert sum(line[6] == "#7c48d0" for line in lines) == 1
    steps = [np.hypot(float(x) - float(u), float(y) - float(v)) for x, y, _, _, u, v, _ in lines]
    assert max(steps) < 30
    assert "path" not in structure_svg("nonsense", np.array([1]), np.ones(3), 1.0)


def test_the_viewer_is_served_from_here_with_its_licence() -> None:
    static = COMPONENTS.parent / "static"

    licence = (static / "3Dmol-min.js.LICENSE.txt").read_text()
    assert b"3Dmol-min.js.LICENSE.txt" in (static / "3Dmol-min.js").read_bytes()[:200]
    assert "3dmol v2.5.5" in licence
    assert "BSD-3-Clause" in licence
    assert not [path.name for path in COMPONENTS.glob("*.js") if "https://" in path.read_text()]
