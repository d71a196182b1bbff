"""Tables of tab-separated cells as people have them: as downloaded, or written anew by a spreadsheet, pandas or R.

UniProt quotes nothing, so that a quotation mark inside a cell is text. A program that reads such a table and writes it
again puts a cell with quotation marks into quotation marks and doubles those inside (pandas, spreadsheets) or puts a
backslash before them (R). A cell is taken out of its quotation marks only where it was written so: it begins and ends
with one, and every one between is doubled or escaped.

Read `rows`, then `records`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from protsae.errors import InputError
from protsae.text_files import open_text


def rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Line number, from 1, and cells of every line that is not blank."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            cells = line.rstrip("\r\n").split("\t")
            yield number, [unquoted(cell) for cell in cells] if '"' in line else cells


def records(path: Path, needed: Collection[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line number and cells by column of a table whose first line names the columns; a missing cell is ''.

    Args:
        path: the file, gzipped or not.
        needed: columns that must be there.

    Raises:
        InputError: the file cannot be read, or lacks a needed column.
    """
    with open_text(path) as handle:
        lines = rows(handle)
        _, heading = next(lines, (1, []))
        heading = [name.strip() for name in heading]
        missing = set(needed) - set(heading)
        if missing:
            raise InputError(f"{path} has no column {min(missing)!r}; it has: {', '.join(heading)[:300]}")
        for number, cells in lines:
            found = dict(zip(heading, (cell.strip() for cell in cells), strict=False))
            yield number, {name: found.get(name, "") for name in heading}


def unquoted(cell: str) -> str:
    """A cell without the quotation marks that a program put around it; any other cell as it is."""
    if len(cell) < 2 or not (cell.startswith('"') and cell.endswith('"')):
        return cell
    inside = cell[1:-1]
    for escaped in ('""', '\\"'):
        if '"' not in inside.replace(escaped, ""):
            return inside.replace(escaped, '"')
    return cell
