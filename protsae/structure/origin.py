"""Where a structure comes from, experiment or prediction, and what its caption says.

A file says it in its header (PDB id, method, title, software), by its name (AF-P12345-F1-model_v4), or not at all. Then
the numbers in the column of B-factors decide: predictors write there the confidence pLDDT, the same for all atoms of a
residue, 0 to 100 or 0 to 1; B-factors differ between the atoms of a residue, and none is below 1 everywhere. Where
nothing decides it is a file, and called by its name.

The verdict travels with the structure as a REMARK at the head of its PDB text. Read `origin_of`, then `caption`.

Source: pLDDT: Jumper et al. 2021 (doi:10.1038/s41586-021-03819-2).
"""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Literal, NamedTuple

import gemmi
import numpy as np

from protsae.structure.residues import alpha_carbon

Kind = Literal["pdb", "alphafold", "predicted", "file"]

CONFIDENT = 70
"""pLDDT from which on a predicted backbone is taken for right."""

GUESSED = 50
"""pLDDT below which where a residue lies says nothing; often it is disordered."""

_PDB_ID = re.compile(r"[1-9][A-Za-z0-9]{3}|pdb_[0-9a-f]{5}[a-z0-9]{3}", re.IGNORECASE)
_ALPHAFOLD = re.compile(r"ALPHAFOLD|(?:^|[^A-Z0-9])AF-[A-Z0-9]+-F\d+", re.IGNORECASE)
_PREDICTORS = re.compile(
    r"ESM-?FOLD|COLABFOLD|OPENFOLD|OMEGAFOLD|ROSE?TTAFOLD|BOLTZ|CHAI-?\d|PROTENIX|RGN2|HELIXFOLD", re.IGNORECASE
)
_PREDICTED = re.compile(r"\bPREDICT(?:ED|ION)\b|THEORETICAL MODEL|SWISS-MODEL|\bMODELLER\b", re.IGNORECASE)
_REMARK = re.compile(
    r"^REMARK +1 (?P<what>ALPHAFOLD|PREDICTED) MODEL(?:, MEAN PLDDT (?P<plddt>[\d.]+))?\s*$", re.MULTILINE
)
_WORDS = {"alphafold": "AlphaFold model ", "predicted": "predicted model "}


class Origin(NamedTuple):
    """Where a structure comes from."""

    kind: Kind
    """pdb: an entry of the Protein Data Bank; file: nothing says it."""

    plddt: np.ndarray | None
    """[n_residues] confidence, 0 to 100; None where there is none."""

    def remark(self) -> str:
        """A line of PDB text that `caption` understands; '' for an entry of the PDB and for a mere file."""
        if self.kind not in _WORDS:
            return ""
        mean = "" if self.plddt is None else f", MEAN PLDDT {self.plddt.mean():.1f}"
        return f"REMARK   1 {self.kind.upper()} MODEL{mean}\n"


def origin_of(
    structure: gemmi.Structure, filename: str, residues: Sequence[gemmi.Residue], known_id: str = ""
) -> Origin:
    """Where a parsed file comes from.

    Args:
        structure: the file.
        filename: its name.
        residues: the modelled residues of the chain that is kept.
        known_id: PDB id that is known from elsewhere.
    """
    facts = dict(structure.info.items())
    method, entry = facts.get("_exptl.method", ""), known_id or facts.get("_entry.id", "").strip()
    is_theory = _PREDICTED.search(method) is not None
    is_measured = not is_theory and bool(method or structure.resolution > 0)
    software = "\n".join([facts.get("_struct.title", ""), method, entry, filename, *_software(structure)])
    text = "" if is_measured else software
    confidence = _as_plddt(residues)
    if is_pdb_id(entry) and not is_theory:
        return Origin("pdb", None)
    if _ALPHAFOLD.search(text) or _PREDICTORS.search(text):
        return Origin("alphafold" if _ALPHAFOLD.search(text) else "predicted", confidence)
    if _PREDICTED.search(text):
        return Origin("predicted", None)
    if is_measured or is_pdb_id(pdb_id(structure, filename)) or not _is_plddt(residues, confidence):
        return Origin("pdb" if is_pdb_id(pdb_id(structure, filename)) else "file", None)
    return Origin("predicted", confidence)


