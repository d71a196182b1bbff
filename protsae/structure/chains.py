"""PDB and mmCIF files to protein chains: which residues are modelled, where the chain is broken, what is bound.

Gemmi parses, PDB text once it is mended (`mend.py`). A residue counts as modelled where its C-alpha has coordinates;
one without (a '?', stars, a number that has run out of its columns) is as good as unresolved. Alternatives carry a
letter (altloc), or lie where the residue before them lies; residues of one number that do neither are residues of their
own, whose insertion codes were lost.

Read `parse_structure`, then `protein_chains`.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import gemmi
import numpy as np

from protsae.errors import InputError
from protsae.structure.mend import mended
from protsae.structure.mend_cif import complete_atoms
from protsae.structure.residues import alpha_carbon, letter

MAX_BYTES = 20_000_000
"""Largest structure file that is read, unzipped."""

_OTHERS = {
    "pk\x03\x04": "a ZIP archive",
    "%pdf": "a PDF",
    "<!doctype": "a web page",
    "<html": "a web page",
    "<?xml": "XML",
    "{": "JSON",
}
"""How the content of files begins that people give by mistake, in small letters, and what these are."""

MAX_RESIDUES = 9_999
"""Longest chain that PDB text can number."""

MAX_DISTANCE = 3_000.0
"""Angstrom from the middle of its chain beyond which a residue has no place in PDB text, and in no protein."""

BOND_CA = 4.5
"""Angstrom between C-alphas of neighbouring residues at most; 3.8 in a trans peptide."""

SAME_PLACE = 2.0
"""Angstrom between C-alphas below which two residues of one number are alternatives; neighbours have 2.9 at least."""


class Chain(NamedTuple):
    """The modelled residues of one chain of a file."""

    name: str
    residues: tuple[gemmi.Residue, ...]
    letters: str
    """One-letter codes; a modified residue counts as its parent, X = unknown."""
    is_broken: np.ndarray
    """[n - 1] whether the chain is interrupted behind the 1st, 2nd, ... residue."""
    ligands: tuple[gemmi.Residue, ...]
    full: str
    """One-letter codes of the whole molecule, modelled or not (SEQRES, entity_poly_seq); '' where the file lacks it."""

    @property
    def author_numbers(self) -> tuple[str, ...]:
        """The file's own residue numbers, insertion codes included."""
        return tuple(str(residue.seqid).strip() for residue in self.residues)


def parse_structure(data: bytes, filename: str) -> gemmi.Structure:
    """A PDB or mmCIF file's content as gemmi's structure, alternative conformations removed.

    Raises:
        InputError: the file is too large, damaged, or neither PDB nor mmCIF.
    """
    # Columns count bytes, so that letters of several bytes would move what stands behind them.
    text = _text(_unzipped(data, filename)).encode("ascii", "replace").decode("ascii")
    _refuse_others(text, filename)
    is_cif = re.search(r"^data_\S*", text, re.MULTILINE) is not None and "_atom_site." in text
    try:
        structure = _read_cif(text) if is_cif else _read_pdb(text)
    except (RuntimeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0][:120]
        raise InputError(
            f"{filename!r} cannot be read as PDB or mmCIF ({reason}); give a structure file of the PDB"
        ) from error
    if len(structure) == 0 or structure[0].count_atom_sites() == 0:
        raise InputError(
            f"{filename!r} holds no atoms with coordinates, or is neither PDB nor mmCIF; give a file of the PDB"
        )
    structure.setup_entities()
    for chain in structure[0]:
        for residue in chain:
            _drop_alternatives(residue)
    return structure


def protein_chains(structure: gemmi.Structure, filename: str) -> list[Chain]:
    """The protein chains of the first model, in the file's order.

    Raises:
        InputError: there is none, or one is too long.
    """
    chains = [chain for one in structure[0] if (chain := _chain(one, _full_sequence(structure, one))).residues]
    if not chains:
        raise InputError(
            f"{filename!r} holds no protein chain (no residue with a C-alpha atom that has coordinates); "
            "give a protein's structure"
        )
    longest = max(len(chain.residues) for chain in chains)
    if longest > MAX_RESIDUES:
        raise InputError(
            f"{filename!r} has a chain of {longest:,} residues, more than {MAX_RESIDUES:,}; give a part of it"
        )
    return chains


def _chain(chain: gemmi.Chain, full: str) -> Chain:
    candidates: list[gemmi.Residue] = []
    ligands: list[gemmi.Residue] = []
    for residue in _separate(chain):
        if _place(residue) is None:
            ligands.append(residue)
        elif not (candidates and _is_alternative(residue, candidates[-1])):
            candidates.append(residue)
    candidates = _near_the_middle(candidates)
    near = _gaps(candidates) <= BOND_CA
    linked = np.concatenate([[False], near]) | np.concatenate([near, [False]]) if candidates else near
    residues, free = [], []
    for residue, is_linked in zip(candidates, linked, strict=True):
        (residues if is_linked or residue.het_flag != "H" else free).append(residue)
    letters = "".join(letter(residue.name) for residue in residues)
    kept = tuple(residue for residue in (*ligands, *free) if residue.het_flag == "H" and not residue.is_water())
    return Chain(chain.name, tuple(residues), letters, _gaps(residues) > BOND_CA, kept, full)


