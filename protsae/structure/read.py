"""Experimental and predicted structures: PDB or mmCIF in, one chain on one sequence out.

Gemmi parses. Of a chain every residue with a C-alpha atom counts as modelled; its place in the sequence comes from an
alignment (`align.py`), never from the file's own numbers, which follow other conventions. What is kept is
written anew as small PDB text: residues renumbered 1, 2, 3, ... as chain A, ligands as chain B.

Read `read_uploaded_structure`, then `place`.
"""

import gzip
import io
import re
import zlib
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

import gemmi
import numpy as np

from protsae.errors import InputError
from protsae.structure.align import ResidueMap, align_residues

MAX_BYTES = 20_000_000
"""Largest structure file that is read, unzipped."""

MAX_RESIDUES = 9_999
"""Longest chain that PDB text can number."""

MIN_IDENTITY = 0.3
"""Below this share of equal letters a chain is taken for another protein's."""

MAX_CHANCE = 1e-5
"""Above this expected number of equally good chance matches a chain is taken for another protein's."""

BOND_CA = 4.5
"""Angstrom between C-alphas of neighbouring residues at most; 3.8 in a trans peptide."""

BACKBONE = ("N", "CA", "C", "O")


class Chain(NamedTuple):
    """The modelled residues of one chain of a file."""

    name: str
    residues: tuple[gemmi.Residue, ...]
    letters: str
    """One-letter codes; a modified residue counts as its parent, X = unknown."""
    is_broken: np.ndarray
    """[n - 1] whether the chain is interrupted behind the 1st, 2nd, ... residue."""
    ligands: tuple[gemmi.Residue, ...]

    @property
    def author_numbers(self) -> tuple[str, ...]:
        """The file's own residue numbers, insertion codes included."""
        return tuple(str(residue.seqid).strip() for residue in self.residues)


class PlacedStructure(NamedTuple):
    """A chain on a sequence. Like the store's `structure`, with the sequence that it was placed on."""

    pdb_id: str
    chain: str
    atoms: str
    """full (backbone) | ca"""
    resolution: float | None
    """Angstrom; None where the method has none."""
    identity: float
    coverage: float
    positions: np.ndarray
    """Position of the 1st, 2nd, ... modelled residue, from 1; 0 = not in the sequence."""
    author_numbers: tuple[str, ...]
    pdb: str
    sequence: str


def read_uploaded_structure(data: bytes, filename: str, sequence: str | None = None) -> PlacedStructure:
    """A user's structure file, its best-fitting chain placed on the sequence.

    Args:
        data: content of a PDB or mmCIF file, gzipped or not.
        filename: quoted in errors; stands in where the file names no PDB id.
        sequence: one-letter code; None takes the sequence of the longest chain's modelled residues.

    Raises:
        InputError: the file is too large, no structure, without a protein chain, or another protein's.
    """
    structure = parse_structure(data, filename)
    chains = protein_chains(structure, filename)
    if sequence is None:
        chain = max(chains, key=lambda one: len(one.letters))
        everything = np.arange(len(chain.letters))
        return _placed(structure, filename, chain, ResidueMap(everything, 1.0, 1.0, 0.0), chain.letters)
    return place(structure, chains, sequence, filename)


def place(structure: gemmi.Structure, chains: Sequence[Chain], sequence: str, filename: str) -> PlacedStructure:
    """Choose the chain that fits the sequence best and place it there.

    Raises:
        InputError: no chain is of this protein.
    """
    maps: dict[tuple[str, bytes], ResidueMap] = {}
    for chain in chains:
        if _key(chain) not in maps:
            maps[_key(chain)] = align_residues(chain.letters, sequence, chain.is_broken)
    best = max(chains, key=lambda chain: maps[_key(chain)].identity * maps[_key(chain)].n_aligned)
    found = maps[_key(best)]
    if found.identity < MIN_IDENTITY or found.chance > MAX_CHANCE:
        msg = (
            f"{filename!r} is another protein's structure: chain {best.name} is {100 * found.identity:.0f} % identical "
            f"over {found.n_aligned} aligned residues; give a structure of this sequence"
        )
        raise InputError(msg)
    return _placed(structure, filename, best, found, sequence)


def parse_structure(data: bytes, filename: str) -> gemmi.Structure:
    """A PDB or mmCIF file's content as gemmi's structure, alternative conformations removed.

    Raises:
        InputError: the file is too large, damaged, or neither PDB nor mmCIF.
    """
    text = _unzipped(data, filename).decode("latin-1")
    is_cif = re.search(r"^data_\S*", text, re.MULTILINE) is not None and "_atom_site." in text
    try:
        structure = _read_cif(text) if is_cif else _read_pdb(text)
    except (RuntimeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0][:120]
        msg = f"{filename!r} cannot be read as PDB or mmCIF ({reason}); give a structure file of the PDB"
        raise InputError(msg) from error
    if len(structure) == 0 or structure[0].count_atom_sites() == 0:
        msg = f"{filename!r} holds no atoms: it is neither PDB nor mmCIF; give a structure file of the PDB"
        raise InputError(msg)
    _drop_alternatives(structure)
    return structure


def protein_chains(structure: gemmi.Structure, filename: str) -> list[Chain]:
    """The protein chains of the first model, in the file's order.

    Raises:
        InputError: there is none, or one is too long.
    """
    chains = [chain for chain in map(_chain, structure[0]) if chain.residues]
    if not chains:
        msg = f"{filename!r} holds no protein chain (no residue with a C-alpha atom); give a protein's structure"
        raise InputError(msg)
    longest = max(len(chain.residues) for chain in chains)
    if longest > MAX_RESIDUES:
        msg = f"{filename!r} has a chain of {longest:,} residues, more than {MAX_RESIDUES:,}; give a part of it"
        raise InputError(msg)
    return chains


