"""Small PDB text of one chain: residues 1, 2, 3, ... as chain A, its ligands as chain B. Gemmi writes.

The columns of the format hold coordinates from -999.999 to 9999.999 angstrom. A structure that leaves them (large
assemblies, simulations in large boxes) is moved as a whole, which changes nothing that is drawn.

Read `pdb_text`.
"""

from collections.abc import Iterable, Sequence

import gemmi
import numpy as np
from jaxtyping import Float

from protsae.structure.residues import alpha_carbon, parent

LOWEST, HIGHEST = -999.0, 9_999.0
"""Angstrom that the format's columns hold, rounded inwards."""


def pdb_text(
    residues: Sequence[gemmi.Residue],
    ligands: Sequence[gemmi.Residue],
    names: Sequence[str],
    b_factors: Sequence[float] | None = None,
) -> str:
    """The text; atoms without coordinates are left out.

    Args:
        residues: of the protein, in order; each has a C-alpha with coordinates.
        ligands: written whole.
        names: of the residues' atoms to keep, in the order to write them.
        b_factors: one per residue; 0 where none are given.
    """
    protein, others = gemmi.Chain("A"), gemmi.Chain("B")
    for number, residue in enumerate(residues, start=1):
        name = parent(residue.name)
        is_standard = gemmi.find_tabulated_residue(name).is_standard()
        b_factor = 0.0 if b_factors is None else float(b_factors[number - 1])
        found = [atom for wanted in names if (atom := _atom(residue, wanted)) is not None]
        copy = _residue(name if is_standard else "UNK", number, "A")
        for atom in found:
            copy.add_atom(_copy(atom, "C" if atom.name == "CA" else atom.element.name, b_factor))
        protein.add_residue(copy)
    for number, ligand in enumerate(ligands, start=1):
        copy = _residue(ligand.name[:3], number, "H")
        for atom in ligand:
            if np.isfinite(atom.pos.tolist()).all():
                copy.add_atom(_copy(atom, atom.element.name, 0.0))
        others.add_residue(copy)
    return written([protein, others])


def written(chains: Iterable[gemmi.Chain], *, end: bool = True) -> str:
    """Chains as PDB text, moved as a whole where they would leave the format's columns.

    Args:
        chains: whose atoms all have coordinates.
        end: put an END record behind them.
    """
    model = gemmi.Model(1)
    for chain in chains:
        model.add_chain(chain)
    atoms = [atom for chain in model for residue in chain for atom in residue]
    shift = into_columns(np.array([atom.pos.tolist() for atom in atoms]).reshape(-1, 3))
    if shift.any():
        for atom in atoms:
            atom.pos = gemmi.Position(*(np.array(atom.pos.tolist()) + shift))
    structure = gemmi.Structure()
    structure.add_model(model)
    options = gemmi.PdbWriteOptions(minimal=True, cryst1_record=False, ter_records=False, end_record=end)
    return structure.make_pdb_string(options)


def into_columns(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "3"]:
    """What to add to points so that the format's columns hold them; 0 along an axis where they already do."""
    if not len(points):
        return np.zeros(3)
    low, high = points.min(axis=0), points.max(axis=0)
    centred = np.maximum(-(low + high) / 2, LOWEST - low)
    return np.where((low >= LOWEST) & (high <= HIGHEST), 0.0, np.round(centred, 3))


def _atom(residue: gemmi.Residue, name: str) -> gemmi.Atom | None:
    if name == "CA":
        return alpha_carbon(residue)
    found = next((atom for atom in residue if atom.name == name), None)
    return found if found is not None and np.isfinite(found.pos.tolist()).all() else None


def _residue(name: str, number: int, het_flag: str) -> gemmi.Residue:
    residue = gemmi.Residue()
    residue.name, residue.seqid, residue.het_flag = name, gemmi.SeqId(number, " "), het_flag
    return residue


def _copy(atom: gemmi.Atom, element: str, b_factor: float) -> gemmi.Atom:
    copy = gemmi.Atom()
    copy.name, copy.element, copy.pos = atom.name, gemmi.Element(element), atom.pos
    copy.occ, copy.b_iso = 1.0, b_factor
    return copy
