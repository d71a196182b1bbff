"""What a residue is called by the PDB, and by programs that simulate: names, letters, C-alpha atoms.

Molecular dynamics programs name a residue by its protonation or bond (AMBER's HIE, CYX, ASH; CHARMM's HSD), some in
four letters (GROMACS' HISE; AMBER's NALA and CVAL at the ends of a chain), which in a PDB file reach into the column
before the chain's name. Each stands for one of the twenty.

Read `letter`, then `alpha_carbon`.

Source: residue libraries of AMBER, CHARMM36 and GROMACS; the PDB's chemical components as gemmi tabulates them.
"""

import re
from collections.abc import Mapping

import gemmi

from protsae.sequences import THREE_LETTERS

STANDARD: Mapping[str, str] = {name: one for name, one in THREE_LETTERS.items() if one in "ARNDCQEGHILKMFPSTWYV"}

_VARIANTS: Mapping[str, tuple[str, ...]] = {
    "HIS": ("HID", "HIE", "HIP", "HSD", "HSE", "HSP", "HISD", "HISE", "HISH", "HISP", "HISA", "HISB", "HIS1", "HIS2"),
    "CYS": ("CYX", "CYM", "CYN", "CYSH", "CYSP", "CYS1", "CYS2"),
    "ASP": ("ASH", "ASPH", "ASPP"),
    "GLU": ("GLH", "GLUH", "GLUP"),
    "LYS": ("LYN", "LSN", "LYP", "LYSH", "LYSN", "LYSP"),
    "ARG": ("ARN", "ARGN"),
    "TYR": ("TYM", "TYRN"),
}

PARENTS: Mapping[str, str] = {variant: name for name, variants in _VARIANTS.items() for variant in variants}
"""A simulation's name -> the standard residue."""

_END = re.compile(r"[NC](?P<name>[A-Z]{3})")


def parent(name: str) -> str:
    """The standard residue that a simulation's name stands for; any other name as it is."""
    if len(name) == 4 and (end := _END.fullmatch(name)) and (end["name"] in STANDARD or end["name"] in PARENTS):
        name = end["name"]
    return PARENTS.get(name, name)


def letter(residue_name: str) -> str:
    """One-letter code; a modified residue counts as its parent, X = unknown."""
    code = gemmi.find_tabulated_residue(parent(residue_name)).one_letter_code.upper()
    return code if code.strip() else "X"


def alpha_carbon(residue: gemmi.Residue) -> gemmi.Atom | None:
    """The C-alpha atom, None where the residue has none.

    Without a column of elements an atom name that begins in the first of its columns reads as calcium; so the element
    counts only where the rest of the residue does not show that it is an amino acid.
    """
    is_amino_acid = parent(residue.name) in STANDARD or {"N", "C"} <= {atom.name for atom in residue}
    return next((atom for atom in residue if atom.name == "CA" and (is_amino_acid or atom.element.name == "C")), None)