def _key(chain: Chain) -> tuple[str, bytes]:
    """Equal for chains that lie alike on every sequence; large assemblies repeat theirs dozens of times."""
    return chain.letters, chain.is_broken.tobytes()


def _placed(
    structure: gemmi.Structure, filename: str, chain: Chain, found: ResidueMap, sequence: str
) -> PlacedStructure:
    has_backbone = sum(residue.find_atom("N", "*") is not None for residue in chain.residues)
    atoms = BACKBONE if 2 * has_backbone >= len(chain.residues) else ("CA",)
    return PlacedStructure(
        pdb_id=_pdb_id(structure, filename),
        chain=chain.name,
        atoms="full" if len(atoms) > 1 else "ca",
        resolution=round(structure.resolution, 3) if structure.resolution > 0 else None,
        identity=found.identity,
        coverage=found.coverage,
        positions=found.positions + 1,
        author_numbers=chain.author_numbers,
        pdb=_pdb_text(chain, atoms),
        sequence=sequence,
    )


def _chain(chain: gemmi.Chain) -> Chain:
    candidates: list[gemmi.Residue] = []
    ligands: list[gemmi.Residue] = []
    for residue in chain:
        if candidates and candidates[-1].seqid == residue.seqid:
            continue
        (candidates if _alpha_carbon(residue) is not None else ligands).append(residue)
    near = _gaps(candidates) <= BOND_CA
    linked = np.concatenate([[False], near]) | np.concatenate([near, [False]]) if candidates else near
    residues, free = [], []
    for residue, is_linked in zip(candidates, linked, strict=True):
        (residues if is_linked or residue.het_flag != "H" else free).append(residue)
    letters = "".join(_letter(residue) for residue in residues)
    kept = tuple(residue for residue in (*ligands, *free) if residue.het_flag == "H" and not residue.is_water())
    return Chain(chain.name, tuple(residues), letters, _gaps(residues) > BOND_CA, kept)


def _drop_alternatives(structure: gemmi.Structure) -> None:
    """Keep the first conformation of every atom. Gemmi's own function also drops ligands numbered as a residue is."""
    for chain in structure[0]:
        for residue in chain:
            names = [atom.name for atom in residue]
            for index in range(len(names) - 1, -1, -1):
                if residue[index].has_altloc() and names[index] in names[:index]:
                    del residue[index]


def _gaps(residues: Sequence[gemmi.Residue]) -> np.ndarray:
    """[n - 1] angstrom between the C-alphas of one residue and the next."""
    carbons = [carbon for carbon in map(_alpha_carbon, residues) if carbon is not None]
    assert len(carbons) == len(residues), "only residues with a C-alpha are candidates"  # noqa: S101 - ours
    places = np.array([carbon.pos.tolist() for carbon in carbons]).reshape(-1, 3)
    return np.linalg.norm(np.diff(places, axis=0), axis=1)


def _alpha_carbon(residue: gemmi.Residue) -> gemmi.Atom | None:
    return next((atom for atom in residue if atom.name == "CA" and atom.element.name == "C"), None)


def _letter(residue: gemmi.Residue) -> str:
    code = gemmi.find_tabulated_residue(residue.name).one_letter_code.upper()
    return code if code.strip() else "X"


def _pdb_text(chain: Chain, atoms: Sequence[str]) -> str:
    lines: list[str] = []
    for number, residue in enumerate(chain.residues, start=1):
        found = {atom.name: atom for atom in residue if atom.name in atoms and atom.element.name != "Ca"}
        name = residue.name if gemmi.find_tabulated_residue(residue.name).is_standard() else "UNK"
        lines += [_pdb_line("ATOM", len(lines) + 1, found[a], name, ("A", number)) for a in atoms if a in found]
    lines.append("TER")
    for number, ligand in enumerate(chain.ligands, start=1):
        place = ("B", number)
        lines += [_pdb_line("HETATM", len(lines) + k, a, ligand.name, place) for k, a in enumerate(ligand, start=1)]
    return "\n".join([*lines, "END", ""])


def _pdb_line(record: str, serial: int, atom: gemmi.Atom, residue: str, place: tuple[str, int]) -> str:
    name = atom.name if len(atom.element.name) > 1 or len(atom.name) > 3 else f" {atom.name}"
    chain, number = place
    xyz = "".join(f"{value:8.3f}" for value in atom.pos.tolist())
    return (
        f"{record:<6s}{serial % 100_000:5d} {name:<4.4s} {residue:>3.3s} {chain}{number % 10_000:4d}    {xyz}"
        f"  1.00  0.00          {atom.element.name.upper():>2s}"
    )


def _pdb_id(structure: gemmi.Structure, filename: str) -> str:
    found = dict(structure.info.items()).get("_entry.id", "").strip()
    return found or PurePath(filename).name.split(".")[0]


def _read_cif(text: str) -> gemmi.Structure:
    document = gemmi.cif.read_string(text)
    return gemmi.make_structure_from_block(document[0])


def _read_pdb(text: str) -> gemmi.Structure:
    try:
        return gemmi.read_pdb_string(text)
    except (RuntimeError, ValueError):
        # Before 1996 the last eight columns held an id and a line number, where elements and charges stand today.
        return gemmi.read_pdb_string(text, max_line_length=72)


def _unzipped(data: bytes, filename: str) -> bytes:
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as handle:
                data = handle.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"{filename!r} is damaged: its gzip data ends early or is corrupt; download it again"
            raise InputError(msg) from error
    if len(data) > MAX_BYTES:
        msg = f"{filename!r} is larger than {MAX_BYTES // 1_000_000} MB; give a file with the one chain only"
        raise InputError(msg)
    return data
