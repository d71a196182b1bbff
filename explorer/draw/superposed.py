"""Chains in one frame, as text: for the browser, and as a file with a MODEL each. Read `moved`, then `models`."""

from collections.abc import Sequence
from typing import NamedTuple

import gemmi
import numpy as np
from jaxtyping import Float, Int

from protsae.structure.write import into_columns


class Model(NamedTuple):
    """One chain of a file."""

    pdb: str
    """Its text as stored; chain A is the protein."""
    positions: Int[np.ndarray, " n_residues"]
    """Place in the sequence of each modelled residue, its number in the file; 0 = not in it, left out."""
    share: Float[np.ndarray, " n_residues"]
    """Share of full colour of each, 0 to 1; 100 times that is the file's B factor."""
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    remark: str


def moved(text: str, rotation: Float[np.ndarray, "3 3"], translation: Float[np.ndarray, "3"]) -> str:
    """Chain A of PDB text, its atoms at `rotation @ p + translation`; what else the text says of it stays."""
    out = []
    for line in text.splitlines():
        if not line.startswith(("ATOM", "HETATM")):
            out.append(line)
        elif line[21] == "A":
            place = np.array([float(line[i : i + 8]) for i in (30, 38, 46)]) @ rotation.T + translation
            out.append(f"{line[:30]}{place[0]:8.3f}{place[1]:8.3f}{place[2]:8.3f}{line[54:]}")
    return "\n".join(out) + "\n"


def models(chains: Sequence[Model], title: Sequence[str]) -> str:
    """One PDB file with a MODEL for every chain, residues numbered as in their sequences.

    Args:
        chains: the first of them lies where its own entry has it.
        title: lines about the whole file.
    """
    structure, points = gemmi.Structure(), []
    for number, chain in enumerate(chains, start=1):
        model = gemmi.Model(number)
        model.add_chain(_protein(chain))
        points += [atom.pos.tolist() for residue in model[0] for atom in residue]
        structure.add_model(model)
    shift = into_columns(np.array(points).reshape(-1, 3))
    for model in structure:
        for residue in model[0]:
            for atom in residue:
                atom.pos = gemmi.Position(*(np.array(atom.pos.tolist()) + shift))
    notes = [*title, *(f"MODEL {number}: {chain.remark}" for number, chain in enumerate(chains, start=1))]
    remarks = "".join(f"REMARK   1 {line}"[:80] + "\n" for note in notes for line in _lines(note))
    options = gemmi.PdbWriteOptions(minimal=True, cryst1_record=False, ter_records=True, end_record=True)
    return remarks + structure.make_pdb_string(options)


def _protein(chain: Model) -> gemmi.Chain:
    """Chain A in the common frame, with the sequence's numbers."""
    found = gemmi.Chain("A")
    stored = next((one for one in gemmi.read_pdb_string(chain.pdb)[0] if one.name == "A"), gemmi.Chain("A"))
    for residue, position, share in zip(stored, chain.positions.tolist(), chain.share.tolist(), strict=False):
        if position > 0:
            copy = residue.clone()
            copy.seqid, copy.het_flag = gemmi.SeqId(position, " "), "A"
            for atom in copy:
                atom.pos = gemmi.Position(*(chain.rotation @ np.array(atom.pos.tolist()) + chain.translation))
                atom.b_iso = 100 * share
            found.add_residue(copy)
    return found


def _lines(text: str, width: int = 68) -> list[str]:
    words = text.encode("ascii", "replace").decode().split()
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
