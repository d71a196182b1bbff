"""PDB text, mended before gemmi reads it where it would read something else than the program that wrote it meant.

The format's columns are narrow, and programs overrun them: residue names of four letters reach into the chain's column,
coordinates that do not fit become stars or push the next ones aside (gemmi reads stars as 0), and insertion codes are
lost, so that several residues carry one number (gemmi joins those of one name). Programs also put END between chains,
where gemmi stops reading, and leave chains without names, which only TER, a segment's name or a number that begins anew
tells apart.

Read `mended`.

Source: https://www.wwpdb.org/documentation/file-format-content/format33/sect9.html
"""

import math
import string
from collections.abc import Iterator, Sequence

from protsae.structure.residues import STANDARD, parent

_ALTLOC, _NAME, _LAST_OF_NAME, _CHAIN_AND_NUMBER = 16, slice(17, 21), slice(20, 21), slice(20, 27)
_COORDINATES = (slice(30, 38), slice(38, 46), slice(46, 54))
_CHAIN, _NUMBER, _ATOM_AND_RESIDUE = 21, slice(22, 26), slice(12, 27)
_SEGMENT = 72
_LAST_OXYGENS = frozenset({"OXT", "OT1", "OT2", "OC1", "OC2"})
_CHAIN_NAMES = string.ascii_uppercase + string.ascii_lowercase + string.digits


def mended(pdb: str) -> str:
    """The same atoms in text that gemmi reads as it was meant, without those that have no coordinates."""
    lines = [line for line in _past_ends(pdb.splitlines()) if not is_atom(line) or _has_coordinates(line)]
    _shorten_names(lines)
    _name_chains(lines)
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


def _past_ends(lines: Sequence[str]) -> list[str]:
    """The lines, read on past an END unless the same atoms come again behind it: those are another model."""
    kept: list[str] = []
    seen: set[str] = set()
    for block in _blocks(lines):
        atoms = {line[_ATOM_AND_RESIDUE] for line in block if is_atom(line)}
        if seen and 2 * len(atoms & seen) >= len(atoms):
            break
        kept += [*(["TER"] if seen else []), *block]
        seen |= atoms
    return kept


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """What stands between one END and the next, without them."""
    block: list[str] = []
    for line in lines:
        if line.rstrip() == "END":
            yield block
            block = []
        else:
            block.append(line)
    yield block


def _name_chains(lines: list[str]) -> None:
    """Name the chains where several have no name; what is no protein goes with the chain before it."""
    groups = _unnamed(lines)
    proteins = [group for group in groups if any(lines[number][12:16].strip() == "CA" for number in group)]
    if len(proteins) < 2:
        return
    taken = {line[_CHAIN] for line in lines if is_atom(line)}
    names = iter([name for name in _CHAIN_NAMES if name not in taken])
    name = " "
    for group in groups:
        name = next(names, " ") if group in proteins else name
        for number in group:
            lines[number] = f"{lines[number][:_CHAIN]}{name}{lines[number][_CHAIN + 1 :]}"


def _unnamed(lines: Sequence[str]) -> list[list[int]]:
    """Places of the first model's atoms without a chain's name, in groups.

    A group ends where the segment changes, where numbers begin anew, and at a TER behind a chain's last oxygen (TER may
    stand at a gap, too).
    """
    groups: list[list[int]] = []
    segment, first, last, is_end, is_new = "", 0, 0, False, True
    for place, line in enumerate(lines):
        if line.startswith("ENDMDL"):
            break
        if line.startswith("TER"):
            is_new = is_new or is_end
        elif is_atom(line) and line[_CHAIN] == " ":
            digits = line[_NUMBER].strip()
            number = int(digits) if digits.lstrip("-").isdecimal() else last
            here = line[_SEGMENT : _SEGMENT + 4].strip()
            if is_new or here != segment or (last > first and number <= first):
                groups.append([])
                first, is_end = number, False
            is_end = (is_end and number == last) or line[12:16].strip() in _LAST_OXYGENS
            segment, last, is_new = here, number, False
            groups[-1].append(place)
    return groups


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
