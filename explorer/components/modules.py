"""ES modules, linked into the one text that a Streamlit component takes.

The scripts beside this file are modules that name what they import and export, so that editors, type checkers and
node can read each by itself. Streamlit puts a component's script into the page as one text without an address, from
which nothing relative can be imported; and files of a static folder are kept by browsers without asking, so that after
an update a page could run old and new modules together. Hence `linked`, which needs no build step.

Three rules keep it small: imports stand at the top as `import { a, b } from "./file.js";`, exports before the thing
they name, and no two modules use one name at their top level.
"""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_TOP_LEVEL = re.compile(r"^(?:export )?(?:async function|function|class|const|let) (\w+)", re.MULTILINE)


def linked(folder: Path, entry: str) -> str:
    """The entry and all that it imports, each module once, what is imported first.

    Args:
        folder: of the modules.
        entry: the file whose exports the text keeps.

    Raises:
        ValueError: a name is imported that its module does not export, two modules share a name, or imports run in a
            circle.
    """
    ordered: dict[str, str] = {}
    _visit(folder, entry, ordered, ())
    owners: dict[str, str] = {}
    for module, text in ordered.items():
        for name in _TOP_LEVEL.findall(text):
            if owners.setdefault(name, module) != module:
                raise ValueError(f"{module} and {owners[name]} both define {name!r}")
    return "\n".join(text if module == entry else _EXPORT.sub("", text) for module, text in ordered.items())


def _visit(folder: Path, module: str, ordered: dict[str, str], path: tuple[str, ...]) -> None:
    if module in path:
        raise ValueError(f"modules import each other: {' -> '.join([*path, module])}")
    if module in ordered:
        return
    text = (folder / module).read_text(encoding="utf-8")
    for names, source in _IMPORT.findall(text):
        _visit(folder, source, ordered, (*path, module))
        missing = set(names.split(", ")) - set(_EXPORT.findall(ordered[source]))
        if missing:
            raise ValueError(f"{module} imports {min(missing)!r}, which {source} does not export")
    ordered[module] = _IMPORT.sub("", text)
