"""PDB text, mended before gemmi reads it where it would read something else than the program that wrote it meant.

The format's columns are narrow, and programs overrun them: residue names of four letters reach into the chain's column,
coordinates that do not fit become stars or push the next ones aside (gemmi reads stars as 0), and insertion codes are
lost, so that several residues carry one number (gemmi joins those of one name).

Read `mended`.

Source: https://www.wwpdb.org/documentation/file-format-content/format33/sect9.html
"""

import math

from protsae.structure.residues import STANDARD, parent

_ALTLOC, _NAME, _LAST_OF_NAME, _CHAIN_AND_NUMBER = 16, slice(17, 21), slice(20, 21), slice(20, 27)
_COORDINATES = (slice(30, 38), slice(38, 46), slice(46, 54))
_SEGMENT = 72


def mended(pdb: str) -> str:
    """The same atoms in text that gemmi reads as it was meant, without those that have no coordinates."""
    lines = [line for line in pdb.splitlines() if not is_atom(line) or _has_coordinates(line)]
    _shorten_names(lines)
    _part_residues(lines)
    return "\n".join([*lines, ""])


def is_atom(line: str) -> bool:
    """Whether a line is an ATOM or HETATM record."""
    return line.startswith(("ATOM  ", "HETATM"))


def _has_coordinates(line: str) -> bool:
    try:
        return all(math.isfinite(float(line[columns])) for columns in _COORDINATES)
    except ValueError:
        return False


def _shorten_names(lines: list[str]) -> None:
    """Write a simulation's residue names of four letters as the standard residue's three.

    A file whose chains have names of two letters looks the same in the same column; it shows by standard residues with
    a letter there.
    """
    longer = {line[_NAME] for line in lines if is_atom(line) and line[_LAST_OF_NAME].strip()}
    foreign = {name for name in longer if parent(name) == name}
    if any(name[:3] in STANDARD for name in foreign):
        return
    names = {name: parent(name) for name in longer - foreign}
    for number, line in enumerate(lines) if names else ():
        if is_atom(line) and line[_NAME] in names:
            lines[number] = f"{line[:17]}{names[line[_NAME]]} {line[21:]}"


def _part_residues(lines: list[str]) -> None:
    """Keep residues apart that carry the same name and number: where an atom comes again, the next residue begins.

    Alternatives carry a letter and begin none. What tells them apart for gemmi is the column of the segment.
    """
    seen: dict[str, tuple[int, set[str]]] = {}
    for number, line in enumerate(lines):
        if line.startswith(("MODEL", "ENDMDL")):
            seen = {}
        if not is_atom(line):
            continue
        key, atom = line[_NAME] + line[_CHAIN_AND_NUMBER], line[12:16]
        copy, atoms = seen.setdefault(key, (0, set()))
        if line[_ALTLOC] == " ":
            if atom in atoms:
                copy, atoms = copy + 1, set()
                seen[key] = (copy, atoms)
            atoms.add(atom)
        if copy:
            lines[number] = f"{line[:_SEGMENT]:<72s}{copy % 10_000:<4d}{line[_SEGMENT + 4 :]}"
