"""A structure coloured by activation, for other programs: PDB, mmCIF, and scripts for PyMOL and ChimeraX.

Activation stands in the column of B-factors, 100 = full colour, so any viewer can show it. Residues keep the numbers of
the sequence (UniProt's) where each has one, so that a selection means the same residue everywhere.

Read `Coloured`, then `archive`.
"""

import io
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import gemmi
import numpy as np
from jaxtyping import Float

from explorer.draw.downloads import coloured_pdb, table_csv
from protsae import palette

STAMP = (1980, 1, 1, 0, 0, 0)
"""Of every file in an archive, so that equal content gives equal bytes."""


class Coloured(NamedTuple):
    """A structure, and the activation of one feature on it."""

    name: str
    """Of the files, without ending: letters, digits, '.', '_' and '-' only."""
    pdb: str
    """Chain A counts its residues 1, 2, 3, ...; other chains are ligands."""
    positions: Sequence[int]
    """Place in the sequence of each residue, 1-based; 0 = not in it."""
    values: Float[np.ndarray, " n_residues"]
    """Activation per residue of the sequence."""
    scale: float
    """Activation of full colour."""
    source: str
    """One sentence: what it was made from."""

    def pdb_text(self) -> str:
        """With activation as B-factors, in the sequence's own numbers."""
        remark = f"{self.source}. B-factor: activation, 100 = {self.scale:.4g} and more"
        return renumbered(coloured_pdb(self.pdb, self.positions, self.values, self.scale, remark), self.positions)

    def mmcif_text(self) -> str:
        """The same as mmCIF."""
        structure = gemmi.read_pdb_string(self.pdb_text())
        structure.name = self.name
        structure.setup_entities()
        document = structure.make_mmcif_document()
        block = document.sole_block()
        block.set_pair("_struct.title", gemmi.cif.quote(f"{self.source}. B-factor: 100 = {self.scale:.4g} and more"))
        return document.as_string()

    def active(self) -> list[int]:
        """Residues at half of full colour or more, in the numbers of the files."""
        keeps = numbers_of(self.positions) is not None
        share = np.asarray(self.values, dtype=float) / self.scale if self.scale > 0 else np.zeros(len(self.values))
        return [
            position if keeps else place
            for place, position in enumerate(map(int, self.positions), start=1)
            if position > 0 and share[position - 1] >= 0.5
        ]

    def pymol_script(self) -> str:
        """`@NAME.pml` beside the PDB file."""
        colours = "_".join(f"0x{stop[1:]}" for stop in palette.RAMP["light"])
        chosen = "+".join(map(str, self.active()))
        sticks = [
            f"show sticks, chain A and resi {chosen} and not name N+C+O",
            f"select active, chain A and resi {chosen}",
        ]
        lines = [
            f"# {self.source}", f"load {self.name}.pdb", "hide everything", "show cartoon, chain A",
            "show sticks, chain B", "bg_color white", "color grey70, not chain A",
            f"spectrum b, {colours}, chain A, minimum=0, maximum=100", *(sticks if chosen else []), "deselect",
            "orient",
        ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def chimerax_script(self) -> str:
        """`open NAME.cxc` beside the PDB file."""
        stops = palette.RAMP["light"]
        colours = ":".join(f"{100 * place / (len(stops) - 1):g},{stop}" for place, stop in enumerate(stops))
        chosen = ",".join(map(str, self.active()))
        lines = [
            f"# {self.source}", f"open {self.name}.pdb", "hide atoms", "show cartoons", "set bgColor white",
            f"color byattribute bfactor /A palette {colours}", "show /B atoms", "style /B stick",
            *([f"show /A:{chosen} atoms", f"style /A:{chosen} stick"] if chosen else []), "view",
        ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def residues_csv(self) -> str:
        """One line a residue of the structure: its number in the files, its place in the sequence, activation."""
        keeps = numbers_of(self.positions) is not None
        lines = [
            (position if keeps else place, position or "", f"{self.values[position - 1]:.6g}" if position else "")
            for place, position in enumerate(map(int, self.positions), start=1)
        ]
        return table_csv(["residue_in_file", "position_in_sequence", "activation"], lines)


def numbers_of(positions: Sequence[int]) -> list[int] | None:
    """Numbers that the residues can bear: their places in the sequence, where each has one and they rise."""
    given = [int(position) for position in positions]
    rises = all(one < other for one, other in pairwise(given))
    return given if given and min(given) > 0 and max(given) <= 9999 and rises else None


def renumbered(pdb: str, positions: Sequence[int]) -> str:
    """The text with chain A in the sequence's numbers, as it is where a residue has none."""
    numbers = numbers_of(positions)
    if numbers is None:
        return pdb
    out = []
    for line in pdb.splitlines():
        is_numbered = line.startswith(("ATOM", "HETATM", "TER")) and line[21:22] == "A"
        index = int(line[22:26]) - 1 if is_numbered else -1
        out.append(f"{line[:22]}{numbers[index]:4d}{line[26:]}" if 0 <= index < len(numbers) else line)
    return "\n".join(out) + "\n"


def archive(coloured: Coloured) -> bytes:
    """All forms in one ZIP file, whose scripts open the PDB file beside them."""
    texts = {
        "pdb": coloured.pdb_text(),
        "cif": coloured.mmcif_text(),
        "pml": coloured.pymol_script(),
        "cxc": coloured.chimerax_script(),
        "csv": coloured.residues_csv(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as whole:
        for ending, text in texts.items():
            entry = zipfile.ZipInfo(f"{coloured.name}.{ending}", STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            whole.writestr(entry, text)
    return buffer.getvalue()
