"""The viewer's scripts: honest ES modules, linked into one text; node reads them where it is installed."""

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from explorer.components import modules, protein_view
from explorer.components.modules import linked

COMPONENTS = Path(protein_view.__file__).parent
SCRIPTS = sorted(COMPONENTS.glob("*.js"))

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: apt-get install nodejs")


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text)
    return folder


def test_what_is_imported_stands_first_and_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        main='import { b } from "./b.js";\nimport { a, A } from "./a.js";\n\nexport default () => a() + A;\n',
        b='import { a } from "./a.js";\nexport function b() { return a(); }\n',
        a="export const A = 1;\nexport async function a() { return 2; }\n",
    )

    assert linked(tmp_path, "main.js") == (
        "const A = 1;\nasync function a() { return 2; }\n\n"
        "function b() { return a(); }\n\n"
        "\nexport default () => a() + A;\n"
    )


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (
            {"main": 'import { a } from "./a.js";\n', "a": "function a() {}\n"},
            "imports 'a', which a.js does not export",
        ),
        (
            {"main": 'import { a } from "./a.js";\nfunction b() {}\n', "a": "export class a {}\nlet b = 1;\n"},
            "both define 'b'",
        ),
        (
            {"main": 'import { a } from "./a.js";\n', "a": 'import { b } from "./main.js";\nexport class a {}\n'},
            "main.js -> a.js -> main.js",
        ),
    ],
)
def test_what_cannot_be_linked_is_named(tmp_path: Path, texts: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        linked(write(tmp_path, **texts), "main.js")


def test_the_viewer_links_to_one_module_with_one_export() -> None:
    text = linked(COMPONENTS, "pv_main.js")

    assert [line for line in text.splitlines() if re.match("import |export ", line)] == [
        "export default function ({ parentElement, data, setTriggerValue }) {"
    ]
    assert all(f"function {name}" in text or f"class {name}" in text for name in ("readTheme", "Strips", "Structure"))


def test_every_module_imports_what_it_calls_and_calls_what_it_imports() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in SCRIPTS}
    exported = {name: module for module, text in texts.items() for name in modules._EXPORT.findall(text)}
    for module, text in texts.items():
        imported = {name for names, _ in modules._IMPORT.findall(text) for name in names.split(", ")}
        body = re.sub(r"//[^\n]*|^import .*", "", text, flags=re.MULTILINE)
        used = {name for name, home in exported.items() if home != module and re.search(rf"(?<![\w.-]){name}\b", body)}

        assert used == imported, module


