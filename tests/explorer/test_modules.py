"""The viewer's scripts: honest ES modules, linked into one text; node reads them where it is installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

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


@needs_node
def test_the_ramp_steps_linearly_and_ends_at_full_colour(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(COMPONENTS / "pv_theme.js", tmp_path)
    (tmp_path / "ask.js").write_text(
        'import { rampStep } from "./pv_theme.js";\n'
        "const cases = [[0, 2], [1, 2], [2, 2], [9, 2], [-1, 2], [1, 0], [null, 2]];\n"
        "console.log(JSON.stringify(cases.map((one) => rampStep(...one))));"
    )
    done = subprocess.run(["node", str(tmp_path / "ask.js")], check=True, capture_output=True, text=True)

    assert json.loads(done.stdout) == [0, 128, 255, 255, 0, 0, 0]