def is_pdb_id(text: str) -> bool:
    """Whether a text is an id of the Protein Data Bank: 1MBN, pdb_00001mbn."""
    return _PDB_ID.fullmatch(text) is not None


def pdb_id(structure: gemmi.Structure, filename: str) -> str:
    """The id in the file's header, else the file's name without its endings."""
    found = dict(structure.info.items()).get("_entry.id", "").strip()
    return found or PurePath(filename).name.split(".")[0]


def caption(name: str, chain: str, resolution: float | None, pdb: str) -> str:
    """What a structure is called: 'PDB 1MBN chain A, 2.0 Å', 'AlphaFold model AF-P12345-F1 chain A, mean pLDDT 91'.

    Args:
        name: PDB id, or what the file is called.
        chain: of the file.
        resolution: angstrom, None where there is none.
        pdb: the kept PDB text, with `Origin.remark` at its head where it is predicted.
    """
    remark = _REMARK.search(pdb, 0, 400)
    if remark is not None:
        confidence = f", mean pLDDT {float(remark['plddt']):.0f}" if remark["plddt"] else ""
        return f"{_WORDS[remark['what'].lower()]}{name} chain {chain}{confidence}"
    if is_pdb_id(name):
        return f"PDB {name.upper()} chain {chain}" + (f", {resolution:.1f} Å" if resolution else "")
    return f"{name} chain {chain}" + (f", {resolution:.1f} Å" if resolution else "")


def confidence(pdb: str) -> list[float]:
    """Confidence (pLDDT, 0 to 100) of the 1st, 2nd, ... residue of a kept PDB text; none where it is no prediction."""
    remark = _REMARK.search(pdb, 0, 400)
    if remark is None or not remark["plddt"]:
        return []
    atoms = (line for line in pdb.splitlines() if line.startswith(("ATOM", "HETATM")) and line[12:16] == " CA ")
    return [float(line[60:66]) for line in atoms if line[21] == "A"]


def doubts(pdb: str) -> list[int]:
    """How sure a predicted model is of its 1st, 2nd, ... residue: 0 sure, 1 low, 2 very low; none for an experiment."""
    return [(value < CONFIDENT) + (value < GUESSED) for value in confidence(pdb)]


def _software(structure: gemmi.Structure) -> list[str]:
    return [item.name for item in structure.meta.software]


def _as_plddt(residues: Sequence[gemmi.Residue]) -> np.ndarray | None:
    """[n_residues] what stands in the B-factors of the C-alphas, as 0 to 100; None where it cannot be pLDDT."""
    values = np.array([atom.b_iso for atom in map(alpha_carbon, residues) if atom is not None])
    if not len(values) or not (np.isfinite(values).all() and values.min() >= 0 and 0 < values.max() <= 100):
        return None
    return 100 * values if values.max() <= 1 else values


def _is_plddt(residues: Sequence[gemmi.Residue], plddt: np.ndarray | None) -> bool:
    """Whether the B-factors of a file that says nothing of itself are confidences.

    Simulations write the same round number for every atom, which is none.
    """
    if plddt is None:
        return False
    columns = [np.array([atom.b_iso for atom in residue]) for residue in residues]
    is_even = all(np.ptp(column) < 0.011 for column in columns)
    is_fraction = max(float(column.max()) for column in columns) <= 1 and float(plddt.min()) < 100
    has_atoms = min(map(len, columns)) > 1
    return is_even and (is_fraction or (has_atoms and float(np.ptp(plddt)) > 1))