def _separate(chain: gemmi.Chain) -> Iterator[gemmi.Residue]:
    """A chain's residues; what gemmi has joined because number and name are the same comes apart again.

    An atom's name that comes a second time, without a letter for an alternative, begins the next residue.
    """
    for residue in chain:
        names = [atom.name for atom in residue]
        if len(set(names)) == len(names):
            yield residue
            continue
        part: list[gemmi.Atom] = []
        for atom in residue:
            if any(atom.name == other.name for other in part):
                yield _part_of(residue, part)
                part = []
            part.append(atom)
        yield _part_of(residue, part)


def _part_of(residue: gemmi.Residue, atoms: Sequence[gemmi.Atom]) -> gemmi.Residue:
    part = gemmi.Residue()
    part.name, part.seqid, part.het_flag = residue.name, residue.seqid, residue.het_flag
    for atom in atoms:
        part.add_atom(atom)
    return part


def _is_alternative(residue: gemmi.Residue, before: gemmi.Residue) -> bool:
    if residue.seqid != before.seqid:
        return False
    carbon = alpha_carbon(residue)
    has_letter = carbon is not None and carbon.has_altloc()
    return has_letter or bool(_gaps([before, residue])[0] < SAME_PLACE)


def _near_the_middle(residues: Sequence[gemmi.Residue]) -> list[gemmi.Residue]:
    places = _places(residues)
    far = np.linalg.norm(places - np.median(places, axis=0), axis=1) > MAX_DISTANCE if len(places) else places
    return [residue for residue, is_far in zip(residues, far, strict=True) if not is_far]


def _drop_alternatives(residue: gemmi.Residue) -> None:
    """Keep the first conformation of every atom. Gemmi's own function also drops ligands numbered as a residue is."""
    names = [atom.name for atom in residue]
    for index in range(len(names) - 1, -1, -1):
        if residue[index].has_altloc() and names[index] in names[:index]:
            del residue[index]


def _full_sequence(structure: gemmi.Structure, chain: gemmi.Chain) -> str:
    entity = structure.get_entity_of(chain.get_polymer())
    if entity is None:
        return ""
    return "".join(letter(gemmi.Entity.first_mon(name)) for name in entity.full_sequence)


def _gaps(residues: Sequence[gemmi.Residue]) -> np.ndarray:
    """[n - 1] angstrom between the C-alphas of one residue and the next."""
    return np.linalg.norm(np.diff(_places(residues), axis=0), axis=1)


def _places(residues: Sequence[gemmi.Residue]) -> np.ndarray:
    """[n, 3] angstrom of the C-alphas."""
    places = [place for place in map(_place, residues) if place is not None]
    assert len(places) == len(residues), "only residues with a C-alpha are candidates"
    return np.array(places).reshape(-1, 3)


def _place(residue: gemmi.Residue) -> np.ndarray | None:
    """[3] angstrom of the C-alpha; None where there is none, or it has no coordinates."""
    carbon = alpha_carbon(residue)
    place = None if carbon is None else np.array(carbon.pos.tolist())
    return place if place is not None and np.isfinite(place).all() else None


def _read_cif(text: str) -> gemmi.Structure:
    block = gemmi.cif.read_string(text)[0]
    complete_atoms(block)
    return gemmi.make_structure_from_block(block)


def _read_pdb(text: str) -> gemmi.Structure:
    text = mended(text)
    try:
        return gemmi.read_pdb_string(text)
    except (RuntimeError, ValueError):
        # Before 1996 the last eight columns held an id and a line number, where elements and charges stand today.
        return gemmi.read_pdb_string(text, max_line_length=72)


def _text(data: bytes) -> str:
    """The file's text, each byte a letter; a byte order mark is left out."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def _refuse_others(text: str, filename: str) -> None:
    """One sentence on a file of another kind.

    Raises:
        InputError: it is one.
    """
    start = text.lstrip()[:9].lower()
    kind = next((kind for mark, kind in _OTHERS.items() if start.startswith(mark)), "")
    kind = kind or ("no text: it holds NUL bytes" if "\x00" in text else "")
    if kind:
        raise InputError(f"{filename!r} is {kind}; give a PDB or mmCIF file, plain or gzipped (.gz)")


def _unzipped(data: bytes, filename: str) -> bytes:
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as handle:
                data = handle.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{filename!r} is damaged: its gzip data ends early or is corrupt; download it again"
            ) from error
    if len(data) > MAX_BYTES:
        raise InputError(
            f"{filename!r} is larger than {MAX_BYTES // 1_000_000} MB; give a file with the one chain only"
        )
    return data