@needs_node
def test_node_reads_every_module(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for path in SCRIPTS:
        subprocess.run(["node", "--check", shutil.copy(path, tmp_path)], check=True)
    (tmp_path / "linked.js").write_text(linked(COMPONENTS, "pv_main.js"))
    subprocess.run(["node", "--check", str(tmp_path / "linked.js")], check=True)


def asked(folder: Path, *, of: str, says: str) -> Any:
    """What a module answers in node.

    Args:
        folder: an empty one.
        of: import clause and file, e.g. `{ a } from "./a.js"`.
        says: expression.
    """
    (folder / "package.json").write_text('{"type": "module"}')
    for path in SCRIPTS:
        shutil.copy(path, folder)
    (folder / "ask.js").write_text(f"import {of};\nconsole.log(JSON.stringify({says}));")
    done = subprocess.run(["node", str(folder / "ask.js")], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@needs_node
def test_the_ramp_steps_linearly_and_ends_at_full_colour(tmp_path: Path) -> None:
    cases = "[[0, 2], [1, 2], [2, 2], [9, 2], [-1, 2], [1, 0], [null, 2]]"
    steps = asked(tmp_path, of='{ rampStep } from "./pv_theme.js"', says=f"{cases}.map((one) => rampStep(...one))")

    assert steps == [0, 128, 255, 255, 0, 0, 0]


@needs_node
def test_residues_in_doubt_are_rods_and_beads_and_the_sure_ones_keep_their_ribbon(tmp_path: Path) -> None:
    doubt, broken = [0, 0, 1, 2, 2, 0, 0, 0, 1], 6  # a gap after the 7th residue
    residues = "[" + ",".join(f"{{resi: {i + 1 + (i > broken)}}}" for i in range(len(doubt))) + "]"
    says = f"{doubt}.map((_, i) => doubtfulStyle({residues}, {doubt}, i, {{cartoon: {{}}}}))"
    styles = asked(tmp_path, of='{ doubtfulStyle } from "./pv_doubt.js"', says=says)

    kinds = [None if style is None else sorted(style) for style in styles]
    bead = ["sphere", "stick"]
    assert kinds[:5] == [None, ["cartoon", "stick"], ["stick"], bead, bead]
    assert kinds[5:] == [["cartoon", "stick"], None, ["cartoon", "sphere", "stick"], ["stick"]]
    radii = [style["stick"]["radius"] for style in styles if style]
    assert radii == [0.2, 0.07, 0.07, 0.07, 0.07, 0.2, 0.2]


@needs_node
def test_a_chain_without_doubt_is_drawn_as_ever(tmp_path: Path) -> None:
    says = "[[], [0, 0]].map((doubt) => doubtfulStyle([{resi: 1}, {resi: 2}], doubt, 0, {cartoon: {}}))"

    assert asked(tmp_path, of='{ doubtfulStyle } from "./pv_doubt.js"', says=says) == [None, None]


@needs_node
def test_rods_run_along_the_chain_and_never_over_a_gap(tmp_path: Path) -> None:
    residues = "[1, 2, 3, 5, 6].map((resi, index) => ({resi, alpha: {index, bonds: [], bondOrder: []}}))"
    joined = f"const all = {residues}; joinDoubtful(all, [0, 0, 1, 1, 0]); return all.map((r) => r.alpha.bonds);"
    says = f"(() => {{ {joined} }})()"
    bonds = asked(tmp_path, of='{ joinDoubtful } from "./pv_doubt.js"', says=says)

    assert bonds == [[], [2], [1], [4], [3]]


def drawn_strips(folder: Path, per_residue: float, marks: list[int]) -> dict[str, list]:
    """What `drawLines` fills and outlines of an axis and one row of 40 residues, half of them firing.

    Args:
        folder: an empty one.
        per_residue: width in pixels.
        marks: positions from 1.

    Returns:
        Of "fill" and "stroke" every call: colour, line width, left, top, width, height.
    """
    says = f"""(() => {{
      globalThis.window = {{}};
      const calls = {{ fill: [], stroke: [] }};
      const nothing = () => {{}};
      const pen = new Proxy({{
        fillRect(...box) {{ calls.fill.push([this.fillStyle, 0, ...box]); }},
        strokeRect(...box) {{ calls.stroke.push([this.strokeStyle, this.lineWidth, ...box]); }},
        measureText: () => ({{ width: 8 }}),
      }}, {{ get: (of, name) => (name in of ? of[name] : nothing) }});
      const values = Array.from({{ length: 40 }}, (_, i) => i % 2);
      const theme = {{ text: "ink", zero: "bed", ramp: Array(256).fill("colour"), inkOn: [] }};
      drawLines({{
        canvas: {{ style: {{}}, getContext: () => pen }}, width: 40 * {per_residue}, height: 60,
        theme, missingFill: "-",
        lines: [{{ kind: "axis", y: 0, height: 20 }}, {{ kind: "row", index: 0, y: 25, height: 19 }}],
        data: {{ rows: [{{ values, scale: 1 }}, {{ values, scale: 1 }}], sequence: "A".repeat(40) }},
        first: 0, span: 40, n: 40, perResidue: {per_residue}, marks: new Set({marks}),
        x(position) {{ return (position - 1) * {per_residue}; }},
      }});
      return calls;
    }})()"""
    return asked(folder, of='{ drawLines } from "./pv_draw.js"', says=says)


@needs_node
@pytest.mark.parametrize("per_residue", [1.6, 2.1, 2.8, 5.0, 7.4])
def test_narrow_changed_residues_have_a_tick_each_and_nothing_lies_on_their_colour(
    tmp_path: Path, per_residue: float
) -> None:
    drawn = drawn_strips(tmp_path, per_residue, [2, 3, 4, 20])
    ticks = [(left, width, top + height) for ink, _, left, top, width, height in drawn["fill"] if ink == "ink"]

    assert drawn["stroke"] == []
    assert len(ticks) == 4
    assert all(below <= 25 for _, _, below in ticks)  # where the row begins
    for (left, width, _), (following, _, _) in itertools.pairwise(ticks):
        assert left + width < following or (left + width == following and per_residue < 2)


@needs_node
@pytest.mark.parametrize("per_residue", [7.5, 12.3, 30.0])
def test_wide_changed_residues_are_outlined_thinly_within_their_colour(tmp_path: Path, per_residue: float) -> None:
    drawn = drawn_strips(tmp_path, per_residue, [2, 4])
    cells = {box[0]: box[1:] for colour, _, *box in drawn["fill"] if colour == "colour"}

    assert len(drawn["stroke"]) == 2
    for _, pen_width, left, top, width, height in drawn["stroke"]:
        cell_top, cell_width, cell_height = cells[left - 0.5]
        assert (top - 0.5, height + 1, width + 1) == (cell_top, cell_height, cell_width)
        assert pen_width == 1
        assert 4 <= width - pen_width <= cell_width
